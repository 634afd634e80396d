//! The metrics of the platform client.
//!
//! `exposition` renders the audited data.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::pacing::Budget;
use super::retry::Reason;
use super::token_response::TokenFetch;
use crate::domain::{Collector, Timestamp};
use crate::metric::{Amount, Counter, Family, Gauge, Histogram, Kind, Labelled, RegisterError, Registry};

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
static BUCKETS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of all organisations.
#[derive(Debug, Clone)]
pub struct Metrics {
    token_fetches: Labelled<Counter, 2>,
    token_expiry: Labelled<Gauge, 1>,
    requests: Labelled<Counter, 3>,
    duration: Labelled<Histogram, 2>,
    retries: Labelled<Counter, 3>,
    retry_wait: Labelled<Amount, 1>,
    allowed: Labelled<Gauge, 1>,
    used: Labelled<Gauge, 1>,
    reset: Labelled<Amount, 1>,
    rejected: Labelled<Counter, 2>,
}

impl Metrics {
    /// Registers the families. Fails if one of the names is registered already.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            token_fetches: registry.add(&TOKEN_FETCHES)?,
            token_expiry: registry.add(&TOKEN_EXPIRY)?,
            requests: registry.add(&REQUESTS)?,
            duration: registry.add_histograms(&DURATION, &BUCKETS)?,
            retries: registry.add(&RETRIES)?,
            retry_wait: registry.add(&RETRY_WAIT)?,
            allowed: registry.add(&ALLOWED)?,
            used: registry.add(&USED)?,
            reset: registry.add(&RESET)?,
            rejected: registry.add(&REJECTED)?,
        })
    }

    /// Metrics in a registry of their own, for commands that do not serve metrics.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the families are constants with distinct names"
    )]
    pub fn unregistered() -> Self {
        Self::register(&Registry::default()).expect("a fresh registry")
    }

    /// The metrics of one organisation. Series whose labels are known in advance start at 0, so that `increase()` counts the first
    /// event.
    pub(super) fn of(&self, org: &str) -> OrgMetrics {
        let metrics = OrgMetrics { all: self.clone(), org: org.to_owned() };
        for outcome in TokenFetch::ALL {
            self.token_fetches.with([org, outcome.label()]);
        }
        self.token_expiry.with([org]);
        for endpoint in Endpoint::ALL {
            self.duration.with([org, endpoint.label()]);
            for reason in Reason::ALL {
                self.retries.with([org, endpoint.label(), reason.label()]);
            }
        }
        self.retry_wait.with([org]);
        for collector in Collector::ALL {
            self.rejected.with([org, collector.label()]);
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
        self.all.token_fetches.with([&self.org, outcome.label()]).inc();
    }

    pub(super) fn token_expires(&self, at: Timestamp) {
        self.all.token_expiry.with([&self.org]).set(at.seconds());
    }

    /// Counts one attempt; `status` is `None` if there was no answer.
    pub(super) fn attempted(&self, endpoint: Endpoint, status: Option<u16>, took: Duration) {
        let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.all.requests.with([&self.org, endpoint.label(), &code]).inc();
        self.all.duration.with([&self.org, endpoint.label()]).observe(took.as_secs_f64());
    }

    pub(super) fn retried(&self, endpoint: Endpoint, reason: Reason, waited: Duration) {
        self.all.retries.with([&self.org, endpoint.label(), reason.label()]).inc();
        self.all.retry_wait.with([&self.org]).add(waited.as_secs_f64());
    }

    pub(super) fn budget(&self, budget: Budget) {
        self.all.allowed.with([&self.org]).set(budget.allowed.into());
        self.all.used.with([&self.org]).set(budget.used.into());
        self.all.reset.with([&self.org]).set(budget.reset.as_secs_f64());
    }

    pub(super) fn rejected(&self, collector: Collector, records: usize) {
        self.all.rejected.with([&self.org, collector.label()]).add(records as u64);
    }
}
