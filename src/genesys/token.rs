//! The access token: fetched by client credentials, cached, refreshed in time, one fetch at a time.
//!
//! The only place that exposes the client secret. Retries of a fetch are `transport`'s.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{debug, info};

use super::metrics::OrgMetrics;
use super::transport::{Failure, Transport, is_token_rate_limit};
use super::{AuthStyle, Config, Endpoint};
use crate::domain::Timestamp;
use crate::secret::{ExposeSecret, SecretSource, SecretString};

/// A wrong secret is tried again this much later at the earliest: quick repeats use up the token endpoint's own limit.
const INVALID_CLIENT_PAUSE: Duration = Duration::from_mins(1);

/// What a token without `expires_in` is taken to live: the least that the platform can be set to.
const LEAST_LIFETIME: u64 = 300;

/// How a fetch ended. The value of the label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    InvalidClient,
    RateLimited,
    Rejected,
    Timeout,
    Network,
    ServerError,
    Malformed,
}

impl Outcome {
    pub(super) const ALL: [Self; 8] = [
        Self::Success,
        Self::InvalidClient,
        Self::RateLimited,
        Self::Rejected,
        Self::Timeout,
        Self::Network,
        Self::ServerError,
        Self::Malformed,
    ];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::InvalidClient => "invalid_client",
            Self::RateLimited => "rate_limited",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::ServerError => "server_error",
            Self::Malformed => "malformed",
        }
    }
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The id or the secret is wrong, or both belong to another region.
    #[error(
        "token: the platform does not know this client or refuses its secret ({0}); check GENESYSCLOUD_OAUTHCLIENT_ID \
         and GENESYSCLOUD_OAUTHCLIENT_SECRET, and that GENESYSCLOUD_REGION is the organisation's own region"
    )]
    InvalidClient(String),
    /// The token endpoint's own limit, HTTP 400 or 429.
    #[error("token: asked too often, the platform refuses more tokens for now")]
    RateLimited {
        /// How long not to come back; zero where the platform did not say.
        wait: Duration,
    },
    /// Any other refusal.
    #[error("token: refused with HTTP {status}: {message}; is this a client-credentials client, and active?")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The platform's words.
        message: String,
    },
    /// No answer in time.
    #[error("token: no answer from the login host in time; is the region right and the way to it open?")]
    Timeout,
    /// No connection, or it broke.
    #[error("token: cannot reach the login host: {0}")]
    Network(String),
    /// 5xx.
    #[error("token: the login host answers HTTP {0}")]
    ServerError(u16),
    /// A 200 that is no token.
    #[error("token: the login host's answer is no token: {0}; is the login URL right?")]
    Malformed(String),
    /// The file with the secret cannot be read.
    #[error("token: cannot read the secret's file: {0}")]
    SecretFile(String),
}

impl TokenError {
    /// How long the platform asked not to be called again.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { wait } => Some(*wait),
            _ => None,
        }
    }

    /// `None` where no fetch was made.
    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::InvalidClient(_) => Some(Outcome::InvalidClient),
            Self::RateLimited { .. } => Some(Outcome::RateLimited),
            Self::Rejected { .. } => Some(Outcome::Rejected),
            Self::Timeout => Some(Outcome::Timeout),
            Self::Network(_) => Some(Outcome::Network),
            Self::ServerError(_) => Some(Outcome::ServerError),
            Self::Malformed(_) => Some(Outcome::Malformed),
            Self::SecretFile(_) => None,
        }
    }
}

/// A token in use. Cheap to clone; prints nothing of itself.
#[derive(Debug, Clone)]
pub(super) struct AccessToken {
    /// Marked sensitive, so that its Debug prints nothing.
    header: HeaderValue,
    /// Which fetch it came from, so that a late 401 does not drop its successor.
    serial: u64,
}

impl AccessToken {
    /// The value of the `Authorization` header.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// A text without the token, should some gateway have echoed it.
    pub(super) fn redact(&self, text: &str) -> String {
        let header = self.header.to_str().unwrap_or_default();
        let token = header.strip_prefix("Bearer ").unwrap_or(header);
        if token.is_empty() { text.to_owned() } else { text.replace(token, "[redacted]") }
    }
}

/// Hands out the token of one organisation.
#[derive(Debug)]
pub(super) struct TokenSource {
    config: Arc<Config>,
    /// Held across the fetch: that is what makes it one at a time.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    serial: u64,
    cached: Option<Cached>,
    refused: Option<Refused>,
}

#[derive(Debug)]
struct Cached {
    token: AccessToken,
    usable_until: Instant,
}

#[derive(Debug)]
struct Refused {
    error: TokenError,
    until: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Denied {
    error: Option<String>,
    error_description: Option<String>,
    description: Option<String>,
}

impl TokenSource {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self { config, state: Mutex::default() }
    }

    /// A token that is good for a while yet: the cached one, or a new one.
    pub(super) async fn token(&self, transport: &Transport) -> Result<AccessToken, TokenError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(cached) = state.cached.as_ref().filter(|cached| now < cached.usable_until) {
            return Ok(cached.token.clone());
        }
        if let Some(refused) = state.refused.as_ref().filter(|refused| now < refused.until) {
            return Err(refused.error.clone());
        }
        state.cached = None;
        let fetched = self.fetch(transport).await;
        match &fetched {
            Ok(_) => transport.metrics.token_fetched(Outcome::Success),
            Err(error) => {
                if let Some(outcome) = error.outcome() {
                    transport.metrics.token_fetched(outcome);
                }
            }
        }
        match fetched {
            Ok((header, lifetime)) => {
                state.refused = None;
                state.serial += 1;
                let token = AccessToken { header, serial: state.serial };
                let usable = usable_for(lifetime);
                let expiry = Timestamp::from(SystemTime::now() + lifetime);
                transport.metrics.token_expires(expiry);
                info!(lifetime_seconds = lifetime.as_secs(), usable_seconds = usable.as_secs(), "token fetched");
                state.cached = Some(Cached { token: token.clone(), usable_until: now + usable });
                Ok(token)
            }
            Err(error) => {
                transport.metrics.token_expires(Timestamp::default());
                if matches!(error, TokenError::InvalidClient(_)) {
                    state.refused = Some(Refused { error: error.clone(), until: now + INVALID_CLIENT_PAUSE });
                }
                Err(error)
            }
        }
    }

    /// Forgets a token that the platform no longer takes.
    pub(super) async fn drop_token(&self, token: &AccessToken, metrics: &OrgMetrics) {
        let mut state = self.state.lock().await;
        if state.cached.as_ref().is_some_and(|cached| cached.token.serial == token.serial) {
            debug!("the platform refuses the token, dropping it");
            state.cached = None;
            metrics.token_expires(Timestamp::default());
        }
    }

    async fn fetch(&self, transport: &Transport) -> Result<(HeaderValue, Duration), TokenError> {
        let secret = read_secret(&self.config.client_secret).await?;
        let request = self.request(transport, &secret)?;
        let answer = transport.send(Endpoint::Token, &request).await.map_err(|failure| match failure {
            Failure::Timeout => TokenError::Timeout,
            Failure::Network(message) => TokenError::Network(message),
            Failure::TooLarge(bytes) => TokenError::Malformed(format!("over {bytes} bytes")),
            Failure::RateLimited { wait, .. } => TokenError::RateLimited { wait },
        })?;
        match answer.status {
            200 => granted(&answer.body),
            500..=599 => Err(TokenError::ServerError(answer.status)),
            status => Err(denied(status, &answer.body)),
        }
    }

    fn request(&self, transport: &Transport, secret: &SecretString) -> Result<reqwest::Request, TokenError> {
        let mut form = vec![("grant_type", "client_credentials")];
        if let Some(scope) = &self.config.token_scope {
            form.push(("scope", scope));
        }
        let url = self.config.login_url.join("oauth/token").map_err(|error| TokenError::Network(error.to_string()))?;
        let builder = transport.http().post(url);
        let builder = match self.config.auth_style {
            AuthStyle::Basic => builder.basic_auth(&self.config.client_id, Some(secret.expose_secret())),
            AuthStyle::Body => {
                form.push(("client_id", &self.config.client_id));
                form.push(("client_secret", secret.expose_secret()));
                builder
            }
        };
        builder
            .form(&form)
            .build()
            .map_err(|_| TokenError::SecretFile("it holds characters that cannot be sent".to_owned()))
    }
}

async fn read_secret(source: &SecretSource) -> Result<SecretString, TokenError> {
    match source {
        SecretSource::Value(secret) => Ok(secret.clone()),
        SecretSource::File(path) => {
            let text = tokio::fs::read_to_string(path)
                .await
                .map_err(|error| TokenError::SecretFile(format!("{}: {error}", path.display())))?;
            let secret = text.trim();
            if secret.is_empty() {
                return Err(TokenError::SecretFile(format!("{}: it is empty", path.display())));
            }
            Ok(SecretString::from(secret))
        }
    }
}

fn granted(body: &[u8]) -> Result<(HeaderValue, Duration), TokenError> {
    // serde_json's message can quote the text that it did not expect, so that only the place is told.
    let granted: Granted = serde_json::from_slice(body)
        .map_err(|error| TokenError::Malformed(format!("line {}, column {}", error.line(), error.column())))?;
    let mut header = HeaderValue::from_str(&format!("Bearer {}", granted.access_token.expose_secret()))
        .map_err(|_| TokenError::Malformed("the token holds characters that cannot be sent".to_owned()))?;
    header.set_sensitive(true);
    match granted.expires_in.unwrap_or(LEAST_LIFETIME) {
        0 => Err(TokenError::Malformed("the token has expired already".to_owned())),
        // 450 days is the platform's longest; a wrong answer must not overflow the clock.
        seconds => Ok((header, Duration::from_secs(seconds.min(38_880_000)))),
    }
}

fn denied(status: u16, body: &[u8]) -> TokenError {
    let denied: Denied = serde_json::from_slice(body).unwrap_or_default();
    let description = denied.error_description.or(denied.description);
    let message =
        super::wire::printable(description.as_deref().or(denied.error.as_deref()).unwrap_or("no reason given"));
    match denied.error.as_deref() {
        Some("invalid_client") => TokenError::InvalidClient(message),
        _ if status == 429 || is_token_rate_limit(body) => TokenError::RateLimited { wait: Duration::ZERO },
        // Guides say 401 for a wrong secret; the body decides where there is one.
        None if status == 401 => TokenError::InvalidClient(message),
        _ => TokenError::Rejected { status, message },
    }
}

/// How long a token is used: its life less a margin of a minute, or of a tenth where it lives shorter.
///
/// A fixed margin of five minutes, as some guides have it, would leave nothing of a token that lives 300 s.
fn usable_for(lifetime: Duration) -> Duration {
    lifetime.saturating_sub(Duration::from_mins(1).min(lifetime / 10))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_margin_is_a_minute_or_a_tenth() {
        for (lifetime, usable) in [(86_400, 86_340), (600, 540), (300, 270), (10, 9)] {
            assert_eq!(usable_for(Duration::from_secs(lifetime)), Duration::from_secs(usable), "{lifetime}");
        }
    }

    proptest! {
        #[test]
        fn a_token_is_used_for_most_of_its_life_and_not_longer(seconds in 1_u64..40_000_000) {
            let (life, usable) = (Duration::from_secs(seconds), usable_for(Duration::from_secs(seconds)));
            prop_assert!(usable < life && usable >= life.mul_f64(0.9));
        }

        #[test]
        fn any_body_is_a_token_or_an_error_that_does_not_quote_it(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = granted(&body);
            let _ = denied(400, &body);
        }
    }

    #[test]
    fn refusals_are_told_apart_by_their_body() {
        let invalid =
            br#"{"error":"invalid_client","description":"client not found","error_description":"client not found"}"#;
        let limit = br#"{"error":"invalid_request","error_description":"rate limit exceeded; try later"}"#;
        let other = br#"{"error":"unauthorized_client","description":"grant type not allowed"}"#;
        assert_eq!(denied(400, invalid), TokenError::InvalidClient("client not found".to_owned()));
        assert_eq!(denied(401, invalid), TokenError::InvalidClient("client not found".to_owned()));
        assert_eq!(denied(400, limit), TokenError::RateLimited { wait: Duration::ZERO });
        assert_eq!(denied(401, b"<html>"), TokenError::InvalidClient("no reason given".to_owned()));
        assert_eq!(
            denied(400, other),
            TokenError::Rejected { status: 400, message: "grant type not allowed".to_owned() }
        );
        assert_eq!(denied(302, b""), TokenError::Rejected { status: 302, message: "no reason given".to_owned() });
    }

    #[test]
    fn a_malformed_token_is_not_quoted() {
        let error = granted(br#"{"access_token":"TOP-SECRET","expires_in":"TOP-SECRET"}"#).expect_err("no number");
        assert!(!error.to_string().contains("TOP-SECRET"), "{error}");
        let token = granted(br#"{"access_token":"TOP-SECRET","token_type":"bearer"}"#).expect("a token");
        assert_eq!(token.1, Duration::from_mins(5));
        assert!(!format!("{token:?}").contains("TOP-SECRET"));
    }
}
