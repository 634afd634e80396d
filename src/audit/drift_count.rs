//! The comparison of a report with the baseline: the number of differences of each kind.
//!
//! The rules that find the differences are in `rules::drift`.
//!
//! `dangerous="true"` means that an `*_unapproved` family is 1 for the same grant. Every other difference counts as `"false"`,
//! even if it is severe: the alert on drift fires on `"false"` only, so each difference is covered by either this alert or a page.

use std::sync::Arc;

use super::assessment::Assessment;
use super::finding::{DANGEROUS_PERMISSION_DETAIL, DANGEROUS_SCOPE_DETAIL, Finding, Status};
use super::rules::{drift_kind, drift_kinds};
use crate::baseline::Baseline;
use crate::domain::{Privilege, Timestamp};

/// The comparison with the baseline in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineComparison {
    /// When any part of the baseline was last approved.
    pub approved_at: Timestamp,
    /// The open differences: two counts for each kind, one dangerous and one not.
    pub drift: Vec<DriftCount>,
}

/// The number of differences of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftCount {
    /// The drift rule's slug without `drift-`.
    pub kind: &'static str,
    /// Whether these differences give a client a dangerous scope or permission that is neither approved nor exempt. Then the
    /// `*_unapproved` metrics report it too.
    pub dangerous: bool,
    /// The number of differences.
    pub count: usize,
}

impl BaselineComparison {
    pub(super) fn new(baseline: &Baseline, subjects: &[Arc<Assessment>]) -> Self {
        let mut drift: Vec<DriftCount> = drift_kinds()
            .flat_map(|kind| [true, false].map(|dangerous| DriftCount { kind, dangerous, count: 0 }))
            .collect();
        let findings =
            subjects.iter().flat_map(|subject| subject.findings.iter().map(move |finding| (subject, finding)));
        for (subject, finding) in findings.filter(|(_, finding)| finding.status == Status::Open) {
            let Some(kind) = drift_kind(finding.rule) else { continue };
            let dangerous = adds_open_grant(finding, subject);
            if let Some(count) = drift.iter_mut().find(|count| count.kind == kind && count.dangerous == dangerous) {
                count.count += finding.count();
            }
        }
        Self { approved_at: baseline.approval.at, drift }
    }
}

fn adds_open_grant(finding: &Finding, subject: &Assessment) -> bool {
    finding.evidence.details.iter().any(|(label, value)| {
        let privilege = match *label {
            DANGEROUS_SCOPE_DETAIL => Privilege::Scope(value.as_str().into()),
            DANGEROUS_PERMISSION_DETAIL => Privilege::Permission(value.as_str().into()),
            _ => return false,
        };
        subject.grants().any(|grant| *grant.privilege == privilege && grant.status == Status::Open)
    })
}
