//! The plain ledger: one map of every grant, copied at each event. The compact ledger gives the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::shown::{evaluated, of};
use super::{Event, Grant, Hidden, HidingPlace, Ledger, Memory, Standing, at};
use crate::domain::{ClientId, RoleId, Timestamp};
use crate::ledger::grant::can_be_in;

#[derive(Debug, Clone, Default)]
struct Reference {
    entries: BTreeMap<Grant, Memory>,
    hidden: BTreeSet<Hidden>,
}

/// What a refresh or reload shows.
#[derive(Debug, Clone)]
struct Shown {
    held: BTreeMap<Grant, Standing>,
    hidden: BTreeSet<Hidden>,
    unknown: BTreeSet<Hidden>,
}

impl Shown {
    /// The policy and the report of `shown` look for all labels but the scope `c`.
    fn hides(&self, grant: &Grant) -> bool {
        grant.label != "c" && can_be_in(&self.hidden, &grant.client, grant.key())
    }
}

impl Reference {
    /// `before` is the content of the event's report.
    fn advance(&self, seen: &Shown, before: &BTreeMap<Grant, Standing>, event: Event<'_>, now: Timestamp) -> Self {
        let mut entries = BTreeMap::new();
        let readable_again = self.hidden.difference(&seen.hidden).cloned().collect();
        let is_new = |grant: &Grant| match event {
            Event::First | Event::PolicyChange { .. } => false,
            Event::Refresh { .. } => {
                !before.contains_key(grant) && !can_be_in(&readable_again, &grant.client, grant.key())
            }
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
            Event::PolicyChange { widens: false } => self.hidden.clone(),
        };
        Self { entries, hidden }
    }

    fn after(&self, elapsed: Duration, now: Timestamp) -> Self {
        let entries = self.entries.iter().map(|(grant, memory)| (grant.clone(), memory.after(elapsed, now))).collect();
        Self { entries, hidden: self.hidden.clone() }
    }

    /// The memory of a held grant under any label.
    fn held(&self, grant: &Grant) -> Option<Memory> {
        let is_same = |known: &Grant| {
            (&known.client, known.kind, &known.evidence) == (&grant.client, grant.kind, &grant.evidence)
        };
        let mut labels = self.entries.iter().filter(|(known, _)| is_same(known));
        labels.find_map(|(_, memory)| matches!(memory, Memory::Held { .. }).then_some(*memory))
    }
}

/// A few grants of three clients: scopes, permissions under several labels and of several roles, and a permission with the name of a
/// scope.
fn any_grant() -> impl Strategy<Value = Grant> {
    (0..3_usize, 0..9_usize).prop_map(|(client, grant)| {
        let client = ClientId::new(["c-1", "c-2", "c-3"][client]);
        let permission = |evidence, label, role| Grant::permission(&client, evidence, label, RoleId::new(role));
        match grant {
            0 => Grant::scope(&client, "a"),
            1 => Grant::scope(&client, "b"),
            2 => Grant::scope(&client, "c"),
            3 => permission("a", "x", "r"),
            4 => permission("p role=r", "x", "r"),
            5 => permission("p role=r", "y", "r"),
            6 => permission("p role=s", "x", "s"),
            7 => permission("q role=s", "x", "s"),
            _ => permission("q role=s", "y", "s"),
        }
    })
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![3 => Just(Standing::Unapproved), 1 => Just(Standing::Exempt), 1 => Just(Standing::Settled)]
}

fn any_held() -> impl Strategy<Value = BTreeMap<Grant, Standing>> {
    prop::collection::btree_map(any_grant(), any_standing(), 0..14)
}

fn any_shown() -> impl Strategy<Value = Shown> {
    let place = (0..3_usize, 0..4_usize).prop_map(|(client, place)| {
        let place = match place {
            0 => HidingPlace::Scopes,
            1 => HidingPlace::Roles,
            2 => HidingPlace::Role(RoleId::new("r")),
            _ => HidingPlace::Role(RoleId::new("s")),
        };
        Hidden { client: ClientId::new(["c-1", "c-2", "c-3"][client]), place }
    });
    (any_held(), prop::collection::btree_map(place, any::<bool>(), 0..4)).prop_map(|(held, places)| {
        let unknown = places.iter().filter(|(_, is_known)| !**is_known).map(|(place, _)| place.clone()).collect();
        Shown { held, hidden: places.into_keys().collect(), unknown }
    })
}

/// What happens at a step.
#[derive(Debug, Clone)]
enum Step {
    /// A refresh. Its last snapshot is what the step before showed, or something else.
    Refresh(Shown, Option<BTreeMap<Grant, Standing>>),
    /// A refresh that shows the same as the step before.
    Again,
    Reload(Shown, bool),
    First(Shown),
    /// Time in which nothing changed.
    Time,
    /// The ledger is written to a file and read.
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any_shown(), prop::option::weighted(0.2, any_held())).prop_map(|(shown, before)| Step::Refresh(shown, before)),
        3 => Just(Step::Again),
        2 => (any_shown(), any::<bool>()).prop_map(|(shown, widens)| Step::Reload(shown, widens)),
        1 => any_shown().prop_map(Step::First),
        1 => Just(Step::Time),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    /// For any sequence of sightings, gaps, policy changes, restarts and times, also with a clock that is set.
    #[test]
    fn the_compact_ledger_remembers_what_the_plain_one_does(
        steps in prop::collection::vec((any_step(), 0..2_000_i64, 0..100_000_u64), 1..24)
    ) {
        let (mut ledger, mut reference) = (Ledger::default(), Reference::default());
        let mut last = Shown { held: BTreeMap::new(), hidden: BTreeSet::new(), unknown: BTreeSet::new() };
        for (step, now, elapsed) in steps {
            let (now, elapsed) = (at(now), Duration::from_secs(elapsed));
            let mut before = last.held.clone();
            let mut widens = None;
            let mut is_first = false;
            let shown = match step {
                Step::Again => last,
                Step::Refresh(shown, other) => {
                    before = other.unwrap_or(before);
                    shown
                }
                Step::Reload(shown, by) => {
                    widens = Some(by);
                    shown
                }
                Step::First(shown) => {
                    is_first = true;
                    shown
                }
                Step::Time => {
                    ledger = ledger.after_time(elapsed);
                    for memory in reference.entries.values_mut() {
                        *memory = memory.later(elapsed);
                    }
                    continue;
                }
                Step::Restart => {
                    // A file can have any order.
                    let mut entries: Vec<_> = ledger.entries().collect();
                    entries.reverse();
                    ledger = Ledger::from_entries(entries, ledger.hidden().clone());
                    continue;
                }
            };
            let last_report = evaluated(before.clone());
            let event = match widens {
                Some(widens) => Event::PolicyChange { widens },
                None if is_first => Event::First,
                None => Event::Refresh { before: &last_report },
            };
            let report = evaluated(shown.held.clone());
            let mut sighting = of(&report);
            (sighting.hidden, sighting.unknown) = (shown.hidden.clone(), shown.unknown.clone());
            let next = ledger.advance(&sighting, event, now, elapsed);
            reference = reference.after(elapsed, now).advance(&shown, &before, event, now);
            let expected: Vec<_> = reference.entries.iter().map(|(grant, memory)| (grant.clone(), *memory)).collect();
            prop_assert_eq!(next.entries().collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(next.hidden(), &reference.hidden);
            prop_assert_eq!(&Ledger::from_entries(expected, reference.hidden.clone()), &next);
            let longest = reference.entries.values().filter_map(|memory| memory.gone_for()).max();
            prop_assert_eq!(next.longest_gone, longest);
            let is_same = |(a, b): ((Grant, Memory), (Grant, Memory))| a.0 == b.0 && match (a.1, b.1) {
                (Memory::Gone { since: a, .. }, Memory::Gone { since: b, .. }) => a == b,
                (a, b) => a == b,
            };
            let differs_only_in_time = ledger.hidden() == next.hidden()
                && ledger.entries().count() == next.entries().count()
                && ledger.entries().zip(next.entries()).all(is_same);
            prop_assert_eq!(ledger.differs_only_in_time(&next), differs_only_in_time);
            (ledger, last) = (next, shown);
        }
    }
}
