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

mod advance;
mod entries;
mod grant;
mod join;
mod memory;
mod sighting;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use grant::{Grant, GrantKind, Hidden, HidingPlace, LabelledPrivilege};
pub use memory::{Event, GONE_FOR, Memory, Standing, downtime};
pub use sighting::{Evaluation, Sighting, widens};

use self::advance::Advance;
use self::entries::{ClientEntries, by_client, entries_of};
use crate::audit::{Finding, Kind};
use crate::domain::{ClientId, Timestamp};

/// The remembered dangerous grants of one organisation.
///
/// Cheap to clone: while nothing changes, only the time that has passed is added, and not to each entry. Clients share
/// equal entries, and so do a ledger and the one before.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Sorted by client.
    clients: Arc<[ClientEntries]>,
    /// Data that could not be read at the first refresh or since then. A grant that it contains is not new once it can be read.
    hidden: Arc<BTreeSet<Hidden>>,
    /// The time since the entries were made.
    passed: Duration,
    /// The longest time since a grant of the entries was removed; `None` if none was.
    longest_gone: Option<Duration>,
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
        Self::new(by_client(entries).into(), Arc::new(hidden))
    }

    fn new(clients: Arc<[ClientEntries]>, hidden: Arc<BTreeSet<Hidden>>) -> Self {
        let memories = clients.iter().flat_map(|(_, entries)| entries.iter()).map(|entry| entry.memory);
        let longest_gone = memories.filter_map(Memory::gone_for).max();
        Self { clients, hidden, passed: Duration::ZERO, longest_gone }
    }

    /// The ledger after some more time.
    #[must_use]
    pub fn after_time(&self, more: Duration) -> Self {
        Self { passed: self.passed.saturating_add(more), ..self.clone() }
    }

    /// The time between an earlier ledger and this one, which differ in nothing else. Zero if no entry shows it.
    pub fn time_since(&self, earlier: &Self) -> Duration {
        let longest = |ledger: &Self| ledger.longest_gone.map(|elapsed| elapsed.saturating_add(ledger.passed));
        longest(self).unwrap_or_default().saturating_sub(longest(earlier).unwrap_or_default())
    }

    /// The ledger after a refresh that shows exactly what the last two showed; `None` if an entry must be forgotten. `elapsed` is as in
    /// [`Self::advance`].
    pub fn unchanged(&self, elapsed: Duration) -> Option<Self> {
        let later = self.after_time(elapsed);
        let forgets = later.longest_gone.is_some_and(|gone| gone.saturating_add(later.passed) >= GONE_FOR);
        (!forgets).then_some(later)
    }

    /// Whether both say the same but for the time since grants were removed.
    pub fn differs_only_in_time(&self, other: &Self) -> bool {
        let same = |a: Memory, b: Memory| match (a, b) {
            (Memory::Gone { since: a, .. }, Memory::Gone { since: b, .. }) => a == b,
            _ => a == b,
        };
        let same_entries = |(a, b): (&ClientEntries, &ClientEntries)| {
            let entries = || a.1.iter().zip(&*b.1).all(|(a, b)| same(a.memory, b.memory) && a.privilege == b.privilege);
            a.0 == b.0 && (Arc::ptr_eq(&a.1, &b.1) || (a.1.len() == b.1.len() && entries()))
        };
        let clients = || self.clients.iter().zip(&*other.clients).all(same_entries);
        self.hidden == other.hidden
            && (Arc::ptr_eq(&self.clients, &other.clients) || (self.clients.len() == other.clients.len() && clients()))
    }

    /// The entries of each client that has some, sorted by client and grant.
    pub fn clients(
        &self,
    ) -> impl Iterator<Item = (&ClientId, impl Iterator<Item = (&Arc<LabelledPrivilege>, Memory)>)> {
        self.clients.iter().map(|(client, entries)| {
            (client, entries.iter().map(|entry| (&entry.privilege, entry.memory.later(self.passed))))
        })
    }

    /// Every entry, sorted by grant.
    pub fn entries(&self) -> impl Iterator<Item = (Grant, Memory)> {
        self.clients().flat_map(|(client, entries)| {
            entries.map(|(privilege, memory)| (Grant::new(client.clone(), Arc::clone(privilege)), memory))
        })
    }

    /// Data that could not be read at the first refresh or since then.
    pub fn hidden(&self) -> &BTreeSet<Hidden> {
        &self.hidden
    }

    /// The ledger after an event whose snapshot shows `seen`. `elapsed` is the time since the last event, measured and not taken
    /// from the clock: `now` can be before the time of the last event, or years after it.
    #[must_use]
    pub fn advance(&self, seen: &Sighting<'_>, event: Event<'_>, now: Timestamp, elapsed: Duration) -> Self {
        let passed = self.passed.saturating_add(elapsed);
        let readable_again = self.hidden.difference(&seen.hidden).cloned().collect();
        let advance = Advance { seen, event, now, passed, readable_again };
        let clients = advance.clients(&self.clients).map_or_else(|| Arc::clone(&self.clients), Arc::from);
        let hidden: BTreeSet<Hidden> = match event {
            Event::First => seen.hidden.clone(),
            Event::Refresh { .. } => self.hidden.intersection(&seen.hidden).cloned().collect(),
            Event::PolicyChange { widens: true } => self.hidden.union(&seen.unknown).cloned().collect(),
            Event::PolicyChange { widens: false } => return Self::new(clients, Arc::clone(&self.hidden)),
        };
        let hidden = if hidden == *self.hidden { Arc::clone(&self.hidden) } else { Arc::new(hidden) };
        Self::new(clients, hidden)
    }

    /// What is remembered about the scope or permission that a finding is about, under any label; `None` if it is about something
    /// else, or is not remembered as held.
    pub fn memory(&self, finding: &Finding) -> Option<Memory> {
        let kind = match finding.evidence.kind {
            Kind::Scope => GrantKind::Scope,
            Kind::Permission => GrantKind::Permission,
            _ => return None,
        };
        let entries = entries_of(&self.clients, finding.client.as_ref()?);
        entries::held(entries, (kind, &finding.evidence.key))
    }
}
