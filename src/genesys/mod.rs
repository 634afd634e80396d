//! The adapter to the Genesys Cloud platform API.
//!
//! Not the loop that calls it (`refresh`), nor what the answers mean (`audit`).

mod config;

pub use config::{AuthStyle, Config, Limits, PacingConfig, RetryConfig};
