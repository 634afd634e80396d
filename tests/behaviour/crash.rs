//! Crash safety: the program is killed at many points of its writes, and knows after each restart what was scraped before.
//!
//! `CRASH_KILLS` sets the number of kills and `CRASH_SEED` the seed. With `CRASH_SLOW_DISK=1`, strace delays every step of a write, which
//! needs no privileges. `scripts/soak` sets all three.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use fastrand::Rng;
use genesyscloud_oauth_exporter::simulator::{
    ClientSet, DEFAULT_CLIENT_ID, Fault, Options, SimulatedOrganisation, Simulator,
};

use crate::soak::number;
use crate::soak::parser::parse;
use crate::soak::peers::client;
use crate::soak::process::Program;
use crate::support::program_for;

/// Kills in the test of the suite.
const KILLS: u64 = 12;
/// The seed of the test of the suite.
const SEED: u64 = 10;
/// Clients of the organisation: enough for a state file that is written in several steps.
const CLIENTS: usize = 150;
/// The state file, the lock of its owner, a file that is being written, and one that a crash left.
const FILES: usize = 4;
/// Looks at the folder after which the program is killed in any case, so that a program that never writes ends the test.
const LOOKS: u32 = 1_000_000;
/// The families that page. A value above 0 that was scraped does not change over a crash.
const PAGING: [&str; 2] = [
    "genesyscloud_oauth_client_dangerous_scope_first_seen_timestamp_seconds",
    "genesyscloud_oauth_client_dangerous_scope_unapproved",
];
/// Delays the steps of a write, so that a kill is more likely to fall between them.
const SLOW_DISK: [&str; 8] = [
    "-D",
    "-f",
    "-qq",
    "--output=/dev/null",
    "--trace=fsync,fdatasync,rename,renameat,renameat2",
    "--inject=fsync,fdatasync:delay_enter=100000:delay_exit=50000",
    "--inject=rename,renameat,renameat2:delay_enter=50000:delay_exit=50000",
    "--",
];

/// The point of a write at which the program is killed.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// A temporary file exists.
    Created,
    /// A temporary file has contents.
    Written,
    /// The new file is in place; the folder may not be on disk yet.
    Renamed,
    /// After this many looks at the folder.
    Any(u32),
}

impl Point {
    fn random(random: &mut Rng) -> Self {
        match random.u8(..8) {
            0 | 1 => Self::Created,
            2 | 3 => Self::Written,
            4 | 5 => Self::Renamed,
            _ => Self::Any(random.u32(..20_000)),
        }
    }

    /// Looks at the folder until the point is reached. It does not wait between two looks, because a write takes milliseconds.
    fn wait(self, folder: &Path) {
        let before = inode(folder);
        for look in 0..LOOKS {
            let mut temporary = temporary(folder);
            let reached = match self {
                Self::Created => temporary.next().is_some(),
                Self::Written => temporary.any(|(_, bytes)| bytes > 0),
                Self::Renamed => inode(folder) != before,
                Self::Any(looks) => look >= looks,
            };
            if reached {
                return;
            }
            std::thread::yield_now();
        }
    }
}

fn inode(folder: &Path) -> Option<u64> {
    fs::metadata(folder.join("state.json")).ok().map(|file| file.ino())
}

/// The files beside the state file that a write creates, with their sizes. The lock is empty and stays.
fn temporary(folder: &Path) -> impl Iterator<Item = (PathBuf, u64)> {
    let files = fs::read_dir(folder).expect("a folder").filter_map(Result::ok).map(|file| file.path());
    let beside = files
        .filter(|path| path.file_name() != Some("state.json".as_ref()) && path.extension() != Some("lock".as_ref()));
    beside.map(|path| {
        // It may be gone by now.
        let bytes = fs::metadata(&path).map_or(0, |file| file.len());
        (path, bytes)
    })
}

fn start(url: &str, folder: &Path, baseline: &Path) -> Command {
    let ready = program_for(url);
    let mut command = if number("CRASH_SLOW_DISK").is_some() {
        let mut strace = Command::new("strace");
        strace.args(SLOW_DISK).arg(ready.get_program());
        strace.env_clear().envs(ready.get_envs().filter_map(|(name, value)| Some((name, value?))));
        strace.env("PATH", "/usr/bin:/bin");
        strace
    } else {
        ready
    };
    command.args(["--web.listen-address=127.0.0.1:0", "--refresh.interval=1s", "--genesys.retry-base=1ms"]);
    command.args(["--genesys.requests-per-minute=3000", "--genesys.burst=3000"]);
    command.arg("--state.file").arg(folder.join("state.json")).arg("--baseline.file").arg(baseline);
    command
}

/// What was scraped of the families that page: series and value, if it is above 0.
#[derive(Debug, Default)]
struct Scraped(BTreeMap<String, u64>);

impl Scraped {
    /// Compares a scrape with all earlier ones, and remembers it.
    fn compare(&mut self, text: &str, when: &str) {
        let scrape = parse(text, false).expect("valid text");
        if scrape.samples(PAGING[0]).is_empty() && self.0.is_empty() {
            return;
        }
        let samples = PAGING.iter().flat_map(|family| scrape.samples(family));
        let shown: BTreeMap<&str, u64> =
            samples.map(|sample| (sample.series.as_str(), sample.value.to_bits())).collect();
        for (series, value) in &self.0 {
            let now = shown.get(series.as_str()).map(|bits| f64::from_bits(*bits));
            assert_eq!(now, Some(f64::from_bits(*value)), "{series} was scraped before, {when}");
        }
        let above = shown.into_iter().filter(|(_, bits)| f64::from_bits(*bits) > 0.0);
        self.0.extend(above.map(|(series, bits)| (series.to_owned(), bits)));
    }
}

/// Gives a client a dangerous scope that nobody approved.
fn grant(organisation: &SimulatedOrganisation, random: &mut Rng) {
    let clients = organisation.client_ids();
    let acts_for_users = |id: &&String| {
        *id != DEFAULT_CLIENT_ID
            && organisation.client(id).is_some_and(|client| client["authorizedGrantType"] == "CODE")
    };
    let clients: Vec<&String> = clients.iter().filter(acts_for_users).collect();
    let client = clients[random.usize(..clients.len())];
    organisation.grant_scope(client, ["oauth", "authorization", "users", "recordings"][random.usize(..4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_of_a_write_it_forgets_nothing_that_was_scraped() {
    let (seed, kills) = (number("CRASH_SEED").unwrap_or(SEED), number("CRASH_KILLS").unwrap_or(KILLS));
    let mut random = Rng::with_seed(seed);
    let options = Options { seed, clients: ClientSet::Generated(CLIENTS), rate_limit: 1_000_000, ..Options::default() };
    let simulator = Simulator::start(options).await.expect("loopback");
    let organisation = simulator.organisation();
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (baseline, log) = (other.path().join("baseline.json"), other.path().join("log"));
    let init = program_for(&simulator.url())
        .args(["baseline", "init", "--by", "Kim", "--reason", "OPS-1", "--baseline.file"])
        .arg(&baseline)
        .output()
        .expect("it runs");
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    let http = client(false);
    let mut scraped = Scraped::default();
    for kill in 0..kills {
        let point = Point::random(&mut random);
        let when = format!("with CRASH_SEED={seed}, kill {kill} at {point:?}");
        let mut program = Program::run(start(&simulator.url(), folder.path(), &baseline), &log).await;
        let url = format!("http://{}/metrics", program.address);
        scraped.compare(&http.get(&url).send().await.expect("an answer").text().await.expect("a body"), &when);
        grant(&organisation, &mut random);
        let path = folder.path().to_owned();
        let crash = tokio::task::spawn_blocking(move || {
            point.wait(&path);
            program.crash();
        });
        // Until the program is gone, so that the last scrape is as close to the crash as possible.
        while let Ok(response) = http.get(&url).send().await {
            let Ok(text) = response.text().await else { break };
            scraped.compare(&text, &when);
        }
        crash.await.expect("it is killed");
        let files: Vec<_> = fs::read_dir(folder.path()).expect("a folder").filter_map(Result::ok).collect();
        assert!(files.len() <= FILES, "files are left over, {when}: {files:?}");
        let damaged = files.iter().find(|file| file.file_name().to_string_lossy().contains("damaged"));
        assert!(damaged.is_none(), "{damaged:?}, {when}");
        if let Ok(state) = fs::read(folder.path().join("state.json")) {
            serde_json::from_slice::<serde_json::Value>(&state).unwrap_or_else(|error| panic!("{error}, {when}"));
        }
    }
    assert!(!scraped.0.is_empty(), "no grant was new");
    organisation.set_fault(Fault::ServerError(500));
    let mut program = Program::run(start(&simulator.url(), folder.path(), &baseline), &log).await;
    let url = format!("http://{}/metrics", program.address);
    scraped.compare(
        &http.get(url).send().await.expect("an answer").text().await.expect("a body"),
        "with the platform down",
    );
    program.crash();
}
