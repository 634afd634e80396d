//! Exemptions over findings: what they cover, until when, and what is said of each rule.

use crate::audit::{Report, RuleResult, Status, evaluate, explain, rules};
use crate::baseline::{Approval, Baseline};
use crate::domain::Snapshot;
use crate::fixtures::{self, ClientBuilder, TAKEN_AT as NOW, policy};

fn snapshot(clients: &[ClientBuilder]) -> Snapshot {
    fixtures::snapshot().clients(clients.iter().cloned()).build()
}

fn client(number: usize, grant: &str, scopes: &[&str]) -> ClientBuilder {
    fixtures::client(format!("c-{number:02}")).spelled(grant).scopes(scopes.iter().copied())
}

/// `client rule evidence status exemption` of the rules that this file is about.
fn told(report: &Report) -> Vec<String> {
    let about = |slug: &str| slug == "dangerous-scope" || slug.starts_with("exemption-");
    let findings = report.findings().filter(|finding| about(finding.rule.slug));
    let line = |f: &crate::audit::Finding| {
        let client = f.client.as_ref().map_or("-", |client| client.as_str());
        let exemption = f.exemption.as_deref().unwrap_or("-");
        format!("{client} {} {} {} {exemption}", f.rule.slug, f.evidence.key, f.status.label())
    };
    findings.map(line).collect()
}

const SELECTORS: &str = "[selectors.one]\nid = \"c-01\"\n[selectors.all-code]\ngrant = \"code\"\n";

fn exemption(id: &str, client: &str, more: &str) -> String {
    format!(
        "[[exemption]]\nid = \"{id}\"\nrule = \"dangerous-scope\"\nclient = \"{client}\"\nowner = \"o\"\nreason = \"r\"\n{more}\n"
    )
}

#[test]
fn exemptions_cover_what_they_name_and_as_long_as_they_say() {
    let open = "c-01 dangerous-scope oauth open -";
    let users = "c-01 dangerous-scope users open -";
    let clients = [client(1, "CODE", &["oauth", "users"])];
    for (what, text, expected) in [
        (
            "one piece of evidence",
            exemption("e", "one", "only = \"oauth\""),
            vec!["c-01 dangerous-scope oauth exempt e", users],
        ),
        (
            "all of a client",
            exemption("e", "one", ""),
            vec!["c-01 dangerous-scope oauth exempt e", "c-01 dangerous-scope users exempt e"],
        ),
        (
            "the first counts and both are used",
            exemption("e", "one", "only = \"oauth\"") + &exemption("f", "one", ""),
            vec!["c-01 dangerous-scope oauth exempt e", "c-01 dangerous-scope users exempt f"],
        ),
        (
            "its end has come: the finding is open again",
            exemption("e", "one", "expires = 2026-09-20"),
            vec!["- exemption-expired e open -", open, users],
        ),
        (
            "its last day",
            exemption("e", "one", "only = \"oauth\"\nexpires = 2026-09-21"),
            vec!["c-01 dangerous-scope oauth exempt e", users],
        ),
        (
            "nothing to cover",
            exemption("e", "one", "only = \"upload\""),
            vec!["- exemption-unused e open -", open, users],
        ),
        (
            "everybody, whatever they hold",
            exemption("e", "*", ""),
            vec![
                "- exemption-too-broad e open -",
                "c-01 dangerous-scope oauth exempt e",
                "c-01 dangerous-scope users exempt e",
            ],
        ),
        (
            "a grant type names no client",
            exemption("e", "all-code", ""),
            vec![
                "- exemption-too-broad e open -",
                "c-01 dangerous-scope oauth exempt e",
                "c-01 dangerous-scope users exempt e",
            ],
        ),
        (
            "everybody, but one scope",
            exemption("e", "*", "only = \"users\""),
            vec![open, "c-01 dangerous-scope users exempt e"],
        ),
        (
            "the rule on exemptions is off",
            exemption("e", "one", "expires = 2026-09-20") + "[rules.exemption-expired]\nenabled = false\n",
            vec![open, users],
        ),
    ] {
        let report = evaluate(&snapshot(&clients), &policy(&format!("{SELECTORS}{text}")), None, NOW);
        assert_eq!(told(&report), expected, "{what}");
        let exempt = report.grants().filter(|grant| grant.status == Status::Exempt).count();
        assert_eq!(exempt, expected.iter().filter(|line| line.contains(" exempt ")).count(), "{what}");
    }
}

#[test]
fn an_exemption_that_covers_many_clients_is_too_broad() {
    for (count, broad) in [(10, false), (11, true)] {
        let clients: Vec<_> = (1..=count).map(|number| client(number, "CODE", &["oauth"])).collect();
        let text = exemption("e", "*", "only = \"oauth\"");
        let report = evaluate(&snapshot(&clients), &policy(&text), None, NOW);
        assert_eq!(told(&report).iter().any(|line| line.contains("too-broad")), broad, "{count}");
    }
}

#[test]
fn what_the_baseline_approves_uses_no_exemption() {
    let approval = Approval { by: "sec".to_owned(), at: NOW, reason: "reviewed".to_owned() };
    let baseline = Baseline::of(&snapshot(&[client(1, "CODE", &["oauth"])]), &approval);
    let text = format!("{SELECTORS}{}", exemption("e", "one", "only = \"oauth\""));
    let report = evaluate(&snapshot(&[client(1, "CODE", &["oauth"])]), &policy(&text), Some(&baseline), NOW);
    assert_eq!(told(&report), ["- exemption-unused e open -", "c-01 dangerous-scope oauth approved -"]);
}

#[test]
fn every_rule_is_explained_for_a_client() {
    let text = format!("{SELECTORS}{}[rules.missing-required-scope]\nenabled = false\n", exemption("e", "one", ""));
    let (policy, snapshot) = (
        policy(&text),
        snapshot(&[client(1, "CODE", &["oauth"]), client(2, "CLIENT-CREDENTIALS", &["oauth"]), client(3, "CODE", &[])]),
    );
    let report = evaluate(&snapshot, &policy, None, NOW);
    let outcome = |client: usize, slug: &str| {
        let explained = explain(&snapshot, &policy, &report, &snapshot.clients[client]);
        assert_eq!(explained.len(), rules::all().len());
        match explained.into_iter().find(|(rule, _)| rule.slug == slug).expect(slug).1 {
            RuleResult::Found(found) => found.iter().map(|f| f.status.label()).collect::<Vec<_>>().join(" "),
            RuleResult::Clean => "clean".to_owned(),
            RuleResult::NotApplicable(why) => why,
            RuleResult::NotEvaluated(why) => format!("not evaluated: {why}"),
            RuleResult::Off => "off".to_owned(),
        }
    };
    assert_eq!(outcome(0, "dangerous-scope"), "exempt");
    assert_eq!(
        outcome(1, "dangerous-scope"),
        "it applies to clients whose scopes count: user-grant clients, or every client if the policy says so; the grant type of this \
         client is client_credentials"
    );
    assert_eq!(outcome(2, "dangerous-scope"), "clean");
    assert_eq!(outcome(2, "missing-required-scope"), "off");
    assert!(outcome(2, "exemption-unused").contains("the organisation"));
}
