//! One authorised GET of the platform API, and the JSON in its answer.
//!
//! `platform` defines the calls; `transport` does retries and pacing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use serde::de::DeserializeOwned;
use url::Url;

use super::answer::{failed, parse, refused, refuses_address};
use super::config::Config;
use super::endpoint::Endpoint;
use super::error::{ApiError, SetupError};
use super::metrics::OrgMetrics;
use super::retry::Reason;
use super::token::TokenSource;
use super::transport::{Answer, Transport};

/// The API of one organisation, with the access token for it.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) config: Arc<Config>,
    pub(super) transport: Transport,
    tokens: TokenSource,
    /// Whether the last answer refused the exporter's address. Then the token is not to blame.
    address_refused: AtomicBool,
}

impl Api {
    /// Fails if TLS cannot be set up.
    pub(super) fn new(config: Arc<Config>, metrics: OrgMetrics) -> Result<Self, SetupError> {
        let transport = Transport::new(Arc::clone(&config), metrics)?;
        let tokens = TokenSource::new(Arc::clone(&config));
        Ok(Self { config, transport, tokens, address_refused: AtomicBool::new(false) })
    }

    /// Obtains a token, unless a usable one is cached.
    pub(super) async fn authorise(&self) -> Result<(), ApiError> {
        self.tokens.token(&self.transport).await?;
        Ok(())
    }

    /// Forgets the token and every connection, so that the next call starts afresh. The token stays if the exporter's address is refused.
    pub(super) async fn forget(&self) {
        if !self.address_refused.load(Ordering::Relaxed) {
            self.tokens.forget(&self.transport.metrics).await;
        }
        self.transport.reconnect().await;
    }

    /// The URL of a path such as `api/v2/tokens/me`, below the path prefix of a gateway.
    pub(super) fn url(&self, path: &str) -> Result<Url, ApiError> {
        self.config.api_url.join(path).map_err(|error| ApiError::Network {
            what: "url",
            message: format!("the path {path:?} cannot be joined to the API URL: {error}; check the API URL"),
        })
    }

    /// Reads the JSON object at a path.
    pub(super) async fn object<T: DeserializeOwned>(&self, endpoint: Endpoint, path: &str) -> Result<T, ApiError> {
        let answer = self.get(endpoint, self.url(path)?).await?;
        parse(endpoint, &answer)
    }

    /// Sends one GET, and returns the answer if its status is 200. On a 401 it drops the token and tries once more, because an
    /// idle timeout can invalidate a token early.
    pub(super) async fn get(&self, endpoint: Endpoint, url: Url) -> Result<Answer, ApiError> {
        let mut first = true;
        loop {
            let token = self.tokens.token(&self.transport).await?;
            let request = self.transport.http().get(url.clone()).header(AUTHORIZATION, token.header());
            let request = request.build().map_err(|_| ApiError::Network {
                what: endpoint.label(),
                message: "the request cannot be built".to_owned(),
            })?;
            let answer = self.transport.send(endpoint, &request).await.map_err(|failure| failed(endpoint, failure))?;
            let refuses_address = refuses_address(&answer);
            self.address_refused.store(refuses_address, Ordering::Relaxed);
            if answer.status == 401 && first && !refuses_address {
                first = false;
                self.tokens.drop_token(&token, &self.transport.metrics).await;
                self.transport.metrics.retried(endpoint, Reason::Unauthorized, Duration::ZERO);
                continue;
            }
            return if answer.status == 200 { Ok(answer) } else { Err(refused(endpoint, &answer, &token)) };
        }
    }
}
