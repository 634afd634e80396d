//! Gaps in evaluated snapshots: a gap neither removes a grant nor makes an old grant new.

use super::*;
use crate::audit;
use crate::domain::{ClientField, Collector, Gap, GrantType, RoleField, Snapshot};
use crate::fixtures::{self, ClientBuilder, SnapshotBuilder, client, not_read, policy_of, role, snapshot};
use crate::policy::Policy;

/// A ledger that is updated with evaluated snapshots of an organisation, in the same way as in `refresh`.
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
        let before = self.last.as_ref().map(|(last, _)| evaluated(last));
        let event = before.as_ref().map_or(Event::First, |before| Event::Refresh { before });
        let report = evaluated(&snapshot);
        let seen = Sighting::of(Evaluation { snapshot: &snapshot, policy: &policy, report: &report });
        self.ledger = self.ledger.advance(&seen, event, at(self.now), Duration::ZERO);
        self.last = Some((snapshot, policy));
        self
    }

    /// A reload: evaluates the last snapshot by another policy.
    fn reload(mut self, policy: Policy) -> Self {
        self.now += 10;
        let (snapshot, before) = self.last.take().expect("a refresh comes first");
        let report = audit::evaluate(&snapshot, &policy, None, at(self.now));
        let seen = Sighting::of(Evaluation { snapshot: &snapshot, policy: &policy, report: &report });
        let event = Event::PolicyChange { widens: widens(&before, &policy) };
        self.ledger = self.ledger.advance(&seen, event, at(self.now), Duration::ZERO);
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

/// Steps, and the grants that are held after them, each with its first-seen time; 0 means not new. Refreshes are at 100, 200, …
#[test]
fn a_gap_neither_removes_a_grant_nor_makes_an_old_grant_new() {
    let unread_scopes = || code(&[]).gap(ClientField::Scopes, Gap::Unread);
    let part_of_scopes = |scopes: &[&str]| code(scopes).gap(ClientField::Scopes, Gap::Partial);
    let cases = vec![
        // A known grant stays while its field cannot be read.
        (
            "scopes known, then never read again",
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
        // A grant in a field with a gap is certain, and new if the last snapshot did not contain it.
        (
            "gained in a field with a gap",
            Followed::new().refresh(world(code(&[]))).refresh(world(part_of_scopes(&["oauth"]))),
            vec!["c oauth 200".to_owned()],
        ),
        (
            "gained while an unrelated field cannot be read",
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
    ];
    check(cases);
}

#[test]
fn a_grant_is_new_unless_it_may_be_older_than_the_first_refresh() {
    let unread_scopes = || code(&[]).gap(ClientField::Scopes, Gap::Unread);
    let part_of_scopes = |scopes: &[&str]| code(scopes).gap(ClientField::Scopes, Gap::Partial);
    let cases = vec![
        // A grant in data that could not be read at the first refresh may be older than that refresh.
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
            "completely unread at first",
            Followed::new().refresh(world(fixtures::unread_client("c"))).refresh(world(code(&["oauth"]))),
            vec!["c oauth 0".to_owned()],
        ),
        (
            "gained in a field that has a gap since the first refresh",
            Followed::new()
                .refresh(world(part_of_scopes(&["users:readonly"])))
                .refresh(world(part_of_scopes(&["users:readonly"])))
                .refresh(world(part_of_scopes(&["users:readonly", "oauth"]))),
            vec!["c oauth 300".to_owned()],
        ),
        (
            "removed while the grant type cannot be read, but scopes are evaluated anyway",
            Followed::new()
                .refresh(world(code(&["oauth"])))
                .refresh(world(code(&[]).gap(ClientField::GrantType, Gap::Unread)))
                .refresh(world(code(&[]).gap(ClientField::GrantType, Gap::Unread))),
            vec![],
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
    ];
    check(cases);
}

#[test]
fn an_unread_role_neither_removes_a_permission_nor_makes_an_old_permission_new() {
    let unread_roles = || credentials(&[]).gap(ClientField::Roles, Gap::Unread);
    let without_contents = || world(credentials(&["adds"])).role(role("adds").gap(RoleField::Contents, Gap::Unread));
    let no_roles = |client| world(client).not_read(Collector::Roles, not_read("HTTP 403"));
    let quiet = || with_roles(credentials(&[]));
    let adds = "c oauth:client:add";
    let cases = vec![
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
            "a role known, then no longer listed",
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
            "a role removed from the client while no role can be read",
            Followed::new()
                .refresh(with_roles(credentials(&["adds"])))
                .refresh(no_roles(credentials(&["harmless"])))
                .refresh(no_roles(credentials(&["harmless"]))),
            vec![],
        ),
        (
            "a role with unknown contents at the first refresh",
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
            "a role added later while no role could be read",
            Followed::new()
                .refresh(no_roles(credentials(&["harmless"])))
                .refresh(no_roles(credentials(&["adds", "harmless"])))
                .refresh(with_roles(credentials(&["adds", "harmless"]))),
            vec![format!("{adds} 300")],
        ),
        (
            "the grant type cannot be read, so roles seem to decide",
            Followed::new()
                .refresh(world(code(&[])))
                .refresh(world(code(&["oauth"])))
                .refresh(world(credentials(&[]).scopes(["oauth"]).gap(ClientField::GrantType, Gap::Partial)))
                .refresh(world(credentials(&[]).scopes(["oauth"]).gap(ClientField::GrantType, Gap::Partial))),
            vec!["c oauth 200".to_owned()],
        ),
    ];
    check(cases);
}

fn check(cases: Vec<(&str, Followed, Vec<String>)>) {
    for (what, followed, expected) in cases {
        assert_eq!(followed.held(), expected, "{what}");
    }
}

fn partly_read() -> SnapshotBuilder {
    let part = role("adds").permits(&["routing:queue:view"]).gap(RoleField::Contents, Gap::Partial);
    world(credentials(&["adds"])).role(part)
}

#[test]
fn a_grant_that_is_hidden_while_the_policy_changes_is_not_new_later() {
    let wider =
        || policy_of(DANGEROUS, "[[scopes.dangerous]]\nmatch = \"outbound\"\nseverity = \"high\"\nreason = \"R\"\n");
    let hidden = || world(code(&[]).gap(ClientField::Scopes, Gap::Partial));
    let quiet = || Followed::new().refresh(world(code(&[]))).refresh(hidden());
    let read = || world(code(&["outbound"]));
    let widened = quiet().reload(wider()).refresh_under(wider(), read());
    assert_eq!(widened.held(), ["c outbound 0"], "it may be older than the pattern");
    let gained = Followed::new().refresh(world(code(&[]))).reload(wider()).refresh_under(wider(), read());
    assert_eq!(gained.held(), ["c outbound 210"], "nothing was hidden when the policy changed");
    let last_known = Followed::new()
        .refresh(world(code(&[])))
        .refresh(world(code(&[]).gap(ClientField::Scopes, Gap::Unread)))
        .reload(wider())
        .refresh_under(wider(), read());
    assert_eq!(last_known.held(), ["c outbound 310"], "the last known value was evaluated by the wider policy");
    let oauth = || world(code(&["oauth"]));
    let same = quiet().reload(Followed::policy()).refresh(oauth());
    assert_eq!(same.held(), ["c oauth 310"], "a reload without a new pattern changes nothing");
    let narrower = policy_of(&["dangerous-permission"], "");
    let off = Followed::new().refresh(oauth()).refresh(hidden()).reload(narrower);
    assert_eq!(off.held(), [""; 0], "no gap hides a grant from a disabled rule");
}
