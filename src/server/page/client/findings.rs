//! The findings on a client, whatever their status: proof, reason, remedy, and who settled them.

use super::super::since::{FirstSeen, Since};
use crate::audit::{Finding, Status};
use crate::domain::Client;
use crate::output::{Audited, excuse};
use crate::publish::Judged;
use crate::text::{utc, visible};

pub(super) struct FoundRow {
    pub(super) severity: &'static str,
    /// Where it is not open.
    pub(super) status: Option<String>,
    pub(super) rule: &'static str,
    pub(super) title: &'static str,
    pub(super) evidence: String,
    pub(super) details: Vec<String>,
    pub(super) pattern: Option<String>,
    pub(super) reason: String,
    pub(super) remediation: &'static str,
    pub(super) exemption: Option<Excuse>,
    pub(super) since: Since,
    pub(super) is_new: bool,
    pub(super) fingerprint: String,
}

/// Who answers for it, and until when.
pub(super) struct Excuse {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) reason: String,
    pub(super) ticket: Option<String>,
    pub(super) end: String,
}

/// The findings, the open ones first and of them the worst, and how many there are.
pub(super) fn found(judged: &Judged, client: &Client, first_seen: &FirstSeen<'_>) -> (Vec<FoundRow>, usize) {
    let mut findings: Vec<&Finding> = judged.report.findings_of(&client.id).collect();
    findings.sort_by_key(|finding| (finding.status, std::cmp::Reverse(finding.severity)));
    let total = findings.len();
    let rows = findings.into_iter().take(super::ROWS).map(|finding| row(judged, finding, first_seen));
    (rows.collect(), total)
}

fn row(judged: &Judged, finding: &Finding, first_seen: &FirstSeen<'_>) -> FoundRow {
    let audited = Audited { snapshot: &judged.snapshot, report: &judged.report, policy: &judged.policy };
    let excuse = excuse(audited, finding).map(|exemption| Excuse {
        id: visible(&exemption.id).into_owned(),
        owner: visible(&exemption.owner).into_owned(),
        reason: visible(&exemption.reason).into_owned(),
        ticket: exemption.ticket.as_deref().map(|ticket| visible(ticket).into_owned()),
        end: exemption.expires.map_or("without end".to_owned(), |end| format!("until {}", utc(end))),
    });
    // The sentence names role and division, and says where a condition narrows them.
    let is_told =
        |(name, _): &&(&str, String)| ["role", "role_id", "division", "division_id", "conditional"].contains(name);
    let details =
        finding.evidence.details.iter().filter(|detail| finding.evidence.permission.is_none() || !is_told(detail));
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
        exemption: excuse,
        since: first_seen.since(finding),
        is_new: finding.status == Status::Open && first_seen.is_new(finding),
        fingerprint: finding.fingerprint().to_string(),
    }
}
