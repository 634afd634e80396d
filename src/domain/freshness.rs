//! The outcome of an organisation's refreshes.
//!
//! The data itself is in [`super::Snapshot`]. Only the number of refreshes is counted here, because a scrape must not see it without
//! the outcome of the last one; each module owns its other counters.

use std::time::Duration;

use super::{Collector, Timestamp};

/// The state of an organisation's refreshes. It is published with the data, so that a scrape never sees one without the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freshness {
    /// The configured time between two refreshes.
    pub interval: Duration,
    /// When the last refresh began; `None` before the first.
    pub last_attempt: Option<Timestamp>,
    /// When the last complete refresh began, restored after a restart; `None` before the first.
    pub last_success: Option<Timestamp>,
    /// Whether the last refresh was complete; `false` before the first.
    pub last_successful: bool,
    /// The number of failures since the last complete refresh in this process.
    pub consecutive_failures: u64,
    /// Why the last refresh failed, as a sentence; `None` after a complete refresh.
    pub failure: Option<String>,
    /// The collectors that have run, in the order of [`Collector::ALL`].
    pub collectors: Vec<CollectorStatus>,
    /// Whether the data is withdrawn because it is older than `stale-after`.
    pub withdrawn: bool,
    /// The number of refreshes in this process.
    pub refreshes: RefreshCounts,
}

/// The number of refreshes that ended, by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshCounts {
    /// Refreshes that read everything.
    pub success: u64,
    /// Refreshes that failed.
    pub error: u64,
    /// Refreshes that the end of the process interrupted.
    pub cancelled: u64,
    /// The successful refreshes that saw the data of the one before.
    pub unchanged: u64,
}

impl RefreshCounts {
    /// The counts, each with the value of the label `outcome`.
    pub const fn by_outcome(self) -> [(&'static str, u64); 3] {
        let Self { success, error, cancelled, unchanged: _ } = self;
        [("success", success), ("error", error), ("cancelled", cancelled)]
    }
}

/// The outcome of one collector in the last refresh that ran it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorStatus {
    /// The collector.
    pub collector: Collector,
    /// Whether it read everything.
    pub success: bool,
    /// Whether the exporter's client may read this input; `false` if a permission is missing.
    pub supported: bool,
    /// How long the collector took.
    pub duration: Duration,
}
