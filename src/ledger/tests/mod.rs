//! Updates of a ledger with sets of grants: lists that flap, and policies that change.
//!
//! Tests with data that could not be read are in `hidden`.

mod compact;
mod hidden;
mod reference;
mod shown;

use proptest::prelude::*;

use self::shown::{evaluated, of, report};
use super::*;
use crate::audit::Report;
use crate::domain::{ClientId, RoleId};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn grants(names: &[&str]) -> BTreeSet<Grant> {
    names.iter().map(|scope| Grant::scope(&ClientId::new("c"), scope)).collect()
}

fn permission(evidence: &str, pattern: &str) -> Grant {
    Grant::permission(&ClientId::new("c"), evidence, pattern, RoleId::new("r"))
}

/// A refresh that shows these scopes, after one whose grants were `before`.
fn refresh(ledger: &Ledger, before: &[&str], held: &[&str], now: i64) -> Ledger {
    ledger.advance(
        &of(&report(grants(held))),
        Event::Refresh { before: &report(grants(before)) },
        at(now),
        Duration::ZERO,
    )
}

fn memory(ledger: &Ledger, grant: &Grant) -> Option<Memory> {
    ledger.entries().find(|(known, _)| known == grant).map(|(_, memory)| memory)
}

/// The value of the first-seen metric for a scope of the client `c`; `None` if it is not exported.
fn seen(ledger: &Ledger, scope: &str) -> Option<i64> {
    memory(ledger, &Grant::scope(&ClientId::new("c"), scope)).map(|memory| memory.first_seen().seconds())
}

const POLICY: Event<'_> = Event::PolicyChange { widens: true };

#[test]
fn grants_of_the_first_refresh_are_not_new() {
    let ledger = Ledger::default().advance(&of(&report(grants(&["oauth"]))), Event::First, at(100), Duration::ZERO);
    assert_eq!(seen(&ledger, "oauth"), Some(0));
    let ledger = refresh(&ledger, &["oauth"], &["oauth", "users"], 200);
    assert_eq!((seen(&ledger, "oauth"), seen(&ledger, "users")), (Some(0), Some(200)));
}

#[test]
fn a_grant_of_the_last_snapshot_is_not_new_under_a_new_policy() {
    assert_eq!(seen(&refresh(&Ledger::default(), &["outbound"], &["outbound"], 300), "outbound"), Some(0));
}

#[test]
fn one_refresh_without_the_grant_changes_nothing_and_two_remove_it() {
    let held = refresh(&Ledger::default(), &[], &["oauth"], 100);
    let unapproved = |ledger: &Ledger| ledger.entries().any(|(_, memory)| memory.is_unapproved());
    let missed = refresh(&held, &["oauth"], &[], 200);
    assert_eq!((seen(&missed, "oauth"), unapproved(&missed)), (Some(100), true), "an open page stays open");
    let back = refresh(&missed, &[], &["oauth"], 300);
    assert_eq!((seen(&back, "oauth"), unapproved(&back)), (Some(100), true), "a list that flaps makes no new grant");
    let gone = refresh(&missed, &[], &[], 300);
    assert_eq!((seen(&gone, "oauth"), unapproved(&gone)), (Some(0), false));
    assert_eq!(seen(&refresh(&gone, &[], &["oauth"], 400), "oauth"), Some(400), "removed and granted again is new");
}

#[test]
fn a_grant_that_is_gone_is_exported_as_zero_for_26_hours() {
    let held = refresh(&Ledger::default(), &[], &["oauth"], 0);
    let gone = refresh(&refresh(&held, &["oauth"], &[], 100), &[], &[], 200);
    let second = Duration::from_secs(1);
    let just_before = Duration::from_secs(GONE_FOR.as_secs() - 1);
    let after = |ledger: &Ledger, elapsed| {
        // The clock is set back by a month, or forward by two: only the elapsed time counts.
        let ledgers = [-30, 0, 60].map(|days| {
            let none = report(BTreeSet::new());
            ledger.advance(&of(&report(grants(&[]))), Event::Refresh { before: &none }, at(days * 86_400), elapsed)
        });
        ledgers.map(|ledger| seen(&ledger, "oauth"))
    };
    assert_eq!(after(&gone, just_before), [Some(0); 3]);
    assert_eq!(after(&gone, GONE_FOR), [None; 3]);
    let reloaded = gone.advance(&of(&report(grants(&[]))), POLICY, at(300), just_before);
    assert_eq!(after(&reloaded, Duration::ZERO), [Some(0); 3]);
    assert_eq!(after(&reloaded, second), [None; 3], "the time before a reload counts");
}

#[test]
fn the_time_without_the_process_counts_by_the_clock_but_never_drops_a_removed_grant_at_once() {
    let hours = Duration::from_hours;
    for (saved, now, expected) in [
        (1_000, 1_000 + 7_200, hours(2)),
        (1_000_000_000, 1_000, hours(0)),
        (1_000, 1_000_000_000, hours(25)),
        (i64::MIN, i64::MAX, hours(25)),
    ] {
        assert_eq!(downtime(at(saved), at(now)), expected);
    }
    assert!(downtime(at(0), at(i64::MAX)) < GONE_FOR);
}

#[test]
fn a_first_seen_time_in_the_future_becomes_now() {
    let held = refresh(&Ledger::default(), &[], &["oauth"], 1_000);
    let back = refresh(&held, &["oauth"], &["oauth"], 400);
    assert_eq!(seen(&back, "oauth"), Some(400));
    assert_eq!(seen(&refresh(&back, &["oauth"], &["oauth"], 2_000), "oauth"), Some(400));
    assert_eq!(seen(&refresh(&held, &["oauth"], &[], 400), "oauth"), Some(400), "also while it is missed once");
}

#[test]
fn a_new_policy_makes_no_old_grant_new_and_removes_what_is_no_longer_dangerous() {
    let ledger = refresh(&Ledger::default(), &[], &["oauth"], 100);
    let policy = |ledger: &Ledger, held: &[&str], now| {
        ledger.advance(&of(&report(grants(held))), POLICY, at(now), Duration::ZERO)
    };
    let changed = policy(&ledger, &["oauth", "outbound"], 150);
    assert_eq!((seen(&changed, "oauth"), seen(&changed, "outbound")), (Some(100), Some(0)));
    let milder = policy(&changed, &["outbound"], 160);
    assert_eq!((seen(&milder, "oauth"), seen(&milder, "outbound")), (Some(0), Some(0)));
    assert_eq!(seen(&policy(&milder, &["oauth", "outbound"], 170), "oauth"), Some(0));
    let missed = refresh(&ledger, &["oauth"], &[], 200);
    assert_eq!(seen(&policy(&missed, &[], 210), "oauth"), Some(100), "the next refresh decides whether it is gone");
}

#[test]
fn a_permission_with_the_name_of_a_scope_is_another_grant() {
    let named = permission("a", "a");
    let scope = refresh(&Ledger::default(), &[], &["a"], 50);
    let both = scope.advance(
        &of(&report([named.clone()].into())),
        Event::Refresh { before: &report(grants(&["a"])) },
        at(100),
        Duration::ZERO,
    );
    assert_eq!((seen(&both, "a"), memory(&both, &named).map(Memory::first_seen)), (Some(50), Some(at(100))));
}

#[test]
fn a_replaced_pattern_is_exported_as_removed_and_the_grant_keeps_its_time_under_the_new_label() {
    let (before, after) = (permission("a:b:c role=r", "a:b:c"), permission("a:b:c role=r", "a:b:*"));
    let none = report(BTreeSet::new());
    let ledger = Ledger::default().advance(
        &of(&report([before.clone()].into())),
        Event::Refresh { before: &none },
        at(100),
        Duration::ZERO,
    );
    let replaced = ledger.advance(&of(&report([after.clone()].into())), POLICY, at(150), Duration::ZERO);
    assert_eq!(memory(&replaced, &before), Some(Memory::Gone { since: at(150), elapsed: Duration::ZERO }));
    let known = Memory::Held { first_seen: Some(at(100)), standing: Standing::Unapproved, missed: 0 };
    assert_eq!(memory(&replaced, &after), Some(known));
}

#[test]
fn an_exempt_grant_has_no_first_seen_time_until_the_exemption_ends() {
    let exempt = evaluated(grants(&["oauth"]).into_iter().map(|grant| (grant, Standing::Exempt)).collect());
    let ledger = Ledger::default().advance(
        &of(&exempt),
        Event::Refresh { before: &report(grants(&[])) },
        at(100),
        Duration::ZERO,
    );
    assert_eq!(seen(&ledger, "oauth"), Some(0));
    assert_eq!(
        seen(&ledger.advance(&of(&report(grants(&["oauth"]))), POLICY, at(200), Duration::ZERO), "oauth"),
        Some(100)
    );
}

proptest! {
    /// For any sequence of lists and clock changes: held grants are always exported, a first-seen time is the time of a
    /// refresh that is not in the future, and it changes while the grant is held only if it would be in the future. A gap never
    /// removes a grant.
    #[test]
    fn held_grants_keep_their_first_seen_time(
        steps in prop::collection::vec((0_i64..1_000_000, any::<bool>(), any::<bool>(), any::<bool>()), 1..40)
    ) {
        let hidden: BTreeSet<Hidden> = [Hidden { client: ClientId::new("c"), place: HidingPlace::Scopes }].into();
        let mut ledger = Ledger::default();
        let mut previous: Option<Report> = None;
        let mut times = vec![0];
        for (now, a, b, gap) in steps {
            let names: Vec<&str> = [("a", a), ("b", b)].iter().filter(|(_, held)| *held).map(|(n, _)| *n).collect();
            let shown = report(grants(&names));
            let mut sighting = of(&shown);
            if gap {
                sighting.hidden = hidden.clone();
            }
            let event = previous.as_ref().map_or(Event::First, |before| Event::Refresh { before });
            let next = ledger.advance(&sighting, event, at(now), Duration::ZERO);
            times.push(now);
            for name in &names {
                let value = seen(&next, name).expect("held grants are exported");
                prop_assert!(value <= now && times.contains(&value));
                if previous.as_ref().is_some_and(|p| p.dangerous_scope_grants().any(|(_, scope, _)| scope == *name)) {
                    prop_assert_eq!(Some(value), seen(&ledger, name).map(|before| before.min(now)));
                }
            }
            let held = |ledger: &Ledger| -> BTreeSet<Grant> {
                let held = ledger.entries().filter(|(_, memory)| matches!(memory, Memory::Held { .. }));
                held.map(|(grant, _)| grant).collect()
            };
            if gap {
                prop_assert!(held(&next).is_superset(&held(&ledger)));
            }
            ledger = next;
            previous = Some(shown);
        }
    }

    /// Two exporters see the same lists after the same elapsed times, one with a clock that is set at random. Both page for the
    /// same grants, and both export a removed grant for as long.
    #[test]
    fn a_clock_that_is_set_changes_no_decision(
        steps in prop::collection::vec((0_u32..100_000, 1_i64..4_000_000_000, any::<bool>(), any::<bool>()), 1..60)
    ) {
        // Everything that decides on pages, without the times themselves.
        let decisions = |ledger: &Ledger| -> Vec<String> {
            let decision = |(grant, memory): (Grant, Memory)| match memory {
                Memory::Held { first_seen, standing, missed } => {
                    format!("{grant:?}: new {}, {standing:?}, missed {missed}", first_seen.is_some())
                }
                Memory::Gone { .. } => format!("{grant:?}: gone"),
            };
            ledger.entries().map(decision).collect()
        };
        let (mut steady, mut set) = (Ledger::default(), Ledger::default());
        let mut running = Duration::ZERO;
        let mut removed: Option<Duration> = None;
        let mut previous: Option<Report> = None;
        for (elapsed, clock, held, reload) in steps {
            let passed = Duration::from_secs(elapsed.into());
            running += passed;
            let shown = report(grants(if held { &["a"] } else { &[] }));
            let event = match &previous {
                None => Event::First,
                Some(_) if reload => POLICY,
                Some(before) => Event::Refresh { before },
            };
            let seconds = i64::try_from(running.as_secs()).expect("small");
            steady = steady.advance(&of(&shown), event, at(seconds), passed);
            set = set.advance(&of(&shown), event, at(clock), passed);
            prop_assert_eq!(decisions(&steady), decisions(&set));
            for (_, memory) in set.entries() {
                prop_assert!(memory.first_seen() <= at(clock));
            }
            let is_gone = set.entries().any(|(_, memory)| matches!(memory, Memory::Gone { .. }));
            removed = if is_gone { removed.or(Some(running)) } else { None };
            if let (Some(since), Event::Refresh { .. }) = (removed, event) {
                prop_assert!(running < since + GONE_FOR, "it is still exported");
            }
            previous = Some(shown);
        }
    }
}
