//! The flat table of the families about refreshes, collectors and the size of the served data.
//!
//! These are rendered with the data that they describe, once for each format, because the formats name a counter differently. Other
//! counters are kept by the modules that count, in a registry (`own`).

use super::deflated::{Deflated, Text};
use super::label::Escaped;
use super::number::Value;
use super::render::{self, Block, plain_help};
use super::{Format, ReloadStatus, Size, Watched};
use crate::domain::{CollectorStatus, Freshness};
use crate::metric::{Family, Kind};

/// The families about refreshes, in the order in which they are written.
pub const FRESHNESS_FAMILIES: [Family; ROWS.len()] = {
    let mut families = [ROWS[0].family; ROWS.len()];
    let mut index = 0;
    while index < families.len() {
        families[index] = ROWS[index].family;
        index += 1;
    }
    families
};

const _: () = assert!(plain_help(&FRESHNESS_FAMILIES), "a HELP text would differ between the two formats");

struct FreshnessRow {
    family: Family,
    series: Series,
}

/// Which series a family has.
enum Series {
    /// One per organisation.
    Organisation(fn(&Freshness) -> Value),
    /// One per organisation and outcome of a refresh.
    Refreshes,
    /// One per collector that has run.
    Collector(fn(&CollectorStatus) -> Value),
    /// One per organisation with data.
    Size(fn(&Size) -> usize),
    /// One per organisation with data and family that the cap can drop.
    Dropped,
    /// One per process.
    Reload(fn(ReloadStatus) -> Value),
}

pub(super) fn render(organisations: &[Watched<'_>], sizes: &[Size], reload: ReloadStatus, format: Format) -> Deflated {
    let mut text = Text::deflating();
    for row in &ROWS {
        let mut head = row.family;
        if let (Format::OpenMetrics, Some(name)) = (format, head.name.strip_suffix("_total")) {
            // OpenMetrics requires the family name `x` and the sample name `x_total` for a counter.
            head.name = name;
        }
        render::family(&mut text, &head, |text| row.write(text, organisations, sizes, reload));
    }
    text.finish()
}

impl FreshnessRow {
    fn write(&self, text: &mut Text, organisations: &[Watched<'_>], sizes: &[Size], reload: ReloadStatus) {
        match self.series {
            Series::Organisation(value) => {
                for organisation in organisations {
                    self.block(text, organisation.org).add([], value(organisation.freshness));
                }
            }
            Series::Refreshes => {
                for organisation in organisations {
                    let mut block = self.block(text, organisation.org);
                    for (outcome, count) in organisation.freshness.refreshes.by_outcome() {
                        block.add([&Escaped::word(outcome)], count);
                    }
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

    fn block<'a>(&self, text: &'a mut Text, org: &str) -> Block<'a> {
        Block::of_organisation(text, &self.family, &Escaped::new(org))
    }
}

const ORG: &[&str] = &["org"];
const COLLECTOR: &[&str] = &["org", "collector"];

const fn row(name: &'static str, labels: &'static [&'static str], help: &'static str, series: Series) -> FreshnessRow {
    FreshnessRow { family: Family { name, kind: Kind::Gauge, labels, help }, series }
}

static ROWS: [FreshnessRow; 16] = [
    row(
        "genesyscloud_oauth_exporter_last_refresh_successful",
        ORG,
        "1 if the last refresh was complete, 0 if it failed or none has ended yet. Present for every configured organisation.",
        Series::Organisation(|freshness| freshness.last_successful.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_last_refresh_attempt_timestamp_seconds",
        ORG,
        "Unix timestamp at which the last refresh began, 0 before the first. Present for every configured organisation.",
        Series::Organisation(|freshness| freshness.last_attempt.unwrap_or_default().into()),
    ),
    row(
        "genesyscloud_oauth_exporter_last_refresh_success_timestamp_seconds",
        ORG,
        "Unix timestamp at which the last complete refresh began, restored from the state file after a restart; 0 before the first. Present for every configured organisation.",
        Series::Organisation(|freshness| freshness.last_success.unwrap_or_default().into()),
    ),
    row(
        "genesyscloud_oauth_exporter_refresh_interval_seconds",
        ORG,
        "Configured time between the starts of two refreshes. Present for every configured organisation.",
        Series::Organisation(|freshness| freshness.interval.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_consecutive_refresh_failures",
        ORG,
        "Number of refreshes that failed since the last complete one, or since the start of the process. Present for every configured organisation.",
        Series::Organisation(|freshness| freshness.consecutive_failures.into()),
    ),
    FreshnessRow {
        family: Family {
            name: "genesyscloud_oauth_exporter_refreshes_total",
            kind: Kind::Counter,
            labels: &["org", "outcome"],
            help: "Number of refreshes by outcome: success, error, or cancelled when the process stopped. Every outcome starts at 0.",
        },
        series: Series::Refreshes,
    },
    FreshnessRow {
        family: Family {
            name: "genesyscloud_oauth_exporter_refreshes_unchanged_total",
            kind: Kind::Counter,
            labels: ORG,
            help: "Number of complete refreshes that read exactly the data of the complete refresh before. Starts at 0.",
        },
        series: Series::Organisation(|freshness| freshness.refreshes.unchanged.into()),
    },
    row(
        "genesyscloud_oauth_exporter_collector_success",
        COLLECTOR,
        "1 if the collector read everything in the last refresh that ran it, 0 if not. Absent if the collector is off or has not run yet.",
        Series::Collector(|status| status.success.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_collector_supported",
        COLLECTOR,
        "0 if the platform refuses this input to the exporter's client: a permission or a scope is missing, an access policy denies it, or the feature is off. 1 otherwise, also if something in between refuses it. Absent if the collector is off or has not run yet.",
        Series::Collector(|status| status.supported.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_collector_duration_seconds",
        COLLECTOR,
        "Time that the collector took in the last refresh that ran it. Absent if the collector is off or has not run yet.",
        Series::Collector(|status| status.duration.into()),
    ),
    row(
        "genesyscloud_oauth_exporter_snapshot_clients",
        ORG,
        "Number of clients in the served data. Absent while the organisation has no data.",
        Series::Size(|size| size.clients),
    ),
    row(
        "genesyscloud_oauth_exporter_snapshot_series",
        ORG,
        "Number of the organisation's series in the audited families. Absent while the organisation has no data.",
        Series::Size(|size| size.series),
    ),
    row(
        "genesyscloud_oauth_exporter_snapshot_bytes",
        ORG,
        "Size of the organisation's series in the audited families, in bytes of uncompressed text. Absent while the organisation has no data.",
        Series::Size(|size| size.bytes),
    ),
    row(
        "genesyscloud_oauth_exporter_series_dropped",
        &["org", "family"],
        "Number of series of a per-client family that were dropped because of --metrics.max-client-series, 0 if the family is exported. Absent while the organisation has no data.",
        Series::Dropped,
    ),
    row(
        "genesyscloud_oauth_exporter_config_last_reload_successful",
        &[],
        "1 if the last load of policy, baseline and web configuration succeeded, 0 if it failed or the configured baseline is missing or belongs to another organisation. Always present.",
        Series::Reload(|reload| (reload.last_successful && !reload.web_config_rejected).into()),
    ),
    row(
        "genesyscloud_oauth_exporter_config_last_reload_success_timestamp_seconds",
        &[],
        "Unix timestamp at which the policy and baseline in force were read. Always present.",
        Series::Reload(|reload| reload.last_success.into()),
    ),
];
