//! The metrics of refreshes that are not of one generation: their duration, and the steps of the clock.
//!
//! Their number and outcome are published with the data ([`crate::domain::Freshness`]).

use std::time::Duration;

use crate::metric::{Counter, Family, Histogram, Kind, Labelled, RegisterError, Registry};

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
static BUCKETS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The metrics of all organisations.
#[derive(Debug, Clone)]
pub struct Metrics {
    duration: Labelled<Histogram, 1>,
    clock_steps: Labelled<Counter, 1>,
}

impl Metrics {
    /// Registers the families. Fails if one of the names is registered already.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { duration: registry.add_histograms(&DURATION, &BUCKETS)?, clock_steps: registry.add(&CLOCK_STEPS)? })
    }

    pub(super) fn begin_at_zero(&self, org: &str) {
        self.duration.with([org]);
        self.clock_steps.with([org]);
    }

    pub(super) fn clock_stepped_back(&self, org: &str) {
        self.clock_steps.with([org]).inc();
    }

    pub(super) fn ended(&self, org: &str, took: Duration) {
        self.duration.with([org]).observe(took.as_secs_f64());
    }
}
