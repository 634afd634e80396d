//! All findings on a client, with evidence, reason, remediation and exemption.

use super::super::since::{FirstSeen, Since};
use super::bound::ROWS;
use crate::audit::{Finding, Status};
use crate::domain::Client;
use crate::output::Audited;
use crate::publish::Evaluated;
use crate::text::{SharedText, utc, visible};

pub(super) struct FoundRow {
    pub(super) severity: &'static str,
    /// The status, unless it is open.
    pub(super) status: Option<String>,
    pub(super) rule: &'static str,
    pub(super) title: &'static str,
    pub(super) evidence: String,
    pub(super) details: Vec<String>,
    pub(super) pattern: Option<String>,
    pub(super) reason: String,
    pub(super) remediation: &'static str,
    pub(super) exemption: Option<ExemptionText>,
    pub(super) since: Since,
    pub(super) is_new: bool,
    pub(super) fingerprint: String,
}

pub(super) struct ExemptionText {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) reason: String,
    pub(super) ticket: Option<String>,
    pub(super) end: String,
}

/// The findings, open ones first and then the worst first, their total number, and the number of those without a row.
pub(super) fn found(
    evaluated: &Evaluated,
    client: &Client,
    first_seen: &FirstSeen<'_>,
) -> (Vec<FoundRow>, usize, usize) {
    let mut findings: Vec<&Finding> = evaluated.report.findings_of(&client.id).collect();
    findings.sort_by_key(|finding| (finding.status, std::cmp::Reverse(finding.severity)));
    let total = findings.iter().map(|finding| finding.count()).sum();
    let more = findings.iter().skip(ROWS).map(|finding| finding.count()).sum();
    let rows = findings.into_iter().take(ROWS).map(|finding| row(evaluated, finding, first_seen));
    (rows.collect(), total, more)
}

fn row(evaluated: &Evaluated, finding: &Finding, first_seen: &FirstSeen<'_>) -> FoundRow {
    let Evaluated { snapshot, report, policy, ledger, .. } = evaluated;
    let audited = Audited { snapshot, report, policy, ledger };
    let exemption = audited.exemption_of(finding).map(|exemption| ExemptionText {
        id: visible(&exemption.id).into_owned(),
        owner: visible(&exemption.owner).into_owned(),
        reason: visible(&exemption.reason).into_owned(),
        ticket: exemption.ticket.as_deref().map(|ticket| visible(ticket).into_owned()),
        end: exemption.expires.map_or("without an expiry date".to_owned(), |end| format!("until {}", utc(end))),
    });
    // The evidence text of a permission already contains these details.
    let is_in_text =
        |(name, _): &&(&str, SharedText)| ["role", "role_id", "division", "division_id", "conditional"].contains(name);
    let details =
        finding.evidence.details.iter().filter(|detail| finding.evidence.permission.is_none() || !is_in_text(detail));
    FoundRow {
        severity: finding.severity.label(),
        status: (finding.status != Status::Open).then(|| finding.status.label().replace('_', " ")),
        rule: finding.rule.slug,
        title: finding.rule.title,
        evidence: visible(&finding.evidence.text).into_owned(),
        details: details.map(|(name, value)| format!("{name} {}", visible(value))).collect(),
        pattern: finding.pattern.as_deref().map(|pattern| visible(pattern).into_owned()),
        reason: visible(&finding.reason).into_owned(),
        remediation: finding.rule.remediation,
        exemption,
        since: first_seen.since(finding),
        is_new: finding.status == Status::Open && first_seen.is_new(finding),
        fingerprint: finding.fingerprint().to_string(),
    }
}
