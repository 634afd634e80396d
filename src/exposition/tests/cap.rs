//! Families that are left out: switched off by name, or dropped because there are too many series.
//!
//! The order and the arithmetic are compared with the reference in `properties`; here is what an operator relies on.

use prometheus::Registry;

use super::reference::DROPPED_FIRST;
use crate::exposition::{AUDITED_FAMILIES, Config, Encoding, Format, Size};
use crate::fixtures::world;

fn text(config: &Config) -> (String, Vec<Size>) {
    let parts = world::render(&world::ugly(), config);
    (world::scrape(&parts, &Registry::new(), Format::Text, Encoding::Identity), parts.0.sizes().to_vec())
}

#[test]
fn a_full_cap_drops_whole_families_and_never_those_that_page_or_name() {
    let (text, sizes) = text(&Config { max_client_series: 0, ..Config::default() });
    for family in AUDITED_FAMILIES {
        let there = text.contains(&format!("\n{}{{", family.name)) || text.starts_with(&format!("{}{{", family.name));
        assert_eq!(there, !DROPPED_FIRST.contains(&family.name), "{}", family.name);
    }
    let dropped = |family: &str| sizes[0].dropped.iter().find(|(name, _)| *name == family).map(|(_, count)| *count);
    assert_eq!(dropped("genesyscloud_oauth_client_scopes"), Some(4));
    assert_eq!(dropped("genesyscloud_oauth_client_created_timestamp_seconds"), Some(1));
    let series =
        "genesyscloud_oauth_exporter_series_dropped{org=\"default\",family=\"genesyscloud_oauth_client_scopes\"} 4\n";
    assert!(text.contains(series));
}

#[test]
fn a_cap_that_is_just_met_drops_nothing_and_one_less_drops_the_least_wanted_family() {
    // The first organisation: 4 info, 3 scopes and 3 patterns of permissions first seen and unapproved, 1 created, 1 modified, 1 deletion, 4 each of scopes, role grants
    // and validity, and open findings of one client in one severity.
    let (_, sizes) = text(&Config::default());
    assert!(
        sizes.iter().all(|size| size.dropped.len() == DROPPED_FIRST.len()),
        "0 is written where nothing is dropped"
    );
    assert!(sizes.iter().flat_map(|size| &size.dropped).all(|(_, count)| *count == 0));
    let findings = world::ugly()[0].report.verdicts().filter(|verdict| verdict.open > 0).count();
    assert_eq!(findings, 1, "the world has changed: count again");
    let per_client = 4 + 2 * (3 + 3) + 1 + 1 + 1 + 3 * 4 + 1;
    let dropped_of_first = |max_client_series| {
        let (_, sizes) = text(&Config { max_client_series, ..Config::default() });
        sizes[0].dropped.iter().filter(|(_, count)| *count > 0).map(|(name, _)| *name).collect::<Vec<_>>()
    };
    assert_eq!(dropped_of_first(per_client), Vec::<&str>::new());
    assert_eq!(dropped_of_first(per_client - 1), ["genesyscloud_oauth_client_modified_timestamp_seconds"]);
}

#[test]
fn a_family_that_is_switched_off_is_absent_and_not_counted_as_dropped() {
    let disabled_families =
        vec!["genesyscloud_oauth_client_scopes".to_owned(), "genesyscloud_oauth_client_info".to_owned()];
    Config::check(&disabled_families).expect("per-client families");
    let (text, sizes) = text(&Config { disabled_families, ..Config::default() });
    assert!(!text.contains("# TYPE genesyscloud_oauth_client_scopes "));
    assert!(!text.contains("# HELP genesyscloud_oauth_client_info "));
    assert!(sizes.iter().flat_map(|size| &size.dropped).all(|(_, count)| *count == 0));
}

#[test]
fn every_name_that_is_not_a_per_client_family_is_reported() {
    let names = ["genesyscloud_oauth_clients", "client_info", "genesyscloud_oauth_client_info"].map(str::to_owned);
    let mistakes = Config::check(&names).expect_err("two mistakes");
    assert_eq!(mistakes.len(), 2);
    assert!(mistakes[0].contains("\"genesyscloud_oauth_clients\""));
    assert!(mistakes[1].contains("\"client_info\"") && mistakes[1].contains("genesyscloud_oauth_client_deletion"));
}

#[test]
fn sizes_are_what_was_rendered() {
    let parts = world::render(&world::ugly(), &Config::default());
    let empty = crate::exposition::StatusPart::default();
    let sizes = parts.0.sizes().to_vec();
    let text = world::scrape(&(parts.0, empty), &Registry::new(), Format::Text, Encoding::Identity);
    for (size, org) in sizes.iter().zip(["{org=\"default\"", "{org=\"eu \\\"west\\\"\""]) {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(org)).collect();
        assert_eq!(size.series, lines.len());
        assert_eq!(size.bytes, lines.iter().map(|line| line.len() + 1).sum::<usize>());
    }
    assert_eq!(sizes.iter().map(|size| size.clients).collect::<Vec<_>>(), [4, 1]);
}
