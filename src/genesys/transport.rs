//! Sends one request to the platform, with pacing, limits, metrics and retries.
//!
//! It does not read bodies and has no credentials: callers pass a complete request.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect;
use tokio::time::Instant;
use tracing::debug;
use url::Url;

use super::body::Body;
use super::config::{Config, RetryConfig};
use super::endpoint::Endpoint;
use super::metrics::OrgMetrics;
use super::pacing::{Budget, Pacer};
use super::retry::{self, Next, Reason};
use super::token_response::is_token_rate_limit;
use crate::domain::Timestamp;

/// The longest wait of a `Retry-After` that is respected: a wrong header must not stop the audits permanently.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// The largest number of redirects that are followed, only on the same origin.
const MAX_REDIRECTS: usize = 5;

/// The HTTP client of one organisation.
#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    pacer: Pacer,
    retry: RetryConfig,
    max_body_bytes: usize,
    /// The number of requests sent since the start, including retries, by endpoint.
    calls: Mutex<BTreeMap<&'static str, u64>>,
    /// The end of the wait that the platform last asked for.
    asked_until: Mutex<Option<Instant>>,
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
    Timeout,
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
    pub(super) fn new(config: &Config, metrics: OrgMetrics) -> Result<Self, reqwest::Error> {
        // This fails only if the process already has a provider, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.limits.connect_timeout)
            .read_timeout(config.limits.read_timeout)
            .redirect(redirect::Policy::custom(same_origin_redirect));
        let builder = if is_loopback(&config.api_url) { builder.no_proxy() } else { builder };
        Ok(Self {
            http: builder.build()?,
            pacer: Pacer::new(config.pacing, config.retry.max_retry_after),
            retry: config.retry,
            max_body_bytes: config.limits.max_body_bytes,
            calls: Mutex::default(),
            asked_until: Mutex::default(),
            skew_seconds: Mutex::default(),
            metrics,
        })
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
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
                Err(Failure::TooLarge { .. } | Failure::RateLimited { .. }) => return outcome,
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
            self.pacer.ready().await;
        }
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(endpoint.label()).or_default() += 1;
        let mut attempt = Attempt { metrics: &self.metrics, endpoint, started: Instant::now(), status: None };
        let outcome = self.exchange(request).await;
        attempt.status = outcome.as_ref().ok().map(|answer| answer.status);
        drop(attempt);
        if let Err(failure) = &outcome {
            debug!(endpoint = endpoint.label(), ?failure, "no answer");
        }
        outcome
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<Answer, Failure> {
        let mut response = self.http.execute(request).await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let correlation_id = text(response.headers(), "inin-correlation-id");
        let retry_after = self.read_headers(response.headers());
        let mut body = Body::default();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > self.max_body_bytes {
                return Err(Failure::TooLarge { limit: self.max_body_bytes, correlation_id });
            }
            body.push(&chunk);
        }
        Ok(Answer { status, body, correlation_id, retry_after })
    }

    fn read_headers(&self, headers: &HeaderMap) -> Option<Duration> {
        if let Some(budget) = budget(headers) {
            self.metrics.budget(budget);
            self.pacer.learn(budget, Instant::now());
        }
        let answered_at = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        if let Some(theirs) = answered_at {
            let (theirs, ours) = (Timestamp::from(theirs), Timestamp::from(SystemTime::now()));
            *self.skew_seconds.lock().unwrap_or_else(PoisonError::into_inner) = Some(theirs.seconds() - ours.seconds());
        }
        retry::retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, answered_at.unwrap_or_else(SystemTime::now))
    }
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

/// The value of a header, limited to 64 printable characters, so that it cannot break a log line.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.chars().filter(char::is_ascii_graphic).take(64).collect())
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Timeout;
    }
    // The outermost message only repeats the URL. The innermost cause helps the operator.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Failure::Network(cause.to_string())
}

fn same_origin_redirect(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// Whether the host of a URL is loopback. Then requests use no proxy, and plain http never leaves the machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
