//! The complete text of a small organisation with odd names and values, in both formats.
//!
//! A change here is a change of the product's interface.

use prometheus::Registry;

use crate::exposition::{Config, Encoding, Format};
use crate::fixtures::world;

#[test]
fn text() {
    let parts = world::render(&world::ugly(), &Config::default());
    insta::assert_snapshot!(world::scrape(&parts, &world::own(), Format::Text, Encoding::Identity));
}

#[test]
fn openmetrics() {
    let parts = world::render(&world::ugly(), &Config::default());
    insta::assert_snapshot!(world::scrape(&parts, &world::own(), Format::OpenMetrics, Encoding::Identity));
}

#[test]
fn odd_values_and_names_of_own_families() {
    let parts = Default::default();
    let text = world::scrape(&parts, &world::odd(), Format::Text, Encoding::Identity);
    let openmetrics = world::scrape(&parts, &world::odd(), Format::OpenMetrics, Encoding::Identity);
    insta::assert_snapshot!(format!("{text}---\n{openmetrics}"));
}

#[test]
fn before_the_first_refresh_there_is_freshness_and_no_data() {
    let mut org = world::ugly().remove(0);
    org.freshness = world::freshness();
    let watched = [crate::exposition::Watched { org: &org.label, freshness: &org.freshness }];
    let audited = crate::exposition::join(&[]);
    let status = crate::exposition::status(&watched, &audited, world::RELOAD);
    insta::assert_snapshot!(world::scrape(
        &(audited, status),
        &Registry::new(),
        Format::OpenMetrics,
        Encoding::Identity
    ));
}
