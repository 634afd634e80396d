//! The settings of the platform client for one organisation.
//!
//! The crate's `config` reads and validates them.

use std::time::Duration;

use url::Url;

use super::authorities::Authorities;
use super::proxy::Proxy;
use crate::secret::SecretSource;

/// How to reach one organisation, with limits for retries, pacing and sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The value of the label `org`.
    pub org: String,
    /// The id of the exporter's own OAuth client.
    pub client_id: String,
    /// The secret of that client.
    pub client_secret: SecretSource,
    /// The base URL of the API, e.g. `https://api.mypurecloud.ie/`. Paths are resolved against it.
    pub api_url: Url,
    /// The base URL for tokens, e.g. `https://login.mypurecloud.ie/`.
    pub login_url: Url,
    /// The proxy for https URLs; `None` if there is none.
    pub proxy: Option<Proxy>,
    /// Who vouches for the hosts with https URLs.
    pub authorities: Authorities,
    /// The region's domain, or the API host if only hosts were configured.
    pub region: String,
    /// How the credentials are sent to the token endpoint.
    pub auth_style: AuthStyle,
    /// A `scope` parameter for the token request; the platform ignores it for client credentials.
    pub token_scope: Option<String>,
    /// The path of the list of clients, `/api/v2/oauth/clients`.
    pub clients_path: String,
    /// When a request is tried again.
    pub retry: RetryConfig,
    /// How fast requests may follow each other.
    pub pacing: PacingConfig,
    /// Limits on time and size.
    pub limits: Limits,
}

/// How the credentials are sent to the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthStyle {
    /// In the header, as HTTP Basic. All official tools do this.
    Basic,
    /// In the body, as `client_id` and `client_secret`. Older guides do this.
    Body,
}

/// When a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// The number of attempts, including the first.
    pub attempts: u32,
    /// The first back-off. It doubles with each attempt, and has jitter.
    pub base: Duration,
    /// The longest `Retry-After` that is waited for. A longer one fails the refresh.
    pub max_retry_after: Duration,
}

/// How fast requests may follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacingConfig {
    /// Requests per minute. The platform's limit is 300 for each token.
    pub per_minute: u32,
    /// The number of requests that may be sent at once.
    pub burst: u32,
}

/// Limits on time and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest time to establish a connection.
    pub connect_timeout: Duration,
    /// The longest time between two reads of an answer.
    pub read_timeout: Duration,
    /// The longest time of one attempt, from the connection to the last byte of the answer. Without it, an answer of one byte per
    /// second would never end.
    pub attempt_deadline: Duration,
    /// The largest size of one response body in bytes.
    pub max_body_bytes: usize,
    /// The largest number of pages of one listing.
    pub max_pages: u32,
}
