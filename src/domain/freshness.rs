//! The outcome of an organisation's refreshes.
//!
//! The data itself is a [`super::Snapshot`]; counters belong to the module that counts.

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
    /// Failures since the last complete refresh of this process.
    pub consecutive_failures: u64,
    /// Why the last refresh failed, as a sentence. A success clears it.
    pub failure: Option<String>,
    /// Each collector that ran, in the order of [`Collector::ALL`].
    pub collectors: Vec<CollectorStatus>,
    /// Whether the data is withdrawn because it is older than `stale-after`.
    pub withdrawn: bool,
}

/// The outcome of one collector in the last refresh that ran it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorStatus {
    /// The collector.
    pub collector: Collector,
    /// Whether it read everything.
    pub success: bool,
    /// Whether the platform lets this client read it; `false` on a missing permission.
    pub supported: bool,
    /// How long it took.
    pub duration: Duration,
}
