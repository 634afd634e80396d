//! The cost of each step from the platform's answer to a scrape, per client or per series, and its ratio to a reference.
//!
//! `cargo bench` prints the medians of several rounds. The references are measured in the same rounds, because machines are shared and
//! differ: the tape pass of `simd-json` over the same bytes, `memcpy` of the same bytes, and the `prometheus` crate with the same
//! series. Nothing asserts a time. `steps repeat STEP CLIENTS TIMES` only repeats a step, and `steps platforms ORGANISATIONS
//! CLIENTS` only serves simulated organisations, both for `scripts/guard`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has no result")]
#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::disallowed_types, reason = "no clock is paused here")]

mod platforms;
mod repeat;
mod world;

use std::hint::black_box;
use std::time::{Duration, Instant};

use genesyscloud_oauth_exporter::audit::{self, Earlier};
use genesyscloud_oauth_exporter::domain::{Snapshot, Timestamp};
use genesyscloud_oauth_exporter::exposition::{self, Audited, Config};
use genesyscloud_oauth_exporter::genesys::offline::Offline;
use genesyscloud_oauth_exporter::ledger::{Evaluation, Event, Ledger, Sighting};
use genesyscloud_oauth_exporter::policy::Policy;
use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};
use world::World;

const ROUNDS: usize = 7;
const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// The median of the durations of a step and of its reference, which take turns.
fn compared<A, B>(mut step: impl FnMut() -> A, mut reference: impl FnMut() -> B) -> (Duration, Duration) {
    let (mut steps, mut references) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        steps.push(timed(&mut step));
        references.push(timed(&mut reference));
    }
    (median(steps), median(references))
}

fn timed<T>(work: &mut impl FnMut() -> T) -> Duration {
    let began = Instant::now();
    let result = black_box(work());
    let took = began.elapsed();
    drop(result);
    took
}

/// The first round is a warm-up.
fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.remove(0);
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

/// Prints a row: the cost of one of `number` things, and its ratio to the reference.
fn row(step: &str, number: usize, what: &str, (took, reference): (Duration, Duration), of: &str) {
    let each = |total: Duration| total.as_secs_f64() * 1e9 / f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let ratio = took.as_secs_f64() / reference.as_secs_f64();
    println!("| {step} | {number} | {:.1} ns per {what} | {ratio:.2} x {of} ({:.1} ns) |", each(took), each(reference));
}

/// The policy without a file.
fn built_in() -> Policy {
    Policy::built_in(&audit::rules::slugs()).expect("it is valid")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, step, clients, times] = &arguments[..]
        && word == "repeat"
    {
        return repeat::step(step, clients.parse().expect("a number"), times.parse().expect("a number"));
    }
    if let [word, organisations, clients] = &arguments[..]
        && word == "platforms"
    {
        return platforms::serve(organisations.parse().expect("a number"), clients.parse().expect("a number"));
    }
    println!("| step | number | cost | ratio to the reference |\n|---|---|---|---|");
    for number in [1_000, 10_000] {
        clients(&World::new(number, 0), &World::new(number, 1));
    }
    for number in [80, 800, 8_000, 80_000] {
        series(&World::new(number, 0));
    }
}

/// The steps of a refresh.
fn clients(world: &World, changed: &World) {
    let number = world.number;
    let bytes: Vec<u8> = world.pages.concat();
    let copy = || bytes.clone();
    let tape = || {
        // simd-json writes into its input.
        let mut pages = world.pages.clone();
        let began = Instant::now();
        for page in &mut pages {
            black_box(simd_json::to_tape(page).expect("JSON"));
        }
        began.elapsed()
    };
    // Without the copies that only the reference needs.
    let tape = median((0..=ROUNDS).map(|_| tape()).collect());
    let per_tape = |step: Duration| (step, tape);
    let digest = compared(|| Offline::digest(&world.pages).expect("pages"), copy);
    row("digest", number, "client", digest, "memcpy");
    let parse = median((0..=ROUNDS).map(|_| timed(&mut || Offline::default().read(&world.pages))).collect());
    row("parse, all new", number, "client", per_tape(parse), "simd-json tape");
    let mut known = Offline::default();
    let again = median((0..=ROUNDS).map(|_| timed(&mut || known.read(&world.pages))).collect());
    row("parse, unchanged", number, "client", per_tape(again), "simd-json tape");

    let policy = built_in();
    let (snapshot, after) = (world.snapshot(), changed.snapshot());
    let report = audit::evaluate(&snapshot, &policy, None, NOW);
    let evaluate = compared(|| audit::evaluate(&snapshot, &policy, None, NOW), copy);
    row("evaluate, all new", number, "client", evaluate, "memcpy");
    let earlier = Earlier { snapshot: &snapshot, policy: &policy, baseline: None, report: &report };
    let again = compared(|| audit::evaluate_after(Some(earlier), &snapshot, &policy, None, NOW), copy);
    row("evaluate, unchanged", number, "client", again, "memcpy");
    let advance = |snapshot: &Snapshot, ledger: &Ledger| {
        let report = &report;
        let sighting = Sighting::of(Evaluation { snapshot, policy: &policy, report });
        ledger.advance(&sighting, Event::Refresh { before: report }, NOW, Duration::ZERO)
    };
    let ledger = advance(&snapshot, &Ledger::default());
    row("ledger", number, "client", compared(|| advance(&after, &ledger), copy), "memcpy");
    let state = compared(|| World::state_file(&snapshot, &ledger).len(), copy);
    row("state file", number, "client", state, "memcpy");
}

/// The steps of publishing.
fn series(world: &World) {
    let snapshot = world.snapshot();
    let policy = built_in();
    let report = audit::evaluate(&snapshot, &policy, None, NOW);
    let ledger = Ledger::default();
    let audited = Audited { org: "default", snapshot: &snapshot, report: &report, ledger: &ledger };
    let config = Config { max_client_series: usize::MAX, ..Config::default() };
    let text = exposition::text(&[audited], &config);
    let number = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#').count();
    let mut target = Vec::with_capacity(text.len());
    let copy = compared(
        || exposition::text(&[audited], &config).len(),
        || {
            target.clear();
            target.extend_from_slice(&text);
            target.len()
        },
    );
    row("render", number, "series", copy, "memcpy");
    let registry = registry(&text);
    let encode = || {
        let mut encoded = Vec::new();
        TextEncoder::new().encode(&registry.gather(), &mut encoded).expect("into memory");
        encoded.len()
    };
    let crate_ = compared(|| exposition::text(&[audited], &config).len(), encode);
    row("render", number, "series", crate_, "prometheus 0.14");
    let page = compared(|| exposition::page(&audited, &config), || exposition::text(&[audited], &config).len());
    row("render and deflate", number, "series", page, "render");
}

/// The same series in the `prometheus` crate.
fn registry(text: &[u8]) -> Registry {
    let registry = Registry::new();
    let mut families: std::collections::HashMap<String, GaugeVec> = std::collections::HashMap::new();
    for line in std::str::from_utf8(text).expect("UTF-8").lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once('{').expect("every audited series has a label");
        let (labels, value) = rest.rsplit_once("} ").expect("a value");
        let labels: Vec<(&str, &str)> =
            labels.split("\",").filter_map(|label| label.trim_end_matches('"').split_once("=\"")).collect();
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
        let family = families.entry(name.to_owned()).or_insert_with(|| {
            let family = GaugeVec::new(Opts::new(name, "help"), &names).expect("a valid family");
            registry.register(Box::new(family.clone())).expect("no family twice");
            family
        });
        family.with_label_values(&values).set(value.parse().expect("a number"));
    }
    registry
}
