//! The state file's JSON, format 1, as documented in `docs/state-file.md`.
//!
//! It has separate types, so that the domain types can change without a change of the file.

mod grants;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;

use self::grants::{SavedGrant, SavedHidden, restore_ledger, save_grant, save_hidden};
use self::records::{
    SavedClient, SavedDivision, SavedInput, SavedRole, never_read, restore_client, restore_division, restore_input,
    restore_role, save_client, save_division, save_input, save_role,
};
use super::Saved;
use super::saved::State;
use crate::domain::{ClientId, OrgId, Organisation, ScopeTable, Snapshot, Timestamp};

pub(super) const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document<O, A = IgnoredAny> {
    format: u32,
    /// Distinguishes this file from earlier ones, so that the times beside it are known to belong to it. Not in snapshot files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written: Option<String>,
    organisations: O,
    /// Only in snapshot files.
    #[serde(default, skip_serializing_if = "Option::is_none", bound(deserialize = "A: Deserialize<'de>"))]
    snapshots: Option<A>,
}

/// An organisation in the file. The long lists are read as a whole, but converted one by one while they are written.
#[derive(Serialize, Deserialize)]
struct SavedOrganisation<'a, G = Vec<SavedGrant>, C = Vec<SavedClient<'a>>> {
    name: String,
    region: String,
    client_id: String,
    api_host: String,
    taken_at: i64,
    own_client: Option<String>,
    grants: G,
    /// Data that could not be read at the first refresh or since then. Absent if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hidden: Vec<SavedHidden>,
    clients: C,
    registry: SavedInput<Arc<BTreeMap<String, String>>>,
    roles: SavedInput<Vec<SavedRole<'a>>>,
    divisions: SavedInput<Vec<SavedDivision<'a>>>,
    /// Absent in files of versions that did not read this input.
    #[serde(default = "never_read")]
    permissions: SavedInput<Arc<BTreeSet<String>>>,
}

/// Writes the file. It is never in memory as a whole, nor is a copy of the snapshot. `mark` distinguishes a state file from earlier
/// ones; `snapshots` is what a snapshot file has in addition.
pub(super) fn write(
    organisations: &State,
    mark: Option<&str>,
    snapshots: Option<impl Serialize>,
    target: &mut dyn io::Write,
) -> io::Result<()> {
    let organisations = SavedMap(organisations);
    let written = mark.map(str::to_owned);
    // The serializer writes each comma on its own.
    let mut buffered = BufWriter::new(target);
    serde_json::to_writer(&mut buffered, &Document { format: FORMAT, written, organisations, snapshots })?;
    buffered.flush()
}

/// A list that is converted while it is written.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

struct SavedMap<'a>(&'a State);

impl Serialize for SavedMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, saved)| (id.as_str(), save(saved))))
    }
}

/// Why a file is not a state of this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// A newer version of the program wrote it, in this format.
    Newer(String),
    /// It is damaged, or another kind of file. The text says where, without quoting the file.
    Damaged(String),
}

/// The state in a file, and the mark of the file.
pub(super) fn decode(bytes: &[u8]) -> Result<(State, Option<String>), Undecodable> {
    #[derive(Deserialize)]
    struct Head {
        /// Of any size: a later version may count differently.
        format: Number,
    }
    let damaged =
        |error: serde_json::Error| Undecodable::Damaged(format!("line {}, column {}", error.line(), error.column()));
    let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
    let format = head.format;
    if format.as_f64().is_some_and(|number| number > f64::from(FORMAT)) {
        return Err(Undecodable::Newer(format.to_string()));
    }
    if format != FORMAT.into() {
        return Err(Undecodable::Damaged(format!("there is no format {format}")));
    }
    let document: Document<BTreeMap<String, SavedOrganisation<'_>>> = serde_json::from_slice(bytes).map_err(damaged)?;
    let organisations = document.organisations.into_iter();
    let state = organisations.map(|(id, saved)| (OrgId::new(id.as_str()), saved.into_saved(&id))).collect();
    Ok((state, document.written))
}

fn save(saved: &Saved) -> SavedOrganisation<'_, impl Serialize, impl Serialize> {
    let snapshot = &*saved.snapshot;
    SavedOrganisation {
        name: snapshot.organisation.name.clone(),
        region: snapshot.organisation.region.clone(),
        client_id: saved.client_id.clone(),
        api_host: saved.api_host.clone(),
        taken_at: snapshot.taken_at.seconds(),
        own_client: snapshot.own_client.as_ref().map(ToString::to_string),
        grants: Each(|| saved.ledger.entries().map(|(grant, memory)| save_grant(&grant, memory))),
        hidden: saved.ledger.hidden().iter().map(save_hidden).collect(),
        clients: Each(|| snapshot.clients.iter().map(|client| save_client(client, &snapshot.scopes))),
        registry: save_input(&snapshot.registry, Arc::clone),
        roles: save_input(&snapshot.roles, |roles| roles.iter().map(save_role).collect()),
        divisions: save_input(&snapshot.divisions, |divisions| divisions.values().map(save_division).collect()),
        permissions: save_input(&snapshot.permissions, Arc::clone),
    }
}

impl SavedOrganisation<'_> {
    fn into_saved(self, id: &str) -> Saved {
        let ledger = Arc::new(restore_ledger(self.grants, self.hidden));
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
                Arc::new(divisions.map(|division| (division.id.clone(), division)).collect())
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
