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
mod sighting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use grant::{Grant, GrantKind, Hidden, HidingPlace};
pub use sighting::{Evaluation, Labels, Sighting, held_grants, widens};

use crate::domain::Timestamp;

/// For how long a grant that is gone is exported as 0, so that no old 1 is the last sample: `stale-after` and 2 h.
pub const GONE_FOR: Duration = Duration::from_hours(26);

/// A grant is gone after this many complete refreshes in a row without it.
const GONE_AFTER: u32 = 2;

/// How a grant that is held was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A baseline is loaded, and neither it nor an exemption covers the grant.
    Unapproved,
    /// An exemption of the policy covers it.
    Exempt,
    /// The baseline approves it, or none is loaded, so that no approval is asked for.
    Settled,
}

/// What is remembered of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It is held, or was until the last refresh.
    Held {
        /// When it was first seen; `None` if it was there at the first refresh ever, or before the policy called it dangerous.
        first_seen: Option<Timestamp>,
        /// Its last evaluation.
        standing: Standing,
        /// Complete refreshes in a row without it.
        missed: u32,
    },
    /// It is gone since then.
    Gone(Timestamp),
}

/// Why the ledger advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The first complete refresh ever: nothing that is there is new.
    First,
    /// A complete refresh.
    Refresh {
        /// The dangerous grants of the last complete snapshot before it, under the policy in force now. None of them is new,
        /// whatever the policy said at that time.
        before: &'a BTreeSet<Grant>,
    },
    /// The policy or the baseline changed, or the process restarted, and the last snapshot was evaluated again. Nothing is new,
    /// and what the policy no longer calls dangerous is gone.
    PolicyChange {
        /// Whether the policy has a new pattern: then nothing that is hidden behind a gap now is new later.
        widens: bool,
    },
}

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
            let first_seen = self.first_seen(grant).unwrap_or_else(|| self.is_new(grant, event).then_some(now));
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

    /// The first-seen time of a grant that is remembered as held, under whatever label; `None` if it is not held.
    fn first_seen(&self, grant: &Grant) -> Option<Option<Timestamp>> {
        let first = Grant { label: String::new(), ..grant.clone() };
        let mut labels = self.entries.range(first..).take_while(|(known, _)| known.is_same_privilege(grant));
        labels.find_map(|(_, memory)| match memory {
            Memory::Held { first_seen, .. } => Some(*first_seen),
            Memory::Gone(_) => None,
        })
    }
}

impl Memory {
    /// What is remembered of a grant that was not seen at this event; `None` if it is forgotten.
    fn without_sight(self, may_be_hidden: bool, event: Event<'_>, now: Timestamp) -> Option<Self> {
        match (self, event) {
            (Self::Held { .. }, _) if may_be_hidden => Some(self),
            // A refresh without it came before: whether it is gone is decided by the next refresh.
            (Self::Held { missed: 1.., .. }, Event::PolicyChange { .. }) => Some(self),
            (Self::Held { first_seen, standing, missed }, Event::First | Event::Refresh { .. })
                if missed.saturating_add(1) < GONE_AFTER =>
            {
                Some(Self::Held { first_seen, standing, missed: missed + 1 })
            }
            (Self::Held { .. }, _) => Some(Self::Gone(now)),
            (Self::Gone(_), Event::PolicyChange { .. }) => Some(self),
            (Self::Gone(since), _) => (now.since(since) < GONE_FOR).then_some(self),
        }
    }

    /// The value of the first-seen metric: 0 if it must not page.
    pub fn first_seen(self) -> Timestamp {
        match self {
            Self::Held { standing: Standing::Exempt, .. } | Self::Gone(_) => Timestamp::default(),
            Self::Held { first_seen, .. } => first_seen.unwrap_or_default(),
        }
    }

    /// Whether an approval is missing.
    pub const fn is_unapproved(self) -> bool {
        matches!(self, Self::Held { standing: Standing::Unapproved, .. })
    }
}
