//! The access token: fetched with client credentials, cached, and renewed before it expires, with one fetch at a time.
//!
//! The only place that exposes the client secret. `transport` does the retries of a fetch.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{debug, info};

use super::config::{AuthStyle, Config};
use super::endpoint::Endpoint;
use super::error::correlation;
use super::metrics::OrgMetrics;
use super::redact::Redactor;
use super::token_response::{TokenError, TokenFetch, denied, granted};
use super::transport::{Failure, Transport};
use crate::blocking::{NoResult, Turn};
use crate::domain::Timestamp;
use crate::file;
use crate::secret::{ExposeSecret, MAX_SECRET_BYTES, SecretSource, SecretString};

/// How long it may take to read the secret's file.
const SECRET_LIMIT: Duration = Duration::from_secs(5);
/// The pause before a wrong secret is tried again: quick repeats would use up the token endpoint's own limit.
const INVALID_CLIENT_PAUSE: Duration = Duration::from_mins(1);

/// An access token. Cheap to clone; its `Debug` output does not contain the token.
#[derive(Debug, Clone)]
pub(super) struct AccessToken {
    /// Marked as sensitive, so that its `Debug` output does not contain the value.
    header: HeaderValue,
    redactor: Arc<Redactor>,
    /// The number of the fetch, so that a late 401 does not drop a newer token.
    serial: u64,
}

impl AccessToken {
    /// The value of the `Authorization` header.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The text with this token and the credentials that obtained it redacted.
    pub(super) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }
}

/// Provides the access token of one organisation.
#[derive(Debug)]
pub(super) struct TokenSource {
    config: Arc<Config>,
    /// Locked during a fetch, so that there is only one at a time.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    serial: u64,
    cached: Option<Cached>,
    refused: Option<Refused>,
    reading: Reading,
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

impl TokenSource {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self { config, state: Mutex::default() }
    }

    /// The cached token, or a new one if that has expired or expires soon.
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
        let fetched = self.fetch(transport, &mut state.reading).await;
        match &fetched {
            Ok(_) => transport.metrics.token_fetched(TokenFetch::Success),
            Err(error) => {
                if let Some(outcome) = error.outcome() {
                    transport.metrics.token_fetched(outcome);
                }
            }
        }
        match fetched {
            Ok((header, lifetime, redactor)) => {
                state.refused = None;
                state.serial += 1;
                let token = AccessToken { header, redactor: Arc::new(redactor), serial: state.serial };
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

    /// Drops a token that the platform no longer accepts.
    pub(super) async fn drop_token(&self, token: &AccessToken, metrics: &OrgMetrics) {
        let mut state = self.state.lock().await;
        if state.cached.as_ref().is_some_and(|cached| cached.token.serial == token.serial) {
            debug!("the platform refuses the token; fetching a new one");
            state.cached = None;
            metrics.token_expires(Timestamp::default());
        }
    }

    /// Drops the token, so that the next call fetches another. The pause after a refused secret stays.
    pub(super) async fn forget(&self, metrics: &OrgMetrics) {
        let mut state = self.state.lock().await;
        if state.cached.take().is_some() {
            debug!("the token is dropped, because refreshes fail with it");
            metrics.token_expires(Timestamp::default());
        }
    }

    async fn fetch(
        &self,
        transport: &Transport,
        reading: &mut Reading,
    ) -> Result<(HeaderValue, Duration, Redactor), TokenError> {
        let secret = read_secret(&self.config.client_secret, reading).await?;
        let request = self.request(transport, &secret)?;
        let mut redactor = Redactor::default();
        redactor.hide(secret.expose_secret());
        if let Some(basic) = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            redactor.hide(basic.trim_start_matches("Basic "));
        }
        let answer = transport.send(Endpoint::Token, &request).await.map_err(|failure| match failure {
            Failure::Timeout => TokenError::Timeout,
            Failure::Endless(limit) => TokenError::Endless(limit),
            Failure::Network(message) => TokenError::Network(redactor.redact(&message)),
            Failure::TooLarge { limit, .. } => TokenError::Malformed(format!("it is larger than {limit} bytes")),
            Failure::RateLimited { .. } => TokenError::RateLimited,
        })?;
        let harmless = |id: &&String| redactor.redact(id) == **id;
        let cited = correlation(answer.correlation_id.as_ref().filter(harmless));
        match answer.status {
            200 => {
                let (header, lifetime) = granted(&answer.body).map_err(|why| TokenError::Malformed(why + &cited))?;
                redactor.hide(header.to_str().unwrap_or_default().trim_start_matches("Bearer "));
                Ok((header, lifetime, redactor))
            }
            status @ 500..=599 => Err(TokenError::ServerError(status, cited)),
            status => Err(denied(status, &answer.body, &cited)),
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
            .map_err(|_| TokenError::SecretFile("it contains characters that cannot be sent".to_owned()))
    }
}

/// The read of the secret's file. A network file system can block.
type Reading = Turn<Result<String, file::ReadError>>;

async fn read_secret(source: &SecretSource, reading: &mut Reading) -> Result<SecretString, TokenError> {
    match source {
        SecretSource::Value(secret) => Ok(secret.clone()),
        SecretSource::File(path) => {
            let file = path.clone();
            let failed = |why: &dyn std::fmt::Display| TokenError::SecretFile(format!("{}: {why}", path.display()));
            let read = reading.take(SECRET_LIMIT, move || file::read_text(&file, MAX_SECRET_BYTES)).await;
            let text = match read {
                Ok(text) => text.map_err(|error| failed(&error))?,
                Err(NoResult::Busy | NoResult::Late) => {
                    return Err(failed(&"it cannot be read in time; check the disk or the file system that it is on"));
                }
                Err(NoResult::Panicked) => return Err(failed(&"reading it failed unexpectedly")),
            };
            let secret = text.trim();
            if secret.is_empty() {
                return Err(TokenError::SecretFile(format!(
                    "{}: it is empty; write the client secret to it",
                    path.display()
                )));
            }
            Ok(SecretString::from(secret))
        }
    }
}

/// How long a token is used: its lifetime minus one minute, or minus a tenth of it if that is shorter.
///
/// Some guides recommend a fixed margin of five minutes, but a token with a lifetime of 300 s could then never be used.
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
        fn a_token_is_used_for_most_of_its_lifetime_and_not_longer(seconds in 1_u64..40_000_000) {
            let (life, usable) = (Duration::from_secs(seconds), usable_for(Duration::from_secs(seconds)));
            prop_assert!(usable < life && usable >= life.mul_f64(0.9));
        }
    }
}
