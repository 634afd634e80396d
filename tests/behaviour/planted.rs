//! The audit of the simulated organisation finds every planted risk, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use genesyscloud_oauth_exporter::audit::{Finding, Kind, Report, Status, Verdict, evaluate, rules};
use genesyscloud_oauth_exporter::domain::{Severity, Snapshot, Timestamp};
use genesyscloud_oauth_exporter::genesys::{Metrics, Platform};
use genesyscloud_oauth_exporter::ledger::Ledger;
use genesyscloud_oauth_exporter::output::{Audited, FailOn, FailWhen, ReportedOrganisation, Selection, exit_code};
use genesyscloud_oauth_exporter::policy::{
    DangerousPermission, NamePattern, PermissionPattern, Policy, ToxicCombination,
};
use genesyscloud_oauth_exporter::refresh::{Previous, fetch};
use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault, Risk, SimulatedOrganisation, Simulator};

use crate::support;

/// The reference's list of dangerous permissions (5.7), as a policy would write it.
const DANGEROUS: &[(&str, Severity)] = &[
    ("authorization:grant:add", Severity::Critical),
    ("authorization:grant:delete", Severity::Critical),
    ("authorization:role:add", Severity::Critical),
    ("authorization:role:edit", Severity::Critical),
    ("authorization:role:delete", Severity::High),
    ("authorization:orgTrustee:add", Severity::Critical),
    ("oauth:client:add", Severity::Critical),
    ("oauth:client:edit", Severity::Critical),
    ("oauth:client:delete", Severity::High),
    ("oauth:client:authorize", Severity::High),
    ("oauth:token:delete", Severity::High),
    ("directory:user:add", Severity::High),
    ("directory:user:edit", Severity::High),
    ("directory:user:delete", Severity::High),
    ("directory:user:setPassword", Severity::Critical),
    ("directory:organization:admin", Severity::Critical),
    ("integrations:integration:edit", Severity::High),
    ("integrations:action:edit", Severity::High),
    ("integrations:actionFunction:edit", Severity::High),
    ("telephony:plugin:all", Severity::High),
    ("recording:retentionPolicy:edit", Severity::High),
    ("recording:recording:view", Severity::High),
    ("gdpr:request:add", Severity::High),
];

/// A separate policy, so that the snapshot of the report does not change with the built-in policy.
fn policy() -> Policy {
    let mut policy = Policy::built_in(&rules::slugs()).expect("the built-in policy");
    policy.org.production = true;
    policy.org.scope_enforcement = None;
    policy.defaults.max_token_validity = 86_400;
    policy.scopes.all_scopes_percent = 80;
    policy.scopes.toxic = vec![ToxicCombination {
        scopes: vec!["oauth".to_owned(), "authorization".to_owned()],
        reason: "Makes clients and gives them roles.".into(),
    }];
    policy.permissions.dangerous = DANGEROUS
        .iter()
        .map(|(pattern, severity)| DangerousPermission {
            pattern: PermissionPattern::new(pattern).expect("three segments"),
            severity: *severity,
            reason: "Gives control or mass data.".into(),
            allow_unmatched: false,
        })
        .collect();
    policy.permissions.companions = Vec::new();
    policy.roles.admin = ["Admin", "Master Admin", "*dministrator"].map(NamePattern::new).to_vec();
    policy.redirects.hosts = Vec::new();
    policy.redirects.testers = ["oauth.pstmn.io", "*.ngrok-free.app", "webhook.site"].map(NamePattern::new).to_vec();
    policy
}

/// The simulated organisation as a refresh reads it, at the simulated time.
async fn read(simulator: &Simulator) -> Snapshot {
    let settings = support::settings(simulator, &[("state.file", "")]);
    let metrics = Metrics::unregistered();
    let platform = Platform::new(settings.organisations[0].platform.clone(), &metrics).expect("TLS");
    let now = Timestamp::from_seconds(simulator.organisation().now());
    fetch(&platform, &settings.watch.refresh, Previous::default(), now)
        .await
        .outcome
        .expect("a complete refresh")
        .snapshot
}

/// The rule that finds a planted risk; `None` if no rule covers it.
fn rule(risk: Risk) -> Option<&'static str> {
    match risk {
        Risk::ConditionalPermission => Some("dangerous-permission"),
        // An odd spelling, a state and an incomplete list, which are read but are not risks, and usage, which is not read.
        Risk::OldGrantSpelling | Risk::UnknownState | Risk::RoleWithoutDivision | Risk::UnusedClient => None,
        other => Some(other.slug()),
    }
}

/// Rule, client, and the evidence if the rule has several findings for a client.
type Key = (&'static str, String, String);

fn key(rule: &'static str, client: &str, kind: Kind, evidence: &str) -> Key {
    let single = matches!(kind, Kind::Client | Kind::GrantType | Kind::TokenValidity | Kind::Division);
    let evidence = if single && !rule.starts_with("unresolved") { "" } else { evidence };
    // The permission is planted. The rest of the evidence is the role and the division that grant it.
    let evidence = evidence.split_once(" role=").map_or(evidence, |(permission, _)| permission);
    (rule, client.to_owned(), evidence.to_owned())
}

fn found(report: &Report) -> BTreeSet<Key> {
    let on_clients = report.findings().filter_map(|finding| Some((finding, finding.client.as_ref()?)));
    on_clients.map(|(f, client)| key(f.rule.slug, client.as_str(), f.evidence.kind, &f.evidence.key)).collect()
}

fn planted(organisation: &SimulatedOrganisation, trap: bool) -> BTreeSet<Key> {
    let planted = organisation.truth().planted.into_iter().filter(|planted| planted.trap == trap);
    planted
        .filter_map(|planted| {
            let rule = rule(planted.risk)?;
            let evidence = match planted.risk {
                Risk::AdminRole | Risk::SharedRole => organisation.role_id(&planted.evidence).expect("a role"),
                // The key of a finding ignores case.
                _ if ["dangerous-permission", "wildcard-permission"].contains(&rule) => planted.evidence.to_lowercase(),
                _ => planted.evidence,
            };
            Some((rule, planted.client_id, evidence))
        })
        .collect()
}

#[tokio::test]
async fn every_planted_risk_is_found_and_nothing_else() {
    let simulator = support::simulator().await;
    let organisation = simulator.organisation();
    let snapshot = read(&simulator).await;
    let report = evaluate(&snapshot, &policy(), None, snapshot.taken_at);
    let (found, planted) = (found(&report), planted(&organisation, false));
    let named = |keys: BTreeSet<&Key>| -> Vec<String> {
        let name = |id: &str| snapshot.clients.iter().find(|c| c.id.as_str() == id).map(|c| c.name.clone());
        keys.into_iter().map(|(rule, client, evidence)| format!("{rule} {:?} {evidence}", name(client))).collect()
    };
    assert_eq!(named(planted.difference(&found).collect()), [""; 0], "planted and not found");
    assert_eq!(named(found.difference(&planted).collect()), [""; 0], "found and not planted");
    let traps = self::planted(&organisation, true);
    assert!(!traps.is_empty());
    assert_eq!(named(traps.intersection(&found).collect()), [""; 0], "traps");
    let conditional: BTreeSet<&str> = report
        .findings()
        .filter(|f| f.evidence.details.contains(&("conditional", "true".into())))
        .filter_map(|f| Some(f.evidence.permission.as_ref()?.name.as_str()))
        .collect();
    assert_eq!(conditional, BTreeSet::from(["authorization:grant:add", "recording:recording:view"]));
}

#[tokio::test]
async fn the_report_on_the_simulated_organisation_is_as_it_was() {
    let simulator = support::simulator().await;
    let snapshot = read(&simulator).await;
    let report = evaluate(&snapshot, &policy(), None, snapshot.taken_at);
    let mut by_client: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings() {
        let client = finding.client.as_ref().and_then(|id| snapshot.client(id));
        by_client.entry(client.map_or(String::new(), |client| client.name.to_string())).or_default().push(finding);
    }
    let mut text = String::new();
    for (name, findings) in by_client {
        let _ = writeln!(text, "{}", if name.is_empty() { "(the organisation)" } else { &name });
        for finding in findings {
            let (rule, status) = (finding.rule.slug, finding.status.label());
            let _ = writeln!(text, "  {} {rule} {status}: {}", finding.severity, finding.evidence);
        }
    }
    let verdicts = ["FLAGGED", "NOT_EVALUATED", "COMPLIANT"]
        .map(|word| (word, report.verdicts().filter(|verdict| verdict.verdict.label() == word).count()));
    let _ = writeln!(text, "{verdicts:?}");
    for outcome in report.outcomes.iter().filter(|outcome| outcome.state.label() != "evaluated") {
        let reason = outcome.state.reason().unwrap_or_default();
        let _ = writeln!(text, "{}: {}: {reason}", outcome.rule.slug, outcome.state.label());
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn roles_that_cannot_be_read_are_said_and_make_nobody_compliant() {
    let simulator = support::simulator().await;
    simulator
        .organisation()
        .set_fault(Fault::Forbidden { permission: "authorization:role:view".to_owned() }.at(Endpoint::Roles));
    let snapshot = read(&simulator).await;
    let report = evaluate(&snapshot, &policy(), None, snapshot.taken_at);
    let unread: Vec<&Finding> = report.findings().filter(|f| f.status == Status::NotEvaluated).collect();
    let slugs: BTreeSet<&str> = unread.iter().map(|finding| finding.rule.slug).collect();
    for rule in rules::enabled(&policy()) {
        // Drift is not evaluated where there is no baseline.
        let applicable = rule.applies_to != genesyscloud_oauth_exporter::audit::AppliesTo::Baseline;
        let needs_roles = applicable && rule.needs.contains(&genesyscloud_oauth_exporter::domain::Collector::Roles);
        assert_eq!(slugs.contains(rule.slug), needs_roles, "{}", rule.slug);
    }
    assert!(unread.iter().all(|finding| finding.evidence.text.contains("authorization:role:view")));
    let failures: BTreeSet<&str> =
        report.outcomes.iter().filter(|o| o.state.is_failure()).map(|o| o.rule.slug).collect();
    assert_eq!(failures, slugs);
    for (client, verdict) in snapshot.clients.iter().zip(report.verdicts()) {
        match &verdict.verdict {
            Verdict::NotEvaluated(why) => assert!(why.contains("authorization:role:view"), "{why}"),
            Verdict::Compliant => assert!(!client.grant_type.roles_count(), "{}", client.name),
            Verdict::Flagged(_) => {}
        }
    }
    assert!(report.verdicts().any(|verdict| matches!(verdict.verdict, Verdict::NotEvaluated(_))));
}

#[tokio::test]
async fn the_registry_of_permissions_is_read_once_and_its_failure_is_soft() {
    let simulator = support::simulator().await;
    let path = "/api/v2/authorization/permissions";
    let snapshot = read(&simulator).await;
    let registry = snapshot.permissions.read().expect("it was read");
    assert_eq!(registry.len(), simulator.organisation().truth().permissions);
    assert!(registry.contains("authorization:role:view"));

    simulator.organisation().set_fault(Fault::Forbidden { permission: "x:y:z".to_owned() }.at(Endpoint::Permissions));
    let settings = support::settings(&simulator, &[("state.file", "")]);
    let metrics = Metrics::unregistered();
    let platform = Platform::new(settings.organisations[0].platform.clone(), &metrics).expect("TLS");
    let now = snapshot.taken_at;
    let before = simulator.organisation().request_count(path);
    let unread =
        fetch(&platform, &settings.watch.refresh, Previous::default(), now).await.outcome.expect("soft").snapshot;
    assert!(unread.permissions.read().is_none());
    let previous = Previous { snapshot: Some(&snapshot), served: true };
    let kept = fetch(&platform, &settings.watch.refresh, previous, now).await.outcome.expect("soft").snapshot;
    assert_eq!(kept.permissions, snapshot.permissions, "what was read before stays good");
    assert_eq!(simulator.organisation().request_count(path), before + 1, "a failure is not repeated at every refresh");
    // Half of what the rule compares with is there: that half is evaluated.
    let report = evaluate(&unread, &policy(), None, now);
    let outcome = report.outcomes.iter().find(|o| o.rule.slug == "policy-pattern-unmatched").expect("the rule");
    assert!(outcome.state.is_failure());
    assert!(!report.verdicts().any(|verdict| matches!(verdict.verdict, Verdict::NotEvaluated(_))));
}

/// The organisation has a client with a role that is in no list. Even if the rule on that is off, the client is not compliant.
#[tokio::test]
async fn a_role_that_is_in_no_list_fails_a_strict_audit_and_makes_nobody_compliant() {
    let simulator = support::simulator().await;
    let snapshot = read(&simulator).await;
    let strict = FailWhen { fail_on: FailOn::Never, strict: true, allow_incomplete: false };
    for (text, verdict, code) in [
        ("", "FLAGGED", 0),
        ("[rules.unresolved-role]\nenabled = false\n", "NOT_EVALUATED", 3),
        ("[rules.unresolved-role]\nseverity = \"low\"\n", "NOT_EVALUATED", 3),
    ] {
        let policy = Policy::parse(text, &rules::slugs()).expect("a valid policy");
        let report = evaluate(&snapshot, &policy, None, snapshot.taken_at);
        let clients = snapshot.clients.iter().zip(report.verdicts());
        let (client, of_client) =
            clients.into_iter().find(|(client, _)| *client.name == *"Chat transcript archive").expect("it is there");
        assert_eq!(of_client.verdict.label(), verdict, "{text}");
        if let Verdict::NotEvaluated(why) = &of_client.verdict {
            assert!(why.contains(client.role_grants[0].role.as_str()), "{why}");
        }
        let ledger = Ledger::default();
        let audited = Some(Audited { snapshot: &snapshot, report: &report, policy: &policy, ledger: &ledger });
        let (failure, calls, selection) = (None, &[][..], Selection::default());
        let organisation = ReportedOrganisation {
            org: "default",
            audited,
            complete: true,
            failure,
            calls,
            selection,
            external_url: None,
        };
        assert_eq!(exit_code(&[organisation], strict), code, "{text}");
    }
}
