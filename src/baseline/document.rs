//! The baseline's JSON, version 1, as documented in `docs/baseline.md`.
//!
//! Its own types, so that the domain can change without changing the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Approval, ApprovedClient, Baseline, Contents, HeldRole, Holdings};
use crate::domain::{ClientId, ClientState, DivisionId, GrantType, OrgId, RoleId, Timestamp};

const VERSION: u64 = 1;

/// Why a baseline cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// It is not the JSON that we write.
    #[error("{0}")]
    Malformed(String),
    /// Another version of the exporter wrote it.
    #[error("its version is {0}, this exporter reads version {VERSION}")]
    Version(u64),
    /// A value that cannot be.
    #[error("{place}: {problem}")]
    Value {
        /// Which value.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
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
    divisions: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    permissions: Option<BTreeSet<String>>,
}

/// A map in which no key comes twice: of two records after a merge of branches, one would be lost without a word.
fn without_duplicates<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Unique<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object in which no key comes twice")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, T>()? {
                if map.contains_key(&key) {
                    return Err(de::Error::custom(format_args!("{key:?} comes twice")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Unique(PhantomData))
}

pub(super) fn parse(text: &str) -> Result<Baseline, BaselineError> {
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
        return Err(wrong("organisation", "is empty"));
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
        at.parse().map_err(|_| wrong(place, format!("{at:?} is not a time such as 2026-11-21T00:27:41Z")))?;
    for (what, text) in [("by", &by), ("reason", &reason)] {
        if text.trim().is_empty() {
            return Err(wrong(place, format!("`{what}` is empty")));
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
        grant_type.ok_or_else(|| wrong(place, format!("{:?} is not a grant type of ours", saved.grant_type)))?;
    let state = ClientState::ALL.into_iter().find(|state| state.label() == saved.state);
    let state = state.ok_or_else(|| wrong(place, format!("{:?} is not a state of ours", saved.state)))?;
    let mut roles = BTreeMap::new();
    for (id, saved) in saved.roles {
        let contents = contents(&format!("{place}, role {id:?}"), saved.fingerprint, saved.permissions, known)?;
        let divisions = saved.divisions.into_iter().map(DivisionId::new).collect();
        roles.insert(RoleId::new(id), HeldRole { divisions, contents });
    }
    let SavedClient { token_validity, scopes, redirect_uris, .. } = saved;
    Ok(ApprovedClient {
        approval: approval(place, saved.approved)?,
        holdings: Holdings { grant_type, state, token_validity, scopes, roles, redirect_uris },
        scopes: saved.approved_scopes,
        permissions: saved.approved_permissions,
    })
}

/// Clients with the same role share its contents. A fingerprint that does not fit is a list that somebody edited.
fn contents(
    place: &str,
    fingerprint: Option<String>,
    permissions: Option<BTreeSet<String>>,
    known: &mut BTreeMap<String, Arc<Contents>>,
) -> Result<Option<Arc<Contents>>, BaselineError> {
    let (fingerprint, permissions) = match (fingerprint, permissions) {
        (None, None) => return Ok(None),
        (Some(fingerprint), Some(permissions)) => (fingerprint, permissions),
        _ => return Err(wrong(place, "`fingerprint` and `permissions` stand together or not at all")),
    };
    let contents = Contents::new(permissions);
    if contents.fingerprint != fingerprint {
        let problem =
            "the fingerprint is not that of the permissions; approve the client again instead of editing them";
        return Err(wrong(place, problem));
    }
    Ok(Some(Arc::clone(known.entry(fingerprint).or_insert_with(|| Arc::new(contents)))))
}

pub(super) fn write(baseline: &Baseline) -> String {
    let document = Document {
        version: VERSION,
        organisation: baseline.organisation.to_string(),
        approved: save_approval(&baseline.approval),
        clients: baseline.clients.iter().map(|(id, client)| (id.to_string(), save_client(client))).collect(),
    };
    // Maps with text keys and plain values cannot fail to serialise.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn save_approval(approval: &Approval) -> SavedApproval {
    let at = jiff::Timestamp::from_second(approval.at.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    SavedApproval { at: at.to_string(), by: approval.by.clone(), reason: approval.reason.clone() }
}

fn save_client(client: &ApprovedClient) -> SavedClient {
    let ApprovedClient { approval, holdings, scopes: approved_scopes, permissions: approved_permissions } = client;
    let Holdings { grant_type, state, token_validity, scopes, roles, redirect_uris } = holdings;
    SavedClient {
        approved: save_approval(approval),
        grant_type: grant_type.label().to_owned(),
        state: state.label().to_owned(),
        token_validity: *token_validity,
        scopes: scopes.clone(),
        roles: roles.iter().map(|(id, role)| (id.to_string(), save_role(role))).collect(),
        redirect_uris: redirect_uris.clone(),
        approved_scopes: approved_scopes.clone(),
        approved_permissions: approved_permissions.clone(),
    }
}

fn save_role(role: &HeldRole) -> SavedRole {
    SavedRole {
        divisions: role.divisions.iter().map(ToString::to_string).collect(),
        fingerprint: role.contents.as_ref().map(|contents| contents.fingerprint.clone()),
        permissions: role.contents.as_ref().map(|contents| contents.permissions.clone()),
    }
}
