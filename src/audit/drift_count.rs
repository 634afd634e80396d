//! The baseline that a report was compared with, and how many differences there are of each kind.
//!
//! Not the rules that find them (`rules::drift`).
//!
//! `dangerous="true"` means that an `*_unapproved` family is 1 for the same grant. Every other difference is `"false"`, however severe:
//! the alert on drift fires on `"false"` only, so that no difference falls between the alert and the pages.

use super::finding::{Finding, Status};
use super::grant::DangerousGrant;
use super::rules::{DANGEROUS_PERMISSION_DETAIL, DANGEROUS_SCOPE_DETAIL, drift_kind, drift_kinds};
use crate::baseline::Baseline;
use crate::domain::{Power, Timestamp};

/// The baseline in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineComparison {
    /// When any part of it was last approved.
    pub approved_at: Timestamp,
    /// Open differences, for every kind, dangerous and not.
    pub drift: Vec<DriftCount>,
}

/// How many differences there are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftCount {
    /// The drift rule's slug without `drift-`.
    pub kind: &'static str,
    /// Whether the client gains a dangerous scope or permission by them that is neither approved nor exempt: then its own
    /// metric reports it too.
    pub dangerous: bool,
    /// How many.
    pub count: usize,
}

impl BaselineComparison {
    pub(super) fn new(baseline: &Baseline, findings: &[Finding], grants: &[DangerousGrant]) -> Self {
        let mut drift: Vec<DriftCount> = drift_kinds()
            .flat_map(|kind| [true, false].map(|dangerous| DriftCount { kind, dangerous, count: 0 }))
            .collect();
        for finding in findings.iter().filter(|finding| finding.status == Status::Open) {
            let Some(kind) = drift_kind(finding.rule) else { continue };
            let dangerous = brings_open_grant(finding, grants);
            if let Some(count) = drift.iter_mut().find(|count| count.kind == kind && count.dangerous == dangerous) {
                count.count += 1;
            }
        }
        Self { approved_at: baseline.approval.at, drift }
    }
}

fn brings_open_grant(finding: &Finding, grants: &[DangerousGrant]) -> bool {
    let Some(client) = &finding.client else { return false };
    finding.evidence.details.iter().any(|(label, value)| {
        let power = match *label {
            DANGEROUS_SCOPE_DETAIL => Power::Scope(value.clone()),
            DANGEROUS_PERMISSION_DETAIL => Power::Permission(value.clone()),
            _ => return false,
        };
        // They are sorted by client and power.
        let start = grants.partition_point(|grant| (&grant.client, &grant.power) < (client, &power));
        let same = grants[start..].iter().take_while(|grant| grant.client == *client && grant.power == power);
        same.into_iter().any(|grant| grant.status == Status::Open)
    })
}
