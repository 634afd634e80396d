//! The memory of each part of an organisation: bytes in use per client.

use std::time::Duration;

use genesyscloud_oauth_exporter::audit::{self, rules};
use genesyscloud_oauth_exporter::exposition::{self, Audited, Config};
use genesyscloud_oauth_exporter::fixtures::TAKEN_AT;
use genesyscloud_oauth_exporter::genesys::offline::Offline;
use genesyscloud_oauth_exporter::ledger::{Evaluation, Event, Ledger, Sighting};
use genesyscloud_oauth_exporter::policy::Policy;

use crate::grown;
use crate::world::World;

/// Bytes per client. `fixed` is in bytes.
struct Parts {
    /// Roles, divisions and registries, which do not grow with the clients.
    fixed: usize,
    clients: usize,
    /// What the reader keeps so that it recognises unchanged records, without the clients themselves.
    known: usize,
    report: usize,
    ledger: usize,
    page: usize,
    /// In use only while it is written.
    state_file: usize,
}

pub(crate) const HEADS: [&str; 9] = [
    "clients",
    "roles and registries, in all",
    "clients",
    "digests of the reader",
    "report",
    "ledger",
    "page",
    "all per client",
    "state file (disk)",
];

pub(crate) fn row(number: usize) -> Vec<String> {
    // Tables that are filled when they are first used.
    measured(10);
    let Parts { fixed, clients, known, report, ledger, page, state_file } = measured(number);
    let of_each = |bytes: usize| format!("{} B", bytes / number);
    let all = clients + known + report + ledger + page;
    let cells = [clients, known, report, ledger, page, all, state_file].map(of_each);
    [number.to_string(), format!("{} kB", fixed / 1000)].into_iter().chain(cells).collect()
}

fn measured(number: usize) -> Parts {
    let policy = Policy::built_in(&rules::slugs()).expect("it is valid");
    let world = World::new(number, 0);
    let (nothing, fixed) = grown(|| World::new(0, 0).snapshot());
    drop(nothing);
    let ((reader, snapshot), read) = grown(|| {
        let mut reader = Offline::default();
        let listed = world.read_by(&mut reader);
        (reader, World::with_roles(listed))
    });
    drop(world);
    let (report, of_report) = grown(|| audit::evaluate(&snapshot, &policy, None, TAKEN_AT));
    let (ledger, of_ledger) = grown(|| {
        let sighting = Sighting::of(Evaluation { snapshot: &snapshot, policy: &policy, report: &report });
        Ledger::default().advance(&sighting, Event::First, TAKEN_AT, Duration::ZERO)
    });
    let config = Config { max_client_series: usize::MAX, ..Config::default() };
    let audited = Audited { org: "default", snapshot: &snapshot, report: &report, ledger: &ledger };
    let (_page, of_page) = grown(|| exposition::page(&audited, &config));
    let state_file = World::state_file(&snapshot, &ledger).len();
    let before = crate::used();
    drop(reader);
    let known = before - crate::used();
    let clients = read - known - fixed;
    Parts { fixed, clients, known, report: of_report, ledger: of_ledger, page: of_page, state_file }
}
