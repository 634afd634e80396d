//! Soak: refreshes with seeded faults and changes while scrapers of every kind scrape; every scrape is checked (`invariants`).
//!
//! A test of the suite for half a minute; `scripts/soak [MINUTES]` runs the same code for longer. The seed is in every failure, and
//! `SOAK_SEED` sets it.

#![allow(clippy::print_stderr, reason = "the progress of a run of an hour, and what it found")]

mod allowed;
mod faults;
mod invariants;
pub(crate) mod parser;
pub(crate) mod peers;
pub(crate) mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_SECRET, Options, PLANTED_SECRET, Simulator};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::allowed::Allowed;
use self::faults::{Administrators, Injected, fault, list_fault, token_fault};
use self::invariants::{Broken, own, truth};
use self::parser::Exposition;
use self::peers::{Style, Watch, client, look, quitter, scraper, silent, slow_reader, visitor};
use self::process::{Program, Usage};
use crate::support::{program_for, until};

/// Rounds of the test of the suite. Each is a faulty refresh and a clean one.
const ROUNDS: u64 = 6;
/// The seed of the test of the suite.
const SEED: u64 = 10;
/// SIGTERM ends the program within this time, whatever its peers do.
const STOPS_WITHIN: Duration = Duration::from_secs(15);
/// Threads and descriptors may exceed those of the warm-up by this number: peers and blocking tasks come and go.
const MORE: u64 = 24;

struct Soak {
    seed: u64,
    random: Rng,
    folder: tempfile::TempDir,
    simulator: Simulator,
    program: Program,
    watch: Arc<Watch>,
    http: reqwest::Client,
    administrators: Administrators,
    injected: Injected,
    tokens: Vec<String>,
    usage: Vec<Usage>,
    reloads: u64,
}

#[allow(clippy::disallowed_methods, reason = "parameters of the test, not of the program")]
/// A parameter of a long run.
pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a whole number"))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs_f64().floor()
}

impl Soak {
    async fn start(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let simulator =
            Simulator::start(Options { seed, page_size: Some(20), rate_limit: 1_000_000, ..Options::default() });
        let simulator = simulator.await.expect("loopback");
        let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
        fs::write(path("policy.toml"), "").expect("writable");
        let init = program_for(&simulator.url())
            .args(["baseline", "init", "--by", "Kim", "--reason", "OPS-1", "--baseline.file", &path("baseline.json")])
            .output()
            .expect("it runs");
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        let mut arguments: Vec<String> = [
            "--refresh.interval=1s",
            "--refresh.deadline=10s",
            "--web.enable-lifecycle",
            "--log.level=trace",
            "--genesys.retry-base=1ms",
            "--genesys.retry-attempts=3",
            "--genesys.max-retry-after=1s",
            "--genesys.read-timeout=1s",
            "--genesys.connect-timeout=1s",
            "--genesys.max-body-bytes=4MiB",
            "--genesys.requests-per-minute=3000",
            "--genesys.burst=3000",
        ]
        .map(str::to_owned)
        .into();
        for (flag, file) in
            [("state.file", "state.json"), ("policy.file", "policy.toml"), ("baseline.file", "baseline.json")]
        {
            arguments.push(format!("--{flag}={}", path(file)));
        }
        let program = Program::start(&simulator.url(), Path::new(&path("log")), &arguments).await;
        let watch = Watch::new(program.address, simulator.organisation(), Allowed::default());
        let random = Rng::with_seed(seed);
        let (administrators, injected, tokens) = (Administrators::default(), Injected::default(), Vec::new());
        let (usage, http) = (Vec::new(), client(false));
        Self {
            seed,
            random,
            folder,
            simulator,
            program,
            watch,
            http,
            administrators,
            injected,
            tokens,
            usage,
            reloads: 0,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn until(&self, what: &str, condition: impl Fn(&Exposition) -> bool) -> Exposition {
        let what = format!("{what} (seed {})", self.seed);
        until(&what, || async { Some(look(&self.watch, &self.http).await).filter(|scrape| condition(scrape)) }).await
    }

    fn spawn_peers(&mut self) -> JoinSet<()> {
        let mut peers = JoinSet::new();
        for (openmetrics, gzip, keep_alive) in
            [(false, false, true), (false, true, false), (true, false, false), (true, true, true)]
        {
            peers.spawn(scraper(Arc::clone(&self.watch), Style { openmetrics, gzip, keep_alive }));
        }
        peers.spawn(visitor(Arc::clone(&self.watch)));
        peers.spawn(slow_reader(Arc::clone(&self.watch)));
        peers.spawn(quitter(Arc::clone(&self.watch), self.random.fork()));
        for _ in 0..4 {
            peers.spawn(silent(Arc::clone(&self.watch)));
        }
        peers
    }

    /// A refresh with faults and changes, then a clean one whose data is compared with the organisation.
    async fn round(&mut self, round: u64) {
        let organisation = self.simulator.organisation();
        self.tokens.extend(organisation.live_tokens());
        let began = now();
        for _ in 0..self.random.usize(1..=2) {
            self.injected.inject(&organisation, fault(&mut self.random));
        }
        if self.random.bool() {
            self.injected.inject(&organisation, list_fault(&mut self.random));
        }
        if self.random.u8(..4) == 0 {
            organisation.expire_tokens();
            self.injected.inject(&organisation, token_fault(&mut self.random));
        }
        for _ in 0..self.random.usize(..=2) {
            self.administrators.act(&mut self.random, &organisation, &self.watch.allowed);
        }
        if round % 3 == 1 {
            self.reload(round).await;
        }
        let attempt = |scrape: &Exposition| own(scrape, "last_refresh_attempt_timestamp_seconds");
        self.until("a refresh with faults", |scrape| attempt(scrape) > began).await;
        organisation.clear_faults();
        let cleared = now();
        let success = |scrape: &Exposition| own(scrape, "last_refresh_success_timestamp_seconds");
        let clean = self.until("a clean refresh", |scrape| success(scrape) > cleared).await;
        let mut broken = Broken::default();
        truth(&clean, &organisation.truth(), &self.administrators.unapproved(), &mut broken);
        for rule in broken.0 {
            self.watch.violated(rule);
        }
        self.usage.push(self.program.usage());
    }

    /// A policy with another pattern, without it, or with a mistake, which must change nothing.
    async fn reload(&mut self, round: u64) {
        let policy = match round / 3 % 3 {
            0 => {
                "[scopes]\ndangerous = [{ match = \"conversations\", severity = \"high\", reason = \"We say so.\" }]\n"
            }
            1 => "nonsense",
            _ => "",
        };
        fs::write(self.file("policy.toml"), policy).expect("writable");
        self.watch.epoch.fetch_add(1, Ordering::SeqCst);
        let answer = self.http.post(format!("http://{}/-/reload", self.program.address)).send().await;
        let status = answer.expect("an answer").status().as_u16();
        self.watch.epoch.fetch_add(1, Ordering::SeqCst);
        let expected = if policy == "nonsense" { 500 } else { 200 };
        if status != expected {
            self.watch.violated(format!("a reload of {policy:?} answers {status}"));
        }
        self.reloads += 1;
    }

    /// Memory, threads and descriptors do not grow after the warm-up, which is the first third.
    fn flat(&self) {
        let third = self.usage.len() / 3;
        if third == 0 {
            // A violation ended the soak early.
            return;
        }
        let (warm, late) = (&self.usage[third..third * 2], &self.usage[third * 2..]);
        let highest = |usage: &[Usage], figure: fn(&Usage) -> u64| usage.iter().map(figure).max().unwrap_or_default();
        let median = |usage: &[Usage]| {
            let mut sizes: Vec<u64> = usage.iter().map(|usage| usage.resident_kib).collect();
            sizes.sort_unstable();
            sizes.get(sizes.len() / 2).copied().unwrap_or_default()
        };
        let (before, after) = (median(warm), median(late));
        if after > before + before / 10 + 8 * 1024 {
            self.watch.violated(format!("the memory grew from {before} KiB to {after} KiB"));
        }
        for (what, figure) in [
            ("threads", (|usage: &Usage| usage.threads) as fn(&Usage) -> u64),
            ("descriptors", |usage: &Usage| usage.descriptors),
        ] {
            let (before, after) = (highest(warm, figure), highest(late, figure));
            if after > before + MORE {
                self.watch.violated(format!("the {what} grew from {before} to {after}"));
            }
        }
    }

    /// SIGTERM while silent peers hold connections.
    async fn stop(&mut self, peers: JoinSet<()>) -> Duration {
        self.watch.stop.cancel();
        peers.join_all().await;
        let rude = Watch::new(self.program.address, self.simulator.organisation(), Allowed::default());
        let mut rude_peers = JoinSet::new();
        rude_peers.spawn(silent(Arc::clone(&rude)));
        let began = Instant::now();
        self.program.signal("-TERM");
        let status = self.program.until_ended().await;
        let took = began.elapsed();
        rude_peers.shutdown().await;
        if status.code() != Some(0) || took > STOPS_WITHIN {
            self.watch.violated(format!("SIGTERM: it ends with {status} after {took:?}"));
        }
        took
    }

    fn check_log(&mut self) {
        let log = self.program.log();
        self.tokens.extend(self.simulator.organisation().live_tokens());
        let secrets = self.tokens.iter().map(String::as_str).chain([DEFAULT_CLIENT_SECRET, PLANTED_SECRET]);
        if secrets.into_iter().any(|secret| log.contains(secret)) {
            self.watch.violated("a secret in the log".to_owned());
        }
        if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
            self.watch.violated(format!("it panicked: {line}"));
        }
        let files = fs::read_dir(self.folder.path()).expect("a folder").filter_map(Result::ok);
        if let Some(file) = files.map(|file| file.file_name()).find(|name| name.to_string_lossy().contains("damaged")) {
            self.watch.violated(format!("a file was set aside: {}", file.display()));
        }
    }

    fn summary(&self, last: &Exposition) -> String {
        let refreshes = |outcome| last.sum("genesyscloud_oauth_exporter_refreshes", &[("outcome", outcome)]);
        let highest = |figure: fn(&Usage) -> u64| self.usage.iter().map(figure).max().unwrap_or_default();
        format!(
            "{} refreshes succeeded, {} failed; {} faults, {} reloads; {} scrapes and {} other answers checked; \
             at most {} KiB resident, {} threads, {} descriptors; {} violations",
            refreshes("success"),
            refreshes("error"),
            self.injected.total(),
            self.reloads,
            self.watch.scrapes.load(Ordering::Relaxed),
            self.watch.other_answers.load(Ordering::Relaxed),
            highest(|usage| usage.resident_kib),
            highest(|usage| usage.threads),
            highest(|usage| usage.descriptors),
            self.watch.violations().len(),
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_changes_and_peers_of_every_kind_break_no_invariant_of_any_scrape() {
    let (seed, minutes) = (number("SOAK_SEED").unwrap_or(SEED), number("SOAK_MINUTES"));
    let mut soak = Soak::start(seed).await;
    soak.until("the first data", |scrape| own(scrape, "last_refresh_successful") > 0.0).await;
    let peers = soak.spawn_peers();
    let (began, mut said) = (Instant::now(), 0);
    let mut round = 0;
    while soak.watch.violations().is_empty() || minutes.is_some() {
        let minute = began.elapsed().as_secs() / 60;
        if minutes.map_or(round >= ROUNDS, |minutes| minute >= minutes) {
            break;
        }
        if minute > said {
            said = minute;
            eprintln!("minute {minute}: {}", soak.summary(&look(&soak.watch, &soak.http).await));
        }
        soak.round(round).await;
        round += 1;
    }
    soak.flat();
    let last = look(&soak.watch, &soak.http).await;
    let took = soak.stop(peers).await;
    soak.check_log();
    eprintln!("{}; stopped within {took:.1?}", soak.summary(&last));
    for (name, times) in &soak.injected.0 {
        eprintln!("  {times:6} {name}");
    }
    let violations = soak.watch.violations();
    assert!(violations.is_empty(), "with SOAK_SEED={seed}:\n{}", violations.join("\n"));
}
