//! What is remembered of dangerous grants, kept over restarts: when each was first seen, and what was last told of it.
//!
//! Pure: the file that keeps it is `store`'s business, and what is dangerous or approved is `audit`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{ClientId, RoleId, Timestamp};

/// For how long a grant that is gone is still told about, so that no old 1 is the last sample: `stale-after` and 2 h.
pub const GONE_FOR: Duration = Duration::from_hours(26);

/// A grant is gone after this many complete refreshes in a row without it, so that a list that flaps once resolves no
/// page and makes nothing new.
const GONE_AFTER: u32 = 2;

/// A dangerous scope or permission that a client holds, under the label that tells of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Who.
    pub client: ClientId,
    /// Which of the two.
    pub kind: GrantKind,
    /// What identifies it for this client and kind: a finding's evidence key.
    pub evidence: String,
    /// What the metrics call it: the scope, or the policy's pattern that matches the permission.
    pub label: String,
}

/// What sort of power is granted. The two have metrics of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantKind {
    /// A scope of the client.
    Scope,
    /// A permission that one of the client's roles grants.
    Permission,
}

impl Grant {
    /// A scope that a client holds.
    pub fn scope(client: &ClientId, scope: &str) -> Self {
        let (evidence, label) = (scope.to_owned(), scope.to_owned());
        Self { client: client.clone(), kind: GrantKind::Scope, evidence, label }
    }

    /// A permission that a client's roles grant, told under a pattern of the policy.
    pub fn permission(client: &ClientId, evidence: &str, pattern: &str) -> Self {
        let (evidence, label) = (evidence.to_owned(), pattern.to_owned());
        Self { client: client.clone(), kind: GrantKind::Permission, evidence, label }
    }

    /// Whether it is the same power, whatever it is told under.
    fn is_same_power(&self, other: &Self) -> bool {
        (&self.client, self.kind, &self.evidence) == (&other.client, other.kind, &other.evidence)
    }
}

/// How a grant that is held stands with those who decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A baseline is loaded, and neither it nor an exemption covers the grant.
    Unapproved,
    /// An exemption of the policy covers it.
    Exempt,
    /// The baseline approves it, or none is loaded, so that nobody is asked.
    Settled,
}

/// What is remembered of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It is held, or was until the last refresh.
    Held {
        /// When it was first seen; `None` where it was there at the first refresh ever, or before the policy called it dangerous.
        first_seen: Option<Timestamp>,
        /// As it was judged last.
        standing: Standing,
        /// Complete refreshes in a row without it.
        missed: u32,
    },
    /// It is gone since then.
    Gone(Timestamp),
}

/// What a complete refresh tells of dangerous grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sighting {
    /// Those that are held.
    pub held: BTreeMap<Grant, Standing>,
    /// Those of the ledger of which it tells nothing, since their input could not be read.
    pub untold: BTreeSet<Grant>,
    /// What could not be read, and never was.
    pub unread: Unread,
}

/// What was there and could not be read: what it brings once it can be is not new.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unread {
    /// Clients, by their records.
    pub clients: BTreeSet<ClientId>,
    /// Roles, each with a client that holds it.
    pub roles: BTreeSet<(ClientId, RoleId)>,
}

impl Unread {
    /// What is unread here or there.
    fn union(&self, other: &Self) -> Self {
        Self {
            clients: self.clients.union(&other.clients).cloned().collect(),
            roles: self.roles.union(&other.roles).cloned().collect(),
        }
    }

    /// What is unread here and there.
    fn intersection(&self, other: &Self) -> Self {
        Self {
            clients: self.clients.intersection(&other.clients).cloned().collect(),
            roles: self.roles.intersection(&other.roles).cloned().collect(),
        }
    }
}

/// The memory of one organisation's dangerous grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    entries: BTreeMap<Grant, Memory>,
    /// What was there at the first refresh ever and could not be read since.
    unread: Unread,
}

impl Ledger {
    /// A ledger with these entries, and what never could be read, as a file kept them.
    pub fn from_entries(entries: impl IntoIterator<Item = (Grant, Memory)>, unread: Unread) -> Self {
        Self { entries: entries.into_iter().collect(), unread }
    }

    /// Every entry, sorted by grant.
    pub fn entries(&self) -> impl Iterator<Item = (&Grant, Memory)> {
        self.entries.iter().map(|(grant, memory)| (grant, *memory))
    }

    /// What was there at the first refresh ever and could not be read since.
    pub const fn unread(&self) -> &Unread {
        &self.unread
    }

    /// The ledger after a complete refresh.
    ///
    /// `previous` are the dangerous grants of the last complete snapshot before it under the same policy, `None` at the
    /// first refresh ever: what that snapshot held is not new, whatever the policy said then.
    #[must_use]
    pub fn after_refresh(&self, previous: Option<&BTreeSet<Grant>>, sighting: Sighting, now: Timestamp) -> Self {
        let Sighting { held, untold, unread } = sighting;
        let is_new = |grant: &Grant| match previous {
            Some(previous) => !previous.contains(grant) && !self.unread.clients.contains(&grant.client),
            None => false,
        };
        let mut entries: BTreeMap<_, _> = held
            .into_iter()
            .map(|(grant, standing)| {
                let first_seen = match self.held(&grant) {
                    Some(Memory::Held { first_seen, .. }) => first_seen,
                    _ => is_new(&grant).then_some(now),
                };
                (grant, Memory::Held { first_seen, standing, missed: 0 })
            })
            .collect();
        for (grant, memory) in &self.entries {
            let memory = match *memory {
                kept @ Memory::Held { .. } if untold.contains(grant) => kept,
                Memory::Held { first_seen, standing, missed } if missed.saturating_add(1) < GONE_AFTER => {
                    Memory::Held { first_seen, standing, missed: missed + 1 }
                }
                Memory::Held { .. } => Memory::Gone(now),
                Memory::Gone(since) if now.since(since) < GONE_FOR => Memory::Gone(since),
                Memory::Gone(_) => continue,
            };
            entries.entry(grant.clone()).or_insert(memory);
        }
        let unread = match previous {
            Some(_) => self.unread.intersection(&unread),
            None => unread,
        };
        Self { entries, unread }
    }

    /// The ledger after policy or baseline changed, with what the last snapshot tells now.
    ///
    /// No refresh took place, so that nothing is new; what the policy no longer calls dangerous is gone. What could not be
    /// read while the policy began to call it dangerous will not be new either.
    #[must_use]
    pub fn after_policy_change(&self, sighting: Sighting, now: Timestamp) -> Self {
        let Sighting { held, untold, unread } = sighting;
        let mut entries: BTreeMap<_, _> = held
            .into_iter()
            .map(|(grant, standing)| {
                let first_seen = match self.held(&grant) {
                    Some(Memory::Held { first_seen, .. }) => first_seen,
                    _ => None,
                };
                (grant, Memory::Held { first_seen, standing, missed: 0 })
            })
            .collect();
        for (grant, memory) in &self.entries {
            let memory = match *memory {
                Memory::Held { missed: 0, .. } if !untold.contains(grant) => Memory::Gone(now),
                kept => kept,
            };
            entries.entry(grant.clone()).or_insert(memory);
        }
        Self { entries, unread: self.unread.union(&unread) }
    }

    /// What is remembered of that power, under whatever label; `None` where it is not held.
    fn held(&self, grant: &Grant) -> Option<Memory> {
        let first = Grant { label: String::new(), ..grant.clone() };
        let mut labels = self.entries.range(first..).take_while(|(known, _)| known.is_same_power(grant));
        labels.find_map(|(_, memory)| matches!(memory, Memory::Held { .. }).then_some(*memory))
    }
}

impl Memory {
    /// The value of the first-seen metric: 0 where it must not page.
    pub fn first_seen(self) -> Timestamp {
        match self {
            Self::Held { standing: Standing::Exempt, .. } | Self::Gone(_) => Timestamp::default(),
            Self::Held { first_seen, .. } => first_seen.unwrap_or_default(),
        }
    }

    /// Whether somebody is to be asked for an approval.
    pub const fn is_unapproved(self) -> bool {
        matches!(self, Self::Held { standing: Standing::Unapproved, .. })
    }
}

#[cfg(test)]
mod tests;
