//! How the state file fares.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::metric::{Family, Kind};

const WRITES: Family = Family {
    name: "genesyscloud_oauth_exporter_state_writes_total",
    kind: Kind::Counter,
    labels: &["outcome"],
    help: "Writes of the state file, by outcome: success or error.",
};
const DAMAGED: Family = Family {
    name: "genesyscloud_oauth_exporter_state_damaged_total",
    kind: Kind::Counter,
    labels: &[],
    help: "State files that could not be read at the start; a damaged one is set aside as NAME.damaged.",
};
const PERSISTENT: Family = Family {
    name: "genesyscloud_oauth_exporter_state_persistent",
    kind: Kind::Gauge,
    labels: &[],
    help: "1 where a state file is in use and the last write worked, or none was tried yet; else 0.",
};

/// Everything that this module exposes.
pub const FAMILIES: &[Family] = &[WRITES, DAMAGED, PERSISTENT];

/// The counters of the state file.
#[derive(Debug, Clone)]
pub struct Metrics {
    writes: IntCounterVec,
    damaged: IntCounter,
    persistent: IntGauge,
}

impl Metrics {
    /// Registers the families. Fails where one of the names is taken.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            writes: IntCounterVec::new(Opts::new(WRITES.name, WRITES.help), WRITES.labels)?,
            damaged: IntCounter::new(DAMAGED.name, DAMAGED.help)?,
            persistent: IntGauge::new(PERSISTENT.name, PERSISTENT.help)?,
        };
        registry.register(Box::new(metrics.writes.clone()))?;
        registry.register(Box::new(metrics.damaged.clone()))?;
        registry.register(Box::new(metrics.persistent.clone()))?;
        for outcome in ["success", "error"] {
            metrics.writes.with_label_values(&[outcome]);
        }
        Ok(metrics)
    }

    pub(super) fn written(&self, success: bool) {
        self.writes.with_label_values(&[if success { "success" } else { "error" }]).inc();
        self.persistent.set(success.into());
    }

    /// A state file was read; whether it can be written shows with the first write.
    pub(super) fn in_use(&self) {
        self.persistent.set(1);
    }

    pub(super) fn damaged(&self) {
        self.damaged.inc();
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> (u64, u64, u64, i64) {
        let writes = |outcome| self.writes.with_label_values(&[outcome]).get();
        (writes("success"), writes("error"), self.damaged.get(), self.persistent.get())
    }
}
