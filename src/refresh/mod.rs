//! The refresh of one organisation: fetch, evaluate, remember, store, publish, wait.
//!
//! `genesys` calls the platform, `audit` decides what is dangerous, and `ledger` decides what is new.

mod complete;
mod config;
mod fetch;
mod in_force;
mod metrics;
mod pipeline;
mod reload;
mod schedule;
mod worker;

pub use complete::{Incomplete, Listing};
pub use config::Config;
pub use fetch::{Attempt, Failure, Fetched, Previous, fetch};
pub use in_force::{Files, InForce, MAX_BASELINE_BYTES, read_baseline, read_policy};
pub use metrics::{FAMILIES, Metrics};
pub use pipeline::Pipeline;
pub use reload::refusal;
pub use worker::Worker;
