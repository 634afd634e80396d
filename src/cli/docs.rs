//! `docs`: prints the documents that are generated from the code.

use super::args::DocsCommand;
use super::console::say;
use super::exit::CLEAN;
use crate::metric::Family;
use crate::{app, config, exposition, genesys, policy, refresh, server, store, telemetry};

pub(super) fn run(command: DocsCommand) -> u8 {
    let text = match command {
        DocsCommand::Settings => config::docs::settings_table(),
        DocsCommand::Metrics => metrics(),
        DocsCommand::PolicySchema => format!("{:#}", policy::json_schema()),
        DocsCommand::ConfigSchema => format!("{:#}", config::json_schema()),
        DocsCommand::Rules => super::rules::document(),
    };
    say(text.trim_end());
    CLEAN
}

fn metrics() -> String {
    let own = [
        &exposition::FRESHNESS_FAMILIES[..],
        refresh::FAMILIES,
        genesys::FAMILIES,
        store::FAMILIES,
        server::FAMILIES,
        telemetry::FAMILIES,
        app::FAMILIES,
    ];
    let mut text = String::from(
        "# Metrics\n\nGenerated from the code by `genesyscloud-oauth-exporter docs metrics`; do not edit.\n\
         \nNames, labels and meanings are an interface: a release can add to them, but does not change or remove them.\n\
         \n## The audited organisations\n\n\
         Cached; refreshed on a timer. A scrape does not call the platform: it returns the result of the last complete\n\
         refresh, which runs every `--refresh.interval`. All series of an organisation in one scrape come from the same\n\
         refresh.\n\
         \nAn organisation has no data before its first complete refresh, and once its last complete refresh is older than\n\
         `--refresh.stale-after`. It then has no series in this table. Per-client families, those with the label `client_id`,\n\
         are also absent if `--metrics.disable` names them, or if `--metrics.max-client-series` dropped them\n\
         (`genesyscloud_oauth_exporter_series_dropped`).\n\n",
    );
    table(&mut text, exposition::AUDITED_FAMILIES.iter());
    text.push_str("\n## The exporter itself\n\nThese families are present from the start, also while an organisation has no data, unless the meaning says otherwise.\n\n");
    table(&mut text, own.into_iter().flatten());
    text.push_str("\nThe families `process_*` have the names and meanings of the Prometheus client libraries. They are measured at most once a second.\n");
    text
}

fn table<'a>(text: &mut String, families: impl Iterator<Item = &'a Family>) {
    text.push_str("| family | type | labels | meaning |\n|---|---|---|---|\n");
    for Family { name, kind, labels, help } in families {
        let row = format!("| `{name}` | {} | {} | {} |\n", kind.label(), labels.join(", "), help.replace('|', "\\|"));
        text.push_str(&row);
    }
}
