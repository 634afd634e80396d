//! The entries of each client. Clients with the same grants share them.
//!
//! How they change is in `advance`.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::grant::{Grant, GrantKind, Key, LabelledPrivilege};
use super::memory::Memory;
use crate::domain::ClientId;
use crate::text::SharedText;

/// A client, and what is remembered about its grants, sorted. Never empty.
pub(super) type ClientEntries = (ClientId, Arc<[Arc<Entry>]>);

/// What is remembered about a grant. Clients share it if it is the same for them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) privilege: Arc<LabelledPrivilege>,
    pub(super) memory: Memory,
}

impl Entry {
    pub(super) fn key(&self) -> Key<'_> {
        self.privilege.key()
    }
}

/// The entries of a client; none if it has none.
pub(super) fn entries_of<'a>(clients: &'a [ClientEntries], client: &ClientId) -> &'a [Arc<Entry>] {
    let position = clients.binary_search_by(|(known, _)| known.cmp(client)).ok();
    position.and_then(|position| clients.get(position)).map_or(&[], |(_, entries)| entries)
}

/// The memory of a held scope or permission under any label; `None` if it is not remembered as held.
pub(super) fn held(entries: &[Arc<Entry>], privilege: (GrantKind, &SharedText)) -> Option<Memory> {
    let first = entries.partition_point(|entry| entry.key().privilege() < privilege);
    let labels = entries.iter().skip(first).take_while(|entry| entry.key().privilege() == privilege);
    labels.map(|entry| entry.memory).find(|memory| matches!(memory, Memory::Held { .. }))
}

/// Makes equal entries one value in memory, and equal privileges of different entries too.
#[derive(Debug, Default)]
pub(super) struct Shared {
    privileges: HashSet<Arc<LabelledPrivilege>>,
    entries: HashSet<Arc<Entry>>,
}

impl Shared {
    /// With what these clients have.
    pub(super) fn of(clients: &[ClientEntries]) -> Self {
        let mut seen = HashSet::new();
        let entries = clients.iter().flat_map(|(_, entries)| entries.iter());
        // Most are one value already: compare their addresses before their contents.
        let entries: HashSet<_> = entries.filter(|entry| seen.insert(Arc::as_ptr(entry))).cloned().collect();
        let privileges = entries.iter().map(|entry| Arc::clone(&entry.privilege)).collect();
        Self { privileges, entries }
    }

    pub(super) fn privilege(&mut self, privilege: LabelledPrivilege) -> Arc<LabelledPrivilege> {
        shared(&mut self.privileges, privilege)
    }

    pub(super) fn entry(&mut self, privilege: Arc<LabelledPrivilege>, memory: Memory) -> Arc<Entry> {
        shared(&mut self.entries, Entry { privilege, memory })
    }
}

fn shared<T: Hash + Eq>(known: &mut HashSet<Arc<T>>, value: T) -> Arc<T> {
    if let Some(known) = known.get(&value) {
        return Arc::clone(known);
    }
    let value = Arc::new(value);
    known.insert(Arc::clone(&value));
    value
}

/// Entries in any order, by client. Of several for one grant, the last counts.
pub(super) fn by_client(entries: impl IntoIterator<Item = (Grant, Memory)>) -> Vec<ClientEntries> {
    let mut shared = Shared::default();
    let mut clients: BTreeMap<ClientId, BTreeMap<Arc<LabelledPrivilege>, Memory>> = BTreeMap::new();
    for (grant, memory) in entries {
        let (client, privilege) = grant.into_parts();
        let privilege = shared.privilege(Arc::unwrap_or_clone(privilege));
        clients.entry(client).or_default().insert(privilege, memory);
    }
    let mut entries = |of_client: BTreeMap<_, _>| {
        of_client.into_iter().map(|(privilege, memory)| shared.entry(privilege, memory)).collect()
    };
    clients.into_iter().map(|(client, of_client)| (client, entries(of_client))).collect()
}
