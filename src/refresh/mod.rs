//! The loop of one organisation: fetch, judge, publish, wait.

use std::time::Duration;

/// When to refresh and which answers to trust.
#[derive(Debug, Clone)]
pub struct Config {
    /// Between the starts of two refreshes.
    pub interval: Duration,
    /// Data older than this is withdrawn.
    pub stale_after: Duration,
    /// For one whole refresh.
    pub deadline: Duration,
    /// Whether a `total` that differs from the number of ids makes the list incomplete.
    pub trust_total: bool,
    /// Whether a list without the exporter's own client is incomplete.
    pub require_self: bool,
}
