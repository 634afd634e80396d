//! An evaluation after an earlier one equals an evaluation of everything, whatever happens in between.

use proptest::prelude::*;

use crate::audit::{Earlier, Report, evaluate, evaluate_after};
use crate::baseline::{Approval, Baseline};
use crate::domain::{ClientField, Gap, GrantType, Snapshot, Timestamp};
use crate::fixtures::{self, ClientBuilder, TAKEN_AT, policy};
use crate::policy::Policy;

const SCOPES: [&str; 5] = ["oauth", "users", "users:readonly", "odd", "scim"];
const DAY: i64 = 86_400;

const POLICIES: [&str; 3] = [
    "",
    r#"
[scopes]
dangerous = [{ match = "us*", severity = "critical", reason = "x" }]
[defaults]
baseline_max_age = "2d"
[selectors.first]
id = "c-0"
[[exemption]]
id = "one"
rule = "dangerous-scope"
client = "first"
owner = "o"
reason = "r"
expires = "2026-09-22"
"#,
    r#"
[selectors.code]
grant = "code"
[[exemption]]
id = "all"
rule = "dangerous-scope"
only = "oauth"
client = "code"
owner = "o"
reason = "r"
[[exemption]]
id = "none"
rule = "no-role"
client = "code"
owner = "o"
reason = "r"
[rules.no-description]
enabled = false
"#,
];

/// What can be read about one client.
#[derive(Debug, Clone)]
struct Sketch {
    grant: usize,
    scopes: Vec<usize>,
    roles: Vec<(usize, usize)>,
    redirect: usize,
    deletion: Option<i64>,
    gap: usize,
}

impl Sketch {
    fn client(&self, id: usize) -> ClientBuilder {
        let mut client = fixtures::client(format!("c-{id}"))
            .grant(GrantType::ALL[self.grant])
            .scopes(self.scopes.iter().map(|scope| SCOPES[*scope]))
            .redirect(["https://a.example.com/", "http://b.example.com/*", "app://x"][self.redirect]);
        for (role, division) in &self.roles {
            client = client.role(["r-0", "r-1", "gone"][*role], ["*", "d-1"][*division]);
        }
        if let Some(deletion) = self.deletion {
            client = client.deletion(TAKEN_AT.seconds() + deletion);
        }
        match self.gap {
            0 => client.gap(ClientField::Scopes, Gap::Partial),
            1 => client.gap(ClientField::Roles, Gap::LastKnown(TAKEN_AT)),
            2 => client.gap(ClientField::Name, Gap::Unread),
            _ => client,
        }
    }
}

fn any_client() -> impl Strategy<Value = Sketch> {
    let scopes = prop::collection::btree_set(0..SCOPES.len(), 0..4);
    let roles = prop::collection::btree_set((0..3_usize, 0..2_usize), 0..3);
    let deletion = prop::option::of(-2 * DAY..4 * DAY);
    (0..GrantType::ALL.len(), scopes, roles, 0..3_usize, deletion, 0..12_usize).prop_map(
        |(grant, scopes, roles, redirect, deletion, gap)| Sketch {
            grant,
            scopes: scopes.into_iter().collect(),
            roles: roles.into_iter().collect(),
            redirect,
            deletion,
            gap,
        },
    )
}

/// What happens between two evaluations.
#[derive(Debug, Clone)]
enum Step {
    Nothing,
    Time(i64),
    Client(usize, Option<Sketch>),
    Role(bool),
    Policy(usize),
    Baseline(bool),
    Registry(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Nothing),
        prop_oneof![-DAY..3 * DAY, 0..120_i64].prop_map(Step::Time),
        (0..6_usize, prop::option::weighted(0.8, any_client())).prop_map(|(id, client)| Step::Client(id, client)),
        any::<bool>().prop_map(Step::Role),
        (0..POLICIES.len()).prop_map(Step::Policy),
        any::<bool>().prop_map(Step::Baseline),
        any::<bool>().prop_map(Step::Registry),
    ]
}

struct World {
    clients: [Option<Sketch>; 6],
    dangerous_role: bool,
    registry: bool,
    now: Timestamp,
}

impl World {
    fn snapshot(&self) -> Snapshot {
        let permissions: &[&str] =
            if self.dangerous_role { &["oauth:client:add", "*:*:*"] } else { &["routing:queue:view"] };
        let clients = self.clients.iter().enumerate().filter_map(|(id, client)| Some(client.as_ref()?.client(id)));
        let snapshot = fixtures::snapshot()
            .interned(&SCOPES)
            .clients(clients)
            .own_client("c-1")
            .role(fixtures::role("r-0").permits(permissions))
            .role(fixtures::role("r-1").permits(&["scim:user:add"]))
            .taken_at(self.now);
        if self.registry { snapshot.registry(&SCOPES[..3]).build() } else { snapshot.build() }
    }
}

/// The report without what only says how it was made.
fn plain(mut report: Report) -> Report {
    report.unshared = 0;
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn an_evaluation_after_an_earlier_one_equals_an_evaluation_of_everything(
        clients in prop::array::uniform6(prop::option::of(any_client())),
        steps in prop::collection::vec(any_step(), 1..12),
    ) {
        let policies: Vec<Policy> = POLICIES.iter().map(|text| policy(text)).collect();
        let mut world = World { clients, dangerous_role: false, registry: true, now: TAKEN_AT };
        let approval = Approval { at: TAKEN_AT, by: "b".to_owned(), reason: "r".to_owned() };
        let baseline = Baseline::of(&world.snapshot(), &approval);
        let (mut of_policy, mut compared) = (0, false);
        let mut last: Option<(Snapshot, usize, bool, Report)> = None;
        for step in steps {
            match step {
                Step::Nothing => {}
                Step::Time(seconds) => world.now = Timestamp::from_seconds(world.now.seconds() + seconds),
                Step::Client(id, client) => world.clients[id] = client,
                Step::Role(dangerous) => world.dangerous_role = dangerous,
                Step::Policy(number) => of_policy = number,
                Step::Baseline(loaded) => compared = loaded,
                Step::Registry(read) => world.registry = read,
            }
            let snapshot = world.snapshot();
            let earlier = last.as_ref().map(|(snapshot, of_policy, compared, report)| Earlier {
                snapshot,
                policy: &policies[*of_policy],
                baseline: Some(&baseline).filter(|_| *compared),
                report,
            });
            let (policy, baseline) = (&policies[of_policy], Some(&baseline).filter(|_| compared));
            let incremental = evaluate_after(earlier, &snapshot, policy, baseline, world.now);
            let complete = evaluate(&snapshot, policy, baseline, world.now);
            prop_assert_eq!(plain(incremental.clone()), plain(complete.clone()));
            // An evaluation is valid until it says.
            let until = complete.valid_until().seconds().min(world.now.seconds() + 10 * DAY) - 1;
            let later = evaluate(&snapshot, policy, baseline, Timestamp::from_seconds(until.max(world.now.seconds())));
            prop_assert_eq!(&later.subjects, &complete.subjects);
            last = Some((snapshot, of_policy, compared, incremental));
        }
    }
}

#[test]
fn a_client_that_did_not_change_is_not_evaluated_again() {
    let policy = policy("");
    let of = |scopes: &[&str]| {
        let clients = [fixtures::client("a").scopes(["oauth"]), fixtures::client("b").scopes(scopes.iter().copied())];
        fixtures::snapshot().interned(&SCOPES).clients(clients).build()
    };
    let (before, after) = (of(&["users"]), of(&["scim"]));
    let report = evaluate(&before, &policy, None, TAKEN_AT);
    let earlier = Earlier { snapshot: &before, policy: &policy, baseline: None, report: &report };
    let again = evaluate_after(Some(earlier), &after, &policy, None, TAKEN_AT);
    assert!(std::sync::Arc::ptr_eq(&report.subjects[1], &again.subjects[1]));
    assert!(!std::sync::Arc::ptr_eq(&report.subjects[2], &again.subjects[2]));
    assert_eq!(again.unshared, 1);
}

#[test]
fn everything_is_evaluated_again_when_an_exemption_ends() {
    let policy = policy(POLICIES[1]);
    let client = fixtures::client("c-0").grant(GrantType::Code).scopes(["users"]);
    let snapshot = fixtures::snapshot().clients([client]).build();
    let report = evaluate(&snapshot, &policy, None, TAKEN_AT);
    let earlier = Earlier { snapshot: &snapshot, policy: &policy, baseline: None, report: &report };
    let status = |days: i64| {
        let now = Timestamp::from_seconds(TAKEN_AT.seconds() + days * DAY);
        let report = evaluate_after(Some(earlier), &snapshot, &policy, None, now);
        report.grants().map(|grant| grant.status).collect::<Vec<_>>()
    };
    assert_eq!((status(0), status(3)), (vec![crate::audit::Status::Exempt], vec![crate::audit::Status::Open]));
}
