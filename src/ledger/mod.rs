//! What the exporter remembers about dangerous grants across restarts: when each was first seen, and its last evaluation.
//!
//! [`Ledger::advance`] alone decides whether a grant is new, removed, approved or unknown. Pure: `store` keeps the ledger in a
//! file, and `audit` decides what is dangerous and approved.
//!
//! A grant is new if the last complete snapshot, evaluated by the current policy, did not contain it; a change of the policy makes
//! no grant new. A grant is removed after two complete refreshes in a row without it. So if the platform omits a grant from one
//! list, no page resolves and the grant is not new afterwards; a real removal shows one refresh later. As long as a gap may hide a
//! grant, the grant keeps its last evaluation: a page must not resolve because the exporter could not read the data. A removed
//! grant is exported as 0 for another 26 hours. That time is measured, so that a clock that is set changes neither what is new nor
//! how long a removed grant is exported.

mod grant;
mod memory;
mod sighting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use grant::{Grant, GrantKind, Hidden, HidingPlace};
pub use memory::{Event, GONE_FOR, Memory, Standing, downtime};
pub use sighting::{Evaluation, Labels, Sighting, held_grants, widens};

use crate::audit::{Finding, Kind};
use crate::domain::Timestamp;

/// The remembered dangerous grants of one organisation.
///
/// Cheap to clone: while nothing changes, only the time that has passed is added, and not to each entry.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: Arc<BTreeMap<Grant, Memory>>,
    /// Data that could not be read at the first refresh or since then. A grant that it contains is not new once it can be read.
    hidden: Arc<BTreeSet<Hidden>>,
    /// The time since the entries were made.
    passed: Duration,
}

impl PartialEq for Ledger {
    fn eq(&self, other: &Self) -> bool {
        self.hidden == other.hidden && self.entries().eq(other.entries())
    }
}

impl Eq for Ledger {}

impl Ledger {
    /// A ledger with the entries and hidden places from a file.
    pub fn from_entries(entries: impl IntoIterator<Item = (Grant, Memory)>, hidden: BTreeSet<Hidden>) -> Self {
        Self::new(entries.into_iter().collect(), hidden)
    }

    fn new(entries: BTreeMap<Grant, Memory>, hidden: BTreeSet<Hidden>) -> Self {
        Self { entries: Arc::new(entries), hidden: Arc::new(hidden), passed: Duration::ZERO }
    }

    /// The ledger after some more time.
    #[must_use]
    pub fn after_time(&self, more: Duration) -> Self {
        Self { passed: self.passed.saturating_add(more), ..self.clone() }
    }

    /// The time between an earlier ledger and this one, which differ in nothing else. Zero if no entry shows it.
    pub fn time_since(&self, earlier: &Self) -> Duration {
        let gone = |(_, memory): (&Grant, Memory)| match memory {
            Memory::Gone { elapsed, .. } => Some(elapsed),
            Memory::Held { .. } => None,
        };
        let (now, then) = (self.entries().find_map(gone), earlier.entries().find_map(gone));
        now.unwrap_or_default().saturating_sub(then.unwrap_or_default())
    }

    /// The ledger after a refresh that shows exactly what the last two showed; `None` if an entry must be forgotten. `elapsed` is as in
    /// [`Self::advance`].
    pub fn unchanged(&self, elapsed: Duration) -> Option<Self> {
        let later = self.after_time(elapsed);
        let is_over = |memory: Memory| matches!(memory, Memory::Gone { elapsed, .. } if elapsed >= GONE_FOR);
        let forgets = later.entries().any(|(_, memory)| is_over(memory));
        (!forgets).then_some(later)
    }

    /// Whether both say the same but for the time since grants were removed.
    pub fn differs_only_in_time(&self, other: &Self) -> bool {
        let same = |a: &Memory, b: &Memory| match (a, b) {
            (Memory::Gone { since: a, .. }, Memory::Gone { since: b, .. }) => a == b,
            _ => a == b,
        };
        let entries = || self.entries.iter().zip(&*other.entries).all(|((a, am), (b, bm))| same(am, bm) && a == b);
        self.hidden == other.hidden
            && (Arc::ptr_eq(&self.entries, &other.entries) || (self.entries.len() == other.entries.len() && entries()))
    }

    /// Every entry, sorted by grant.
    pub fn entries(&self) -> impl Iterator<Item = (&Grant, Memory)> {
        self.entries.iter().map(|(grant, memory)| (grant, memory.later(self.passed)))
    }

    /// Data that could not be read at the first refresh or since then.
    pub fn hidden(&self) -> &BTreeSet<Hidden> {
        &self.hidden
    }

    /// The ledger after an event whose snapshot shows `seen`. `elapsed` is the time since the last event, measured and not taken
    /// from the clock: `now` can be before the time of the last event, or years after it.
    #[must_use]
    pub fn advance(&self, seen: &Sighting, event: Event<'_>, now: Timestamp, elapsed: Duration) -> Self {
        self.after(elapsed, now).advance_at(seen, event, now)
    }

    fn after(&self, elapsed: Duration, now: Timestamp) -> Self {
        let entries = self.entries().map(|(grant, memory)| (grant.clone(), memory.after(elapsed, now))).collect();
        Self { entries: Arc::new(entries), hidden: Arc::clone(&self.hidden), passed: Duration::ZERO }
    }

    fn advance_at(&self, seen: &Sighting, event: Event<'_>, now: Timestamp) -> Self {
        let mut entries = BTreeMap::new();
        // Data that becomes readable can contain old grants. Data that still has a gap shows a grant only if it was added.
        let readable_again = self.hidden.difference(&seen.hidden).cloned().collect();
        let is_new = |grant| match event {
            Event::First | Event::PolicyChange { .. } => false,
            Event::Refresh { before } => !before.contains(grant) && !grant::can_be_in(&readable_again, grant),
        };
        for (grant, standing) in &seen.held {
            let first_seen = match self.held(grant) {
                Some(Memory::Held { first_seen, .. }) => first_seen,
                _ => is_new(grant).then_some(now),
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
            Event::PolicyChange { widens: true } => self.hidden.union(&seen.unknown).cloned().collect(),
            Event::PolicyChange { widens: false } => (*self.hidden).clone(),
        };
        Self::new(entries, hidden)
    }

    /// What is remembered about the scope or permission that a finding is about, under any label; `None` if it is about something
    /// else, or is not remembered as held.
    pub fn memory(&self, finding: &Finding) -> Option<Memory> {
        let kind = match finding.evidence.kind {
            Kind::Scope => GrantKind::Scope,
            Kind::Permission => GrantKind::Permission,
            _ => return None,
        };
        let (client, evidence) = (finding.client.clone()?, finding.evidence.key.clone());
        self.held(&Grant { client, kind, evidence, label: "".into(), role: None })
    }

    /// The memory of a held grant under any label; `None` if it is not remembered as held.
    fn held(&self, grant: &Grant) -> Option<Memory> {
        let first = Grant { label: "".into(), role: None, ..grant.clone() };
        let mut labels = self.entries.range(first..).take_while(|(known, _)| known.is_same_privilege(grant));
        labels.find_map(|(_, memory)| matches!(memory, Memory::Held { .. }).then_some(*memory))
    }
}
