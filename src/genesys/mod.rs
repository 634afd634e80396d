//! The adapter to the Genesys Cloud platform API: a [`Platform`] for each organisation.
//!
//! `refresh` calls it on a timer, and `audit` evaluates the data.

mod answer;
mod api;
mod assembly;
mod authorities;
mod body;
mod config;
mod convert;
mod endpoint;
mod error;
mod fields;
#[cfg(test)]
mod fuzz;
mod known;
mod listing;
mod metrics;
#[cfg(feature = "fixtures")]
pub mod offline;
mod outbound;
mod pacing;
mod page;
mod paging;
mod platform;
mod proxy;
mod redact;
mod refusal;
mod retry;
mod tls;
mod token;
mod token_response;
mod transport;
mod unreachable;
mod wire;

pub use assembly::ListedClients;
pub use authorities::{Authorities, check_readable};
pub use config::{AuthStyle, Config, Limits, PacingConfig, RetryConfig};
pub use convert::Listed;
pub use endpoint::Endpoint;
pub use error::{ApiError, SetupError};
pub use metrics::{FAMILIES, Metrics};
pub use outbound::Outbound;
pub use platform::{Identity, Platform, Scopes};
pub use proxy::{Proxy, is_loopback};
pub use refusal::Refusal;
pub use token_response::TokenError;
