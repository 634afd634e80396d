//! Dashboards, alerts and docs/metrics.md refer to the same families.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::model::{all, list, queries, selectors, text};

/// Families that no panel and no alert uses, and what they are for.
const AD_HOC: &[(&str, &str)] = &[
    (
        "genesyscloud_oauth_exporter_shard_info",
        "says which shards run, and whether all know of the same number of shards",
    ),
    (
        "genesyscloud_oauth_exporter_api_rate_limit_reset_seconds",
        "says when a window ends; the view has the share of it that is used",
    ),
    ("genesyscloud_oauth_exporter_clock_steps_back_total", "explains odd ages afterwards; requires no action"),
    ("genesyscloud_oauth_exporter_log_lines_dropped_total", "explains gaps in the log; the exporter itself goes on"),
    (
        "genesyscloud_oauth_exporter_http_connection_limit_reached_total",
        "says whether peers use up the connections; honest scrapes succeed meanwhile",
    ),
    (
        "genesyscloud_oauth_exporter_http_connections_closed_total",
        "says which peers the exporter had to cut off; honest scrapes succeed meanwhile",
    ),
    (
        "genesyscloud_oauth_exporter_refreshes_unchanged_total",
        "says how many refreshes could skip the evaluation; requires no action",
    ),
];

/// A row of docs/metrics.md.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) is_counter: bool,
    pub(crate) has_org: bool,
}

/// The families of docs/metrics.md by name. A histogram counts as a counter.
pub(crate) fn documented() -> BTreeMap<String, Family> {
    let document = fs::read_to_string("docs/metrics.md").expect("UTF-8");
    let rows = document.lines().filter(|line| line.starts_with("| `genesyscloud_"));
    let family = |row: &str| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let has_org = cells[3].split(", ").any(|label| label == "org");
        (cells[1].trim_matches('`').to_owned(), Family { is_counter: cells[2] != "gauge", has_org })
    };
    let families: BTreeMap<_, _> = rows.map(family).collect();
    assert!(families.len() > 50, "the table was not understood");
    families
}

/// The family that a series belongs to: histograms have three names.
pub(crate) fn family_of(name: &str) -> &str {
    let suffixes = ["_bucket", "_sum", "_count"];
    let histogram =
        suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).filter(|name| name.ends_with("_seconds"));
    histogram.unwrap_or(name)
}

/// Every query of the dashboards, including those of variables.
fn shown() -> Vec<String> {
    let dashboards = all();
    let of_variables = dashboards.iter().flat_map(|dashboard| list(&dashboard["templating"], "list"));
    let variables = of_variables.map(|variable| text(&variable["query"], "query").to_owned());
    let panels = dashboards.iter().flat_map(queries).map(|query| query.expr);
    variables.chain(panels).collect()
}

#[test]
fn every_metric_of_a_dashboard_is_documented() {
    let families = documented();
    for expr in shown() {
        for selector in selectors(&expr) {
            let family = family_of(selector.family);
            let foreign = !family.starts_with("genesyscloud_");
            assert!(foreign || families.contains_key(family), "{family} is not in docs/metrics.md: {expr}");
        }
    }
}

#[test]
fn every_family_is_shown_or_alerted_on_or_has_a_reason_not_to_be() {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for expr in shown() {
        used.extend(selectors(&expr).iter().map(|selector| family_of(selector.family).to_owned()));
    }
    for file in fs::read_dir("alerts").into_iter().flatten() {
        let path = file.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            let rules = fs::read_to_string(path).expect("UTF-8");
            used.extend(selectors(&rules).iter().map(|selector| family_of(selector.family).to_owned()));
        }
    }
    let ad_hoc: BTreeSet<String> = AD_HOC.iter().map(|(family, _)| (*family).to_owned()).collect();
    let families: BTreeSet<String> = documented().into_keys().collect();
    let forgotten: Vec<_> =
        families.iter().filter(|family| !used.contains(*family) && !ad_hoc.contains(*family)).collect();
    assert!(forgotten.is_empty(), "show them, alert on them, or say in AD_HOC what they are for: {forgotten:?}");
    let stale: Vec<_> = ad_hoc.iter().filter(|family| used.contains(*family) || !families.contains(*family)).collect();
    assert!(stale.is_empty(), "no longer for ad-hoc use alone: {stale:?}");
    let document = fs::read_to_string("docs/dashboards.md").expect("UTF-8");
    assert!(ad_hoc.iter().all(|family| document.contains(family)), "docs/dashboards.md names them all: {ad_hoc:?}");
}

#[test]
fn the_implicit_grant_ends_on_one_day() {
    let source = fs::read_to_string("src/audit/rules/grants.rs").expect("UTF-8");
    let (_, rest) =
        source.split_once("IMPLICIT_GRANT_ENDS: Timestamp = Timestamp::from_seconds(").expect("the constant");
    let seconds = rest.split(')').next().expect("closed").replace('_', "");
    assert!(shown().iter().any(|expr| expr.ends_with(&format!("* {seconds}000"))), "{seconds} s");
}
