//! The metrics of the process: its build, and `process_*` from the `prometheus` crate.

use prometheus::process_collector::ProcessCollector;
use prometheus::{IntGaugeVec, Opts, Registry};

use crate::metric::{Family, Kind};

const BUILD_INFO: Family = Family {
    name: "genesyscloud_oauth_exporter_build_info",
    kind: Kind::Gauge,
    labels: &["version", "revision", "rustc"],
    help: "1, with the version, the source revision and the compiler of the exporter as labels. Always present.",
};

/// The families that this module exports, without `process_*`.
pub const FAMILIES: &[Family] = &[BUILD_INFO];

/// Registers the families. Fails if one of the names is already registered.
pub(super) fn register(registry: &Registry) -> prometheus::Result<()> {
    let build_info = IntGaugeVec::new(Opts::new(BUILD_INFO.name, BUILD_INFO.help), BUILD_INFO.labels)?;
    let version = env!("CARGO_PKG_VERSION");
    let revision = env!("GENESYSCLOUD_OAUTH_EXPORTER_REVISION");
    let rustc = env!("GENESYSCLOUD_OAUTH_EXPORTER_RUSTC");
    build_info.with_label_values(&[version, revision, rustc]).set(1);
    registry.register(Box::new(build_info))?;
    registry.register(Box::new(ProcessCollector::for_self()))
}
