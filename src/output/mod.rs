//! Audit reports: the data that they are made from, and one file per format.
//!
//! The status page is in `server`, the metrics are in `exposition`.

pub mod csv;
mod exit_code;
pub mod json;
pub mod markdown;
mod rule_outcomes;
pub mod sarif;
mod selection;
mod summary;
pub mod table;

pub use exit_code::{FailOn, FailWhen, exit_code};
pub use selection::{Selection, fingerprints};
pub use summary::Summary;

use crate::audit::{Finding, Report};
use crate::domain::Snapshot;
use crate::policy::{Exemption, Policy};

/// The audit of one organisation, to be reported.
#[derive(Debug, Clone, Copy)]
pub struct ReportedOrganisation<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// The evaluated snapshot; `None` if there is none, for example because the refresh failed.
    pub audited: Option<Audited<'a>>,
    /// Whether the snapshot has every client. False without a snapshot.
    pub complete: bool,
    /// Why there is no snapshot, or why it is incomplete: a message for people.
    pub failure: Option<&'a str>,
    /// The number of requests sent to the platform by endpoint, including retries. Empty if they were not counted, as for a
    /// restored snapshot.
    pub calls: &'a [(String, u64)],
    /// Which findings are shown, and which affect the exit code.
    pub selection: Selection<'a>,
}

impl<'a> ReportedOrganisation<'a> {
    /// The findings to show, in the order of the report.
    pub fn findings(&self) -> impl Iterator<Item = &'a Finding> + use<'a> {
        let selection = self.selection;
        let findings = self.audited.into_iter().flat_map(|audited| &audited.report.findings);
        findings.filter(move |finding| selection.shows(finding))
    }

    /// The number of findings that the selection hides.
    pub fn left_out(&self) -> usize {
        let selection = self.selection;
        let findings = self.audited.into_iter().flat_map(|audited| &audited.report.findings);
        findings.filter(|finding| !selection.shows(finding)).map(Finding::count).sum()
    }
}

/// A snapshot and its evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// The snapshot that was evaluated.
    pub snapshot: &'a Snapshot,
    /// The findings and verdicts.
    pub report: &'a Report,
    /// The policy that the report follows.
    pub policy: &'a Policy,
}

impl<'a> Audited<'a> {
    /// The exemption that covers a finding; `None` if none does.
    pub fn exemption_of(self, finding: &Finding) -> Option<&'a Exemption> {
        let id = finding.exemption.as_ref()?;
        self.policy.exemptions.iter().find(|exemption| exemption.id == **id)
    }
}
