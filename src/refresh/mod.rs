//! The refresh of one organisation: fetch, judge, publish, keep, wait.
//!
//! Not how the platform is spoken to (`genesys`), and not what is dangerous (`audit`).

mod complete;
mod fetch;
mod in_force;
mod judge;
mod metrics;
mod reload;
mod schedule;
mod worker;

use std::time::Duration;

pub use complete::{Incomplete, Listing};
pub use fetch::{Failure, Fetched, Previous, fetch};
pub use in_force::{Files, InForce};
pub use judge::Judge;
pub use metrics::{FAMILIES, Metrics};
pub use reload::Reloader;
pub use worker::Worker;

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
