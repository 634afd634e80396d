//! Reports for people and programs: what they are made from, and one file per format.
//!
//! Not the status page (`server`) and not the metrics (`exposition`).

pub mod csv;
mod excuse;
pub mod json;
mod judged;
pub mod markdown;
pub mod sarif;
mod selection;
mod sentence;
mod summary;
pub mod table;

pub use excuse::excuse;
pub use selection::{Selection, fingerprints};
pub use sentence::{FailOn, FailWhen, exit_code, unread};
pub use summary::Summary;

use crate::audit::{Finding, Report};
use crate::domain::Snapshot;
use crate::policy::Policy;

/// One organisation's audit, to be reported.
#[derive(Debug, Clone, Copy)]
pub struct ReportedOrganisation<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// What was judged; `None` where the audit could not run.
    pub audited: Option<Audited<'a>>,
    /// Whether every client is in it. False where nothing was judged.
    pub complete: bool,
    /// Why nothing was judged, or why it is not complete: a sentence for people.
    pub failure: Option<&'a str>,
    /// The calls made to the platform, by endpoint, retries included. Empty where nobody counted.
    pub calls: &'a [(String, u64)],
    /// Which findings are told, and which count.
    pub selection: Selection<'a>,
}

impl<'a> ReportedOrganisation<'a> {
    /// The findings that are told, in the report's order.
    pub fn findings(&self) -> impl Iterator<Item = &'a Finding> + use<'a> {
        let selection = self.selection;
        let findings = self.audited.into_iter().flat_map(|audited| &audited.report.findings);
        findings.filter(move |finding| selection.tells(finding))
    }

    /// How many findings are not told.
    pub fn left_out(&self) -> usize {
        let selection = self.selection;
        let findings = self.audited.into_iter().flat_map(|audited| &audited.report.findings);
        findings.filter(|finding| !selection.tells(finding)).count()
    }
}

/// A snapshot and the judgement on it.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// What is there.
    pub snapshot: &'a Snapshot,
    /// What we think of it.
    pub report: &'a Report,
    /// By what it was judged.
    pub policy: &'a Policy,
}
