//! The baseline: its file, what it approves, what drifts from it, and the commands that write it.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use genesyscloud_oauth_exporter::audit::{Report, evaluate, rules};
use genesyscloud_oauth_exporter::baseline::{Approval, Baseline, Difference};
use genesyscloud_oauth_exporter::domain::{
    ClientId, ClientState, DivisionId, GrantType, Input, OrgId, RoleGrant, RoleId, Snapshot, Timestamp,
};
use genesyscloud_oauth_exporter::fixtures::{self, TAKEN_AT as NOW, not_read};
use genesyscloud_oauth_exporter::policy::Policy;
use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Endpoint, Fault, Options, PLANTED_SECRET, Simulator,
};
use proptest::prelude::*;

const DANGEROUS: &str = "authorization:grant:*";

/// What of a client matters to a baseline.
#[derive(Debug, Clone)]
struct Case {
    id: &'static str,
    grant: GrantType,
    state: ClientState,
    scopes: Vec<&'static str>,
    roles: Vec<(&'static str, &'static str)>,
    uris: Vec<&'static str>,
    validity: Option<u32>,
}

fn case(grant: GrantType) -> Case {
    let (scopes, roles, uris) = (Vec::new(), Vec::new(), Vec::new());
    Case { id: "c-1", grant, state: ClientState::Active, scopes, roles, uris, validity: None }
}

fn snapshot(cases: &[Case], roles: &[(&str, &[&str])]) -> Snapshot {
    let client = |case: &Case| {
        let mut client = fixtures::client(case.id)
            .named("A name")
            .described("kim@example.com")
            .created_by("kim@example.com")
            .grant(case.grant)
            .state(case.state)
            .scopes(case.scopes.iter().copied());
        for (role, division) in &case.roles {
            client = client.role(role, *division);
        }
        for uri in &case.uris {
            client = client.redirect(uri);
        }
        case.validity.into_iter().fold(client, fixtures::ClientBuilder::validity)
    };
    let role = |(id, permissions): &(&str, &[&str])| fixtures::role(id).named("R").permits(permissions);
    let snapshot = fixtures::snapshot().clients(cases.iter().map(client));
    roles.iter().map(role).fold(snapshot, fixtures::SnapshotBuilder::role).build()
}

const ROLES: &[(&str, &[&str])] = &[("mild", &["users:user:view"]), ("wild", &[DANGEROUS])];

fn policy() -> Policy {
    use genesyscloud_oauth_exporter::domain::Severity;
    use genesyscloud_oauth_exporter::policy::{DangerousPermission, PermissionPattern};
    let mut policy = Policy::built_in(&rules::slugs()).expect("it is valid");
    policy.permissions.dangerous = vec![DangerousPermission {
        pattern: PermissionPattern::new(DANGEROUS).expect("three segments"),
        severity: Severity::Critical,
        reason: "It grants itself anything.".to_owned(),
        allow_unmatched: true,
    }];
    policy.defaults.baseline_max_age_days = Some(10);
    policy
}

fn approval() -> Approval {
    Approval { at: NOW, by: "Kim".to_owned(), reason: "OPS-1".to_owned() }
}

fn judge(snapshot: &Snapshot, baseline: &Baseline, now: Timestamp) -> Report {
    evaluate(snapshot, &policy(), Some(baseline), now)
}

/// The drift as `slug key severity`.
fn drift(report: &Report) -> Vec<String> {
    let is_drift = |slug: &str| slug.starts_with("drift-") || slug == "baseline-stale";
    let drift = report.findings.iter().filter(|finding| is_drift(finding.rule.slug));
    drift.map(|f| format!("{} {} {}", f.rule.slug, f.evidence.key, f.severity)).collect()
}

/// The counts of the metric that are not 0, as `kind dangerous`.
fn counted(report: &Report) -> Vec<String> {
    let counts = report.baseline.iter().flat_map(|baseline| &baseline.drift).filter(|drift| drift.count > 0);
    counts.map(|drift| format!("{} {}", drift.kind, drift.dangerous)).collect()
}

#[test]
fn each_difference_is_drift_and_weighs_by_what_was_gained() {
    let code = case(GrantType::Code);
    let credentials = case(GrantType::ClientCredentials);
    let with_oauth = Case { scopes: vec!["oauth"], ..code.clone() };
    let holder = Case { roles: vec![("wild", "d-1")], ..credentials.clone() };
    let idle = |case: &Case| Case { state: ClientState::Inactive, ..case.clone() };
    let uri = |case: &Case| Case { uris: vec!["https://x/cb"], ..case.clone() };
    let longer = |case: &Case| Case { validity: Some(172_800), ..case.clone() };
    for (before, now, expected) in [
        (&code, Case { scopes: vec!["oauth"], ..code.clone() }, &["drift-scope-added oauth high"][..]),
        (&code, Case { scopes: vec!["presence"], ..code.clone() }, &["drift-scope-added presence medium"]),
        // Scopes have no effect on client credentials.
        (&credentials, Case { scopes: vec!["oauth"], ..credentials.clone() }, &["drift-scope-added oauth medium"]),
        (&with_oauth, code.clone(), &[]),
        (&code, case(GrantType::Implicit), &["drift-grant-type-changed implicit medium"]),
        // What had no effect has one now.
        (
            &Case { scopes: vec!["oauth"], ..credentials.clone() },
            with_oauth.clone(),
            &["drift-grant-type-changed code high"],
        ),
        (&credentials, holder.clone(), &["drift-role-added wild high"]),
        (&credentials, Case { roles: vec![("mild", "d-1")], ..credentials.clone() }, &["drift-role-added mild medium"]),
        (
            &holder,
            Case { roles: vec![("wild", "*"), ("wild", "d-1")], ..credentials.clone() },
            &["drift-role-added wild * high"],
        ),
        (&holder, credentials.clone(), &[]),
        (&code, uri(&code), &["drift-redirect-added https://x/cb medium"]),
        (&with_oauth, uri(&with_oauth), &["drift-redirect-added https://x/cb high"]),
        (&uri(&code), code.clone(), &[]),
        (&code, longer(&code), &["drift-token-lifetime-raised  medium"]),
        (&with_oauth, longer(&with_oauth), &["drift-token-lifetime-raised  high"]),
        (&longer(&code), code.clone(), &[]),
        // The platform's default by name is no change.
        (&code, Case { validity: Some(86_400), ..code.clone() }, &[]),
        (&idle(&code), code.clone(), &["drift-reactivated  medium"]),
        (&idle(&holder), holder.clone(), &["drift-reactivated  high"]),
        (&code, idle(&code), &[]),
    ] {
        let baseline = Baseline::of(&snapshot(std::slice::from_ref(before), ROLES), &approval());
        let report = judge(&snapshot(std::slice::from_ref(&now), ROLES), &baseline, NOW);
        assert_eq!(drift(&report), expected, "{before:?} -> {now:?}");
    }
}

#[test]
fn clients_come_and_go_by_id() {
    let baseline = Baseline::of(&snapshot(&[case(GrantType::Code)], ROLES), &approval());
    let other = Case { id: "c-2", scopes: vec!["oauth"], ..case(GrantType::Code) };
    let report = judge(&snapshot(&[other], ROLES), &baseline, NOW);
    assert_eq!(drift(&report), ["drift-client-removed  low", "drift-client-added  high"]);
    assert_eq!(counted(&report), ["client-added true", "client-removed false"]);
}

#[test]
fn the_same_role_with_other_permissions_is_drift() {
    let holder = Case { roles: vec![("r", "*")], ..case(GrantType::ClientCredentials) };
    let judged = |before: &[&str], now: &[&str]| {
        let baseline = Baseline::of(&snapshot(std::slice::from_ref(&holder), &[("r", before)]), &approval());
        drift(&judge(&snapshot(std::slice::from_ref(&holder), &[("r", now)]), &baseline, NOW))
    };
    let view = "users:user:view";
    assert_eq!(judged(&[view], &[view, DANGEROUS]), ["drift-role-content r high"]);
    assert_eq!(judged(&[view], &[view, "users:user:edit"]), ["drift-role-content r medium"]);
    assert_eq!(judged(&[view, DANGEROUS], &[view]), ["drift-role-content r medium"]);
    assert_eq!(judged(&[view, DANGEROUS], &[DANGEROUS, view]), Vec::<String>::new());
}

#[test]
fn an_old_baseline_is_stale_and_nothing_is_judged_without_one_of_this_organisation() {
    let there = snapshot(&[case(GrantType::Code)], ROLES);
    let baseline = Baseline::of(&there, &approval());
    let days = |days: i64| Timestamp::from_seconds(NOW.seconds() + days * 86_400);
    assert_eq!(drift(&judge(&there, &baseline, days(10))), Vec::<String>::new());
    assert_eq!(drift(&judge(&there, &baseline, days(11))), ["baseline-stale  low"]);
    let foreign = Baseline { organisation: OrgId::new("another"), clients: BTreeMap::new(), ..baseline };
    for report in [judge(&there, &foreign, days(11)), evaluate(&there, &policy(), None, days(11))] {
        assert_eq!((drift(&report), report.baseline), (Vec::new(), None));
    }
}

#[test]
fn approval_is_of_a_scope_under_the_grant_type_that_gave_it_effect() {
    let held = Case { scopes: vec!["oauth", "users"], ..case(GrantType::Code) };
    let there = snapshot(std::slice::from_ref(&held), ROLES);
    let mut baseline = Baseline::of(&snapshot(&[Case { scopes: vec!["oauth"], ..held.clone() }], ROLES), &approval());
    let open = |baseline: &Baseline| {
        let report = judge(&there, baseline, NOW);
        let open = report.findings.iter().filter(|f| f.rule.slug == "dangerous-scope" && f.status.label() == "open");
        open.map(|finding| finding.evidence.key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(open(&baseline), ["users"]);
    assert!(baseline.approve_powers(&ClientId::new("c-1"), ["users".to_owned()], [], &approval()));
    assert_eq!(open(&baseline), Vec::<String>::new());
    let ineffective =
        Baseline::of(&snapshot(&[Case { grant: GrantType::ClientCredentials, ..held }], ROLES), &approval());
    assert_eq!(open(&ineffective), ["oauth", "users"]);
}

#[test]
fn a_permission_is_approved_as_it_was_granted() {
    let holder = Case { roles: vec![("r", "*")], ..case(GrantType::ClientCredentials) };
    let there = snapshot(&[holder], &[("r", &[DANGEROUS, "users:user:view"])]);
    let (client, elsewhere) = (&there.clients[0], DivisionId::new("d-1"));
    let anywhere = Some(&elsewhere);
    let mut baseline = Baseline::of(&there, &approval());
    assert!(baseline.approves_permission(client, DANGEROUS, anywhere, false));
    assert!(!baseline.approves_permission(client, "authorization:grant:add", anywhere, false));
    assert!(!baseline.approves_permission(client, "*:*:*", anywhere, false));
    baseline.approve_powers(&client.id, [], ["oauth:client:add".to_owned()], &approval());
    assert!(baseline.approves_permission(client, "oauth:client:add", anywhere, false));
    // With the roles unreadable, what was known of them stays.
    let blind = Snapshot { roles: Input::NotRead(not_read("403")), ..there.clone() };
    baseline.approve_all(&blind, &approval());
    assert!(baseline.approves_permission(client, DANGEROUS, anywhere, false));
    assert!(
        !baseline.approves_permission(client, "oauth:client:add", anywhere, false),
        "a whole approval is of what is there"
    );
}

/// Approved is a permission where the approved role was held and as it was narrowed, and nothing beyond.
#[test]
fn approval_is_of_a_permission_in_its_divisions_and_under_its_condition() {
    let division = |id: &str| Some(DivisionId::new(id));
    let held = |role: &str, conditional: bool, divisions: Vec<Option<DivisionId>>| {
        let holder = case(GrantType::ClientCredentials);
        let mut there = snapshot(&[holder], &[("r", &[DANGEROUS]), ("s", &["Authorization:Grant:*"])]);
        if let Input::Read(roles) = &mut there.roles {
            for role in roles.values_mut() {
                role.permissions.iter_mut().for_each(|permission| permission.conditional = conditional);
            }
        }
        let grant = |division| RoleGrant { role: RoleId::new(role), division };
        there.clients[0].role_grants = divisions.into_iter().map(grant).collect();
        there
    };
    let open = |baseline: &Baseline, now: &Snapshot| {
        let report = judge(now, baseline, NOW);
        let open =
            report.findings.iter().filter(|f| f.rule.slug == "dangerous-permission" && f.status.label() == "open");
        open.map(|finding| finding.evidence.key.split_once("division=").expect("a division").1.to_owned()).collect()
    };
    let none: [&str; 0] = [];
    for (before, now, expected) in [
        (held("r", false, vec![division("d")]), held("r", false, vec![division("d")]), &none[..]),
        (held("r", false, vec![division("d")]), held("r", false, vec![division("d"), division("e")]), &["e"]),
        (held("r", false, vec![division("d")]), held("r", false, vec![division("*")]), &["*"]),
        (held("r", false, vec![division("*")]), held("r", false, vec![division("e"), None]), &[]),
        (held("r", false, vec![None]), held("r", false, vec![None]), &[]),
        (held("r", false, vec![None]), held("r", false, vec![division("d")]), &["d"]),
        (held("r", false, vec![division("d")]), held("r", false, vec![None]), &["unknown"]),
        (held("r", false, vec![division("d"), None]), held("r", false, vec![division("d"), None]), &[]),
        (held("r", true, vec![division("d")]), held("r", true, vec![division("d")]), &[]),
        (held("r", true, vec![division("d")]), held("r", false, vec![division("d")]), &["d"]),
        (held("r", false, vec![division("d")]), held("r", true, vec![division("d")]), &[]),
        // Another role with the same permission, differently spelled, permits no more there.
        (held("r", false, vec![division("d")]), held("s", false, vec![division("d")]), &[]),
        (held("r", false, vec![division("d")]), held("s", false, vec![division("e")]), &["e"]),
    ] {
        let baseline = Baseline::of(&before, &approval());
        let found: Vec<String> = open(&baseline, &now);
        assert_eq!(found, expected, "{:?} -> {:?}", before.clients[0].role_grants, now.clients[0].role_grants);
    }
    let nothing = Baseline::of(&held("r", false, vec![]), &approval());
    let free = held("r", false, vec![division("d"), division("*")]);
    let conditional = held("r", true, vec![division("d"), division("*")]);
    for (literal, expected_free, expected_conditional) in [
        (DANGEROUS, 0, 0),
        ("AUTHORIZATION:GRANT:*", 0, 0),
        ("authorization:grant:* (conditional)", 2, 0),
        ("authorization:grant:add", 2, 2),
    ] {
        let mut baseline = nothing.clone();
        baseline.approve_powers(&ClientId::new("c-1"), [], [literal.to_owned()], &approval());
        let count = |now| open(&baseline, now).len();
        assert_eq!((count(&free), count(&conditional)), (expected_free, expected_conditional), "{literal}");
    }
}

#[test]
fn a_role_in_another_division_brings_its_dangerous_permissions_there() {
    let holder = |roles| Case { roles, ..case(GrantType::ClientCredentials) };
    let baseline = Baseline::of(&snapshot(&[holder(vec![("wild", "d")])], ROLES), &approval());
    let report = judge(&snapshot(&[holder(vec![("wild", "d"), ("wild", "e")])], ROLES), &baseline, NOW);
    assert_eq!(drift(&report), ["drift-role-added wild e high"]);
    assert_eq!(counted(&report), ["role-added true"], "the metric of unapproved permissions is 1 as well");
}

#[test]
fn the_general_permission_admin_is_approved_and_drifts_like_any_other() {
    let holder = Case { roles: vec![("r", "*")], ..case(GrantType::ClientCredentials) };
    let there = |general: &[&str]| {
        let mut there = snapshot(std::slice::from_ref(&holder), &[("r", &["users:user:view"])]);
        if let Input::Read(roles) = &mut there.roles {
            for role in roles.values_mut() {
                role.general = general.iter().map(|word| (*word).to_owned()).collect();
            }
        }
        there
    };
    let judged = |before: &[&str], now: &[&str]| {
        let baseline = Baseline::of(&there(before), &approval());
        let policy = Policy::built_in(&rules::slugs()).expect("it is valid");
        let report = evaluate(&there(now), &policy, Some(&baseline), NOW);
        let admin = report.findings.iter().find(|finding| finding.rule.slug == "dangerous-permission");
        (drift(&report), counted(&report), admin.map(|finding| finding.status.label()))
    };
    let gained = judged(&["group_creation"], &["group_creation", "admin"]);
    assert_eq!(
        gained,
        (vec!["drift-role-content r high".to_owned()], vec!["role-content true".to_owned()], Some("open"))
    );
    assert_eq!(judged(&["admin"], &["Admin"]), (vec![], vec![], Some("approved")), "another spelling is no difference");
}

#[test]
fn drift_is_told_with_names_and_what_it_brings() {
    let holder = |roles| Case { roles, ..case(GrantType::ClientCredentials) };
    let told = |before: &[Case], then: &[(&str, &[&str])], now: &[Case], roles: &[(&str, &[&str])]| {
        let report = judge(&snapshot(now, roles), &Baseline::of(&snapshot(before, then), &approval()), NOW);
        let drift = report.findings.into_iter().filter(|finding| finding.rule.slug.starts_with("drift-"));
        drift.map(|finding| finding.evidence.text).collect::<Vec<_>>()
    };
    let (without, with) = (holder(vec![]), holder(vec![("wild", "d")]));
    let view = "users:user:view";
    assert_eq!(
        told(&[], ROLES, std::slice::from_ref(&with), ROLES),
        ["is not in the baseline; its roles: R; what is dangerous: authorization:grant:*"]
    );
    assert_eq!(
        told(&[without], ROLES, std::slice::from_ref(&with), ROLES),
        [
            "gained, since it was approved, the role R in the division d, which brings what is dangerous: authorization:grant:*"
        ]
    );
    let wild: &[(&str, &[&str])] = &[("wild", &[DANGEROUS, view, "a:b:c", "a:b:d", "a:b:e", "a:b:f"])];
    let mild: &[(&str, &[&str])] = &[("wild", &["x:y:z"])];
    let same = std::slice::from_ref(&with);
    assert_eq!(
        told(same, mild, same, wild),
        [
            "has 6 permissions more and 1 less behind the role R: a:b:c, a:b:d, a:b:e, a:b:f, authorization:grant:* and 1 more, which \
          brings what is dangerous: authorization:grant:*"
        ]
    );
    assert_eq!(told(same, wild, same, &[("wild", &[view])]), ["has 5 permissions less behind the role R"]);
}

#[test]
fn the_documented_file_is_read_and_written_as_it_stands() {
    let document = fs::read_to_string("docs/baseline.md").expect("it is there");
    let (_, rest) = document.split_once("```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("an end");
    let baseline = Baseline::parse(example).expect("a valid example");
    assert_eq!(baseline.to_json(), example);
    for command in ["init", "diff", "approve", "prune"] {
        assert!(document.contains(&format!("baseline {command}")), "{command}");
        let help = program().args(["baseline", command, "--help"]).output().expect("it runs");
        assert!(help.status.success(), "{command}");
    }
}

#[test]
fn mistakes_are_told() {
    let text = text();
    for (from, to, told) in [
        ("\"version\": 1", "\"version\": 2", "its version is 2"),
        ("\"version\": 1,", "", "missing field `version`"),
        ("\"organisation\": \"o\"", "\"organisation\": \"\"", "organisation: is empty"),
        ("\"grant_type\": \"code\"", "\"grant_type\": \"cod\"", "\"cod\" is not a grant type"),
        ("\"scopes\"", "\"scops\"", "unknown field `scops`"),
        ("2026", "yesterday", "is not a time"),
        ("users:user:view", "users:user:edit", "the fingerprint is not that of the permissions"),
        ("\"c-2\": {", "\"c-1\": {", "\"c-1\" comes twice"),
    ] {
        let wrong = text.replacen(from, to, if from == "2026" { 1 } else { usize::MAX });
        assert_ne!(wrong, text, "{from}");
        let error = Baseline::parse(&wrong).expect_err(told).to_string();
        assert!(error.contains(told), "{error}");
    }
}

fn text() -> String {
    let first = Case { scopes: vec!["oauth"], uris: vec!["https://x/cb"], ..case(GrantType::Code) };
    let second = Case { id: "c-2", roles: vec![("mild", "*"), ("wild", "d")], ..case(GrantType::ClientCredentials) };
    Baseline::of(&snapshot(&[first, second], ROLES), &approval()).to_json()
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let scopes = prop::sample::subsequence(vec!["oauth", "users", "presence"], 0..4);
    let roles = prop::sample::subsequence(vec![("mild", "*"), ("mild", "d"), ("wild", "*"), ("gone", "d")], 0..5);
    let uris = prop::sample::subsequence(vec!["https://x/cb", "http://y"], 0..3);
    let client = (0..6_usize, 0..4_usize, scopes, roles, uris, prop::option::of(300_u32..90_000));
    prop::collection::vec(client, 0..4).prop_map(|clients| {
        let ids = ["c-1", "c-2", "c-3", "c-4"];
        let case = |(id, (grant, state, scopes, roles, uris, validity))| {
            let (grant, state) = (GrantType::ALL[grant], ClientState::ALL[state]);
            Case { id, grant, state, scopes, roles, uris, validity }
        };
        ids.into_iter().zip(clients).map(case).collect()
    })
}

proptest! {
    #[test]
    fn what_was_approved_as_a_whole_does_not_differ(before in cases(), now in cases()) {
        let (before, now) = (snapshot(&before, ROLES), snapshot(&now, ROLES));
        let mut baseline = Baseline::of(&before, &approval());
        baseline.approve_all(&now, &approval());
        let read = Baseline::parse(&baseline.to_json()).expect("what is written is read");
        prop_assert_eq!(&read, &baseline);
        prop_assert!(read.differences(&now).is_empty());
        prop_assert_eq!(drift(&judge(&now, &read, NOW)), Vec::<String>::new());
        for finding in judge(&now, &read, NOW).findings {
            let is_power = ["dangerous-scope", "dangerous-permission"].contains(&finding.rule.slug);
            prop_assert!(!is_power || finding.status.label() == "approved", "{finding:?}");
        }
    }

    #[test]
    fn names_and_order_change_no_approval(before in cases(), now in cases()) {
        let baseline = Baseline::of(&snapshot(&before, ROLES), &approval());
        let mut other = snapshot(&now.iter().rev().cloned().collect::<Vec<_>>(), ROLES);
        for client in &mut other.clients {
            client.name = "Another".to_owned();
            client.role_grants.reverse();
            client.redirect_uris.reverse();
        }
        let now = snapshot(&now, ROLES);
        prop_assert_eq!(judge(&now, &baseline, NOW).baseline, judge(&other, &baseline, NOW).baseline);
        prop_assert_eq!(baseline.differences(&now), baseline.differences(&other));
        let mut renamed = baseline.clone();
        renamed.approve_all(&other, &approval());
        let mut plain = baseline;
        plain.approve_all(&now, &approval());
        prop_assert_eq!(plain.to_json(), renamed.to_json());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes changed, lines lost, doubled or swapped: an error or a report, never a panic.
    #[test]
    fn a_mutated_baseline_gives_an_error_or_a_report(
        edits in prop::collection::vec((0..4_usize, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut lines: Vec<String> = text().lines().map(str::to_owned).collect();
        for (what, at, other, byte) in edits {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match what {
                0 => { lines.remove(at); }
                1 => { let line = lines[other].clone(); lines.insert(at, line); }
                2 => lines.swap(at, other),
                _ => {
                    let mut bytes = lines[at].clone().into_bytes();
                    let position = other % bytes.len().max(1);
                    if let Some(old) = bytes.get_mut(position) { *old = byte; }
                    lines[at] = String::from_utf8_lossy(&bytes).into_owned();
                }
            }
            if lines.is_empty() { break; }
        }
        if let Ok(baseline) = Baseline::parse(&lines.join("\n")) {
            let there = snapshot(&[Case { scopes: vec!["oauth"], ..case(GrantType::Code) }], ROLES);
            let report = judge(&there, &baseline, NOW);
            prop_assert_eq!(report.verdicts.len(), 1);
        }
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesyscloud-oauth-exporter"));
    command.env_clear().stdin(Stdio::null());
    command
}

fn run(simulator: &Simulator, file: &Path, arguments: &[&str]) -> Output {
    program()
        .arg("baseline")
        .args(arguments)
        .arg("--baseline.file")
        .arg(file)
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", DEFAULT_CLIENT_ID)
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", DEFAULT_CLIENT_SECRET)
        .env("GENESYSCLOUD_API_URL", simulator.url())
        .env("GENESYSCLOUD_LOGIN_URL", simulator.url())
        .env("GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_RETRY_BASE", "1ms")
        .output()
        .expect("it runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_from_the_first_approval_to_the_last_client() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let organisation = simulator.organisation();
    organisation.set_rate_limit(1_000_000);
    let by = ["--by", "Kim", "--reason", "OPS-1"];
    let with = |arguments: &[&str]| [arguments, &by].concat().iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
    let go = |arguments: &[&str]| {
        let output = run(&simulator, &file, arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), format!("{out}{err}"))
    };
    let approve = |arguments: &[&str]| {
        let arguments = with(arguments);
        go(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };

    assert_eq!(go(&["diff"]).0, 2, "there is none yet");
    let (code, said) = approve(&["init"]);
    assert_eq!(code, 0, "{said}");
    let first = fs::read_to_string(&file).expect("it is there");
    let crm = organisation.client_id("CRM screen pop").expect("it is there");
    for absent in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "CRM screen pop", "createdBy"] {
        assert!(!first.contains(absent), "{absent}");
    }
    assert!(first.ends_with("}\n") && first.contains(&crm));
    assert_eq!(approve(&["init"]).0, 2, "it does not overwrite");
    let (code, said) = go(&["diff"]);
    assert!(code == 0 && said.starts_with("no drift\n"), "{said}");

    assert!(organisation.grant_scope("CRM screen pop", "oauth"));
    let (code, said) = go(&["diff"]);
    assert!(code == 1 && said.contains("+ scope oauth") && said.contains(&crm), "{code} {said}");
    let (code, said) = approve(&["approve", &crm, "--scope", "oauth", "--dry-run"]);
    assert!(code == 0 && said.contains("+ approved scope oauth"), "{code} {said}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), first, "a dry run writes nothing");
    assert_eq!(approve(&["approve", &crm]).0, 0);
    assert_eq!(go(&["diff"]).0, 0);
    let second = fs::read_to_string(&file).expect("it is there");
    let changed = second.lines().filter(|line| !first.lines().any(|old| old == *line)).count();
    assert!(changed <= 4, "small differences in review: {changed} lines");

    assert!(organisation.remove_client("CRM screen pop"));
    assert_eq!(go(&["diff"]).0, 1);
    let (code, said) = approve(&["approve", &crm]);
    assert!(code == 2 && said.contains("prune"), "{said}");
    let (code, said) = go(&["prune"]);
    assert!(code == 0 && said.contains(&format!("- client {crm}")), "{said}");
    assert_eq!(go(&["diff"]).0, 0);
    assert_eq!(approve(&["approve", "--all"]).0, 0);

    organisation.set_fault(Fault::ServerError(500).at(Endpoint::Clients));
    let before = fs::read(&file).expect("it is there");
    assert_eq!(go(&["diff"]).0, 3);
    assert_eq!(approve(&["approve", "--all"]).0, 3);
    assert_eq!(fs::read(&file).expect("it is there"), before, "what was not read is not approved");
    let mail = run(&simulator, &file, &["approve", "--all", "--by", "kim@example.com", "--reason", "x"]);
    assert_eq!(mail.status.code(), Some(2));
    let mut in_ci = program();
    let refused = in_ci.args(["baseline", "init", "--by", "Kim", "--reason", "x", "--baseline.file", "elsewhere.json"]);
    let refused =
        refused.env("CI", "true").env("GENESYSCLOUD_OAUTHCLIENT_ID", "x").env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "x");
    assert_eq!(refused.env("GENESYSCLOUD_REGION", "eu_west_1").output().expect("it runs").status.code(), Some(2));
}

#[test]
fn less_is_no_drift() {
    assert!(!Difference::ScopeRemoved("oauth".to_owned()).is_drift());
}

#[test]
fn a_broken_baseline_ends_the_start_with_2_and_a_missing_one_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let check = || {
        let mut command = program();
        let command = command.args(["config", "check", "--baseline.file"]).arg(&file);
        for (name, value) in [("OAUTHCLIENT_ID", "x"), ("OAUTHCLIENT_SECRET", "x"), ("REGION", "eu-west-1")] {
            command.env(format!("GENESYSCLOUD_{name}"), value);
        }
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check().0, Some(0));
    fs::write(&file, "{\"version\": 1").expect("writable");
    let (code, said) = check();
    assert!(code == Some(2) && said.contains("baseline.json") && said.contains("line 1"), "{said}");
}
