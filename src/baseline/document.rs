//! The JSON format of the baseline file, version 1, as documented in `docs/baseline.md`.
//!
//! The file has its own types, so that a change of the domain does not change the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Approval, ApprovedClient, Baseline, Contents, HeldRole, Holdings, Names};
use crate::domain::{ClientId, ClientState, DivisionId, GrantType, OrgId, RoleId, Timestamp};
use crate::text::masked_uris;

const VERSION: u64 = 1;

/// Why a baseline file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// The text is not JSON, or has unknown, missing or duplicate keys.
    #[error("{0}")]
    Malformed(String),
    /// The file has another version of the format.
    #[error("the file has version {0}, but this exporter reads version {VERSION}")]
    Version(u64),
    /// A value is invalid.
    #[error("{place}: {problem}")]
    Value {
        /// Where the value is, for example `client "c-1"`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Baseline {
    /// Parses the text of a baseline file. The error says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        parse(text)
    }

    /// The text of the baseline file. The same baseline always has the same text, with one item per line and a newline at the end,
    /// so that differences in version control are small.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    organisation: String,
    approved: SavedApproval,
    #[serde(deserialize_with = "without_duplicates")]
    clients: BTreeMap<String, SavedClient>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedApproval {
    at: String,
    by: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedClient {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    approved: SavedApproval,
    grant_type: String,
    state: String,
    token_validity: u32,
    scopes: BTreeSet<String>,
    #[serde(deserialize_with = "without_duplicates")]
    roles: BTreeMap<String, SavedRole>,
    redirect_uris: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    approved_scopes: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    approved_permissions: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRole {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    divisions: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    division_names: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    permissions: Option<BTreeSet<String>>,
}

/// Reads a map and rejects duplicate keys. A merge of two branches can leave two records of a client, and one of them would be
/// lost silently.
fn without_duplicates<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Unique<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object without duplicate keys")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, T>()? {
                if map.contains_key(&key) {
                    return Err(de::Error::custom(format_args!("the key {key:?} appears twice")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Unique(PhantomData))
}

fn parse(text: &str) -> Result<Baseline, BaselineError> {
    #[derive(Deserialize)]
    struct Head {
        version: u64,
    }
    let malformed = |error: serde_json::Error| BaselineError::Malformed(error.to_string());
    let head: Head = serde_json::from_str(text).map_err(malformed)?;
    if head.version != VERSION {
        return Err(BaselineError::Version(head.version));
    }
    let document: Document = serde_json::from_str(text).map_err(malformed)?;
    if document.organisation.trim().is_empty() {
        return Err(wrong("organisation", "must not be empty"));
    }
    let mut known = BTreeMap::new();
    let mut clients = BTreeMap::new();
    for (id, saved) in document.clients {
        let client = client(&format!("client {id:?}"), saved, &mut known)?;
        clients.insert(ClientId::new(id), client);
    }
    Ok(Baseline {
        organisation: OrgId::new(document.organisation),
        approval: approval("approved", document.approved)?,
        clients,
    })
}

fn wrong(place: &str, problem: impl Into<String>) -> BaselineError {
    BaselineError::Value { place: place.to_owned(), problem: problem.into() }
}

fn approval(place: &str, saved: SavedApproval) -> Result<Approval, BaselineError> {
    let SavedApproval { at, by, reason } = saved;
    let time: jiff::Timestamp =
        at.parse().map_err(|_| wrong(place, format!("{at:?} is not a timestamp such as 2026-11-21T00:27:41Z")))?;
    for (what, text) in [("by", &by), ("reason", &reason)] {
        if text.trim().is_empty() {
            return Err(wrong(place, format!("`{what}` must not be empty")));
        }
    }
    Ok(Approval { at: Timestamp::from_seconds(time.as_second()), by, reason })
}

fn client(
    place: &str,
    saved: SavedClient,
    known: &mut BTreeMap<String, Arc<Contents>>,
) -> Result<ApprovedClient, BaselineError> {
    let grant_type = GrantType::ALL.into_iter().find(|grant_type| grant_type.label() == saved.grant_type);
    let grant_type =
        grant_type.ok_or_else(|| wrong(place, format!("{:?} is not a known grant type", saved.grant_type)))?;
    let state = ClientState::ALL.into_iter().find(|state| state.label() == saved.state);
    let state = state.ok_or_else(|| wrong(place, format!("{:?} is not a known state", saved.state)))?;
    let mut names = Names { client: saved.name, ..Names::default() };
    let mut roles = BTreeMap::new();
    for (id, saved) in saved.roles {
        let contents = contents(&format!("{place}, role {id:?}"), saved.fingerprint, saved.permissions, known)?;
        let divisions = saved.divisions.into_iter().map(DivisionId::new).collect();
        let id = RoleId::new(id);
        names.roles.extend(saved.name.map(|name| (id.clone(), name)));
        names.divisions.extend(saved.division_names.into_iter().map(|(id, name)| (DivisionId::new(id), name)));
        roles.insert(id, HeldRole { divisions, contents });
    }
    let SavedClient { token_validity, scopes, redirect_uris, .. } = saved;
    // Baselines of earlier versions have the secrets that addresses contain. The clients of a snapshot are masked in the same way.
    let redirect_uris = masked_uris(redirect_uris).into_iter().collect();
    Ok(ApprovedClient {
        approval: approval(place, saved.approved)?,
        holdings: Holdings { grant_type, state, token_validity, scopes, roles, redirect_uris },
        scopes: saved.approved_scopes,
        permissions: saved.approved_permissions,
        names,
    })
}

/// Clients with the same role share its contents. If the fingerprint does not match, somebody edited the permissions.
fn contents(
    place: &str,
    fingerprint: Option<String>,
    permissions: Option<BTreeSet<String>>,
    known: &mut BTreeMap<String, Arc<Contents>>,
) -> Result<Option<Arc<Contents>>, BaselineError> {
    let (fingerprint, permissions) = match (fingerprint, permissions) {
        (None, None) => return Ok(None),
        (Some(fingerprint), Some(permissions)) => (fingerprint, permissions),
        _ => return Err(wrong(place, "`fingerprint` and `permissions` must be both present or both absent")),
    };
    let contents = Contents::new(permissions);
    if contents.fingerprint != fingerprint {
        let problem = "the fingerprint does not match the permissions; do not edit them, approve the client again";
        return Err(wrong(place, problem));
    }
    Ok(Some(Arc::clone(known.entry(fingerprint).or_insert_with(|| Arc::new(contents)))))
}

fn write(baseline: &Baseline) -> String {
    let document = Document {
        version: VERSION,
        organisation: baseline.organisation.to_string(),
        approved: save_approval(&baseline.approval),
        clients: baseline.clients.iter().map(|(id, client)| (id.to_string(), save_client(client))).collect(),
    };
    // Serialising maps with string keys and plain values cannot fail.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn save_approval(approval: &Approval) -> SavedApproval {
    let at = jiff::Timestamp::from_second(approval.at.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    SavedApproval { at: at.to_string(), by: approval.by.clone(), reason: approval.reason.clone() }
}

fn save_client(client: &ApprovedClient) -> SavedClient {
    let ApprovedClient { approval, holdings, scopes: approved_scopes, permissions: approved_permissions, names } =
        client;
    let Holdings { grant_type, state, token_validity, scopes, roles, redirect_uris } = holdings;
    SavedClient {
        name: names.client.clone(),
        approved: save_approval(approval),
        grant_type: grant_type.label().to_owned(),
        state: state.label().to_owned(),
        token_validity: *token_validity,
        scopes: scopes.clone(),
        roles: roles.iter().map(|(id, role)| (id.to_string(), save_role(id, role, names))).collect(),
        redirect_uris: redirect_uris.clone(),
        approved_scopes: approved_scopes.clone(),
        approved_permissions: approved_permissions.clone(),
    }
}

fn save_role(id: &RoleId, role: &HeldRole, names: &Names) -> SavedRole {
    let division = |id: &DivisionId| Some((id.to_string(), names.divisions.get(id)?.clone()));
    SavedRole {
        name: names.roles.get(id).cloned(),
        divisions: role.divisions.iter().map(ToString::to_string).collect(),
        division_names: role.divisions.iter().filter_map(division).collect(),
        fingerprint: role.contents.as_ref().map(|contents| contents.fingerprint.clone()),
        permissions: role.contents.as_ref().map(|contents| contents.permissions.clone()),
    }
}
