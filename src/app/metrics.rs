//! The metrics of the process: its build, and its shard. `process` has `process_*`.

use crate::config::Shard;
use crate::metric::{Family, Gauge, Kind, Labelled, RegisterError, Registry};

const BUILD_INFO: Family = Family {
    name: "genesyscloud_oauth_exporter_build_info",
    kind: Kind::Gauge,
    labels: &["version", "revision", "rustc"],
    help: "1, with the version, the source revision and the compiler of the exporter as labels. Always present.",
};

const SHARD_INFO: Family = Family {
    name: "genesyscloud_oauth_exporter_shard_info",
    kind: Kind::Gauge,
    labels: &["index", "total"],
    help: "1, with the number of this shard, counted from 0, and the number of shards as labels. Only if --shard.total is set.",
};

/// The families that this module exports, without `process_*`.
pub const FAMILIES: &[Family] = &[BUILD_INFO, SHARD_INFO];

/// Registers the families. Fails if one of the names is already registered.
pub(super) fn register(registry: &Registry, shard: Option<Shard>) -> Result<(), RegisterError> {
    let shard_info: Labelled<Gauge, 2> = registry.add(&SHARD_INFO)?;
    if let Some(Shard { index, total }) = shard {
        shard_info.with([&index.to_string(), &total.to_string()]).set(1);
    }
    let build_info: Labelled<Gauge, 3> = registry.add(&BUILD_INFO)?;
    let version = env!("CARGO_PKG_VERSION");
    let revision = env!("GENESYSCLOUD_OAUTH_EXPORTER_REVISION");
    let rustc = env!("GENESYSCLOUD_OAUTH_EXPORTER_RUSTC");
    build_info.with([version, revision, rustc]).set(1);
    Ok(())
}
