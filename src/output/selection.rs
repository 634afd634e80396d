//! Selects the findings that a report shows, and those that affect its exit code.
//!
//! Every format except CSV counts the hidden findings, so that a filtered report does not look clean.

use std::collections::BTreeSet;

use crate::audit::{Finding, Fingerprint, Report};
use crate::domain::Severity;

/// A selection of findings; by default all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection<'a> {
    /// Show only findings at or above this severity. This does not affect the exit code.
    pub least: Option<Severity>,
    /// The open findings of an earlier report. If given, only other findings are shown and affect the exit code.
    pub before: Option<&'a BTreeSet<Fingerprint>>,
}

impl Selection<'_> {
    /// Whether the report shows this finding.
    pub fn shows(&self, finding: &Finding) -> bool {
        self.least.is_none_or(|least| finding.severity >= least) && self.is_counted(finding)
    }

    /// Whether this finding can affect the exit code.
    pub fn is_counted(&self, finding: &Finding) -> bool {
        self.before.is_none_or(|before| finding.fingerprints().iter().any(|fingerprint| !before.contains(fingerprint)))
    }
}

/// The fingerprints of the open findings of an earlier report, for [`Selection::before`].
///
/// A finding that was exempt or approved then and is open now counts as new.
pub fn fingerprints(before: &Report) -> BTreeSet<Fingerprint> {
    use crate::audit::Status;
    before.findings.iter().filter(|finding| finding.status == Status::Open).flat_map(Finding::fingerprints).collect()
}
