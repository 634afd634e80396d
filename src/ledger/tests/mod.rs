//! Updates of a ledger with sets of grants: lists that flap, and policies that change.
//!
//! Tests with data that could not be read are in `hidden`.

mod hidden;

use proptest::prelude::*;

use super::*;
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

fn of(held: BTreeSet<Grant>) -> Sighting {
    Sighting { held: held.into_iter().map(|grant| (grant, Standing::Unapproved)).collect(), ..Sighting::default() }
}

/// A refresh that shows these scopes, after one whose grants were `before`.
fn refresh(ledger: &Ledger, before: &[&str], held: &[&str], now: i64) -> Ledger {
    ledger.advance(&of(grants(held)), Event::Refresh { before: &grants(before) }, at(now))
}

fn memory(ledger: &Ledger, grant: &Grant) -> Option<Memory> {
    ledger.entries().find(|(known, _)| *known == grant).map(|(_, memory)| memory)
}

/// The value of the first-seen metric for a scope of the client `c`; `None` if it is not exported.
fn seen(ledger: &Ledger, scope: &str) -> Option<i64> {
    memory(ledger, &Grant::scope(&ClientId::new("c"), scope)).map(|memory| memory.first_seen().seconds())
}

const POLICY: Event<'_> = Event::PolicyChange { widens: true };

#[test]
fn grants_of_the_first_refresh_are_not_new() {
    let ledger = Ledger::default().advance(&of(grants(&["oauth"])), Event::First, at(100));
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
    let last = 200 + i64::try_from(GONE_FOR.as_secs()).expect("26 h fit");
    let just_before = refresh(&gone, &[], &[], last - 1);
    assert_eq!(seen(&just_before, "oauth"), Some(0));
    assert_eq!(seen(&refresh(&just_before, &[], &[], last), "oauth"), None);
}

#[test]
fn a_new_policy_makes_no_old_grant_new_and_removes_what_is_no_longer_dangerous() {
    let ledger = refresh(&Ledger::default(), &[], &["oauth"], 100);
    let policy = |ledger: &Ledger, held: &[&str], now| ledger.advance(&of(grants(held)), POLICY, at(now));
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
    let both = scope.advance(&of([named.clone()].into()), Event::Refresh { before: &grants(&["a"]) }, at(100));
    assert_eq!((seen(&both, "a"), memory(&both, &named).map(Memory::first_seen)), (Some(50), Some(at(100))));
}

#[test]
fn a_replaced_pattern_is_exported_as_removed_and_the_grant_keeps_its_time_under_the_new_label() {
    let (before, after) = (permission("a:b:c role=r", "a:b:c"), permission("a:b:c role=r", "a:b:*"));
    let none = BTreeSet::new();
    let ledger = Ledger::default().advance(&of([before.clone()].into()), Event::Refresh { before: &none }, at(100));
    let replaced = ledger.advance(&of([after.clone()].into()), POLICY, at(150));
    assert_eq!(memory(&replaced, &before), Some(Memory::Gone(at(150))));
    let known = Memory::Held { first_seen: Some(at(100)), standing: Standing::Unapproved, missed: 0 };
    assert_eq!(memory(&replaced, &after), Some(known));
}

#[test]
fn an_exempt_grant_has_no_first_seen_time_until_the_exemption_ends() {
    let mut exempt = of(grants(&["oauth"]));
    exempt.held.values_mut().for_each(|standing| *standing = Standing::Exempt);
    let ledger = Ledger::default().advance(&exempt, Event::Refresh { before: &grants(&[]) }, at(100));
    assert_eq!(seen(&ledger, "oauth"), Some(0));
    assert_eq!(seen(&ledger.advance(&of(grants(&["oauth"])), POLICY, at(200)), "oauth"), Some(100));
}

proptest! {
    /// For any sequence of lists and clock changes: held grants are always exported, a first-seen time is the time of a
    /// refresh, and it does not change while the grant is held. A gap never removes a grant.
    #[test]
    fn held_grants_keep_their_first_seen_time(
        steps in prop::collection::vec((0_i64..1_000_000, any::<bool>(), any::<bool>(), any::<bool>()), 1..40)
    ) {
        let hidden: BTreeSet<Hidden> = [Hidden { client: ClientId::new("c"), place: HidingPlace::Scopes }].into();
        let mut ledger = Ledger::default();
        let mut previous: Option<BTreeSet<Grant>> = None;
        let mut times = vec![0];
        for (now, a, b, gap) in steps {
            let names: Vec<&str> = [("a", a), ("b", b)].iter().filter(|(_, held)| *held).map(|(n, _)| *n).collect();
            let mut sighting = of(grants(&names));
            if gap {
                sighting.hidden = hidden.clone();
                sighting.labels = Labels::of_scopes(["a", "b"]);
            }
            let event = previous.as_ref().map_or(Event::First, |before| Event::Refresh { before });
            let next = ledger.advance(&sighting, event, at(now));
            times.push(now);
            for name in &names {
                let value = seen(&next, name).expect("held grants are exported");
                prop_assert!(times.contains(&value));
                if previous.as_ref().is_some_and(|p| p.contains(&Grant::scope(&ClientId::new("c"), name))) {
                    prop_assert_eq!(Some(value), seen(&ledger, name));
                }
            }
            let held = |ledger: &Ledger| -> BTreeSet<Grant> {
                let held = ledger.entries().filter(|(_, memory)| matches!(memory, Memory::Held { .. }));
                held.map(|(grant, _)| grant.clone()).collect()
            };
            if gap {
                prop_assert!(held(&next).is_superset(&held(&ledger)));
            }
            ledger = next;
            previous = Some(grants(&names));
        }
    }
}
