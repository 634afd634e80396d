//! When to refresh and which answers to trust. Validated by `config`.

use std::time::Duration;

/// The settings of every organisation's refreshes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Between the starts of two refreshes.
    pub interval: Duration,
    /// Data older than this is withdrawn.
    pub stale_after: Duration,
    /// The time limit of one whole refresh.
    pub deadline: Duration,
    /// Whether a `total` that differs from the number of ids makes the list incomplete.
    pub trust_total: bool,
    /// Whether a list without the exporter's own client is incomplete.
    pub require_self: bool,
}
