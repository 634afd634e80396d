//! Sends one request to the platform, with pacing, limits, metrics and retries.
//!
//! It does not read bodies and has no credentials: callers pass a complete request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::authorities::Authorities;
use super::body::{Body, Receiving};
use super::config::{Config, RetryConfig};
use super::endpoint::Endpoint;
use super::error::SetupError;
use super::metrics::OrgMetrics;
use super::pacing::{Budget, Pacer};
use super::proxy::{Route, Via, authority};
use super::redact::uuid;
use super::retry::{self, Next, Reason};
use super::token_response::is_token_rate_limit;
use super::unreachable;
use crate::blocking::{NoResult, Turn};
use crate::domain::Timestamp;

/// The longest wait of a `Retry-After` that is respected. The platform asks for seconds to minutes; a wrong header must not stop the
/// audits.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// How long it may take to read the certificates for new connections.
const RECONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(10);

/// The largest number of redirects that are followed, only on the same origin.
const MAX_REDIRECTS: usize = 5;

/// The HTTP client of one organisation.
#[derive(Debug)]
pub(super) struct Transport {
    config: Arc<Config>,
    /// Replaced by [`Transport::reconnect`].
    http: Mutex<reqwest::Client>,
    reconnecting: tokio::sync::Mutex<Turn<Result<reqwest::Client, SetupError>>>,
    route: Option<Arc<Route>>,
    pacer: Pacer,
    retry: RetryConfig,
    /// The number of requests sent since the start, including retries, by endpoint.
    calls: Mutex<BTreeMap<&'static str, u64>>,
    /// The end of the wait that the platform last asked for.
    asked_until: Mutex<Option<Instant>>,
    /// The endpoint of the last attempt, for the message of a deadline.
    last_call: Mutex<Option<Endpoint>>,
    /// How far the platform's clock was ahead of the local clock in the last answer, in seconds.
    skew_seconds: Mutex<Option<i64>>,
    pub(super) metrics: OrgMetrics,
}

/// A complete answer with any status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Body,
    pub(super) correlation_id: Option<String>,
    retry_after: Option<Duration>,
}

/// Why there is no usable answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// There was no answer, or it stopped.
    Timeout,
    /// The answer did not end within this time, although it never stopped.
    Endless(Duration),
    Network(String),
    TooLarge {
        limit: usize,
        correlation_id: Option<String>,
    },
    /// Every attempt was rate limited, or the platform asks for a wait that is too long.
    RateLimited {
        wait: Duration,
        correlation_id: Option<String>,
    },
}

impl Transport {
    pub(super) fn new(config: Arc<Config>, metrics: OrgMetrics) -> Result<Self, SetupError> {
        // This fails only if the process already has a provider, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let route = config.proxy.as_ref().map(|proxy| Arc::new(proxy.route()));
        Ok(Self {
            http: Mutex::new(client(&config)?),
            reconnecting: tokio::sync::Mutex::default(),
            route,
            pacer: Pacer::new(config.pacing),
            retry: config.retry,
            config,
            calls: Mutex::default(),
            asked_until: Mutex::default(),
            last_call: Mutex::default(),
            skew_seconds: Mutex::default(),
            metrics,
        })
    }

    pub(super) fn http(&self) -> reqwest::Client {
        self.http.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drops all connections, the addresses that names had, and the certificates and the password of the proxy that were read at the
    /// start.
    ///
    /// They are read from files, which can block.
    pub(super) async fn reconnect(&self) {
        let config = Arc::clone(&self.config);
        let mut turn = self.reconnecting.lock().await;
        let built = turn.take(RECONNECT_LIMIT, move || client(&config)).await;
        let cause = match built {
            Ok(Ok(client)) => {
                *self.http.lock().unwrap_or_else(PoisonError::into_inner) = client;
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(NoResult::Busy | NoResult::Late) => "the certificates cannot be read; check their disk".to_owned(),
            Err(NoResult::Panicked) => "it failed unexpectedly".to_owned(),
        };
        warn!(cause, "the connections to the platform cannot be set up again; the old ones stay in use");
    }

    /// Forgets a wait that the platform asked for.
    pub(super) fn forget_asked_wait(&self) {
        *self.asked_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The endpoint of the last attempt; `None` if there was none yet.
    pub(super) fn last_call(&self) -> Option<Endpoint> {
        *self.last_call.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long the platform still asks not to be called, even if a later attempt of that request succeeded.
    pub(super) fn asked_wait(&self) -> Option<Duration> {
        let asked_until = *self.asked_until.lock().unwrap_or_else(PoisonError::into_inner);
        asked_until.map(|until| until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }

    pub(super) fn skew_seconds(&self) -> Option<i64> {
        *self.skew_seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request, and repeats it until the answer needs no retry or the attempts are used up.
    pub(super) async fn send(&self, endpoint: Endpoint, request: &reqwest::Request) -> Result<Answer, Failure> {
        let mut backoff = retry::backoff(&self.retry, fastrand::u64(..));
        loop {
            let outcome = match request.try_clone() {
                Some(request) => self.attempt(endpoint, request).await,
                None => Err(Failure::Network("the request cannot be repeated".to_owned())),
            };
            let (reason, asked) = match &outcome {
                Ok(answer) => {
                    let limited = endpoint == Endpoint::Token && is_token_rate_limit(&answer.body);
                    match retry::reason(answer.status, limited) {
                        Some(reason) => {
                            if let Some(asked) = answer.retry_after {
                                let until = Instant::now().checked_add(asked.min(LONGEST_ASKED));
                                *self.asked_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
                            }
                            (reason, answer.retry_after)
                        }
                        None => return outcome,
                    }
                }
                Err(Failure::Timeout) => (Reason::Timeout, None),
                Err(Failure::Network(_)) => (Reason::Network, None),
                Err(Failure::Endless(_) | Failure::TooLarge { .. } | Failure::RateLimited { .. }) => return outcome,
            };
            match retry::next(asked, backoff.next(), self.retry.max_retry_after) {
                Next::Wait(wait) => {
                    let correlation_id = outcome.as_ref().ok().and_then(|answer| answer.correlation_id.as_deref());
                    debug!(
                        endpoint = endpoint.label(),
                        reason = reason.label(),
                        wait_seconds = wait.as_secs_f64(),
                        correlation_id,
                        "trying again"
                    );
                    self.metrics.retried(endpoint, reason, wait);
                    tokio::time::sleep(wait).await;
                }
                Next::GiveUp(wait) => {
                    return match outcome {
                        Ok(answer) if reason == Reason::RateLimited => Err(Failure::RateLimited {
                            wait: wait.unwrap_or_default(),
                            correlation_id: answer.correlation_id,
                        }),
                        outcome => outcome,
                    };
                }
            }
        }
    }

    async fn attempt(&self, endpoint: Endpoint, request: reqwest::Request) -> Result<Answer, Failure> {
        // The token endpoint has a separate limit, which is not in the headers.
        if endpoint != Endpoint::Token {
            self.pacer.ready(endpoint).await;
        }
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(endpoint.label()).or_default() += 1;
        let mut attempt = Attempt { metrics: &self.metrics, endpoint, started: Instant::now(), status: None };
        *self.last_call.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint);
        let limit = self.config.limits.attempt_deadline;
        // Boxed: the future is large, and every future that contains it would copy it.
        let outcome = tokio::time::timeout(limit, Box::pin(self.exchange(endpoint, request))).await;
        let outcome = outcome.unwrap_or(Err(Failure::Endless(limit)));
        attempt.status = outcome.as_ref().ok().map(|answer| answer.status);
        drop(attempt);
        if let Err(failure) = &outcome {
            debug!(endpoint = endpoint.label(), ?failure, "no answer");
        }
        outcome
    }

    async fn exchange(&self, endpoint: Endpoint, request: reqwest::Request) -> Result<Answer, Failure> {
        let via = self.route.as_ref().and_then(|route| route.via(request.url()));
        let host = authority(request.url());
        let failed = |error| failure(&error, &host, via.as_ref(), &self.config.authorities);
        let mut response = self.http().execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let correlation_id = correlation_id(response.headers());
        let retry_after = self.read_headers(endpoint, response.headers());
        let limit = self.config.limits.max_body_bytes;
        let mut body = Receiving::default();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limit {
                return Err(Failure::TooLarge { limit, correlation_id });
            }
            body.push(&chunk);
        }
        Ok(Answer { status, body: body.complete(), correlation_id, retry_after })
    }

    fn read_headers(&self, endpoint: Endpoint, headers: &HeaderMap) -> Option<Duration> {
        // The token endpoint has a separate limit, which is not in the headers.
        if let Some(budget) = budget(headers).filter(|_| endpoint != Endpoint::Token) {
            self.metrics.budget(budget);
            self.pacer.learn(endpoint, budget, Instant::now());
        }
        let answered_at = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        if let Some(theirs) = answered_at {
            let (theirs, ours) = (Timestamp::from(theirs), Timestamp::from(SystemTime::now()));
            *self.skew_seconds.lock().unwrap_or_else(PoisonError::into_inner) = Some(theirs.seconds() - ours.seconds());
        }
        let answered_at = answered_at.unwrap_or_else(SystemTime::now);
        let waits = headers.get_all(RETRY_AFTER).iter();
        waits.filter_map(|wait| retry::retry_after(wait.to_str().ok()?, answered_at)).max()
    }
}

fn client(config: &Config) -> Result<reqwest::Client, SetupError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.limits.connect_timeout)
        .read_timeout(config.limits.read_timeout)
        .redirect(redirect::Policy::custom(same_origin_redirect))
        // The buffers of a connection can contain secrets of clients, and are not needed until the next refresh.
        .pool_idle_timeout(IDLE)
        // The client must not read the environment on its own.
        .no_proxy();
    let builder = if config.uses_tls() {
        match config.authorities.certificates().map_err(SetupError::File)? {
            Some(certificates) => builder.tls_certs_only(certificates),
            None => builder,
        }
    } else {
        // Plain http needs no certificates, and a minimal image may have none.
        builder.tls_certs_only([])
    };
    let built = match &config.proxy {
        Some(proxy) => {
            let route = proxy.with_password().map_err(SetupError::File)?.route();
            builder.proxy(reqwest::Proxy::custom(move |url| route.proxy(url))).build()
        }
        None => builder.build(),
    };
    built.map_err(|error| SetupError::new(&error))
}

/// Counts an attempt when it is dropped, so that an attempt that a deadline cancels is counted too.
struct Attempt<'a> {
    metrics: &'a OrgMetrics,
    endpoint: Endpoint,
    started: Instant,
    status: Option<u16>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.metrics.attempted(self.endpoint, self.status, self.started.elapsed());
    }
}

fn budget(headers: &HeaderMap) -> Option<Budget> {
    let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    Some(Budget {
        used: number("inin-ratelimit-count")?,
        allowed: number("inin-ratelimit-allowed")?,
        reset: Duration::from_secs(number("inin-ratelimit-reset")?.into()),
    })
}

/// The platform's id of the request, which is a UUID. Any other text could be an echo of the request.
fn correlation_id(headers: &HeaderMap) -> Option<String> {
    uuid(headers.get("inin-correlation-id")?.to_str().ok()?).map(str::to_owned)
}

fn failure(error: &reqwest::Error, host: &str, via: Option<&Via>, authorities: &Authorities) -> Failure {
    if error.is_timeout() {
        return Failure::Timeout;
    }
    Failure::Network(unreachable::explain(error, host, via, authorities))
}

fn same_origin_redirect(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}
