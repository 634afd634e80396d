//! The rules as tables of cases, and what must not change a verdict.

use proptest::prelude::*;

use crate::audit::{Report, evaluate, rules};
use crate::domain::{ClientState, Input, Snapshot};
use crate::fixtures::{self, TAKEN_AT as NOW, not_read, policy_of};
use crate::policy::Policy;

/// What of a client matters to these rules.
#[derive(Debug, Clone)]
struct Case {
    id: String,
    name: String,
    grant: &'static str,
    state: ClientState,
    scopes: Vec<String>,
    roles: usize,
}

fn case(grant: &'static str, scopes: &[&str]) -> Case {
    Case {
        id: "c-1".to_owned(),
        name: "A client".to_owned(),
        grant,
        state: ClientState::Active,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        roles: 0,
    }
}

fn snapshot(cases: &[Case]) -> Snapshot {
    let client = |case: &Case| {
        let client = fixtures::client(&case.id)
            .named(case.name.as_str())
            .spelled(case.grant)
            .state(case.state)
            .scopes(case.scopes.iter().map(String::as_str));
        (0..case.roles).fold(client, |client, role| client.role(&format!("r-{role}"), None))
    };
    fixtures::snapshot()
        .clients(cases.iter().map(client))
        .registry(&["oauth", "oauth:readonly", "users", "users:readonly", "upload"])
        .build()
}

/// A policy that enables only the rules of these tests. The other rules have their own tests.
fn policy(text: &str) -> Policy {
    policy_of(&["dangerous-scope", "missing-required-scope"], text)
}

fn evaluated(case: Case, policy: &Policy) -> Report {
    evaluate(&snapshot(&[case]), policy, None, NOW)
}

/// The findings as `rule evidence severity`.
fn found(report: &Report) -> Vec<String> {
    let line = |f: &crate::audit::Finding| format!("{} {} {}", f.rule.slug, f.evidence.key, f.severity);
    report.findings().map(line).collect()
}

#[test]
fn dangerous_scope() {
    let policy = policy("");
    for (grant, scopes, expected) in [
        ("CODE", &["oauth"][..], &["dangerous-scope oauth critical"][..]),
        ("TOKEN", &["users"], &["dangerous-scope users high"]),
        ("PASSWORD", &["upload", "oauth"], &["dangerous-scope oauth critical", "dangerous-scope upload high"]),
        ("SAML2-BEARER", &["scim"], &["dangerous-scope scim critical"]),
        ("CODE", &["admin:all"], &["dangerous-scope admin:all critical"]),
        // An unknown grant type is evaluated as a user grant as well.
        ("DEVICE", &["oauth"], &["dangerous-scope oauth critical"]),
        // Traps.
        ("CODE", &["users:readonly", "oauth:readonly", "users-rules", "user"], &[]),
        ("CLIENT-CREDENTIALS", &["oauth", "authorization"], &[]),
        ("CLIENT_CREDENTIALS", &["oauth"], &[]),
        ("CODE", &[], &[]),
    ] {
        assert_eq!(found(&evaluated(case(grant, scopes), &policy)), expected, "{grant} {scopes:?}");
    }
}

#[test]
fn states_do_not_excuse() {
    for state in ClientState::ALL {
        let report = evaluated(Case { state, ..case("CODE", &["oauth"]) }, &policy(""));
        assert_eq!(found(&report), ["dangerous-scope oauth critical"], "{state:?}");
    }
}

#[test]
fn the_scopes_of_every_client_are_evaluated_if_the_policy_says_so() {
    let policy = policy("[scopes]\njudge = \"every-client\"\n");
    assert_eq!(found(&evaluated(case("CLIENT-CREDENTIALS", &["oauth"]), &policy)), ["dangerous-scope oauth critical"]);
}

#[test]
fn missing_required_scope() {
    let required = "[[expect]]\nfor = \"*\"\nrequired_scopes = [\"users:readonly\", \"oauth\"]\n";
    let exact = format!("[scopes]\nexact = true\n{required}");
    let users = "missing-required-scope users:readonly low";
    let oauth = "missing-required-scope oauth low";
    for (policy_text, grant, scopes, expected) in [
        (required, "CODE", &[][..], &[oauth, users][..]),
        (required, "CODE", &["users:readonly"], &[oauth]),
        (required, "CODE", &["users"], &[oauth]),
        (&exact, "CODE", &["users"], &[oauth, users]),
        // `oauth:readonly` does not do what `oauth` does.
        (required, "CODE", &["users", "oauth:readonly"], &[oauth]),
        (required, "CODE", &["users", "oauth"], &[]),
        (required, "CLIENT-CREDENTIALS", &[], &[]),
        ("", "CODE", &[], &[]),
    ] {
        let found = found(&evaluated(case(grant, scopes), &policy(policy_text)));
        let found: Vec<_> = found.iter().filter(|finding| finding.starts_with("missing")).collect();
        assert_eq!(found, expected, "{policy_text} {grant} {scopes:?}");
    }
}

#[test]
fn rules_can_be_switched_off_and_get_another_severity() {
    let text = "[rules.dangerous-scope]\nenabled = false\n[rules.missing-required-scope]\nseverity = \"high\"\n\
                [[expect]]\nfor = \"*\"\nrequired_scopes = [\"presence\"]\n";
    let report = evaluated(case("CODE", &["oauth"]), &policy(text));
    assert_eq!(found(&report), ["missing-required-scope presence high"]);
    let enabled: Vec<_> = report.rules.iter().map(|enabled| enabled.rule.slug).collect();
    assert!(enabled.contains(&"missing-required-scope") && !enabled.contains(&"dangerous-scope"), "{enabled:?}");
}

#[test]
fn the_verdict_says_what_was_not_evaluated() {
    let flag_at_critical = "[defaults]\nflag_at = \"critical\"\n";
    for (text, grant, scopes, expected) in [
        ("", "CODE", &["oauth"][..], "FLAGGED"),
        ("", "CODE", &["users:readonly"], "COMPLIANT"),
        (flag_at_critical, "CODE", &["users"], "COMPLIANT"),
        ("", "CLIENT-CREDENTIALS", &[], "NOT_EVALUATED"),
        ("", "DEVICE", &["oauth"], "FLAGGED"),
        ("", "DEVICE", &[], "NOT_EVALUATED"),
    ] {
        let report = evaluated(case(grant, scopes), &policy(text));
        assert_eq!(report.verdicts().next().expect("a client").verdict.label(), expected, "{grant} {scopes:?}");
    }
}

#[test]
fn what_no_enabled_rule_evaluates_is_not_compliant() {
    let off: Vec<String> = rules::slugs().iter().map(|slug| format!("[rules.{slug}]\nenabled = false\n")).collect();
    for grant in ["CODE", "CLIENT-CREDENTIALS", "DEVICE"] {
        let nothing = Policy::parse(&off.concat(), &rules::slugs()).expect("a valid policy");
        let report = evaluated(case(grant, &["oauth"]), &nothing);
        assert_eq!(report.verdicts().next().expect("a client").verdict.label(), "NOT_EVALUATED", "{grant}");
    }
}

#[test]
fn dangerous_scopes_of_the_registry_are_counted_at_zero() {
    let report = evaluated(case("CODE", &["oauth", "admin:all"]), &policy(""));
    let counted: Vec<_> = report.dangerous_scopes.iter().map(|d| (d.scope.as_str(), d.holders)).collect();
    assert_eq!(counted, [("admin:all", 1), ("oauth", 1), ("upload", 0), ("users", 0)]);
    let mut unread = snapshot(&[case("CODE", &["oauth"])]);
    unread.registry = Input::Gap(not_read("HTTP 500"));
    let report = evaluate(&unread, &policy(""), None, NOW);
    assert_eq!(report.dangerous_scopes.len(), 1);
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let scope = prop::sample::select(vec!["oauth", "users", "users:readonly", "upload", "presence", "x"]);
    let grant = prop::sample::select(vec!["CODE", "TOKEN", "CLIENT-CREDENTIALS", "PASSWORD", "SAML2-BEARER", "DEVICE"]);
    let client = (grant, prop::collection::vec(scope, 0..5), 0_usize..3);
    prop::collection::vec(client, 0..12).prop_map(|clients| {
        let case = |(n, (grant, scopes, roles)): (usize, (&'static str, Vec<&str>, usize))| Case {
            id: format!("c-{n:02}"),
            roles,
            ..case(grant, &scopes)
        };
        clients.into_iter().enumerate().map(case).collect()
    })
}

proptest! {
    /// Identity is by id: names, the order of lists and the spelling of grant types change no finding.
    #[test]
    fn renaming_reordering_and_respelling_change_nothing(cases in cases(), salt in 0_usize..7) {
        let text = "[[expect]]\nfor = \"*\"\nrequired_scopes = [\"presence\"]\n";
        let before = evaluate(&snapshot(&cases), &policy(text), None, NOW);
        let mut other: Vec<Case> = cases.iter().map(|case| Case {
            name: format!("{} {salt}", case.name),
            scopes: case.scopes.iter().rev().cloned().collect(),
            grant: match case.grant {
                "CLIENT-CREDENTIALS" => "client_credentials",
                "SAML2-BEARER" => "SAML2BEARER",
                "CODE" => "code",
                same => same,
            },
            ..case.clone()
        }).collect();
        other.reverse();
        let after = evaluate(&snapshot(&other), &policy(text), None, NOW);
        let prints = |report: &Report| report.findings().map(|f| f.fingerprint().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(prints(&before), prints(&after));
        prop_assert_eq!(before.verdicts().collect::<Vec<_>>(), after.verdicts().collect::<Vec<_>>());
    }

    /// Every client has exactly one verdict, and every finding has another fingerprint.
    #[test]
    fn verdicts_partition_and_fingerprints_are_distinct(cases in cases()) {
        let report = evaluate(&snapshot(&cases), &policy(""), None, NOW);
        prop_assert_eq!(report.verdicts().count(), cases.len());
        let distinct: std::collections::BTreeSet<_> = report.findings().map(crate::audit::Finding::fingerprint).collect();
        prop_assert_eq!(distinct.len(), report.findings().count());
        let open: usize = report.verdicts().map(|verdict| verdict.open).sum();
        prop_assert_eq!(open, report.findings().count());
        for verdict in report.verdicts() {
            prop_assert_eq!(report.findings_of(&verdict.client).len(), verdict.open);
        }
    }
}

#[test]
fn fingerprints_are_stable_over_versions() {
    let report = evaluated(case("CODE", &["oauth"]), &policy(""));
    insta::assert_snapshot!(report.findings().next().expect("a finding").fingerprint().to_string());
}
