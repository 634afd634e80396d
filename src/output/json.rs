//! The report as one JSON document.
//!
//! Not the state file, whose format is `store`'s.

use crate::audit::Report;
use crate::domain::Snapshot;

/// One organisation's audit, to be reported.
#[derive(Debug, Clone, Copy)]
pub struct Organisation<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// What is there.
    pub snapshot: &'a Snapshot,
    /// What we think of it.
    pub report: &'a Report,
}

/// The document: `schema_version`, `complete`, `exit_code`, `organisations`.
pub fn document(_organisations: &[Organisation<'_>], _exit_code: u8) -> String {
    String::new()
}
