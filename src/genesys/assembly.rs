//! Assembles the list of clients: records of the list, completed by records that were fetched by id, each client once.
//!
//! `convert` converts a record. A record whose text is that of the last listing is neither parsed nor converted again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::convert::{Ids, ScopeRegistry, WITHOUT_ID, absent, client};
use super::fields::Read;
use super::known::{Known, Reading};
use super::listing::fields;
use super::redact::printable;
use super::wire;
use crate::domain::{Client, ClientField, ClientId, Gap, Records, ScopeTable};

/// The clients of one listing.
#[derive(Debug)]
pub struct ListedClients {
    /// One client for each id of the list.
    pub clients: Records<Client>,
    /// The names of the scopes that the clients hold.
    pub scopes: ScopeTable,
    /// The number of records that repeated an earlier record with the same content.
    pub duplicates: usize,
    /// The number of clients that the platform reports; `None` if it reports none.
    pub total: Option<u64>,
}

/// The clients of the last listing, with everything that the conversion of a record depends on.
#[derive(Debug, Default)]
pub(super) struct KnownClients {
    registry: Arc<ScopeRegistry>,
    scopes: ScopeTable,
    records: Known<Arc<Client>>,
    clients: Records<Client>,
    duplicates: usize,
}

impl KnownClients {
    /// Whether a record with the same text would be converted to the same client.
    pub(super) fn fits(&self, registry: &ScopeRegistry, scopes: &ScopeTable) -> bool {
        *self.registry == *registry && scopes.continues(&self.scopes)
    }
}

/// The clients that were read so far, and the records that are still incomplete.
#[derive(Debug)]
pub(super) struct ClientAssembly<'k> {
    registry: Arc<ScopeRegistry>,
    scopes: ScopeTable,
    ids: Ids,
    known: &'k KnownClients,
    reading: Reading<'k, Arc<Client>>,
    /// In the order of the list.
    clients: Vec<Arc<Client>>,
    /// Records without data that decides what the client may do, with the positions of their clients.
    sparse: BTreeMap<ClientId, (usize, wire::Client)>,
}

impl<'k> ClientAssembly<'k> {
    /// `scopes` are those of the last snapshot, whose indices stay. `known` fits both.
    pub(super) fn new(registry: Arc<ScopeRegistry>, scopes: ScopeTable, known: &'k KnownClients) -> Self {
        let reading = Reading::new(&known.records);
        let (ids, clients, sparse) = (Ids::default(), Vec::new(), BTreeMap::new());
        Self { registry, scopes, ids, known, reading, clients, sparse }
    }

    /// Adds a record of the list. Fails if it has no id.
    pub(super) fn add(&mut self, raw: &RawValue, digest: u64) -> Result<(), String> {
        if let Some(client) = self.reading.find(digest) {
            self.clients.push(Arc::clone(client));
            return Ok(());
        }
        let record = wire::Client::read(&fields(raw)?).ok_or_else(|| WITHOUT_ID.to_owned())?;
        let client = Arc::new(client(&record, &self.registry, &mut self.scopes, &mut self.ids));
        // What the list lacks can change although the record in the list does not.
        let is_sparse = record.is_sparse();
        self.reading.push(digest, (!is_sparse).then(|| Arc::clone(&client)));
        if is_sparse {
            let first = self.sparse.entry(client.id.clone()).or_insert((self.clients.len(), record)).0;
            if first != self.clients.len() && self.clients.get(first).is_some_and(|first| *first == client) {
                // The first of two equal records is completed for both.
                return Ok(());
            }
        }
        self.clients.push(client);
        Ok(())
    }

    /// The clients whose records must be fetched by id, because the list lacks data that decides what they may do.
    pub(super) fn wanted(&self) -> Vec<ClientId> {
        self.sparse.keys().cloned().collect()
    }

    /// Completes a client with the record that was fetched by id; `None` if that could not be read. Data that is still missing
    /// becomes a gap.
    pub(super) fn complete(&mut self, id: &ClientId, detail: Option<wire::Client>) {
        let Some((position, listed)) = self.sparse.remove(id) else { return };
        let detail = detail.filter(|detail| detail.id == id.as_str());
        let has_detail = detail.is_some();
        let record = match detail {
            Some(detail) => listed.fill(detail),
            None => listed,
        };
        let mut client = client(&record, &self.registry, &mut self.scopes, &mut self.ids);
        if record.says_nothing() {
            // So much is missing that an absent field cannot be taken for an optional one.
            for field in absent(&record) {
                client.gaps.insert(field, Gap::Unread);
            }
        }
        if !has_detail {
            // The record by id could not be read, so what the list lacks is unknown for every grant type.
            if matches!(record.scopes, Read::Absent) {
                client.gaps.insert(ClientField::Scopes, Gap::Unread);
            }
            match (&record.role_divisions, &record.role_ids) {
                (Read::Absent, Read::Absent) => client.gaps.insert(ClientField::Roles, Gap::Unread),
                // `roleIds` contain the roles, but not their divisions.
                (Read::Absent, Read::Full(ids)) if !ids.is_empty() => {
                    client.gaps.insert(ClientField::Roles, Gap::Partial);
                }
                _ => {}
            }
        }
        if let Some(listed) = self.clients.get_mut(position) {
            *listed = Arc::new(client);
        }
    }

    /// The clients, and what is known of them for the next listing. Fails if two records with the same id have different content.
    pub(super) fn finish(self, total: Option<u64>) -> Result<(ListedClients, KnownClients), String> {
        let Self { registry, scopes, known, reading, mut clients, .. } = self;
        let records = reading.read();
        let (clients, duplicates) = if reading.is_unchanged() && clients.len() == records {
            (known.clients.clone(), known.duplicates)
        } else {
            clients.sort_by(|a, b| a.id.cmp(&b.id));
            if let Some([first, _]) = clients.array_windows().find(|[a, b]| a.id == b.id && a != b) {
                let id = printable(first.id.as_str());
                return Err(format!("client {id} is listed twice with different contents"));
            }
            let clients: Records<Client> = clients.into_iter().collect();
            let duplicates = records - clients.len();
            (clients, duplicates)
        };
        let records = reading.finish();
        let known = KnownClients { registry, scopes: scopes.clone(), records, clients: clients.clone(), duplicates };
        Ok((ListedClients { clients, scopes, duplicates, total }, known))
    }
}
