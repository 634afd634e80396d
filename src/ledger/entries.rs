//! The entries of a client, which clients with the same entries share.
//!
//! How they change is in `advance`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::grant::{Grant, GrantKind, Key, LabelledPrivilege};
use super::memory::Memory;
use crate::domain::ClientId;
use crate::text::SharedText;

/// A client, and what is remembered about its grants, sorted. Never empty.
pub(super) type ClientEntries = (ClientId, Arc<[Entry]>);

/// What is remembered about one grant of a client.
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
pub(super) fn entries_of<'a>(clients: &'a [ClientEntries], client: &ClientId) -> &'a [Entry] {
    let position = clients.binary_search_by(|(known, _)| known.cmp(client)).ok();
    position.and_then(|position| clients.get(position)).map_or(&[], |(_, entries)| entries)
}

/// The memory of a held scope or permission under any label; `None` if it is not remembered as held.
pub(super) fn held(entries: &[Entry], privilege: (GrantKind, &SharedText)) -> Option<Memory> {
    let first = entries.partition_point(|entry| entry.key().privilege() < privilege);
    let labels = entries.iter().skip(first).take_while(|entry| entry.key().privilege() == privilege);
    labels.map(|entry| entry.memory).find(|memory| matches!(memory, Memory::Held { .. }))
}

/// Makes equal privileges one value in memory, and equal lists too: most clients with the same role have the same entries.
#[derive(Debug, Default)]
pub(super) struct Shared {
    privileges: HashSet<Arc<LabelledPrivilege>>,
    lists: HashSet<Arc<[Entry]>>,
}

impl Shared {
    /// With the privileges and lists of these clients.
    pub(super) fn of(clients: &[ClientEntries]) -> Self {
        let mut seen = HashSet::new();
        // Most lists are one value already: compare their addresses before their contents.
        let lists = clients.iter().map(|(_, list)| list).filter(|list| seen.insert(Arc::as_ptr(list)));
        let lists: HashSet<Arc<[Entry]>> = lists.cloned().collect();
        let privileges = lists.iter().flat_map(|list| list.iter()).map(|entry| Arc::clone(&entry.privilege)).collect();
        Self { privileges, lists }
    }

    pub(super) fn privilege(&mut self, privilege: LabelledPrivilege) -> Arc<LabelledPrivilege> {
        if let Some(known) = self.privileges.get(&privilege) {
            return Arc::clone(known);
        }
        let privilege = Arc::new(privilege);
        self.privileges.insert(Arc::clone(&privilege));
        privilege
    }

    pub(super) fn list(&mut self, entries: Vec<Entry>) -> Arc<[Entry]> {
        if let Some(known) = self.lists.get(&*entries) {
            return Arc::clone(known);
        }
        let list: Arc<[Entry]> = entries.into();
        self.lists.insert(Arc::clone(&list));
        list
    }
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
    let entries = |entries: BTreeMap<_, _>| entries.into_iter().map(|(privilege, memory)| Entry { privilege, memory });
    clients.into_iter().map(|(client, of_client)| (client, shared.list(entries(of_client).collect()))).collect()
}
