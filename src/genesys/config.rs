//! What the platform client needs to know of one organisation.
//!
//! Validated by `config`; nothing here is read from the environment.

use std::time::Duration;

use url::Url;

use crate::secret::SecretSource;

/// How to reach one organisation, and how hard to try.
#[derive(Debug, Clone)]
pub struct Config {
    /// The value of the label `org`.
    pub org: String,
    /// The exporter's own OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretSource,
    /// E.g. `https://api.mypurecloud.ie/`: paths are resolved against it.
    pub api_url: Url,
    /// E.g. `https://login.mypurecloud.ie/`.
    pub login_url: Url,
    /// The region's domain, or the API host where only hosts were given.
    pub region: String,
    /// How the credentials travel to the token endpoint.
    pub auth_style: AuthStyle,
    /// A `scope` parameter for the token request; the platform ignores it for client credentials.
    pub token_scope: Option<String>,
    /// The path of the list of clients, `/api/v2/oauth/clients`.
    pub clients_path: String,
    /// When to try again.
    pub retry: RetryConfig,
    /// How many requests a minute.
    pub pacing: PacingConfig,
    /// What is too much or too long.
    pub limits: Limits,
}

/// How the credentials travel to the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthStyle {
    /// HTTP Basic, as every official tool does.
    Basic,
    /// `client_id` and `client_secret` in the body, as older guides do.
    Body,
}

/// When a request is tried again.
#[derive(Debug, Clone, Copy)]
pub struct RetryConfig {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The first back-off; it doubles, with jitter.
    pub base: Duration,
    /// A longer `Retry-After` fails the refresh instead of being slept through.
    pub max_retry_after: Duration,
}

/// How fast requests may follow each other.
#[derive(Debug, Clone, Copy)]
pub struct PacingConfig {
    /// Requests a minute; the platform's limit is 300 a token.
    pub per_minute: u32,
    /// How many may come at once.
    pub burst: u32,
}

/// What is too much or too long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To establish a connection.
    pub connect_timeout: Duration,
    /// Between two reads of an answer.
    pub read_timeout: Duration,
    /// Bytes of one response body.
    pub max_body_bytes: usize,
    /// Pages of one listing.
    pub max_pages: u32,
}
