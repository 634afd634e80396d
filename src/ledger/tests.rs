//! Every way in which a ledger advances: a list that flaps, a policy that changes, data that could not be read.
//!
//! The first half works on sets of grants, the second half on snapshots that the audit evaluates.

use proptest::prelude::*;

use super::*;
use crate::audit;
use crate::domain::{ClientField, ClientId, Collector, Gap, GrantType, RoleField, RoleId, Snapshot};
use crate::fixtures::{self, ClientBuilder, SnapshotBuilder, client, not_read, policy_of, role, snapshot};
use crate::policy::Policy;

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
fn grants_of_the_first_refresh_ever_are_not_new() {
    let ledger = Ledger::default().advance(&of(grants(&["oauth"])), Event::First, at(100));
    assert_eq!(seen(&ledger, "oauth"), Some(0));
    let ledger = refresh(&ledger, &["oauth"], &["oauth", "users"], 200);
    assert_eq!((seen(&ledger, "oauth"), seen(&ledger, "users")), (Some(0), Some(200)));
}

#[test]
fn what_the_last_snapshot_held_is_not_new_under_a_new_policy() {
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
fn a_new_policy_makes_no_old_grant_new_and_forgets_what_is_no_longer_dangerous() {
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
fn a_respelled_pattern_is_exported_as_gone_and_the_grant_keeps_its_time_under_the_new_label() {
    let (before, after) = (permission("a:b:c role=r", "a:b:c"), permission("a:b:c role=r", "a:b:*"));
    let none = BTreeSet::new();
    let ledger = Ledger::default().advance(&of([before.clone()].into()), Event::Refresh { before: &none }, at(100));
    let respelled = ledger.advance(&of([after.clone()].into()), POLICY, at(150));
    assert_eq!(memory(&respelled, &before), Some(Memory::Gone(at(150))));
    let known = Memory::Held { first_seen: Some(at(100)), standing: Standing::Unapproved, missed: 0 };
    assert_eq!(memory(&respelled, &after), Some(known));
}

#[test]
fn an_exempt_grant_has_no_first_seen_time_until_the_exemption_ends() {
    let mut exempt = of(grants(&["oauth"]));
    exempt.held.values_mut().for_each(|standing| *standing = Standing::Exempt);
    let ledger = Ledger::default().advance(&exempt, Event::Refresh { before: &grants(&[]) }, at(100));
    assert_eq!(seen(&ledger, "oauth"), Some(0));
    assert_eq!(seen(&ledger.advance(&of(grants(&["oauth"])), POLICY, at(200)), "oauth"), Some(100));
}

/// A ledger that follows an organisation through evaluated snapshots, as `refresh` drives it.
struct Followed {
    ledger: Ledger,
    last: Option<(Snapshot, Policy)>,
    now: i64,
}

const DANGEROUS: &[&str] = &["dangerous-scope", "dangerous-permission"];

impl Followed {
    fn new() -> Self {
        Self { ledger: Ledger::default(), last: None, now: 0 }
    }

    fn policy() -> Policy {
        policy_of(DANGEROUS, "")
    }

    /// A complete refresh.
    fn refresh(self, world: SnapshotBuilder) -> Self {
        self.refresh_under(Self::policy(), world)
    }

    fn refresh_under(mut self, policy: Policy, world: SnapshotBuilder) -> Self {
        self.now += 100;
        let mut snapshot = world.taken_at(at(self.now)).build();
        if let Some((last, _)) = &self.last {
            snapshot.fill_gaps(last);
        }
        let evaluated = |snapshot: &Snapshot| audit::evaluate(snapshot, &policy, None, at(self.now));
        let before = self.last.as_ref().map(|(last, _)| held_grants(&evaluated(last)));
        let event = before.as_ref().map_or(Event::First, |before| Event::Refresh { before });
        let report = evaluated(&snapshot);
        let known = self.ledger.entries().map(|(grant, _)| grant);
        let seen = Sighting::of(Evaluation { snapshot: &snapshot, policy: &policy, report: &report }, known);
        self.ledger = self.ledger.advance(&seen, event, at(self.now));
        self.last = Some((snapshot, policy));
        self
    }

    /// The last snapshot is evaluated by another policy.
    fn reload(mut self, policy: Policy) -> Self {
        self.now += 10;
        let (snapshot, before) = self.last.take().expect("a refresh comes first");
        let report = audit::evaluate(&snapshot, &policy, None, at(self.now));
        let known = self.ledger.entries().map(|(grant, _)| grant);
        let seen = Sighting::of(Evaluation { snapshot: &snapshot, policy: &policy, report: &report }, known);
        let event = Event::PolicyChange { widens: widens(&before, &policy) };
        self.ledger = self.ledger.advance(&seen, event, at(self.now));
        self.last = Some((snapshot, policy));
        self
    }

    /// `client scope-or-pattern first-seen` of every grant that is held, sorted.
    fn held(&self) -> Vec<String> {
        let held = self.ledger.entries().filter(|(_, memory)| matches!(memory, Memory::Held { .. }));
        held.map(|(grant, memory)| format!("{} {} {}", grant.client, grant.label, memory.first_seen().seconds()))
            .collect()
    }
}

fn code(scopes: &[&str]) -> ClientBuilder {
    client("c").scopes(scopes.iter().copied())
}

fn credentials(roles: &[&str]) -> ClientBuilder {
    roles.iter().fold(client("c").grant(GrantType::ClientCredentials), |client, role| client.role(role, "*"))
}

fn world(client: ClientBuilder) -> SnapshotBuilder {
    snapshot().client(client)
}

fn roles() -> [fixtures::RoleBuilder; 2] {
    [role("adds").permits(&["oauth:client:add"]), role("harmless").permits(&["routing:queue:view"])]
}

fn with_roles(client: ClientBuilder) -> SnapshotBuilder {
    roles().into_iter().fold(world(client), SnapshotBuilder::role)
}

/// Steps after which these grants are held, each with its first-seen time: 0 is not new. Refreshes are at 100, 200, 300, …
#[test]
fn a_gap_neither_ends_a_grant_nor_makes_an_old_one_new() {
    let unread_scopes = || code(&[]).gap(ClientField::Scopes, Gap::Unread);
    let part_of_scopes = |scopes: &[&str]| code(scopes).gap(ClientField::Scopes, Gap::Partial);
    let unread_roles = || credentials(&[]).gap(ClientField::Roles, Gap::Unread);
    let without_contents = || world(credentials(&["adds"])).role(role("adds").gap(RoleField::Contents, Gap::Unread));
    let no_roles = |client| world(client).not_read(Collector::Roles, not_read("HTTP 403"));
    let quiet = || with_roles(credentials(&[]));
    let adds = "c oauth:client:add";
    for (what, followed, expected) in [
        // A field that cannot be read hides nothing that was known.
        (
            "scopes known, then unread for ever",
            Followed::new()
                .refresh(world(code(&[])))
                .refresh(world(code(&["oauth"])))
                .refresh(world(unread_scopes()))
                .refresh(world(unread_scopes()))
                .refresh(world(unread_scopes())),
            vec!["c oauth 200".to_owned()],
        ),
        (
            "scopes known, then partly read without them",
            Followed::new()
                .refresh(world(code(&[])))
                .refresh(world(code(&["oauth"])))
                .refresh(world(part_of_scopes(&["users:readonly"])))
                .refresh(world(part_of_scopes(&["users:readonly"])))
                .refresh(world(part_of_scopes(&["users:readonly"]))),
            vec!["c oauth 200".to_owned()],
        ),
        (
            "read again without them, twice",
            Followed::new()
                .refresh(world(code(&["oauth"])))
                .refresh(world(part_of_scopes(&[])))
                .refresh(world(code(&[])))
                .refresh(world(code(&[]))),
            vec![],
        ),
        // What is read beside a gap is certain, and new if it was not there.
        (
            "gained beside a gap",
            Followed::new().refresh(world(code(&[]))).refresh(world(part_of_scopes(&["oauth"]))),
            vec!["c oauth 200".to_owned()],
        ),
        (
            "gained while an unrelated field is odd",
            Followed::new()
                .refresh(world(code(&[])))
                .refresh(world(code(&["oauth"]).gap(ClientField::TokenValidity, Gap::Unread))),
            vec!["c oauth 200".to_owned()],
        ),
        (
            "gained while the scopes could not be read",
            Followed::new().refresh(world(code(&[]))).refresh(world(unread_scopes())).refresh(world(code(&["oauth"]))),
            vec!["c oauth 300".to_owned()],
        ),
        // What could not be read at the first refresh ever was there before the exporter looked.
        (
            "unread at first",
            Followed::new()
                .refresh(world(unread_scopes()))
                .refresh(world(unread_scopes()))
                .refresh(world(code(&["oauth"]))),
            vec!["c oauth 0".to_owned()],
        ),
        (
            "unread at first, read, then gained",
            Followed::new()
                .refresh(world(unread_scopes()))
                .refresh(world(code(&["oauth"])))
                .refresh(world(code(&["oauth", "authorization"]))),
            vec!["c authorization 300".to_owned(), "c oauth 0".to_owned()],
        ),
        (
            "wholly unread at first",
            Followed::new().refresh(world(fixtures::unread_client("c"))).refresh(world(code(&["oauth"]))),
            vec!["c oauth 0".to_owned()],
        ),
        // A client that is both new and partial counts as added.
        (
            "added with unread scopes, read later",
            Followed::new()
                .refresh(snapshot().client(client("other")))
                .refresh(snapshot().client(client("other")).client(unread_scopes()))
                .refresh(snapshot().client(client("other")).client(code(&["oauth"]))),
            vec!["c oauth 300".to_owned()],
        ),
        (
            "removed while another client has a gap",
            Followed::new()
                .refresh(snapshot().client(client("other")).client(code(&["oauth"])))
                .refresh(snapshot().client(client("other").gap(ClientField::Scopes, Gap::Unread)))
                .refresh(snapshot().client(client("other").gap(ClientField::Scopes, Gap::Unread))),
            vec![],
        ),
        // The same of roles and what they permit.
        (
            "roles known, then unread",
            Followed::new()
                .refresh(quiet())
                .refresh(with_roles(credentials(&["adds"])))
                .refresh(with_roles(unread_roles()))
                .refresh(with_roles(unread_roles())),
            vec![format!("{adds} 200")],
        ),
        (
            "a role known, then its contents unread",
            Followed::new()
                .refresh(quiet())
                .refresh(with_roles(credentials(&["adds"])))
                .refresh(without_contents())
                .refresh(without_contents()),
            vec![format!("{adds} 200")],
        ),
        (
            "a role known, then its contents partly read",
            Followed::new()
                .refresh(quiet())
                .refresh(with_roles(credentials(&["adds"])))
                .refresh(partly_read())
                .refresh(partly_read()),
            vec![format!("{adds} 200")],
        ),
        (
            "a role known, then not listed any more",
            Followed::new()
                .refresh(quiet())
                .refresh(with_roles(credentials(&["adds"])))
                .refresh(world(credentials(&["adds"])))
                .refresh(world(credentials(&["adds"]))),
            vec![format!("{adds} 200")],
        ),
        (
            "a role known, then no role can be read",
            Followed::new()
                .refresh(quiet())
                .refresh(with_roles(credentials(&["adds"])))
                .refresh(no_roles(credentials(&["adds"])))
                .refresh(no_roles(credentials(&["adds"]))),
            vec![format!("{adds} 200")],
        ),
        (
            "a role taken away while no role can be read",
            Followed::new()
                .refresh(with_roles(credentials(&["adds"])))
                .refresh(no_roles(credentials(&["harmless"])))
                .refresh(no_roles(credentials(&["harmless"]))),
            vec![],
        ),
        (
            "a role of the first refresh whose contents were unknown",
            Followed::new().refresh(without_contents()).refresh(with_roles(credentials(&["adds"]))),
            vec![format!("{adds} 0")],
        ),
        (
            "no role could be read at first",
            Followed::new()
                .refresh(no_roles(credentials(&["adds"])))
                .refresh(no_roles(credentials(&["adds"])))
                .refresh(with_roles(credentials(&["adds"]))),
            vec![format!("{adds} 0")],
        ),
        (
            "a role given later than that",
            Followed::new()
                .refresh(no_roles(credentials(&["harmless"])))
                .refresh(no_roles(credentials(&["adds", "harmless"])))
                .refresh(with_roles(credentials(&["adds", "harmless"]))),
            vec![format!("{adds} 300")],
        ),
        (
            "the grant type cannot be read, so that roles seem to decide",
            Followed::new()
                .refresh(world(code(&[])))
                .refresh(world(code(&["oauth"])))
                .refresh(world(credentials(&[]).scopes(["oauth"]).gap(ClientField::GrantType, Gap::Partial)))
                .refresh(world(credentials(&[]).scopes(["oauth"]).gap(ClientField::GrantType, Gap::Partial))),
            vec!["c oauth 200".to_owned()],
        ),
    ] {
        assert_eq!(followed.held(), expected, "{what}");
    }
}

fn partly_read() -> SnapshotBuilder {
    let part = role("adds").permits(&["routing:queue:view"]).gap(RoleField::Contents, Gap::Partial);
    world(credentials(&["adds"])).role(part)
}

#[test]
fn a_policy_that_changes_while_something_is_hidden_makes_nothing_new_of_it() {
    let wider =
        || policy_of(DANGEROUS, "[[scopes.dangerous]]\nmatch = \"outbound\"\nseverity = \"high\"\nreason = \"R\"\n");
    let hidden = || world(code(&[]).gap(ClientField::Scopes, Gap::Partial));
    let quiet = || Followed::new().refresh(world(code(&[]))).refresh(hidden());
    let read = || world(code(&["outbound"]));
    let widened = quiet().reload(wider()).refresh_under(wider(), read());
    assert_eq!(widened.held(), ["c outbound 0"], "it may have been there before the policy called it dangerous");
    let gained = Followed::new().refresh(world(code(&[]))).reload(wider()).refresh_under(wider(), read());
    assert_eq!(gained.held(), ["c outbound 210"], "nothing was hidden when the policy changed");
    let oauth = || world(code(&["oauth"]));
    let same = quiet().reload(Followed::policy()).refresh(oauth());
    assert_eq!(same.held(), ["c oauth 310"], "a reload without a new pattern changes nothing");
    let narrower = policy_of(&["dangerous-permission"], "");
    let off = Followed::new().refresh(oauth()).refresh(hidden()).reload(narrower);
    assert_eq!(off.held(), [""; 0], "a rule that is off looks for nothing, so that nothing is hidden from it");
}

proptest! {
    /// However the list flaps, and wherever the clock jumps: held grants are always exported, a first-seen time is the
    /// time of some refresh, and it does not change while the grant is held. A gap never removes a grant.
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
