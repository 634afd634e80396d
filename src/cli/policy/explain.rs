//! The text of `policy explain`: for one client, the outcome of every rule and the reason for it.
//!
//! Not the reasons themselves (`audit::explain`).

use std::fmt::Write as _;

use crate::audit::{self, Finding, Report, RuleResult, Status};
use crate::domain::{Client, Snapshot};
use crate::policy::Policy;
use crate::text::{utc, visible};

pub(super) fn text(snapshot: &Snapshot, policy: &Policy, report: &Report, client: &Client) -> String {
    let mut text = String::new();
    let verdict = report.verdicts.iter().find(|verdict| verdict.client == client.id);
    let verdict = verdict.map_or("", |verdict| verdict.verdict.label());
    let _ = writeln!(text, "{} ({})", visible(&client.name), visible(client.id.as_str()));
    let _ = writeln!(text, "grant type {}, state {}: {verdict}", client.grant_type.label(), client.state.label());
    let outcomes = audit::explain(snapshot, policy, report, client);
    let width = outcomes.iter().map(|(rule, _)| rule.slug.len()).max().unwrap_or_default();
    for (rule, outcome) in outcomes {
        let _ = write!(text, "\n{:<width$}  ", rule.slug);
        match outcome {
            RuleResult::Found(findings) => {
                let _ = writeln!(text, "{}", counted(&findings));
                for finding in findings {
                    describe(&mut text, finding, policy);
                }
            }
            RuleResult::Clean => text.push_str("clean\n"),
            RuleResult::NotApplicable(why) => _ = writeln!(text, "not applicable: {why}"),
            RuleResult::NotEvaluated(why) => _ = writeln!(text, "not evaluated: {}", visible(&why)),
            RuleResult::Off => text.push_str("switched off by the policy\n"),
        }
    }
    text
}

/// The number of findings by status, for example `2 open, 1 exempt`.
fn counted(findings: &[&Finding]) -> String {
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
    if let Some(exemption) = policy.exemptions.iter().find(|exemption| exemption.id == *id) {
        let end = exemption.expires.map_or_else(|| "no end date".to_owned(), |end| format!("until {}", utc(end)));
        let _ = write!(text, " (owner {}, {end}): {}", visible(&exemption.owner), visible(&exemption.reason));
        if let Some(ticket) = &exemption.ticket {
            let _ = write!(text, " ({})", visible(ticket));
        }
    }
    text.push('\n');
}
