//! `docs`: prints the documents that are generated from the code.

use super::args::DocsCommand;
use super::{CLEAN, say};
use crate::metric::Family;
use crate::{app, config, exposition, genesys, policy, refresh, server, store};

pub(super) fn run(command: DocsCommand) -> u8 {
    let text = match command {
        DocsCommand::Settings => config::docs::settings_table(),
        DocsCommand::Metrics => metrics(),
        DocsCommand::PolicySchema => format!("{:#}", policy::json_schema()),
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
        app::FAMILIES,
    ];
    let mut text = String::from(
        "# Metrics\n\nGenerated from the code by `genesyscloud-oauth-exporter docs metrics`; do not edit.\n\
         \nMetric names, labels and meanings are a stable interface: later releases only add to them.\n\
         \n## Audited data\n\nThese metrics are rendered after each refresh and are cached until the next one: a scrape never \
         calls the platform. All values in one scrape come from the same snapshot.\n\n",
    );
    table(&mut text, exposition::AUDITED_FAMILIES.iter());
    text.push_str("\n## The exporter itself\n\n");
    table(&mut text, own.into_iter().flatten());
    text.push_str("\nThe `process_*` metrics come from the `prometheus` crate.\n");
    text
}

fn table<'a>(text: &mut String, families: impl Iterator<Item = &'a Family>) {
    text.push_str("| family | type | labels | meaning |\n|---|---|---|---|\n");
    for Family { name, kind, labels, help } in families {
        let row = format!("| `{name}` | {} | {} | {} |\n", kind.label(), labels.join(", "), help.replace('|', "\\|"));
        text.push_str(&row);
    }
}
