//! How well one organisation is being watched: the outcome of its refreshes.
//!
//! Not the data itself ([`super::Snapshot`]), and no counters: those belong to the module that counts.

use std::time::Duration;

use super::{Collector, Timestamp};

/// What is known of an organisation's refreshes. Published with the data, so that a scrape never sees one without the other.
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
    /// The sentence for people of the last failure, cleared by a success.
    pub failure: Option<String>,
    /// Each collector that ran, in the order of [`Collector::ALL`].
    pub collectors: Vec<CollectorStatus>,
    /// Whether the data was withdrawn because it was older than `stale-after`.
    pub withdrawn: bool,
}

/// How one collector fared in the last refresh that ran it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorStatus {
    /// Which one.
    pub collector: Collector,
    /// Whether it read everything.
    pub success: bool,
    /// Whether the platform lets this client read it; `false` on a missing permission.
    pub supported: bool,
    /// How long it took.
    pub duration: Duration,
}
