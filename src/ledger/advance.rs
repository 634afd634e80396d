//! What an event makes of the entries of each client.
//!
//! A client whose entries do not change keeps them. So if no grant changed, this costs one comparison of the texts of each grant, and
//! nearly no memory.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::entries::{ClientEntries, Entry, Shared};
use super::grant::{Hidden, Key, can_be_in};
use super::join::join;
use super::memory::{Event, Memory};
use super::sighting::{Seen, Sighting, collect_seen};
use crate::domain::{ClientId, Timestamp};

/// An event and its time.
pub(super) struct Advance<'a> {
    pub(super) seen: &'a Sighting<'a>,
    pub(super) event: Event<'a>,
    pub(super) now: Timestamp,
    /// The time since the entries were made.
    pub(super) passed: Duration,
    /// Data that becomes readable, and can contain old grants. Data that still has a gap shows a grant only if it was added.
    pub(super) readable_again: BTreeSet<Hidden>,
}

/// An entry after the event: of a known grant, or of another one.
enum Next<'a> {
    Known(&'a Arc<Entry>, Memory),
    Other(Key<'a>, Memory),
}

impl<'a> Advance<'a> {
    /// The clients after the event; `None` if they stay as they are.
    pub(super) fn clients(&self, known: &'a [ClientEntries]) -> Option<Vec<ClientEntries>> {
        let mut clients = Vec::with_capacity(known.len());
        let shared = &mut None;
        let (mut seen, mut next, mut is_changed) = (Vec::new(), Vec::new(), false);
        let grants = self.seen.report.grants_by_client();
        for (known_client, shown) in join(known, grants, |known, shown| known.0.cmp(shown.0)) {
            seen.clear();
            next.clear();
            let of_known = known_client.map(|(client, _)| client);
            let Some(client) = of_known.or(shown.as_ref().map(|(client, _)| *client)) else { continue };
            if let Some((_, grants)) = shown {
                collect_seen(grants, self.seen.report, &mut seen);
            }
            self.client(client, known_client.map_or(&[], |(_, entries)| entries), &seen, &mut next);
            match known_client {
                Some(known) if is_unchanged(&known.1, &next) => clients.push(known.clone()),
                None if next.is_empty() => {}
                _ => {
                    is_changed = true;
                    if !next.is_empty() {
                        let shared = shared.get_or_insert_with(|| Shared::of(known));
                        clients.push((client.clone(), entries(&next, shared)));
                    }
                }
            }
        }
        is_changed.then_some(clients)
    }

    /// The entries of one client, sorted. Grants of the same scope or permission are considered together, because a grant keeps its
    /// time under another label.
    fn client(&self, client: &ClientId, known: &'a [Arc<Entry>], seen: &[Seen<'a>], next: &mut Vec<Next<'a>>) {
        let before = LazyCell::new(|| {
            let mut before = Vec::new();
            if let Event::Refresh { before: report } = self.event {
                collect_seen(report.grants_of(client), report, &mut before);
            }
            before
        });
        let is_new = |grant: Key<'_>| match self.event {
            Event::First | Event::PolicyChange { .. } => false,
            Event::Refresh { .. } => {
                before.binary_search_by(|seen| seen.grant.cmp(&grant)).is_err()
                    && !can_be_in(&self.readable_again, client, grant)
            }
        };
        let known = known.chunk_by(|a, b| a.key().privilege() == b.key().privilege());
        let seen = seen.chunk_by(|a, b| a.grant.privilege() == b.grant.privilege());
        let by_privilege = |known: &&[Arc<Entry>], seen: &&[Seen<'_>]| {
            let (known, seen) = (known.first().map(|entry| entry.key()), seen.first().map(|seen| seen.grant));
            known.map(Key::privilege).cmp(&seen.map(Key::privilege))
        };
        for (known, seen) in join(known, seen, by_privilege) {
            let (known, seen) = (known.unwrap_or_default(), seen.unwrap_or_default());
            let later = |entry: &Entry| entry.memory.after(self.passed, self.now);
            let remembered = known.iter().find_map(|entry| match later(entry) {
                Memory::Held { first_seen, .. } => Some(first_seen),
                Memory::Gone { .. } => None,
            });
            for (entry, seen) in join(known, seen, |entry, seen| entry.key().cmp(&seen.grant)) {
                if let Some(Seen { grant, standing }) = seen {
                    let first_seen = remembered.unwrap_or_else(|| is_new(*grant).then_some(self.now));
                    let memory = Memory::Held { first_seen, standing: *standing, missed: 0 };
                    next.push(entry.map_or(Next::Other(*grant, memory), |entry| Next::Known(entry, memory)));
                } else if let Some(entry) = entry {
                    let may_be_hidden = self.seen.hides(client, entry.key());
                    let memory = later(entry).without_sight(may_be_hidden, self.event, self.now);
                    next.extend(memory.map(|memory| Next::Known(entry, memory)));
                }
            }
        }
    }
}

fn is_unchanged(known: &[Arc<Entry>], next: &[Next<'_>]) -> bool {
    let is_same = |next: &Next<'_>| matches!(next, Next::Known(entry, memory) if entry.memory == *memory);
    known.len() == next.len() && next.iter().all(is_same)
}

fn entries(next: &[Next<'_>], shared: &mut Shared) -> Arc<[Arc<Entry>]> {
    let entry = |next: &Next<'_>| match next {
        Next::Known(entry, memory) if entry.memory == *memory => Arc::clone(entry),
        Next::Known(entry, memory) => shared.entry(Arc::clone(&entry.privilege), *memory),
        Next::Other(grant, memory) => {
            let privilege = shared.privilege(grant.labelled());
            shared.entry(privilege, *memory)
        }
    };
    next.iter().map(entry).collect()
}
