//! The settings of refreshes: their times, and which lists to trust.
//!
//! The crate's `config` reads and validates them.

use std::time::Duration;

/// The settings of refreshes, the same for every organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The time between the starts of two refreshes.
    pub interval: Duration,
    /// The age at which data is withdrawn.
    pub stale_after: Duration,
    /// The time limit of one refresh, including all its calls and retries.
    pub deadline: Duration,
    /// Whether a `total` that differs from the number of ids makes the list incomplete.
    pub trust_total: bool,
    /// Whether a list without the exporter's own client is incomplete.
    pub require_self: bool,
}
