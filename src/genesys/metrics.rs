//! The metrics of the platform client.
//!
//! `exposition` renders the audited data.

use std::time::Duration;

use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::endpoint::Endpoint;
use super::pacing::Budget;
use super::retry::Reason;
use super::token_response::TokenFetch;
use crate::domain::{Collector, Timestamp};
use crate::metric::{Family, Kind};

const TOKEN_FETCHES: Family = Family {
    name: "genesyscloud_oauth_exporter_token_fetches_total",
    kind: Kind::Counter,
    labels: &["org", "outcome"],
    help: "Number of attempts to fetch an access token with client credentials, by outcome. Every outcome starts at 0.",
};
const TOKEN_EXPIRY: Family = Family {
    name: "genesyscloud_oauth_exporter_token_expiry_timestamp_seconds",
    kind: Kind::Gauge,
    labels: &["org"],
    help: "Unix timestamp at which the current access token expires, 0 while there is none. Present for every configured organisation.",
};
const REQUESTS: Family = Family {
    name: "genesyscloud_oauth_exporter_api_requests_total",
    kind: Kind::Counter,
    labels: &["org", "endpoint", "code"],
    help: "Number of requests sent to the platform, including retries, by endpoint and HTTP status; code none means no response. Absent until the first request with these labels.",
};
const DURATION: Family = Family {
    name: "genesyscloud_oauth_exporter_api_request_duration_seconds",
    kind: Kind::Histogram,
    labels: &["org", "endpoint"],
    help: "Time from sending a request to the platform to the end of the response body, without the waits between retries. Every endpoint starts at 0.",
};
const RETRIES: Family = Family {
    name: "genesyscloud_oauth_exporter_api_retries_total",
    kind: Kind::Counter,
    labels: &["org", "endpoint", "reason"],
    help: "Number of requests to the platform that were retried, by endpoint and reason; rate_limited means HTTP 429, or 400 from the token endpoint. Every reason starts at 0.",
};
const RETRY_WAIT: Family = Family {
    name: "genesyscloud_oauth_exporter_api_retry_wait_seconds_total",
    kind: Kind::Counter,
    labels: &["org"],
    help: "Time spent waiting before retries. Starts at 0 for every configured organisation.",
};
const ALLOWED: Family = Family {
    name: "genesyscloud_oauth_exporter_api_rate_limit_allowed",
    kind: Kind::Gauge,
    labels: &["org"],
    help: "Number of requests that the platform allows in the current window, from the header inin-ratelimit-allowed. Absent until a response has the header.",
};
const USED: Family = Family {
    name: "genesyscloud_oauth_exporter_api_rate_limit_used",
    kind: Kind::Gauge,
    labels: &["org"],
    help: "Number of requests that the platform has counted in the current window, from the header inin-ratelimit-count. Absent until a response has the header.",
};
const RESET: Family = Family {
    name: "genesyscloud_oauth_exporter_api_rate_limit_reset_seconds",
    kind: Kind::Gauge,
    labels: &["org"],
    help: "Time from the last response to the end of the platform's window, from the header inin-ratelimit-reset. Absent until a response has the header.",
};
const REJECTED: Family = Family {
    name: "genesyscloud_oauth_exporter_records_rejected_total",
    kind: Kind::Counter,
    labels: &["org", "collector"],
    help: "Number of records from the platform that could not be read, by collector. Every collector starts at 0.",
};

/// The families of this module.
pub const FAMILIES: &[Family] =
    &[TOKEN_FETCHES, TOKEN_EXPIRY, REQUESTS, DURATION, RETRIES, RETRY_WAIT, ALLOWED, USED, RESET, REJECTED];

/// Upper bounds of the request histogram in seconds: a page of clients takes tens of milliseconds, the read timeout is 10 s.
const BUCKETS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of all organisations.
#[derive(Debug, Clone)]
pub struct Metrics {
    token_fetches: IntCounterVec,
    token_expiry: IntGaugeVec,
    requests: IntCounterVec,
    duration: HistogramVec,
    retries: IntCounterVec,
    retry_wait: CounterVec,
    allowed: IntGaugeVec,
    used: IntGaugeVec,
    reset: GaugeVec,
    rejected: IntCounterVec,
}

impl Metrics {
    /// Registers the families. Fails if one of the names is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self::new()?;
        registry.register(Box::new(metrics.token_fetches.clone()))?;
        registry.register(Box::new(metrics.token_expiry.clone()))?;
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.retries.clone()))?;
        registry.register(Box::new(metrics.retry_wait.clone()))?;
        registry.register(Box::new(metrics.allowed.clone()))?;
        registry.register(Box::new(metrics.used.clone()))?;
        registry.register(Box::new(metrics.reset.clone()))?;
        registry.register(Box::new(metrics.rejected.clone()))?;
        Ok(metrics)
    }

    /// Metrics without a registry, for commands that do not serve metrics.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "the names and labels are constants")]
    pub fn unregistered() -> Self {
        Self::new().expect("the names and labels of the families are valid")
    }

    fn new() -> prometheus::Result<Self> {
        let opts = |family: Family| Opts::new(family.name, family.help);
        let histogram = HistogramOpts::new(DURATION.name, DURATION.help).buckets(BUCKETS.to_vec());
        Ok(Self {
            token_fetches: IntCounterVec::new(opts(TOKEN_FETCHES), TOKEN_FETCHES.labels)?,
            token_expiry: IntGaugeVec::new(opts(TOKEN_EXPIRY), TOKEN_EXPIRY.labels)?,
            requests: IntCounterVec::new(opts(REQUESTS), REQUESTS.labels)?,
            duration: HistogramVec::new(histogram, DURATION.labels)?,
            retries: IntCounterVec::new(opts(RETRIES), RETRIES.labels)?,
            retry_wait: CounterVec::new(opts(RETRY_WAIT), RETRY_WAIT.labels)?,
            allowed: IntGaugeVec::new(opts(ALLOWED), ALLOWED.labels)?,
            used: IntGaugeVec::new(opts(USED), USED.labels)?,
            reset: GaugeVec::new(opts(RESET), RESET.labels)?,
            rejected: IntCounterVec::new(opts(REJECTED), REJECTED.labels)?,
        })
    }

    /// The metrics of one organisation. Series whose labels are known in advance start at 0, so that `increase()` counts the first
    /// event.
    pub(super) fn of(&self, org: &str) -> OrgMetrics {
        let metrics = OrgMetrics { all: self.clone(), org: org.to_owned() };
        for outcome in TokenFetch::ALL {
            self.token_fetches.with_label_values(&[org, outcome.label()]);
        }
        self.token_expiry.with_label_values(&[org]);
        for endpoint in Endpoint::ALL {
            self.duration.with_label_values(&[org, endpoint.label()]);
            for reason in Reason::ALL {
                self.retries.with_label_values(&[org, endpoint.label(), reason.label()]);
            }
        }
        self.retry_wait.with_label_values(&[org]);
        for collector in Collector::ALL {
            self.rejected.with_label_values(&[org, collector.label()]);
        }
        metrics
    }
}

/// The metrics of one organisation.
#[derive(Debug, Clone)]
pub(super) struct OrgMetrics {
    all: Metrics,
    org: String,
}

impl OrgMetrics {
    pub(super) fn token_fetched(&self, outcome: TokenFetch) {
        self.all.token_fetches.with_label_values(&[self.org.as_str(), outcome.label()]).inc();
    }

    pub(super) fn token_expires(&self, at: Timestamp) {
        self.all.token_expiry.with_label_values(&[&self.org]).set(at.seconds());
    }

    /// Counts one attempt; `status` is `None` if there was no answer.
    pub(super) fn attempted(&self, endpoint: Endpoint, status: Option<u16>, took: Duration) {
        let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.all.requests.with_label_values(&[self.org.as_str(), endpoint.label(), &code]).inc();
        self.all.duration.with_label_values(&[self.org.as_str(), endpoint.label()]).observe(took.as_secs_f64());
    }

    pub(super) fn retried(&self, endpoint: Endpoint, reason: Reason, waited: Duration) {
        self.all.retries.with_label_values(&[self.org.as_str(), endpoint.label(), reason.label()]).inc();
        self.all.retry_wait.with_label_values(&[&self.org]).inc_by(waited.as_secs_f64());
    }

    pub(super) fn budget(&self, budget: Budget) {
        self.all.allowed.with_label_values(&[&self.org]).set(budget.allowed.into());
        self.all.used.with_label_values(&[&self.org]).set(budget.used.into());
        self.all.reset.with_label_values(&[&self.org]).set(budget.reset.as_secs_f64());
    }

    pub(super) fn rejected(&self, collector: Collector, records: usize) {
        self.all.rejected.with_label_values(&[self.org.as_str(), collector.label()]).inc_by(records as u64);
    }
}
