//! Counts the lines of the log that were dropped.

use std::sync::OnceLock;

use crate::metric::{Counter, Family, Kind, RegisterError, Registry};

const DROPPED: Family = Family {
    name: "genesyscloud_oauth_exporter_log_lines_dropped_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Number of log lines that were dropped because stderr did not accept them, for example because nobody reads the pipe. Starts at 0.",
};

/// The families that this module exports.
pub const FAMILIES: &[Family] = &[DROPPED];

/// The counter of lines that were dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Dropped(Counter);

impl Dropped {
    /// The one counter of the process, like its stderr.
    pub(super) fn of_process() -> Self {
        static COUNTER: OnceLock<Dropped> = OnceLock::new();
        COUNTER.get_or_init(Self::default).clone()
    }

    pub(super) fn inc(&self) {
        self.0.inc();
    }

    #[cfg(test)]
    pub(super) fn get(&self) -> u64 {
        self.0.get()
    }
}

/// Registers the families. Fails if one of the names is already registered.
pub fn register(registry: &Registry) -> Result<(), RegisterError> {
    registry.add_existing(&DROPPED, Dropped::of_process().0)
}
