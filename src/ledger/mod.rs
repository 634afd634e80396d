//! What is remembered of dangerous grants over restarts: when each was first seen, and how it was last evaluated.
//!
//! The whole question "is this grant new, gone, approved, unknown?" is answered here, by [`Ledger::advance`]. Pure: `store` keeps
//! the ledger in a file, and `audit` says what is dangerous and approved.
//!
//! New is new against the last complete snapshot under the policy in force now, never against the last policy. A grant is gone
//! after two complete refreshes in a row without it, so that a list that flaps once resolves no page and makes nothing new; a
//! removal therefore shows one refresh later. While a grant may be hidden behind a gap, it stays as it was last evaluated: a page
//! must not end because the exporter could not look. A grant that is gone is exported as 0 for 26 hours more.

mod grant;
mod memory;
mod sighting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use grant::{Grant, GrantKind, Hidden, HidingPlace};
pub use memory::{Event, GONE_FOR, Memory, Standing};
pub use sighting::{Evaluation, Labels, Sighting, held_grants, widens};

use crate::domain::Timestamp;

/// The memory of one organisation's dangerous grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    entries: BTreeMap<Grant, Memory>,
    /// What could not be read at the first refresh ever, nor since: what it brings once it can be read is not new.
    hidden: BTreeSet<Hidden>,
}

impl Ledger {
    /// A ledger with these entries and hidden places, as a file kept them.
    pub fn from_entries(entries: impl IntoIterator<Item = (Grant, Memory)>, hidden: BTreeSet<Hidden>) -> Self {
        Self { entries: entries.into_iter().collect(), hidden }
    }

    /// Every entry, sorted by grant.
    pub fn entries(&self) -> impl Iterator<Item = (&Grant, Memory)> {
        self.entries.iter().map(|(grant, memory)| (grant, *memory))
    }

    /// What could not be read at the first refresh ever, nor since.
    pub const fn hidden(&self) -> &BTreeSet<Hidden> {
        &self.hidden
    }

    /// The ledger after an event, with what is seen now.
    #[must_use]
    pub fn advance(&self, seen: &Sighting, event: Event<'_>, now: Timestamp) -> Self {
        let mut entries = BTreeMap::new();
        for (grant, standing) in &seen.held {
            let first_seen = match self.held(grant) {
                Some(Memory::Held { first_seen, .. }) => first_seen,
                _ => self.is_new(grant, event).then_some(now),
            };
            entries.insert(grant.clone(), Memory::Held { first_seen, standing: *standing, missed: 0 });
        }
        for (grant, memory) in self.entries.iter().filter(|(grant, _)| !seen.held.contains_key(grant)) {
            if let Some(memory) = memory.without_sight(seen.hides(grant), event, now) {
                entries.insert(grant.clone(), memory);
            }
        }
        let hidden = match event {
            Event::First => seen.hidden.clone(),
            Event::Refresh { .. } => self.hidden.intersection(&seen.hidden).cloned().collect(),
            Event::PolicyChange { widens: true } => self.hidden.union(&seen.hidden).cloned().collect(),
            Event::PolicyChange { widens: false } => self.hidden.clone(),
        };
        Self { entries, hidden }
    }

    /// Whether a grant that is not remembered as held came after the last snapshot.
    fn is_new(&self, grant: &Grant, event: Event<'_>) -> bool {
        match event {
            Event::First | Event::PolicyChange { .. } => false,
            Event::Refresh { before } => !before.contains(grant) && !grant::can_be_in(&self.hidden, grant),
        }
    }

    /// What is remembered of a grant that is held, under any label; `None` if it is not held.
    fn held(&self, grant: &Grant) -> Option<Memory> {
        let first = Grant { label: String::new(), role: None, ..grant.clone() };
        let mut labels = self.entries.range(first..).take_while(|(known, _)| known.is_same_privilege(grant));
        labels.find_map(|(_, memory)| matches!(memory, Memory::Held { .. }).then_some(*memory))
    }
}
