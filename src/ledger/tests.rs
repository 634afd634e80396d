//! A list that flaps, a policy that changes, an input that fails: each step of a ledger's life.

use proptest::prelude::*;

use super::*;

fn grants(names: &[&str]) -> BTreeSet<Grant> {
    names.iter().map(|scope| Grant::scope(&ClientId::new("c"), scope)).collect()
}

fn sighting(names: &[&str]) -> Sighting {
    of(grants(names))
}

fn of(held: BTreeSet<Grant>) -> Sighting {
    let held = held.into_iter().map(|grant| (grant, Standing::Unapproved)).collect();
    Sighting { held, ..Sighting::default() }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// The first-seen value of `scope`; `None` where nothing is told of it.
fn seen(ledger: &Ledger, scope: &str) -> Option<i64> {
    let mut entries = ledger.entries();
    entries.find(|(grant, _)| grant.evidence == scope).map(|(_, memory)| memory.first_seen().seconds())
}

#[test]
fn what_is_there_at_the_first_refresh_ever_is_not_new() {
    let ledger = Ledger::default().after_refresh(None, sighting(&["oauth"]), at(100));
    assert_eq!(seen(&ledger, "oauth"), Some(0));
    let ledger = ledger.after_refresh(Some(&grants(&["oauth"])), sighting(&["oauth", "users"]), at(200));
    assert_eq!((seen(&ledger, "oauth"), seen(&ledger, "users")), (Some(0), Some(200)));
}

#[test]
fn what_the_last_snapshot_held_is_not_new_under_a_new_policy() {
    let ledger = Ledger::default().after_refresh(Some(&grants(&["outbound"])), sighting(&["outbound"]), at(300));
    assert_eq!(seen(&ledger, "outbound"), Some(0));
}

#[test]
fn one_refresh_without_the_grant_forgets_nothing_and_two_do() {
    let none = grants(&[]);
    let ledger = Ledger::default().after_refresh(Some(&none), sighting(&["oauth"]), at(100));
    let missed = ledger.after_refresh(Some(&grants(&["oauth"])), sighting(&[]), at(200));
    assert_eq!(seen(&missed, "oauth"), Some(100));
    let back = missed.after_refresh(Some(&none), sighting(&["oauth"]), at(300));
    assert_eq!(seen(&back, "oauth"), Some(100), "a flapping list makes no new grant");
    let gone = missed.after_refresh(Some(&none), sighting(&[]), at(300));
    assert_eq!(seen(&gone, "oauth"), Some(0));
    let again = gone.after_refresh(Some(&none), sighting(&["oauth"]), at(400));
    assert_eq!(seen(&again, "oauth"), Some(400), "removed and granted again is new");
}

#[test]
fn a_grant_that_is_gone_is_told_as_zero_for_26_hours() {
    let none = grants(&[]);
    let held = Ledger::default().after_refresh(Some(&none), sighting(&["oauth"]), at(0));
    let gone = held.after_refresh(Some(&grants(&["oauth"])), sighting(&[]), at(100));
    let gone = gone.after_refresh(Some(&none), sighting(&[]), at(200));
    let last = 200 + i64::try_from(GONE_FOR.as_secs()).expect("26 h fit");
    let just_before = gone.after_refresh(Some(&none), sighting(&[]), at(last - 1));
    assert_eq!(seen(&just_before, "oauth"), Some(0));
    let after = just_before.after_refresh(Some(&none), sighting(&[]), at(last));
    assert_eq!(seen(&after, "oauth"), None);
}

#[test]
fn a_new_policy_makes_no_old_grant_new_and_lets_go_of_what_is_no_longer_dangerous() {
    let none = grants(&[]);
    let ledger = Ledger::default().after_refresh(Some(&none), sighting(&["oauth"]), at(100));
    let changed = ledger.after_policy_change(sighting(&["oauth", "outbound"]), at(150));
    assert_eq!((seen(&changed, "oauth"), seen(&changed, "outbound")), (Some(100), Some(0)));
    let milder = changed.after_policy_change(sighting(&["outbound"]), at(160));
    assert_eq!((seen(&milder, "oauth"), seen(&milder, "outbound")), (Some(0), Some(0)));
    let harsher = milder.after_policy_change(sighting(&["oauth", "outbound"]), at(170));
    assert_eq!(seen(&harsher, "oauth"), Some(0));
}

#[test]
fn a_permission_of_the_same_name_as_a_scope_is_another_grant() {
    let client = ClientId::new("c");
    let permission = BTreeSet::from([Grant::permission(&client, "a", "a")]);
    let ledger = Ledger::default().after_refresh(Some(&grants(&["a"])), of(permission.clone()), at(100));
    let told: Vec<_> = ledger.entries().map(|(grant, memory)| (grant.clone(), memory.first_seen().seconds())).collect();
    assert_eq!(told, [(Grant::permission(&client, "a", "a"), 100)]);
    let gone =
        ledger.after_refresh(Some(&permission), sighting(&[]), at(200)).after_refresh(None, sighting(&[]), at(300));
    assert_eq!(gone.entries().next(), Some((&Grant::permission(&client, "a", "a"), Memory::Gone(at(300)))));
}

fn permission(evidence: &str, pattern: &str) -> Grant {
    Grant::permission(&ClientId::new("c"), evidence, pattern)
}

fn memory(ledger: &Ledger, grant: &Grant) -> Option<Memory> {
    ledger.entries().find(|(known, _)| *known == grant).map(|(_, memory)| memory)
}

#[test]
fn an_open_page_survives_one_list_without_the_grant_and_not_two() {
    let none = grants(&[]);
    let held = Ledger::default().after_refresh(Some(&none), sighting(&["oauth"]), at(100));
    let unapproved = |ledger: &Ledger| ledger.entries().any(|(_, memory)| memory.is_unapproved());
    let missed = held.after_refresh(Some(&grants(&["oauth"])), sighting(&[]), at(200));
    assert!(unapproved(&missed));
    assert!(unapproved(&missed.after_refresh(Some(&none), sighting(&["oauth"]), at(300))));
    assert!(!unapproved(&missed.after_refresh(Some(&none), sighting(&[]), at(300))));
}

#[test]
fn a_respelled_pattern_is_told_as_gone_and_keeps_the_time_under_its_new_label() {
    let (before, after) = (permission("a:b:c role=r", "a:b:c"), permission("a:b:c role=r", "a:b:*"));
    let ledger = Ledger::default().after_refresh(Some(&BTreeSet::new()), of([before.clone()].into()), at(100));
    let respelled = ledger.after_policy_change(of([after.clone()].into()), at(150));
    assert_eq!(memory(&respelled, &before), Some(Memory::Gone(at(150))));
    let known = Memory::Held { first_seen: Some(at(100)), standing: Standing::Unapproved, missed: 0 };
    assert_eq!(memory(&respelled, &after), Some(known));
}

#[test]
fn what_could_not_be_read_stays_as_it_was_told() {
    let grant = permission("a:b:c role=r", "a:b:c");
    let held = BTreeSet::from([grant.clone()]);
    let mut ledger = Ledger::default().after_refresh(Some(&BTreeSet::new()), of(held.clone()), at(100));
    let before = memory(&ledger, &grant);
    let untold = || Sighting { untold: held.clone(), ..Sighting::default() };
    for time in [200, 300, 400] {
        ledger = ledger.after_refresh(Some(&BTreeSet::new()), untold(), at(time));
        assert_eq!(memory(&ledger, &grant), before);
        ledger = ledger.after_policy_change(untold(), at(time));
        assert_eq!(memory(&ledger, &grant), before);
    }
    let again = ledger.after_refresh(Some(&BTreeSet::new()), of(held), at(500));
    assert_eq!(memory(&again, &grant), before, "readable again is not new");
    let read = ledger.after_refresh(Some(&BTreeSet::new()), Sighting::default(), at(500));
    assert_ne!(memory(&read, &grant), before);
}

#[test]
fn a_client_that_was_unreadable_from_the_first_refresh_on_brings_nothing_new() {
    let none = grants(&[]);
    let unread = |ids: &[&str]| -> Sighting {
        let clients = ids.iter().map(|id| ClientId::new(*id)).collect();
        Sighting { unread: Unread { clients, ..Unread::default() }, ..Sighting::default() }
    };
    let ledger = Ledger::default().after_refresh(None, unread(&["c"]), at(100));
    let ledger = ledger.after_refresh(Some(&none), unread(&["c", "later"]), at(200));
    let read = ledger.after_refresh(Some(&none), sighting(&["oauth"]), at(300));
    assert_eq!(seen(&read, "oauth"), Some(0), "it was there before anybody looked");
    assert_eq!(*read.unread(), Unread::default());
    let later = Grant::scope(&ClientId::new("later"), "oauth");
    let created = ledger.after_refresh(Some(&none), of([later.clone()].into()), at(300));
    assert_eq!(memory(&created, &later).map(Memory::first_seen), Some(at(300)), "it was created later");
}

#[test]
fn what_could_not_be_read_while_the_policy_changed_is_remembered_until_it_can_be() {
    let pair = (ClientId::new("c"), RoleId::new("r"));
    let unread =
        || Sighting { unread: Unread { roles: [pair.clone()].into(), ..Unread::default() }, ..Sighting::default() };
    let none = grants(&[]);
    let ledger = Ledger::default().after_refresh(None, Sighting::default(), at(100));
    let later = ledger.after_refresh(Some(&none), unread(), at(200));
    assert_eq!(*later.unread(), Unread::default(), "a role that is given later can bring something new");
    let changed = later.after_policy_change(unread(), at(300));
    assert!(changed.unread().roles.contains(&pair));
    assert!(changed.after_refresh(Some(&none), unread(), at(400)).unread().roles.contains(&pair));
    let read = changed.after_refresh(Some(&none), Sighting::default(), at(400));
    assert_eq!(*read.unread(), Unread::default());
}

#[test]
fn an_exempt_grant_has_no_first_seen_time_until_the_exemption_ends() {
    let mut exempt = sighting(&["oauth"]);
    exempt.held.values_mut().for_each(|standing| *standing = Standing::Exempt);
    let ledger = Ledger::default().after_refresh(Some(&grants(&[])), exempt, at(100));
    assert_eq!(seen(&ledger, "oauth"), Some(0));
    let ended = ledger.after_policy_change(sighting(&["oauth"]), at(200));
    assert_eq!(seen(&ended, "oauth"), Some(100));
}

proptest! {
    /// However the list flaps, and wherever the clock jumps: held grants are always told, a first-seen time is the
    /// time of some refresh, and it does not change while the grant is held.
    #[test]
    fn held_grants_keep_their_first_seen_time(steps in prop::collection::vec((0_i64..1_000_000, any::<bool>(), any::<bool>()), 1..40)) {
        let as_permission = |set: BTreeSet<Grant>| -> BTreeSet<Grant> {
            set.iter().map(|g| Grant::permission(&g.client, &g.evidence, &g.label)).collect()
        };
        let mut ledger = Ledger::default();
        // The same steps with permissions: what they are makes no difference.
        let mut other = Ledger::default();
        let mut previous: Option<BTreeSet<Grant>> = None;
        let mut times = vec![0];
        for (now, a, b) in steps {
            let names: Vec<&str> = [("a", a), ("b", b)].iter().filter(|(_, held)| *held).map(|(n, _)| *n).collect();
            let held = grants(&names);
            let next = ledger.after_refresh(previous.as_ref(), of(held.clone()), at(now));
            times.push(now);
            for name in names {
                let value = seen(&next, name).expect("held grants are told");
                prop_assert!(times.contains(&value));
                if previous.as_ref().is_some_and(|p| p.contains(&Grant::scope(&ClientId::new("c"), name))) {
                    prop_assert_eq!(Some(value), seen(&ledger, name));
                }
            }
            other = other.after_refresh(previous.clone().map(as_permission).as_ref(), of(as_permission(held.clone())), at(now));
            let memories = |ledger: &Ledger| -> Vec<_> {
                ledger.entries().map(|(grant, memory)| (grant.evidence.clone(), memory)).collect()
            };
            prop_assert_eq!(memories(&next), memories(&other));
            ledger = next;
            previous = Some(held);
        }
    }
}
