//! Selects the findings that a report shows, and those that affect its exit code.
//!
//! Every format except CSV counts the hidden findings, so that a filtered report does not look clean.

use super::earlier::Earlier;
use crate::audit::Finding;
use crate::domain::Severity;

/// A selection of findings; by default all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Show only findings at or above this severity. This does not affect the exit code.
    pub least: Option<Severity>,
    /// An earlier audit. If given, only findings that were not open then are shown and affect the exit code.
    pub before: Option<&'a Earlier<'a>>,
}

impl Selection<'_> {
    /// Whether the report shows this finding.
    pub fn shows(&self, finding: &Finding) -> bool {
        self.is_severe(finding) && self.is_counted(finding)
    }

    /// Whether the finding is at or above the least severity.
    pub(super) fn is_severe(&self, finding: &Finding) -> bool {
        self.least.is_none_or(|least| finding.severity >= least)
    }

    /// Whether this finding can affect the exit code.
    pub fn is_counted(&self, finding: &Finding) -> bool {
        self.before.is_none_or(|before| before.lacks(finding))
    }
}
