//! The baseline: its file, what it approves, and what drifts from it.
//!
//! Approvals and drift are seen in a report, so that these tests call the audit too.

mod approval;
mod document;
mod drift;
mod properties;

use crate::audit::{Report, evaluate, rules};
use crate::baseline::{Approval, Baseline};
use crate::domain::{ClientState, GrantType, Severity, Snapshot, Timestamp};
use crate::fixtures::{self, TAKEN_AT as NOW};
use crate::policy::{DangerousPermission, PermissionPattern, Policy};

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
    let mut policy = Policy::built_in(&rules::slugs()).expect("it is valid");
    policy.permissions.dangerous = vec![DangerousPermission {
        pattern: PermissionPattern::new(DANGEROUS).expect("three segments"),
        severity: Severity::Critical,
        reason: "It grants itself anything.".into(),
        allow_unmatched: true,
    }];
    policy.defaults.baseline_max_age_days = Some(10);
    policy
}

fn approval() -> Approval {
    Approval { at: NOW, by: "Kim".to_owned(), reason: "OPS-1".to_owned() }
}

fn evaluated(snapshot: &Snapshot, baseline: &Baseline, now: Timestamp) -> Report {
    evaluate(snapshot, &policy(), Some(baseline), now)
}

/// The drift as `slug key severity`.
fn drift(report: &Report) -> Vec<String> {
    let is_drift = |slug: &str| slug.starts_with("drift-") || slug == "baseline-stale";
    let drift = report.findings().filter(|finding| is_drift(finding.rule.slug));
    drift.map(|f| format!("{} {} {}", f.rule.slug, f.evidence.key, f.severity)).collect()
}

/// The counts of the metric that are not 0, as `kind dangerous`.
fn counted(report: &Report) -> Vec<String> {
    let counts = report.baseline.iter().flat_map(|baseline| &baseline.drift).filter(|drift| drift.count > 0);
    counts.map(|drift| format!("{} {}", drift.kind, drift.dangerous)).collect()
}
