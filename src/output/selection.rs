//! Which findings a report tells, and which of them decide its exit code.
//!
//! What is left out is counted in every format, so that a filter never looks like an all-clear.

use std::collections::BTreeSet;

use crate::audit::{Finding, Fingerprint, Report};
use crate::domain::Severity;

/// A choice of findings; by default all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection<'a> {
    /// Those at or above this severity are told. The exit code does not heed it.
    pub least: Option<Severity>,
    /// The findings that were there before: where they are known, only others are told and count.
    pub before: Option<&'a BTreeSet<Fingerprint>>,
}

impl Selection<'_> {
    /// Whether the report tells it.
    pub fn tells(&self, finding: &Finding) -> bool {
        self.least.is_none_or(|least| finding.severity >= least) && self.is_counted(finding)
    }

    /// Whether it can decide the exit code.
    pub fn is_counted(&self, finding: &Finding) -> bool {
        self.before.is_none_or(|before| !before.contains(&finding.fingerprint()))
    }
}

/// The identities of the open findings of an earlier report, for [`Selection::before`].
///
/// One that was exempt or approved and is open now is new.
pub fn fingerprints(before: &Report) -> BTreeSet<Fingerprint> {
    use crate::audit::Status;
    before.findings.iter().filter(|finding| finding.status == Status::Open).map(Finding::fingerprint).collect()
}
