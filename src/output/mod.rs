//! Reports for people and programs: what they are made from, and one file per format.
//!
//! Not the status page (`server`) and not the metrics (`exposition`).

pub mod json;
mod sentence;
mod summary;
pub mod table;
mod time;
mod visible;

#[cfg(test)]
pub(crate) mod sample;

pub use sentence::{FailOn, FailWhen, exit_code, unread};
pub use summary::Summary;
pub use time::{rfc3339, utc};
pub use visible::{shortened, visible};

use crate::audit::Report;
use crate::domain::Snapshot;

/// One organisation's audit, to be reported.
#[derive(Debug, Clone, Copy)]
pub struct Organisation<'a> {
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
}

/// A snapshot and the judgement on it.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// What is there.
    pub snapshot: &'a Snapshot,
    /// What we think of it.
    pub report: &'a Report,
}
