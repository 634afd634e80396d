//! Repeats one step, for a counter of instructions: `scripts/guard` runs it in callgrind, and compares two numbers of repetitions.

use std::hint::black_box;
use std::time::Duration;

use genesyscloud_oauth_exporter::audit::{self, Earlier};
use genesyscloud_oauth_exporter::exposition::{self, Audited, Config};
use genesyscloud_oauth_exporter::genesys::offline::Offline;
use genesyscloud_oauth_exporter::ledger::{Evaluation, Event, Ledger, Sighting};

use crate::NOW;
use crate::world::World;

/// Does a step with an organisation of this many clients, this many times.
pub(crate) fn step(name: &str, clients: usize, times: usize) {
    let world = World::new(clients, 0);
    let mut known = Offline::default();
    let snapshot = World::with_roles(world.read_by(&mut known));
    let policy = crate::built_in();
    let report = audit::evaluate(&snapshot, &policy, None, NOW);
    let earlier = Earlier { snapshot: &snapshot, policy: &policy, baseline: None, report: &report };
    let evaluation = || Evaluation { snapshot: &snapshot, policy: &policy, report: &report };
    let first = Sighting::of(evaluation());
    let ledger = Ledger::default().advance(&first, Event::First, NOW, Duration::ZERO);
    let audited = Audited { org: "default", snapshot: &snapshot, report: &report, ledger: &ledger };
    let config = Config { max_client_series: usize::MAX, ..Config::default() };
    for _ in 0..times {
        match name {
            "parse" => drop(black_box(Offline::default().read(&world.pages))),
            "parse-unchanged" => drop(black_box(known.read(&world.pages))),
            "evaluate" => drop(black_box(audit::evaluate(&snapshot, &policy, None, NOW))),
            "evaluate-unchanged" => {
                drop(black_box(audit::evaluate_after(Some(earlier), &snapshot, &policy, None, NOW)));
            }
            "ledger" => {
                let event = Event::Refresh { before: &report };
                drop(black_box(ledger.advance(&Sighting::of(evaluation()), event, NOW, Duration::ZERO)));
            }
            "state" => drop(black_box(World::state_file(&snapshot, &ledger))),
            "render" => drop(black_box(exposition::text(&[audited], &config))),
            "page" => drop(black_box(exposition::page(&audited, &config))),
            other => panic!("no step is called {other}"),
        }
    }
}
