//! All findings on a client, with evidence, reason, remediation and exemption.

use super::super::since::{FirstSeen, Since};
use super::bound::ROWS;
use crate::audit::{Finding, Status};
use crate::domain::Client;
use crate::output::Audited;
use crate::publish::Evaluated;
use crate::text::{SharedText, utc, visible};

/// Findings of one rule that have severity, status and advice in common.
pub(super) struct Group {
    pub(super) severity: &'static str,
    /// The CSS class of the severity's badge.
    pub(super) tone: &'static str,
    /// The status, unless it is open.
    pub(super) status: Option<String>,
    pub(super) rule: &'static str,
    pub(super) title: &'static str,
    pub(super) remediation: &'static str,
    pub(super) exemption: Option<ExemptionText>,
    /// The reason, if all have the same one.
    pub(super) reason: Option<String>,
    pub(super) rows: Vec<FoundRow>,
}

pub(super) struct FoundRow {
    pub(super) evidence: String,
    pub(super) details: Vec<String>,
    pub(super) pattern: Option<String>,
    /// The reason, if the group has several.
    pub(super) reason: Option<String>,
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

/// The findings in groups, open ones first and then the worst first, their total number, and the number of those without a row.
pub(super) fn found(evaluated: &Evaluated, client: &Client, first_seen: &FirstSeen<'_>) -> (Vec<Group>, usize, usize) {
    let mut findings: Vec<&Finding> = evaluated.report.findings_of(&client.id).iter().collect();
    let key = |finding: &Finding| (finding.status, std::cmp::Reverse(finding.severity), finding.rule.slug);
    findings.sort_by(|a, b| (key(a), &a.exemption).cmp(&(key(b), &b.exemption)));
    let total = findings.iter().map(|finding| finding.count()).sum();
    let more = findings.iter().skip(ROWS).map(|finding| finding.count()).sum();
    findings.truncate(ROWS);
    let groups = findings.chunk_by(|a, b| key(a) == key(b) && a.exemption == b.exemption);
    let groups = groups.filter_map(|findings| group(evaluated, findings, first_seen));
    (groups.collect(), total, more)
}

fn group(evaluated: &Evaluated, findings: &[&Finding], first_seen: &FirstSeen<'_>) -> Option<Group> {
    let first = findings.first()?;
    let Evaluated { snapshot, report, policy, ledger, .. } = evaluated;
    let audited = Audited { snapshot, report, policy, ledger };
    let exemption = audited.exemption_of(first).map(|exemption| ExemptionText {
        id: visible(&exemption.id).into_owned(),
        owner: visible(&exemption.owner).into_owned(),
        reason: visible(&exemption.reason).into_owned(),
        ticket: exemption.ticket.as_deref().map(|ticket| visible(ticket).into_owned()),
        end: exemption.expires.map_or("without an expiry date".to_owned(), |end| format!("until {}", utc(end))),
    });
    let has_one_reason = findings.iter().all(|finding| finding.reason == first.reason);
    let is_open = first.status == Status::Open;
    Some(Group {
        severity: first.severity.label(),
        tone: if is_open { first.severity.label() } else { "settled" },
        status: (!is_open).then(|| first.status.label().replace('_', " ")),
        rule: first.rule.slug,
        title: first.rule.title,
        remediation: first.rule.remediation,
        exemption,
        reason: has_one_reason.then(|| visible(&first.reason).into_owned()),
        rows: findings.iter().map(|finding| row(finding, has_one_reason, first_seen)).collect(),
    })
}

fn row(finding: &Finding, has_one_reason: bool, first_seen: &FirstSeen<'_>) -> FoundRow {
    // The evidence text of a permission already contains these details.
    let is_in_text =
        |(name, _): &&(&str, SharedText)| ["role", "role_id", "division", "division_id", "conditional"].contains(name);
    let details =
        finding.evidence.details.iter().filter(|detail| finding.evidence.permission.is_none() || !is_in_text(detail));
    FoundRow {
        evidence: visible(&finding.evidence.text).into_owned(),
        details: details.map(|(name, value)| format!("{name} {}", visible(value))).collect(),
        pattern: finding.pattern.as_deref().map(|pattern| visible(pattern).into_owned()),
        reason: (!has_one_reason).then(|| visible(&finding.reason).into_owned()),
        since: first_seen.since(finding),
        is_new: finding.status == Status::Open && first_seen.is_new(finding),
        fingerprint: finding.fingerprint().to_string(),
    }
}
