//! Counts the lines of the log that were dropped.

use std::sync::OnceLock;

use prometheus::{IntCounter, Registry};

use crate::metric::{Family, Kind};

const DROPPED: Family = Family {
    name: "genesyscloud_oauth_exporter_log_lines_dropped_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Number of log lines that were dropped because stderr did not accept them, for example because nobody reads the pipe. Starts at 0.",
};

/// The families that this module exports.
pub const FAMILIES: &[Family] = &[DROPPED];

/// One counter for the process, like its stderr.
static COUNTER: OnceLock<IntCounter> = OnceLock::new();

#[expect(clippy::expect_used, reason = "the name of the family is valid, or every test fails")]
pub(super) fn dropped() -> IntCounter {
    COUNTER.get_or_init(|| IntCounter::new(DROPPED.name, DROPPED.help).expect("a valid name")).clone()
}

/// Registers the families. Fails if one of the names is already registered.
pub fn register(registry: &Registry) -> prometheus::Result<()> {
    registry.register(Box::new(dropped()))
}
