//! Counts the reads and writes of the state file.
//!
//! A damaged state file is counted, because it is set aside and the exporter then runs without the data in it. A file that cannot
//! be read is not counted, because the exporter then does not start.

use crate::metric::{Counter, Family, Gauge, Kind, Labelled, RegisterError, Registry};

const WRITES: Family = Family {
    name: "genesyscloud_oauth_exporter_state_writes_total",
    kind: Kind::Counter,
    labels: &["outcome"],
    help: "Number of writes of the state file by outcome: success or error. Both start at 0, also without a state file.",
};
const DAMAGED: Family = Family {
    name: "genesyscloud_oauth_exporter_state_damaged_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Number of damaged state files that were found at the start; the exporter sets such a file aside as NAME.damaged-1, -2 and so on. Starts at 0, also without a state file.",
};
const PERSISTENT: Family = Family {
    name: "genesyscloud_oauth_exporter_state_persistent",
    kind: Kind::Gauge,
    labels: &[],
    help: "1 if the last read or write of the state file succeeded; 0 if it failed, while a write takes longer than 10 s, before the first write of a new file, and without a state file. Always 1 in a shard without organisations. Always present.",
};

/// The families that this module exports.
pub const FAMILIES: &[Family] = &[WRITES, DAMAGED, PERSISTENT];

/// The counters of the state file.
#[derive(Debug, Clone)]
pub struct Metrics {
    writes: Labelled<Counter, 1>,
    damaged: Counter,
    persistent: Gauge,
}

impl Metrics {
    /// Registers the families. Fails if one of the names is already registered.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let metrics = Self {
            writes: registry.add(&WRITES)?,
            damaged: registry.add_single(&DAMAGED)?,
            persistent: registry.add_single(&PERSISTENT)?,
        };
        for outcome in ["success", "error"] {
            metrics.writes.with([outcome]);
        }
        Ok(metrics)
    }

    pub(super) fn written(&self, success: bool) {
        self.writes.with([if success { "success" } else { "error" }]).inc();
        self.persistent.set(success.into());
    }

    /// Called when a write takes too long, or when nothing can be written any more.
    pub(super) fn stuck(&self) {
        self.persistent.set(0);
    }

    /// Called if no organisation is watched, as in a shard that has none.
    pub fn nothing_to_keep(&self) {
        self.persistent.set(1);
    }

    /// Called when a state file was read. The first write shows whether it can be written.
    pub(super) fn in_use(&self) {
        self.persistent.set(1);
    }

    pub(super) fn damaged(&self) {
        self.damaged.inc();
    }

    /// Metrics in a registry of their own.
    #[cfg(test)]
    pub(super) fn of_a_test() -> Self {
        Self::register(&Registry::default()).expect("a fresh registry")
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> (u64, u64, u64, i64) {
        let writes = |outcome| self.writes.with([outcome]).get();
        (writes("success"), writes("error"), self.damaged.get(), self.persistent.get())
    }
}
