//! The plain writer: one `format!` a series, every label escaped, everything counted where it is written.
//!
//! Slow and meant to be read. The real one must write the same bytes.

use std::collections::BTreeMap;

use crate::audit::{Status, Verdict};
use crate::domain::{Client, ClientState, GrantType, Severity, Timestamp};
use crate::exposition::{AUDITED_FAMILIES, Config};
use crate::fixtures::world::Org;
use crate::ledger::{GrantKind, Memory, Standing};
use crate::metric::Family;

/// The families that the cap drops, the first that goes first.
pub(crate) const DROPPED_FIRST: [&str; 7] = [
    "genesyscloud_oauth_client_modified_timestamp_seconds",
    "genesyscloud_oauth_client_created_timestamp_seconds",
    "genesyscloud_oauth_client_access_token_validity_seconds",
    "genesyscloud_oauth_client_role_grants",
    "genesyscloud_oauth_client_scopes",
    "genesyscloud_oauth_client_deletion_timestamp_seconds",
    "genesyscloud_oauth_client_findings",
];

pub(crate) fn render(world: &[Org], config: &Config) -> String {
    let mut text = String::new();
    for family in AUDITED_FAMILIES {
        let series: String = world
            .iter()
            .filter(|_| !config.disabled_families.iter().any(|name| name == family.name))
            .filter(|org| !dropped(org, config).contains(&family.name))
            .map(|org| lines(&family, org))
            .collect();
        if !series.is_empty() {
            let Family { name, help, .. } = family;
            text.extend([format!("# HELP {name} {help}\n# TYPE {name} gauge\n"), series]);
        }
    }
    text
}

/// The families of an organisation that do not fit.
pub(crate) fn dropped(org: &Org, config: &Config) -> Vec<&'static str> {
    let count = |family: &Family| series(family.name, org).len();
    let disabled = |name: &str| config.disabled_families.iter().any(|disabled| disabled == name);
    let per_client = AUDITED_FAMILIES.into_iter().filter(|family| family.labels.contains(&"client_id"));
    let mut total: usize = per_client.filter(|family| !disabled(family.name)).map(|family| count(&family)).sum();
    let mut dropped = Vec::new();
    for name in DROPPED_FIRST {
        let family = AUDITED_FAMILIES.into_iter().find(|family| family.name == name).expect("in the table");
        if total > config.max_client_series && count(&family) > 0 && !disabled(name) {
            total -= count(&family);
            dropped.push(name);
        }
    }
    dropped
}

fn lines(family: &Family, org: &Org) -> String {
    let line = |(values, number): (Vec<String>, i64)| {
        let values: Vec<String> = [org.label.clone()].into_iter().chain(values).collect();
        assert_eq!(values.len(), family.labels.len());
        let labels: Vec<String> =
            family.labels.iter().zip(&values).map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        format!("{}{{{}}} {number}\n", family.name, labels.join(","))
    };
    series(family.name, org).into_iter().map(line).collect()
}

fn escape(value: &str) -> String {
    let value = crate::text::distinct(value, 256);
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The values of the labels behind `org`, and the number.
type Series = (Vec<String>, i64);

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).expect("a count")
}

fn series(family: &str, org: &Org) -> Vec<Series> {
    let (snapshot, report) = (&org.snapshot, &org.report);
    let verdicts = |is: &dyn Fn(&Verdict) -> bool| number(report.verdicts().filter(|v| is(&v.verdict)).count());
    let per_client = |value: &dyn Fn(&Client) -> Option<i64>| -> Vec<Series> {
        let one = |client: &Client| Some((words(&[client.id.as_str()]), value(client)?));
        snapshot.clients.iter().filter_map(one).collect()
    };
    match family.strip_prefix("genesyscloud_oauth_").expect("our prefix") {
        "org_info" => {
            let organisation = &snapshot.organisation;
            vec![(words(&[organisation.id.as_str(), &organisation.name, &organisation.region]), 1)]
        }
        "clients" => GrantType::ALL
            .into_iter()
            .flat_map(|grant_type| ClientState::ALL.map(|state| (grant_type, state)))
            .map(|(grant_type, state)| {
                let is = |client: &&Client| client.grant_type == grant_type && client.state == state;
                (words(&[grant_type.label(), state.label()]), number(snapshot.clients.iter().filter(is).count()))
            })
            .collect(),
        "clients_flagged" => Severity::ALL
            .map(|severity| (words(&[severity.label()]), verdicts(&|verdict| *verdict == Verdict::Flagged(severity))))
            .into(),
        "clients_not_evaluated" => vec![(vec![], verdicts(&|verdict| matches!(verdict, Verdict::NotEvaluated(_))))],
        "clients_compliant" => vec![(vec![], verdicts(&|verdict| *verdict == Verdict::Compliant))],
        "clients_partial" => {
            vec![(vec![], number(snapshot.clients.iter().filter(|client| !client.gaps.is_empty()).count()))]
        }
        "findings" => findings(org),
        "dangerous_scope_occurrences" => Severity::ALL
            .map(|severity| {
                let found = report.findings().filter(|f| f.rule.slug == "dangerous-scope" && f.severity == severity);
                (words(&[severity.label()]), number(found.count()))
            })
            .into(),
        "dangerous_scope_clients" => report
            .dangerous_scopes
            .iter()
            .map(|scope| (words(&[&scope.scope, scope.severity.label()]), number(scope.holders)))
            .collect(),
        "dangerous_scope_info" => report
            .dangerous_scopes
            .iter()
            .filter(|scope| scope.holders != 0)
            .map(|scope| (words(&[&scope.scope, scope.severity.label(), &scope.reason]), 1))
            .collect(),
        "dangerous_permission_info" => report
            .dangerous_permissions
            .iter()
            .map(|permission| (words(&[&permission.pattern, permission.severity.label(), &permission.reason]), 1))
            .collect(),
        "client_info" => snapshot
            .clients
            .iter()
            .map(|c| (words(&[c.id.as_str(), &c.name, c.grant_type.label(), c.state.label()]), 1))
            .collect(),
        "client_scopes" => per_client(&|client| Some(number(client.scopes.len()))),
        "client_role_grants" => per_client(&|client| Some(number(client.role_grants.len()))),
        "client_findings" => client_findings(org),
        "client_dangerous_scope_first_seen_timestamp_seconds" => grant_series(org, GrantKind::Scope, first_seen),
        "client_dangerous_permission_first_seen_timestamp_seconds" => {
            grant_series(org, GrantKind::Permission, first_seen)
        }
        "client_dangerous_scope_unapproved" if report.baseline.is_some() => {
            grant_series(org, GrantKind::Scope, unapproved)
        }
        "client_dangerous_permission_unapproved" if report.baseline.is_some() => {
            grant_series(org, GrantKind::Permission, unapproved)
        }
        "client_dangerous_scope_unapproved" | "client_dangerous_permission_unapproved" => vec![],
        "dangerous_permission_clients" => report
            .dangerous_permissions
            .iter()
            .map(|permission| (words(&[&permission.pattern, permission.severity.label()]), number(permission.holders)))
            .collect(),
        "client_created_timestamp_seconds" => per_client(&|client| Some(client.created?.seconds())),
        "client_modified_timestamp_seconds" => per_client(&|client| Some(client.modified?.seconds())),
        "client_deletion_timestamp_seconds" => per_client(&|client| Some(client.deletion?.seconds())),
        "client_access_token_validity_seconds" => {
            per_client(&|client| Some(client.token_validity.map_or(86_400, i64::from)))
        }
        "scopes_known" => {
            snapshot.registry.read().map(|registry| (vec![], number(registry.len()))).into_iter().collect()
        }
        "baseline_loaded" => vec![(vec![], report.baseline.is_some().into())],
        "baseline_timestamp_seconds" => {
            report.baseline.iter().map(|baseline| (vec![], baseline.approved_at.seconds())).collect()
        }
        "baseline_drift" => report
            .baseline
            .iter()
            .flat_map(|baseline| &baseline.drift)
            .map(|drift| (words(&[drift.kind, &drift.dangerous.to_string()]), number(drift.count)))
            .collect(),
        "exemption_expiry_timestamp_seconds" => {
            report.exemptions.iter().map(|(id, expires)| (words(&[id]), expires.seconds())).collect()
        }
        other => panic!("the reference does not know {other}"),
    }
}

fn first_seen(memory: Memory) -> i64 {
    match memory {
        Memory::Held { standing: Standing::Exempt, .. } | Memory::Gone { .. } => 0,
        Memory::Held { first_seen, .. } => first_seen.map_or(0, Timestamp::seconds),
    }
}

fn unapproved(memory: Memory) -> i64 {
    matches!(memory, Memory::Held { standing: Standing::Unapproved, .. }).into()
}

/// Of several grants with one label on one client, the largest number is exported.
fn grant_series(org: &Org, kind: GrantKind, number: impl Fn(Memory) -> i64) -> Vec<Series> {
    let mut series: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    for (grant, memory) in org.ledger.entries().filter(|(grant, _)| grant.kind == kind) {
        let value = series.entry(words(&[grant.client.as_str(), &grant.label])).or_default();
        *value = number(memory).max(*value);
    }
    series.into_iter().collect()
}

fn findings(org: &Org) -> Vec<Series> {
    let mut series = Vec::new();
    let mut rules: Vec<&str> = org.report.rules.iter().map(|enabled| enabled.rule.slug).collect();
    rules.sort_unstable();
    for rule in rules {
        for severity in Severity::ALL {
            for status in Status::ALL {
                let found = org.report.findings();
                let count =
                    found.filter(|f| f.rule.slug == rule && f.severity == severity && f.status == status).count();
                let enabled = org.report.rules.iter().find(|enabled| enabled.rule.slug == rule).expect("enabled");
                if count > 0 || (status == Status::Open && enabled.severities.contains(&severity)) {
                    series.push((words(&[rule, severity.label(), status.label()]), number(count)));
                }
            }
        }
    }
    series
}

fn client_findings(org: &Org) -> Vec<Series> {
    let mut counts: BTreeMap<(&str, &str, std::cmp::Reverse<Severity>), i64> = BTreeMap::new();
    for finding in org.report.findings().filter(|finding| finding.status == Status::Open) {
        if let Some(client) = &finding.client {
            *counts.entry((client.as_str(), finding.rule.slug, std::cmp::Reverse(finding.severity))).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .map(|((client, rule, severity), count)| (words(&[client, rule, severity.0.label()]), count))
        .collect()
}
