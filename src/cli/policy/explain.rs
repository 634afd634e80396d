//! What `policy explain` shows for one client, as text and as JSON: the outcome of every rule and the reason for it.
//!
//! Not the reasons themselves (`audit::explain`).

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::audit::{self, Finding, Report, Rule, RuleResult, Status};
use crate::domain::{Client, Snapshot};
use crate::policy::Policy;
use crate::text::{counted as plural, rfc3339, utc, visible};

/// The explanation of one client.
pub(super) struct Explanation<'a> {
    client: &'a Client,
    policy: &'a Policy,
    verdict: &'static str,
    /// What fired comes first, then what could not be evaluated, then the rest; otherwise in the order of the rules.
    results: Vec<(&'static Rule, RuleResult<'a>)>,
}

impl<'a> Explanation<'a> {
    pub(super) fn new(snapshot: &Snapshot, policy: &'a Policy, report: &'a Report, client: &'a Client) -> Self {
        let verdict = report.verdicts().find(|verdict| verdict.client == client.id);
        let mut results = audit::explain(snapshot, policy, report, client);
        results.sort_by_key(|(_, result)| rank(result));
        Self { client, policy, verdict: verdict.map_or("", |verdict| verdict.verdict.label()), results }
    }

    /// With `all`, every rule is listed; otherwise those that found nothing are counted.
    pub(super) fn text(&self, all: bool) -> String {
        let Self { client, policy, verdict, results } = self;
        let mut text = String::new();
        let _ = writeln!(text, "{} ({})", visible(&client.name), visible(client.id.as_str()));
        let _ = writeln!(text, "grant type {}, state {}: {verdict}", client.grant_type.label(), client.state.label());
        let (listed, counted) =
            results.split_at(results.partition_point(|(_, result)| all || rank(result) <= NOT_EVALUATED));
        let width = listed.iter().map(|(rule, _)| rule.slug.len()).max().unwrap_or_default();
        for (rule, result) in listed {
            let _ = write!(text, "\n{:<width$}  ", rule.slug);
            match result {
                RuleResult::Found(findings) => {
                    let _ = writeln!(text, "{}", by_status(findings));
                    for finding in findings {
                        describe(&mut text, finding, policy);
                    }
                }
                RuleResult::Clean => text.push_str("clean\n"),
                RuleResult::NotApplicable(why) => _ = writeln!(text, "not applicable: {why}"),
                RuleResult::NotEvaluated(why) => _ = writeln!(text, "not evaluated: {}", visible(why)),
                RuleResult::Off => text.push_str("switched off by the policy\n"),
            }
        }
        if !counted.is_empty() {
            let count = |of: u8| counted.iter().filter(|(_, result)| rank(result) == of).count();
            let _ = writeln!(
                text,
                "\n{} found nothing: {} clean, {} not applicable, {} switched off; --all lists them",
                plural(counted.len(), "rule"),
                count(CLEAN),
                count(NOT_APPLICABLE),
                count(OFF)
            );
        }
        text
    }

    pub(super) fn json(&self, org: &str) -> Value {
        let Self { client, policy, verdict, results } = self;
        let rules = results.iter().map(|(rule, result)| {
            let (outcome, why, findings) = match result {
                RuleResult::Found(findings) => ("found", None, findings.as_slice()),
                RuleResult::Clean => ("clean", None, &[][..]),
                RuleResult::NotApplicable(why) => ("not_applicable", Some(why), &[][..]),
                RuleResult::NotEvaluated(why) => ("not_evaluated", Some(why), &[][..]),
                RuleResult::Off => ("disabled", None, &[][..]),
            };
            let findings: Vec<Value> = findings.iter().map(|finding| described(finding, policy)).collect();
            json!({"rule": rule.slug, "title": rule.title, "result": outcome, "reason": why, "findings": findings})
        });
        json!({
            "org": org,
            "client_id": client.id.as_str(),
            "client_name": client.name,
            "grant_type": client.grant_type.label(),
            "state": client.state.label(),
            "status": verdict,
            "rules": rules.collect::<Vec<_>>(),
        })
    }
}

const FOUND: u8 = 0;
const NOT_EVALUATED: u8 = 1;
const CLEAN: u8 = 2;
const NOT_APPLICABLE: u8 = 3;
const OFF: u8 = 4;

/// The place of a result in the list. A rule that was not evaluated has not passed, so it comes before those that found nothing.
const fn rank(result: &RuleResult<'_>) -> u8 {
    match result {
        RuleResult::Found(_) => FOUND,
        RuleResult::NotEvaluated(_) => NOT_EVALUATED,
        RuleResult::Clean => CLEAN,
        RuleResult::NotApplicable(_) => NOT_APPLICABLE,
        RuleResult::Off => OFF,
    }
}

fn described(finding: &Finding, policy: &Policy) -> Value {
    let exemption = finding.exemption.as_ref().and_then(|id| policy.exemptions.iter().find(|known| known.id == **id));
    json!({
        "severity": finding.severity.label(),
        "status": finding.status.label(),
        "evidence": {"kind": finding.evidence.kind.label(), "value": finding.evidence.key.as_str(), "text": finding.evidence.text.as_str()},
        "matched_pattern": finding.pattern.as_deref(),
        "reason": finding.reason.as_str(),
        "remediation": finding.rule.remediation,
        "fingerprint": finding.fingerprint().to_string(),
        "exemption": exemption.map(|exemption| json!({
            "id": exemption.id,
            "owner": exemption.owner,
            "reason": exemption.reason,
            "ticket": exemption.ticket,
            "expires": exemption.expires.map(rfc3339),
        })),
    })
}

/// The number of findings by status, for example `2 open, 1 exempt`.
fn by_status(findings: &[&Finding]) -> String {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let counts = Status::ALL.map(|status| (count(status), status.label()));
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, label)| format!("{count} {label}"));
    counts.collect::<Vec<_>>().join(", ")
}

fn describe(text: &mut String, finding: &Finding, policy: &Policy) {
    let status = finding.status.label();
    let _ = write!(text, "  {status}, {}: {}", finding.severity, visible(&finding.evidence.text));
    let is_said = |pattern: &str| finding.evidence.text.contains(pattern);
    if let Some(pattern) = finding.pattern.as_ref().filter(|pattern| !is_said(pattern)) {
        let _ = write!(text, " (pattern {})", visible(pattern));
    }
    let _ = writeln!(text, "\n    {}", visible(&finding.reason));
    let Some(id) = &finding.exemption else { return };
    let _ = write!(text, "    exempt by {}", visible(id));
    if let Some(exemption) = policy.exemptions.iter().find(|exemption| exemption.id == **id) {
        let end = exemption.expires.map_or_else(|| "no end date".to_owned(), |end| format!("until {}", utc(end)));
        let _ = write!(text, " (owner {}, {end}): {}", visible(&exemption.owner), visible(&exemption.reason));
        if let Some(ticket) = &exemption.ticket {
            let _ = write!(text, " ({})", visible(ticket));
        }
    }
    text.push('\n');
}
