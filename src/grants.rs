//! When each dangerous grant was first seen, kept over restarts.
//!
//! Pure: the file that keeps it is `store`'s business, and what is dangerous is `audit`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{ClientId, Power, Timestamp};

/// For how long a grant that is gone is still told about, so that no old 1 is the last sample: `stale-after` and 2 h.
pub const GONE_FOR: Duration = Duration::from_hours(26);

/// An entry is forgotten after this many complete refreshes in a row without the grant.
const FORGOTTEN_AFTER: u32 = 2;

/// A dangerous scope or permission that a client holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Who.
    pub client: ClientId,
    /// What.
    pub power: Power,
}

impl Grant {
    /// A scope that a client holds.
    pub fn scope(client: &ClientId, scope: &str) -> Self {
        Self { client: client.clone(), power: Power::Scope(scope.to_owned()) }
    }

    /// A permission that a client's roles grant.
    pub fn permission(client: &ClientId, permission: &str) -> Self {
        Self { client: client.clone(), power: Power::Permission(permission.to_owned()) }
    }
}

/// What is remembered of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It is held, or was until the last refresh or two.
    Held {
        /// When it was first seen; `None` where it was there at the first refresh ever, or before the policy called it dangerous.
        first_seen: Option<Timestamp>,
        /// Complete refreshes in a row without it.
        missed: u32,
    },
    /// It is gone since then.
    Gone(Timestamp),
}

/// The memory of one organisation's dangerous grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    entries: BTreeMap<Grant, Memory>,
}

impl Ledger {
    /// A ledger with these entries, as a file kept them.
    pub fn from_entries(entries: impl IntoIterator<Item = (Grant, Memory)>) -> Self {
        Self { entries: entries.into_iter().collect() }
    }

    /// Every entry, sorted by client and power.
    pub fn entries(&self) -> impl Iterator<Item = (&Grant, Memory)> {
        self.entries.iter().map(|(grant, memory)| (grant, *memory))
    }

    /// The ledger after a complete refresh in which the grants `held` were dangerous.
    ///
    /// `previous` are those of the last complete snapshot before it under the same policy, `None` at the first refresh
    /// ever: what that snapshot held is not new, whatever the policy said then.
    #[must_use]
    pub fn after_refresh(&self, previous: Option<&BTreeSet<Grant>>, held: BTreeSet<Grant>, now: Timestamp) -> Self {
        let mut entries = BTreeMap::new();
        for grant in held {
            let first_seen = match self.entries.get(&grant) {
                Some(Memory::Held { first_seen, .. }) => *first_seen,
                Some(Memory::Gone(_)) | None => match previous {
                    Some(previous) if !previous.contains(&grant) => Some(now),
                    _ => None,
                },
            };
            entries.insert(grant, Memory::Held { first_seen, missed: 0 });
        }
        for (grant, memory) in &self.entries {
            let memory = match *memory {
                Memory::Held { first_seen, missed } if missed.saturating_add(1) < FORGOTTEN_AFTER => {
                    Memory::Held { first_seen, missed: missed + 1 }
                }
                Memory::Held { .. } => Memory::Gone(now),
                Memory::Gone(since) if now.since(since) < GONE_FOR => Memory::Gone(since),
                Memory::Gone(_) => continue,
            };
            entries.entry(grant.clone()).or_insert(memory);
        }
        Self { entries }
    }
}

impl Ledger {
    /// The ledger after the policy changed, with the grants `held` by the last snapshot that are dangerous now.
    ///
    /// No refresh took place, so that nothing is new; what the policy no longer calls dangerous is gone.
    #[must_use]
    pub fn after_policy_change(&self, held: BTreeSet<Grant>, now: Timestamp) -> Self {
        let mut entries: BTreeMap<_, _> = held
            .into_iter()
            .map(|grant| {
                let memory = match self.entries.get(&grant) {
                    Some(&Memory::Held { first_seen, .. }) => Memory::Held { first_seen, missed: 0 },
                    Some(Memory::Gone(_)) | None => Memory::Held { first_seen: None, missed: 0 },
                };
                (grant, memory)
            })
            .collect();
        for (grant, memory) in &self.entries {
            let memory = match *memory {
                Memory::Held { missed: 0, .. } => Memory::Gone(now),
                kept => kept,
            };
            entries.entry(grant.clone()).or_insert(memory);
        }
        Self { entries }
    }
}

impl Memory {
    /// The value of the first-seen metric: 0 where it must not page.
    pub fn first_seen(self) -> Timestamp {
        match self {
            Self::Held { first_seen, .. } => first_seen.unwrap_or_default(),
            Self::Gone(_) => Timestamp::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grants(names: &[&str]) -> BTreeSet<Grant> {
        names.iter().map(|scope| Grant::scope(&ClientId::new("c"), scope)).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// The first-seen value of `scope`; `None` where nothing is told of it.
    fn seen(ledger: &Ledger, scope: &str) -> Option<i64> {
        let mut entries = ledger.entries();
        entries.find(|(grant, _)| grant.power.name() == scope).map(|(_, memory)| memory.first_seen().seconds())
    }

    #[test]
    fn what_is_there_at_the_first_refresh_ever_is_not_new() {
        let ledger = Ledger::default().after_refresh(None, grants(&["oauth"]), at(100));
        assert_eq!(seen(&ledger, "oauth"), Some(0));
        let ledger = ledger.after_refresh(Some(&grants(&["oauth"])), grants(&["oauth", "users"]), at(200));
        assert_eq!((seen(&ledger, "oauth"), seen(&ledger, "users")), (Some(0), Some(200)));
    }

    #[test]
    fn what_the_last_snapshot_held_is_not_new_under_a_new_policy() {
        let ledger = Ledger::default().after_refresh(Some(&grants(&["outbound"])), grants(&["outbound"]), at(300));
        assert_eq!(seen(&ledger, "outbound"), Some(0));
    }

    #[test]
    fn one_refresh_without_the_grant_forgets_nothing_and_two_do() {
        let none = grants(&[]);
        let ledger = Ledger::default().after_refresh(Some(&none), grants(&["oauth"]), at(100));
        let missed = ledger.after_refresh(Some(&grants(&["oauth"])), none.clone(), at(200));
        assert_eq!(seen(&missed, "oauth"), Some(100));
        let back = missed.after_refresh(Some(&none), grants(&["oauth"]), at(300));
        assert_eq!(seen(&back, "oauth"), Some(100), "a flapping list makes no new grant");
        let gone = missed.after_refresh(Some(&none), none.clone(), at(300));
        assert_eq!(seen(&gone, "oauth"), Some(0));
        let again = gone.after_refresh(Some(&none), grants(&["oauth"]), at(400));
        assert_eq!(seen(&again, "oauth"), Some(400), "removed and granted again is new");
    }

    #[test]
    fn a_grant_that_is_gone_is_told_as_zero_for_26_hours() {
        let none = grants(&[]);
        let held = Ledger::default().after_refresh(Some(&none), grants(&["oauth"]), at(0));
        let gone = held.after_refresh(Some(&grants(&["oauth"])), none.clone(), at(100));
        let gone = gone.after_refresh(Some(&none), none.clone(), at(200));
        let last = 200 + i64::try_from(GONE_FOR.as_secs()).expect("26 h fit");
        let just_before = gone.after_refresh(Some(&none), none.clone(), at(last - 1));
        assert_eq!(seen(&just_before, "oauth"), Some(0));
        let after = just_before.after_refresh(Some(&none), none.clone(), at(last));
        assert_eq!(seen(&after, "oauth"), None);
    }

    #[test]
    fn a_new_policy_makes_no_old_grant_new_and_lets_go_of_what_is_no_longer_dangerous() {
        let none = grants(&[]);
        let ledger = Ledger::default().after_refresh(Some(&none), grants(&["oauth"]), at(100));
        let changed = ledger.after_policy_change(grants(&["oauth", "outbound"]), at(150));
        assert_eq!((seen(&changed, "oauth"), seen(&changed, "outbound")), (Some(100), Some(0)));
        let milder = changed.after_policy_change(grants(&["outbound"]), at(160));
        assert_eq!((seen(&milder, "oauth"), seen(&milder, "outbound")), (Some(0), Some(0)));
        let harsher = milder.after_policy_change(grants(&["oauth", "outbound"]), at(170));
        assert_eq!(seen(&harsher, "oauth"), Some(0));
    }

    #[test]
    fn a_permission_of_the_same_name_as_a_scope_is_another_grant() {
        let client = ClientId::new("c");
        let permission = BTreeSet::from([Grant::permission(&client, "a")]);
        let ledger = Ledger::default().after_refresh(Some(&grants(&["a"])), permission.clone(), at(100));
        let told: Vec<_> =
            ledger.entries().map(|(grant, memory)| (grant.clone(), memory.first_seen().seconds())).collect();
        assert_eq!(told, [(Grant::permission(&client, "a"), 100)]);
        let gone =
            ledger.after_refresh(Some(&permission), grants(&[]), at(200)).after_refresh(None, grants(&[]), at(300));
        assert_eq!(gone.entries().next(), Some((&Grant::permission(&client, "a"), Memory::Gone(at(300)))));
    }

    proptest! {
        /// However the list flaps, and wherever the clock jumps: held grants are always told, a first-seen time is the
        /// time of some refresh, and it does not change while the grant is held.
        #[test]
        fn held_grants_keep_their_first_seen_time(steps in prop::collection::vec((0_i64..1_000_000, any::<bool>(), any::<bool>()), 1..40)) {
            let as_permission = |set: BTreeSet<Grant>| -> BTreeSet<Grant> {
                set.iter().map(|g| Grant::permission(&g.client, g.power.name())).collect()
            };
            let mut ledger = Ledger::default();
            // The same steps with permissions: what they are makes no difference.
            let mut other = Ledger::default();
            let mut previous: Option<BTreeSet<Grant>> = None;
            let mut times = vec![0];
            for (now, a, b) in steps {
                let names: Vec<&str> = [("a", a), ("b", b)].iter().filter(|(_, held)| *held).map(|(n, _)| *n).collect();
                let held = grants(&names);
                let next = ledger.after_refresh(previous.as_ref(), held.clone(), at(now));
                times.push(now);
                for name in names {
                    let value = seen(&next, name).expect("held grants are told");
                    prop_assert!(times.contains(&value));
                    if previous.as_ref().is_some_and(|p| p.contains(&Grant::scope(&ClientId::new("c"), name))) {
                        prop_assert_eq!(Some(value), seen(&ledger, name));
                    }
                }
                other = other.after_refresh(previous.clone().map(as_permission).as_ref(), as_permission(held.clone()), at(now));
                let memories = |ledger: &Ledger| -> Vec<_> {
                    ledger.entries().map(|(grant, memory)| (grant.power.name().to_owned(), memory)).collect()
                };
                prop_assert_eq!(memories(&next), memories(&other));
                ledger = next;
                previous = Some(held);
            }
        }
    }
}
