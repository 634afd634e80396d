//! The state file's JSON, format 1, as documented in `docs/state-file.md`.
//!
//! Its own types, so that the domain can change without changing the file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Saved;
use crate::domain::{
    Client, ClientId, ClientState, Division, DivisionId, GrantType, Input, NotRead, OrgId, Organisation, Permission,
    Role, RoleGrant, RoleId, ScopeTable, Snapshot, Timestamp,
};
use crate::grants::{Grant, GrantKind, Ledger, Memory, Standing, Unread};

pub(super) const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    organisations: BTreeMap<String, SavedOrganisation>,
}

#[derive(Serialize, Deserialize)]
struct SavedOrganisation {
    name: String,
    region: String,
    client_id: String,
    api_host: String,
    taken_at: i64,
    own_client: Option<String>,
    grants: Vec<SavedGrant>,
    /// Clients that were there at the first refresh ever and could not be read since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread_clients: Vec<String>,
    /// Clients with roles that they held at the first refresh ever and of which nobody has known since what they permit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown_roles: Vec<(String, String)>,
    clients: Vec<SavedClient>,
    /// Clients of the list of which no record could be read. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
    /// Roles of the list of which no record could be read. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable_roles: Vec<String>,
    registry: SavedInput<BTreeMap<String, String>>,
    roles: SavedInput<Vec<SavedRole>>,
    divisions: SavedInput<Vec<SavedDivision>>,
    /// Absent in files of before there was such an input.
    #[serde(default = "never_read")]
    permissions: SavedInput<BTreeSet<String>>,
}

#[derive(Serialize, Deserialize)]
struct SavedGrant {
    client: String,
    #[serde(flatten)]
    power: SavedPower,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<i64>,
    #[serde(default, skip_serializing_if = "SavedStanding::is_settled")]
    standing: SavedStanding,
    #[serde(default, skip_serializing_if = "is_zero")]
    missed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone_since: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SavedPower {
    Scope { scope: String },
    Permission { permission: String, pattern: String },
}

#[derive(Serialize, Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum SavedStanding {
    Unapproved,
    Exempt,
    #[default]
    Settled,
}

impl SavedStanding {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_settled(&self) -> bool {
        *self == Self::Settled
    }
}

impl From<Standing> for SavedStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Unapproved => Self::Unapproved,
            Standing::Exempt => Self::Exempt,
            Standing::Settled => Self::Settled,
        }
    }
}

impl From<SavedStanding> for Standing {
    fn from(standing: SavedStanding) -> Self {
        match standing {
            SavedStanding::Unapproved => Self::Unapproved,
            SavedStanding::Exempt => Self::Exempt,
            SavedStanding::Settled => Self::Settled,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SavedClient {
    id: String,
    name: String,
    description: Option<String>,
    grant_type: String,
    /// What the grant type was taken for, where the platform did not spell it. Older files have none.
    #[serde(default)]
    taken_for: Option<String>,
    state: String,
    scopes: Vec<String>,
    roles: Vec<(String, Option<String>)>,
    redirect_uris: Vec<String>,
    token_validity: Option<u32>,
    created: Option<i64>,
    modified: Option<i64>,
    created_by: Option<String>,
    modified_by: Option<String>,
    deletion: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedInput<T> {
    Read(T),
    NotRead { missing_permission: Option<String>, message: String },
}

fn never_read<T>() -> SavedInput<T> {
    SavedInput::NotRead { missing_permission: None, message: "it has not been read yet".to_owned() }
}

#[derive(Serialize, Deserialize)]
struct SavedRole {
    id: String,
    name: String,
    default_role: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_default: bool,
    general: Vec<String>,
    /// Domain, entity, action, and whether it is conditional.
    permissions: Vec<(String, String, String, bool)>,
}

#[derive(Serialize, Deserialize)]
struct SavedDivision {
    id: String,
    name: String,
    home: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(super) fn encode(organisations: &BTreeMap<OrgId, Saved>) -> Vec<u8> {
    let organisations =
        organisations.iter().map(|(id, saved)| (id.as_str().to_owned(), SavedOrganisation::from(saved))).collect();
    // Maps with text keys and plain values cannot fail to serialise; were they to, an empty file is set aside at the next start.
    serde_json::to_vec(&Document { format: FORMAT, organisations }).unwrap_or_default()
}

pub(super) fn decode(bytes: &[u8]) -> Result<BTreeMap<OrgId, Saved>, String> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let place = |error: &serde_json::Error| format!("line {}, column {}", error.line(), error.column());
    let head: Head = serde_json::from_slice(bytes).map_err(|error| place(&error))?;
    if head.format != FORMAT {
        return Err(format!("its format is {}, this version reads {FORMAT}", head.format));
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|error| place(&error))?;
    Ok(document.organisations.into_iter().map(|(id, saved)| (OrgId::new(id.as_str()), saved.into_saved(&id))).collect())
}

impl From<&Saved> for SavedOrganisation {
    fn from(saved: &Saved) -> Self {
        let snapshot = &*saved.snapshot;
        let grants = saved.ledger.entries().map(|(grant, memory)| {
            let (first_seen, standing, missed, gone_since) = match memory {
                Memory::Held { first_seen, standing, missed } => {
                    (first_seen.map(Timestamp::seconds), standing.into(), missed, None)
                }
                Memory::Gone(since) => (None, SavedStanding::Settled, 0, Some(since.seconds())),
            };
            let power = match grant.kind {
                GrantKind::Scope => SavedPower::Scope { scope: grant.evidence.clone() },
                GrantKind::Permission => {
                    SavedPower::Permission { permission: grant.evidence.clone(), pattern: grant.label.clone() }
                }
            };
            SavedGrant { client: grant.client.to_string(), power, first_seen, standing, missed, gone_since }
        });
        Self {
            name: snapshot.organisation.name.clone(),
            region: snapshot.organisation.region.clone(),
            client_id: saved.client_id.clone(),
            api_host: saved.api_host.clone(),
            taken_at: snapshot.taken_at.seconds(),
            own_client: snapshot.own_client.as_ref().map(ToString::to_string),
            grants: grants.collect(),
            unread_clients: saved.ledger.unread().clients.iter().map(ToString::to_string).collect(),
            unknown_roles: (saved.ledger.unread().roles.iter())
                .map(|(client, role)| (client.to_string(), role.to_string()))
                .collect(),
            clients: snapshot.clients.iter().map(|client| save_client(client, &snapshot.scopes)).collect(),
            unreadable: snapshot.unread.iter().map(ToString::to_string).collect(),
            unreadable_roles: snapshot.unread_roles.iter().map(ToString::to_string).collect(),
            registry: save_input(&snapshot.registry, Clone::clone),
            roles: save_input(&snapshot.roles, |roles| roles.values().map(save_role).collect()),
            divisions: save_input(&snapshot.divisions, |divisions| {
                let save = |d: &Division| SavedDivision { id: d.id.to_string(), name: d.name.clone(), home: d.home };
                divisions.values().map(save).collect()
            }),
            permissions: save_input(&snapshot.permissions, Clone::clone),
        }
    }
}

impl SavedOrganisation {
    fn into_saved(self, id: &str) -> Saved {
        let grants = self.grants.into_iter().map(|grant| {
            let memory = match grant.gone_since {
                Some(since) => Memory::Gone(Timestamp::from_seconds(since)),
                None => Memory::Held {
                    first_seen: grant.first_seen.map(Timestamp::from_seconds),
                    standing: grant.standing.into(),
                    missed: grant.missed,
                },
            };
            let client = ClientId::new(grant.client);
            let grant = match grant.power {
                SavedPower::Scope { scope } => Grant::scope(&client, &scope),
                SavedPower::Permission { permission, pattern } => Grant::permission(&client, &permission, &pattern),
            };
            (grant, memory)
        });
        let unread = Unread {
            clients: self.unread_clients.into_iter().map(ClientId::new).collect(),
            roles: (self.unknown_roles.into_iter())
                .map(|(client, role)| (ClientId::new(client), RoleId::new(role)))
                .collect(),
        };
        let ledger = Ledger::from_entries(grants, unread);
        let mut scopes = ScopeTable::default();
        let mut clients: Vec<Client> =
            self.clients.into_iter().map(|client| restore_client(client, &mut scopes)).collect();
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        let snapshot = Snapshot {
            organisation: Organisation { id: OrgId::new(id), name: self.name, region: self.region },
            taken_at: Timestamp::from_seconds(self.taken_at),
            own_client: self.own_client.map(ClientId::new),
            clients,
            unread: self.unreadable.into_iter().map(ClientId::new).collect(),
            unread_roles: self.unreadable_roles.into_iter().map(RoleId::new).collect(),
            scopes,
            registry: restore_input(self.registry, |registry| registry),
            roles: restore_input(self.roles, |roles| {
                roles.into_iter().map(restore_role).map(|role| (role.id.clone(), role)).collect()
            }),
            divisions: restore_input(self.divisions, |divisions| {
                let restore = |d: SavedDivision| Division { id: DivisionId::new(d.id), name: d.name, home: d.home };
                divisions.into_iter().map(restore).map(|division| (division.id.clone(), division)).collect()
            }),
            permissions: restore_input(self.permissions, |permissions| permissions),
        };
        Saved { client_id: self.client_id, api_host: self.api_host, snapshot: Arc::new(snapshot), ledger }
    }
}

fn save_client(client: &Client, scopes: &ScopeTable) -> SavedClient {
    let role = |grant: &RoleGrant| (grant.role.to_string(), grant.division.as_ref().map(ToString::to_string));
    SavedClient {
        id: client.id.to_string(),
        name: client.name.clone(),
        description: client.description.clone(),
        grant_type: client.grant_type_spelling.to_string(),
        taken_for: Some(client.grant_type.label().to_owned()),
        state: client.state.label().to_owned(),
        scopes: client.scopes.iter().map(|scope| scopes.name(*scope).to_owned()).collect(),
        roles: client.role_grants.iter().map(role).collect(),
        redirect_uris: client.redirect_uris.to_vec(),
        token_validity: client.token_validity,
        created: client.created.map(Timestamp::seconds),
        modified: client.modified.map(Timestamp::seconds),
        created_by: client.created_by.clone(),
        modified_by: client.modified_by.clone(),
        deletion: client.deletion.map(Timestamp::seconds),
    }
}

fn restore_client(saved: SavedClient, scopes: &mut ScopeTable) -> Client {
    let mut held: Vec<_> = saved.scopes.iter().map(|scope| scopes.intern(scope)).collect();
    held.sort_unstable();
    let role = |(role, division): (String, Option<String>)| RoleGrant {
        role: RoleId::new(role),
        division: division.map(DivisionId::new),
    };
    Client {
        id: ClientId::new(saved.id),
        name: saved.name,
        description: saved.description,
        grant_type: saved
            .taken_for
            .and_then(|label| GrantType::ALL.into_iter().find(|grant| grant.label() == label))
            .unwrap_or_else(|| GrantType::from_platform(&saved.grant_type)),
        grant_type_spelling: saved.grant_type.into(),
        state: ClientState::from_platform(&saved.state),
        scopes: held.into(),
        role_grants: saved.roles.into_iter().map(role).collect(),
        redirect_uris: saved.redirect_uris.into(),
        token_validity: saved.token_validity,
        created: saved.created.map(Timestamp::from_seconds),
        modified: saved.modified.map(Timestamp::from_seconds),
        created_by: saved.created_by,
        modified_by: saved.modified_by,
        deletion: saved.deletion.map(Timestamp::from_seconds),
    }
}

fn save_role(role: &Role) -> SavedRole {
    let permission = |p: &Permission| (p.domain.to_string(), p.entity.to_string(), p.action.to_string(), p.conditional);
    SavedRole {
        id: role.id.to_string(),
        name: role.name.clone(),
        default_role: role.default_role.clone(),
        is_default: role.is_default,
        general: role.general.to_vec(),
        permissions: role.permissions.iter().map(permission).collect(),
    }
}

fn restore_role(saved: SavedRole) -> Role {
    let permission = |(domain, entity, action, conditional): (String, String, String, bool)| Permission {
        domain: domain.into(),
        entity: entity.into(),
        action: action.into(),
        conditional,
    };
    Role {
        id: RoleId::new(saved.id),
        name: saved.name,
        is_default: saved.is_default || saved.default_role.is_some(),
        default_role: saved.default_role,
        general: saved.general.into(),
        permissions: saved.permissions.into_iter().map(permission).collect(),
    }
}

fn save_input<T, S>(input: &Input<T>, save: impl FnOnce(&T) -> S) -> SavedInput<S> {
    match input {
        Input::Read(value) => SavedInput::Read(save(value)),
        Input::NotRead(NotRead { missing_permission, message }) => {
            SavedInput::NotRead { missing_permission: missing_permission.clone(), message: message.clone() }
        }
    }
}

fn restore_input<T, S>(saved: SavedInput<S>, restore: impl FnOnce(S) -> T) -> Input<T> {
    match saved {
        SavedInput::Read(value) => Input::Read(restore(value)),
        SavedInput::NotRead { missing_permission, message } => Input::NotRead(NotRead { missing_permission, message }),
    }
}

#[cfg(test)]
pub(super) mod tests;
