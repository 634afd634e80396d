//! The state file and the other files of the program: two real processes on one file, kill -9, and files that are not what they
//! should be.
//!
//! A disk that hangs or fails is simulated in the unit tests of `store`.

#![allow(clippy::float_cmp, reason = "the figures are small and whole")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{Fault, Options, Simulator};

use crate::support::{Exporter, Scrape, program, program_for, settings, simulator, text, until};

const FIRST_SEEN: &str = "client_dangerous_scope_first_seen_timestamp_seconds";

/// A running `serve`, which is killed at the end of the test.
struct Served {
    child: Child,
    log: PathBuf,
}

impl Served {
    fn start(simulator: &Simulator, state: &Path, log: PathBuf) -> Self {
        // For `reqwest::get`. Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = program_for(&simulator.url());
        command.args(["serve", "--web.listen-address=127.0.0.1:0", "--refresh.interval=1s", "--state.file"]).arg(state);
        let child = command.stderr(File::create(&log).expect("writable")).spawn().expect("it starts");
        Self { child, log }
    }

    fn logged(&self) -> String {
        fs::read_to_string(&self.log).expect("UTF-8")
    }

    async fn scrape(&self) -> Scrape {
        let address = until("it listens", || {
            let log = self.logged();
            let line = log.lines().find(|line| line.contains("msg=listening")).map(str::to_owned);
            let address = line.and_then(|line| Some(line.split_once("address=")?.1.split(' ').next()?.to_owned()));
            std::future::ready(address)
        })
        .await;
        let answer = reqwest::get(format!("http://{address}/metrics")).await.expect("an answer");
        Scrape::parse(&answer.text().await.expect("a body"))
    }

    /// Waits for a scrape that satisfies the condition.
    async fn until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        until(what, || async { Some(self.scrape().await).filter(|scrape| condition(scrape)) }).await
    }

    async fn until_saved(&self) {
        self.until("a saved state", |scrape| scrape.own("state_persistent") == Some(1.0)).await;
    }

    fn kill_9(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code and stderr of a command that must end by itself, also if it reads a file that never ends.
async fn ended(command: &mut Command) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let status = until("the end", || std::future::ready(child.try_wait().expect("it can be waited for"))).await;
    let output = child.wait_with_output().expect("it has ended");
    (status.code(), text(&output.stderr))
}

fn serve(simulator: &Simulator, state: &Path) -> Command {
    let mut command = program_for(&simulator.url());
    command.args(["serve", "--web.listen-address=127.0.0.1:0", "--state.file"]).arg(state);
    command
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_exporter_on_a_state_file_does_not_start_and_kill_9_frees_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let first = Served::start(&simulator, &path("state.json"), path("first.log"));
    first.until_saved().await;
    symlink("state.json", path("link.json")).expect("a link");
    for name in ["state.json", "./state.json", "link.json"] {
        let (code, errors) = ended(&mut serve(&simulator, &path(name))).await;
        assert_eq!(code, Some(4), "{errors}");
        assert!(errors.contains(shown(&path(name))) && errors.contains("--state.file"), "{errors}");
    }
    assert_eq!(simulator.organisation().tokens_issued(), 1, "the others called nothing");
    first.kill_9();
    let second = Served::start(&simulator, &path("state.json"), path("second.log"));
    second.until_saved().await;
    assert!(second.logged().contains("read the state file"), "{}", second.logged());
}

/// Each round kills the process at the moment at which a scrape shows a new grant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_seen_time_that_was_scraped_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let organisation = simulator.organisation();
    organisation.set_rate_limit(1_000_000);
    let client =
        organisation.add_client(serde_json::json!({"name": "victim", "authorizedGrantType": "CODE", "scope": []}));
    let of_client = format!("client_id=\"{client}\"");
    let mut seen: Vec<(String, f64)> = Vec::new();
    for (round, scope) in ["oauth", "authorization", "users", "integrations"].into_iter().enumerate() {
        let served = Served::start(&simulator, &path("state.json"), path(&format!("{round}.log")));
        let before = served.until("a refresh", |scrape| scrape.own("last_refresh_successful") == Some(1.0)).await;
        for (series, value) in &seen {
            assert_eq!(before.samples.get(series), Some(value), "after kill -9 number {round}");
        }
        organisation.grant_scope(&client, scope);
        let labels = [of_client.as_str()];
        let times = |scrape: &Scrape| scrape.of(FIRST_SEEN, &labels).filter(|(_, time)| *time > 0.0).count();
        let scrape = served.until("the new grant", |scrape| times(scrape) > seen.len()).await;
        served.kill_9();
        let new = scrape.of(FIRST_SEEN, &labels).filter(|(_, time)| *time > 0.0);
        seen = new.map(|(series, time)| (series.to_owned(), time)).collect();
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry")).collect();
    assert!(left.len() <= 4 + 3, "at most the last process left a temporary file: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_file_that_cannot_be_read_stops_the_start_and_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    assert!(Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo").success());
    File::create(path("sparse")).and_then(|file| file.set_len(3 << 30)).expect("a sparse file");
    symlink("/dev/zero", path("zero")).expect("a link");
    fs::create_dir(path("folder")).expect("a folder");
    let _socket = UnixListener::bind(path("socket")).expect("a socket");
    fs::write(path("newer"), r#"{"format":2,"organisations":{}}"#).expect("writable");
    for (name, why) in [
        ("pipe", "it is a named pipe"),
        ("sparse", "it is larger than"),
        ("zero", "it is a device"),
        ("folder", "it is a directory"),
        ("socket", "it is a socket"),
        ("newer", "has the format 2 of a newer version"),
    ] {
        let before = fs::symlink_metadata(path(name)).expect("it is there");
        let (code, errors) = ended(&mut serve(&simulator, &path(name))).await;
        assert_eq!(code, Some(4), "{name}: {errors}");
        assert!(errors.contains(shown(&path(name))) && errors.contains(why), "{name}: {errors}");
        let after = fs::symlink_metadata(path(name)).expect("it is still there");
        assert_eq!((before.file_type(), before.len()), (after.file_type(), after.len()), "{name}");
    }
    assert_eq!(simulator.organisation().tokens_issued(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_damaged_state_files_in_a_row_are_both_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.json");
    let simulator = simulator().await;
    for damage in ["{\"format\":1,", "second"] {
        fs::write(&state, damage).expect("writable");
        let exporter = Exporter::start(settings(&simulator, &[("state.file", shown(&state))])).await;
        let scrape = exporter.until("saved", |scrape| scrape.own("state_persistent") == Some(1.0)).await;
        assert_eq!(scrape.own("state_damaged_total"), Some(1.0));
        exporter.stop().await;
    }
    let kept = |number| fs::read_to_string(folder.path().join(format!("state.json.damaged-{number}")));
    assert_eq!(kept(1).expect("kept"), "{\"format\":1,");
    assert_eq!(kept(2).expect("kept"), "second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_that_the_program_reads_can_block_it_or_fill_its_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    assert!(Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo").success());
    File::create(path("sparse")).and_then(|file| file.set_len(3 << 30)).expect("a sparse file of 3 GiB");
    symlink("/dev/zero", path("zero")).expect("a link");
    let commands: [&[&str]; 6] = [
        &["config", "check", "--policy.file"],
        &["config", "check", "--baseline.file"],
        &["config", "check", "--env-file"],
        &["audit", "--snapshot-in"],
        &["audit", "--only-new", "--previous"],
        &["audit", "--only-new", "--state.file"],
    ];
    for name in ["pipe", "sparse", "zero"] {
        for arguments in commands {
            let (code, errors) = ended(program_for(&simulator.url()).args(arguments).arg(path(name))).await;
            assert!(code.is_some_and(|code| code > 1), "{arguments:?} {name}: {errors}");
            assert!(errors.contains(shown(&path(name))), "{arguments:?} {name}: {errors}");
        }
        let mut secret = program();
        secret
            .args(["config", "check"])
            .env("GENESYSCLOUD_OAUTHCLIENT_ID", "id")
            .env("GENESYSCLOUD_REGION", "mypurecloud.ie")
            .env("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", path(name));
        let (code, errors) = ended(&mut secret).await;
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains(shown(&path(name))), "{errors}");
    }
}

/// What one scrape shows of the refreshes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Refreshes {
    succeeded: f64,
    failed: f64,
    in_a_row: f64,
    last_successful: f64,
    attempted: bool,
}

impl Refreshes {
    fn of(scrape: &Scrape) -> Self {
        let total = |outcome| scrape.sum("exporter_refreshes_total", &[outcome]);
        let own = |family| scrape.own(family).expect("always there");
        Self {
            succeeded: total("outcome=\"success\""),
            failed: total("outcome=\"error\""),
            in_a_row: own("consecutive_refresh_failures"),
            last_successful: own("last_refresh_successful"),
            attempted: own("last_refresh_attempt_timestamp_seconds") > 0.0,
        }
    }

    /// Whether the numbers fit to the outcome of the last refresh, and to the scrape before.
    fn agree(self, before: Self) -> bool {
        let (succeeded, failed) = (self.succeeded - before.succeeded, self.failed - before.failed);
        let in_a_row =
            if succeeded == 0.0 { self.in_a_row == before.in_a_row + failed } else { self.in_a_row <= failed };
        succeeded >= 0.0
            && failed >= 0.0
            && in_a_row
            && self.attempted == (self.succeeded + self.failed > 0.0)
            && (self.last_successful == 1.0) == (self.in_a_row == 0.0 && self.succeeded > 0.0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_scrape_shows_a_number_of_refreshes_without_the_outcome_of_the_last() {
    let simulator = simulator().await;
    let mut settings = settings(&simulator, &[]);
    settings.organisations[0].watch.refresh.interval = Duration::from_millis(1);
    let exporter = Exporter::start(settings).await;
    let scraper = || async {
        let mut before = Refreshes::of(&exporter.scrape().await);
        while before.succeeded + before.failed < 100.0 {
            let now = Refreshes::of(&exporter.scrape().await);
            assert!(now.agree(before), "{now:?} after {before:?}");
            before = now;
        }
    };
    let faults = async {
        let organisation = simulator.organisation();
        let total = |scrape: &Scrape, outcome| scrape.sum("exporter_refreshes_total", &[outcome]);
        loop {
            organisation.set_fault(Fault::NotFound);
            let failed = total(&exporter.scrape().await, "outcome=\"error\"");
            exporter.until("failures", |scrape| total(scrape, "outcome=\"error\"") > failed + 2.0).await;
            organisation.clear_faults();
            let succeeded = total(&exporter.scrape().await, "outcome=\"success\"");
            exporter.until("successes", |scrape| total(scrape, "outcome=\"success\"") > succeeded + 2.0).await;
        }
    };
    tokio::select! {
        ((), (), ()) = async { tokio::join!(scraper(), scraper(), scraper()) } => {}
        () = faults => {}
    }
    exporter.stop().await;
}
