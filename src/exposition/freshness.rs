//! The flat table of the families on freshness, and on the size of what is served.
//!
//! Not the counters that the modules keep themselves: those come from a registry (`own`).

use super::label::Escaped;
use super::number::Value;
use super::render::{self, Block, plain_gauges};
use super::{ReloadStatus, Size, Watched};
use crate::domain::{CollectorStatus, Freshness};
use crate::metric::{Family, Kind};

/// The families on freshness, in the order in which they are written.
pub const FRESHNESS_FAMILIES: [Family; ROWS.len()] = {
    let mut families = [ROWS[0].family; ROWS.len()];
    let mut index = 0;
    while index < families.len() {
        families[index] = ROWS[index].family;
        index += 1;
    }
    families
};

const _: () = assert!(plain_gauges(&FRESHNESS_FAMILIES), "a family on freshness differs between the formats");

/// A family and where its series come from.
struct FreshnessRow {
    family: Family,
    series: Series,
}

/// Where a family's series come from.
enum Series {
    /// One for each organisation.
    Organisation(fn(&Freshness) -> Value),
    /// One for each collector that ran.
    Collector(fn(&CollectorStatus) -> Value),
    /// One for each organisation whose data is served.
    Size(fn(&Size) -> usize),
    /// One for each organisation whose data is served and each family that can be dropped.
    Dropped,
    /// One.
    Reload(fn(ReloadStatus) -> Value),
}

/// Writes every family.
pub(super) fn render(organisations: &[Watched<'_>], sizes: &[Size], reload: ReloadStatus) -> Vec<u8> {
    let mut text = Vec::new();
    for row in &ROWS {
        render::family(&mut text, &row.family, |text| row.write(text, organisations, sizes, reload));
    }
    text
}

impl FreshnessRow {
    fn write(&self, text: &mut Vec<u8>, organisations: &[Watched<'_>], sizes: &[Size], reload: ReloadStatus) {
        match self.series {
            Series::Organisation(value) => {
                for organisation in organisations {
                    self.block(text, organisation.org).add([], value(organisation.freshness));
                }
            }
            Series::Collector(value) => {
                for organisation in organisations {
                    let mut block = self.block(text, organisation.org);
                    for status in &organisation.freshness.collectors {
                        block.add([&Escaped::word(status.collector.label())], value(status));
                    }
                }
            }
            Series::Size(value) => {
                for size in sizes {
                    self.block(text, &size.org).add([], value(size));
                }
            }
            Series::Dropped => {
                for size in sizes {
                    let mut block = self.block(text, &size.org);
                    for (family, count) in &size.dropped {
                        block.add([&Escaped::word(family)], *count);
                    }
                }
            }
            Series::Reload(value) => Block::of_process(text, &self.family).add([], value(reload)),
        }
    }

    fn block<'a>(&self, text: &'a mut Vec<u8>, org: &str) -> Block<'a> {
        Block::of_organisation(text, &self.family, &Escaped::new(org))
    }
}

const ORG: &[&str] = &["org"];
const COLLECTOR: &[&str] = &["org", "collector"];

const fn row(name: &'static str, labels: &'static [&'static str], help: &'static str, series: Series) -> FreshnessRow {
    FreshnessRow { family: Family { name, kind: Kind::Gauge, labels, help }, series }
}

static ROWS: [FreshnessRow; 14] = [
    row(
        "genesyscloud_oauth_exporter_last_refresh_successful",
        ORG,
        "1 where the last refresh was complete; 0 before the first.",
        Series::Organisation(|freshness| freshness.last_successful.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_last_refresh_attempt_timestamp_seconds",
        ORG,
        "When the last refresh began; 0 before the first.",
        Series::Organisation(|freshness| freshness.last_attempt.unwrap_or_default().into()),
    ),
    row(
        "genesyscloud_oauth_exporter_last_refresh_success_timestamp_seconds",
        ORG,
        "When the last complete refresh began, restored after a restart; 0 before the first.",
        Series::Organisation(|freshness| freshness.last_success.unwrap_or_default().into()),
    ),
    row(
        "genesyscloud_oauth_exporter_refresh_interval_seconds",
        ORG,
        "The configured time between two refreshes.",
        Series::Organisation(|freshness| freshness.interval.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_consecutive_refresh_failures",
        ORG,
        "Refreshes that failed since the last complete one of this process.",
        Series::Organisation(|freshness| freshness.consecutive_failures.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_collector_success",
        COLLECTOR,
        "1 where the collector read everything in the last refresh that ran it; absent where it is off.",
        Series::Collector(|status| status.success.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_collector_supported",
        COLLECTOR,
        "0 where the exporter's client lacks the permission to read it.",
        Series::Collector(|status| status.supported.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_collector_duration_seconds",
        COLLECTOR,
        "How long the collector took in the last refresh that ran it.",
        Series::Collector(|status| status.duration.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_snapshot_clients",
        ORG,
        "Clients in the data that is served; absent where none is.",
        Series::Size(|size| size.clients),
    ),
    row(
        "genesyscloud_oauth_exporter_snapshot_series",
        ORG,
        "Series of the audited families; absent where no data is served.",
        Series::Size(|size| size.series),
    ),
    row(
        "genesyscloud_oauth_exporter_snapshot_bytes",
        ORG,
        "Bytes of the series of the audited families, not compressed; absent where no data is served.",
        Series::Size(|size| size.bytes),
    ),
    row(
        "genesyscloud_oauth_exporter_series_dropped",
        &["org", "family"],
        "Series of a per-client family that is left out because of --metrics.max-client-series.",
        Series::Dropped,
    ),
    row(
        "genesyscloud_oauth_exporter_config_last_reload_successful",
        &[],
        "1 where the last reload of policy and baseline was in order, and after a start; 0 too while the baseline that is named is missing or another organisation's.",
        Series::Reload(|reload| reload.last_successful.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_config_last_reload_success_timestamp_seconds",
        &[],
        "When the policy and baseline in force were read.",
        Series::Reload(|reload| reload.last_success.into()),
    ),
];
