//! The metrics of refreshes that are not of one generation: their duration, and the steps of the clock.
//!
//! Their number and outcome are published with the data ([`crate::domain::Freshness`]).

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use crate::metric::{Family, Kind};

const DURATION: Family = Family {
    name: "genesyscloud_oauth_exporter_refresh_duration_seconds",
    kind: Kind::Histogram,
    labels: &["org"],
    help: "Duration of refreshes, complete or not. Starts at 0 for every configured organisation.",
};

const CLOCK_STEPS: Family = Family {
    name: "genesyscloud_oauth_exporter_clock_steps_back_total",
    kind: Kind::Counter,
    labels: &["org"],
    help: "Number of times that the system clock was found to have been set back. Starts at 0 for every configured organisation.",
};

/// The families of this module.
pub const FAMILIES: &[Family] = &[DURATION, CLOCK_STEPS];

/// Upper bounds in seconds. A refresh of a small organisation takes less than 1 s, and the default deadline is 120 s.
const BUCKETS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The metrics of all organisations.
#[derive(Debug, Clone)]
pub struct Metrics {
    duration: HistogramVec,
    clock_steps: IntCounterVec,
}

impl Metrics {
    /// Registers the families. Fails if one of the names is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let histogram = HistogramOpts::new(DURATION.name, DURATION.help).buckets(BUCKETS.to_vec());
        let metrics = Self {
            duration: HistogramVec::new(histogram, DURATION.labels)?,
            clock_steps: IntCounterVec::new(Opts::new(CLOCK_STEPS.name, CLOCK_STEPS.help), CLOCK_STEPS.labels)?,
        };
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.clock_steps.clone()))?;
        Ok(metrics)
    }

    pub(super) fn begin_at_zero(&self, org: &str) {
        self.duration.with_label_values(&[org]);
        self.clock_steps.with_label_values(&[org]);
    }

    pub(super) fn clock_stepped_back(&self, org: &str) {
        self.clock_steps.with_label_values(&[org]).inc();
    }

    pub(super) fn ended(&self, org: &str, took: Duration) {
        self.duration.with_label_values(&[org]).observe(took.as_secs_f64());
    }
}
