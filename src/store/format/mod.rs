//! The state file's JSON, format 1, as documented in `docs/state-file.md`.
//!
//! It has separate types, so that the domain types can change without a change of the file.

mod grants;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::grants::{SavedGrant, SavedHidden, restore_ledger, save_grants, save_hidden};
use self::records::{
    SavedClient, SavedDivision, SavedInput, SavedRole, never_read, restore_client, restore_division, restore_input,
    restore_role, save_client, save_division, save_input, save_role,
};
use super::Saved;
use crate::domain::{ClientId, OrgId, Organisation, ScopeTable, Snapshot, Timestamp};

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
    /// Data that could not be read at the first refresh or since then. Absent if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hidden: Vec<SavedHidden>,
    clients: Vec<SavedClient>,
    registry: SavedInput<BTreeMap<String, String>>,
    roles: SavedInput<Vec<SavedRole>>,
    divisions: SavedInput<Vec<SavedDivision>>,
    /// Absent in files of versions that did not read this input.
    #[serde(default = "never_read")]
    permissions: SavedInput<BTreeSet<String>>,
}

pub(super) fn encode(organisations: &BTreeMap<OrgId, Saved>) -> Vec<u8> {
    let organisations =
        organisations.iter().map(|(id, saved)| (id.as_str().to_owned(), SavedOrganisation::from(saved))).collect();
    // Maps with text keys and plain values always serialise. If they did not, the next start would set the empty file aside.
    serde_json::to_vec(&Document { format: FORMAT, organisations }).unwrap_or_default()
}

/// Why a file is not a state of this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// A newer version of the program wrote it, in this format.
    Newer(u32),
    /// It is damaged, or another kind of file. The text says where, without quoting the file.
    Damaged(String),
}

pub(super) fn decode(bytes: &[u8]) -> Result<BTreeMap<OrgId, Saved>, Undecodable> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let damaged =
        |error: serde_json::Error| Undecodable::Damaged(format!("line {}, column {}", error.line(), error.column()));
    let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
    match head.format {
        FORMAT => {}
        newer if newer > FORMAT => return Err(Undecodable::Newer(newer)),
        other => return Err(Undecodable::Damaged(format!("there is no format {other}"))),
    }
    let document: Document = serde_json::from_slice(bytes).map_err(damaged)?;
    Ok(document.organisations.into_iter().map(|(id, saved)| (OrgId::new(id.as_str()), saved.into_saved(&id))).collect())
}

impl From<&Saved> for SavedOrganisation {
    fn from(saved: &Saved) -> Self {
        let snapshot = &*saved.snapshot;
        Self {
            name: snapshot.organisation.name.clone(),
            region: snapshot.organisation.region.clone(),
            client_id: saved.client_id.clone(),
            api_host: saved.api_host.clone(),
            taken_at: snapshot.taken_at.seconds(),
            own_client: snapshot.own_client.as_ref().map(ToString::to_string),
            grants: save_grants(&saved.ledger),
            hidden: saved.ledger.hidden().iter().map(save_hidden).collect(),
            clients: snapshot.clients.iter().map(|client| save_client(client, &snapshot.scopes)).collect(),
            registry: save_input(&snapshot.registry, Clone::clone),
            roles: save_input(&snapshot.roles, |roles| roles.iter().map(save_role).collect()),
            divisions: save_input(&snapshot.divisions, |divisions| divisions.values().map(save_division).collect()),
            permissions: save_input(&snapshot.permissions, Clone::clone),
        }
    }
}

impl SavedOrganisation {
    fn into_saved(self, id: &str) -> Saved {
        let ledger = restore_ledger(self.grants, self.hidden);
        let mut scopes = ScopeTable::default();
        let clients = self.clients.into_iter().map(|client| restore_client(client, &mut scopes)).collect();
        let snapshot = Snapshot {
            organisation: Organisation { id: OrgId::new(id), name: self.name, region: self.region },
            taken_at: Timestamp::from_seconds(self.taken_at),
            own_client: self.own_client.map(ClientId::new),
            clients,
            scopes,
            registry: restore_input(self.registry, |registry| registry),
            roles: restore_input(self.roles, |roles| roles.into_iter().map(restore_role).collect()),
            divisions: restore_input(self.divisions, |divisions| {
                let divisions = divisions.into_iter().map(restore_division);
                divisions.map(|division| (division.id.clone(), division)).collect()
            }),
            permissions: restore_input(self.permissions, |permissions| permissions),
        };
        Saved { client_id: self.client_id, api_host: self.api_host, snapshot: Arc::new(snapshot), ledger }
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
pub(super) mod tests;
