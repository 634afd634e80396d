//! The metrics of the process: its build. `process` has `process_*`.

use crate::metric::{Family, Gauge, Kind, Labelled, RegisterError, Registry};

const BUILD_INFO: Family = Family {
    name: "genesyscloud_oauth_exporter_build_info",
    kind: Kind::Gauge,
    labels: &["version", "revision", "rustc"],
    help: "1, with the version, the source revision and the compiler of the exporter as labels. Always present.",
};

/// The families that this module exports, without `process_*`.
pub const FAMILIES: &[Family] = &[BUILD_INFO];

/// Registers the families. Fails if one of the names is already registered.
pub(super) fn register(registry: &Registry) -> Result<(), RegisterError> {
    let build_info: Labelled<Gauge, 3> = registry.add(&BUILD_INFO)?;
    let version = env!("CARGO_PKG_VERSION");
    let revision = env!("GENESYSCLOUD_OAUTH_EXPORTER_REVISION");
    let rustc = env!("GENESYSCLOUD_OAUTH_EXPORTER_RUSTC");
    build_info.with([version, revision, rustc]).set(1);
    Ok(())
}
