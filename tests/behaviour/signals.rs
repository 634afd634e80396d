//! SIGTERM and SIGINT at each stage: the exporter ends with 0, a one-off command at once, whatever they wait for.
//!
//! Not a log or a disk that blocks (`blocking`).

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault, RetryAfter, Simulator};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{program_for, simulator, until};

/// A program that runs, and its folder with the file `log`.
pub(crate) struct Running {
    child: Child,
    folder: tempfile::TempDir,
}

impl Running {
    /// An exporter that logs to a file.
    fn exporter(simulator: &Simulator, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = program_for(&simulator.url());
        command.args(["--web.listen-address=127.0.0.1:0", "--genesys.retry-base=1ms"]).args(arguments);
        Self::start(command, folder)
    }

    pub(crate) fn start(mut command: Command, folder: tempfile::TempDir) -> Self {
        let log = File::create(folder.path().join("log")).expect("writable");
        command.stderr(log);
        Self::spawn(command, folder)
    }

    /// A program whose stderr was set by the caller.
    pub(crate) fn with_stderr(command: Command) -> Self {
        Self::spawn(command, tempfile::tempdir().expect("a folder"))
    }

    /// In its folder, because the state file is in the current folder by default and has one owner.
    fn spawn(mut command: Command, folder: tempfile::TempDir) -> Self {
        Self { child: command.current_dir(folder.path()).spawn().expect("it starts"), folder }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.pid().to_string()]).status();
        assert!(status.expect("kill is installed").success());
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        until("the end", || std::future::ready(child.try_wait().expect("it can be waited for"))).await
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("UTF-8")
    }

    pub(crate) async fn until_logged(&self, text: &str) {
        until(text, || std::future::ready(self.log().contains(text).then_some(()))).await;
    }

    /// The address from the log.
    pub(crate) async fn address(&self) -> String {
        let found = || {
            let log = self.log();
            let rest = log.split_once("address=").map(|(_, rest)| rest);
            std::future::ready(rest.and_then(|rest| Some(rest.split_once(' ')?.0.to_owned())))
        };
        until("the address", found).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn until_asked(simulator: &Simulator, path: &str) {
    let organisation = simulator.organisation();
    until(path, || std::future::ready((organisation.request_count(path) > 0).then_some(()))).await;
}

const TOKEN: &str = "/oauth/token";
const CLIENTS: &str = "/api/v2/oauth/clients";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_and_sigint_end_the_exporter_with_0_whatever_the_platform_does() {
    let slow = Fault::SlowBody { chunk: 1, pause: Duration::from_mins(1) };
    let wait = Fault::RateLimited(RetryAfter::Seconds(100));
    for (fault, path) in [
        (Fault::Hang.at(Endpoint::Token), TOKEN),
        (Fault::Hang.at(Endpoint::Clients), CLIENTS),
        (Fault::Hang.at(Endpoint::Roles), "/api/v2/authorization/roles"),
        (slow.clone().at(Endpoint::Token), TOKEN),
        (slow.at(Endpoint::Clients), CLIENTS),
        (wait.at(Endpoint::Clients), CLIENTS),
        (Fault::ServerError(500).at(Endpoint::Clients), CLIENTS),
    ] {
        for signal in ["-TERM", "-INT"] {
            let simulator = simulator().await;
            let shown = format!("{fault:?} {signal}");
            simulator.organisation().set_fault(fault.clone());
            let mut exporter = Running::exporter(&simulator, &[]);
            until_asked(&simulator, path).await;
            exporter.send(signal);
            assert_eq!(exporter.ended().await.code(), Some(0), "{shown}\n{}", exporter.log());
            assert!(exporter.log().ends_with("msg=stopped\n"), "{shown}\n{}", exporter.log());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_an_exporter_that_waits_for_its_next_refresh() {
    let simulator = simulator().await;
    let mut exporter = Running::exporter(&simulator, &[]);
    exporter.until_logged("refresh complete").await;
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0), "{}", exporter.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_the_exporter_whatever_the_peers_of_its_server_do() {
    let simulator = simulator().await;
    for sent in
        ["", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"]
    {
        let mut exporter = Running::exporter(&simulator, &[]);
        let mut peer = TcpStream::connect(exporter.address().await).await.expect("it listens");
        peer.write_all(sent.as_bytes()).await.expect("it reads");
        exporter.send("-TERM");
        assert_eq!(exporter.ended().await.code(), Some(0), "{sent:?}\n{}", exporter.log());
    }
}

/// A valid policy that takes long to read: the largest one that is accepted.
fn slow_policy() -> String {
    "\n".repeat(4 << 20)
}

/// Nothing that is read can be made to hang for a test, because only regular files are read. The signal comes while a large file is
/// read, and a machine that has read it before the signal comes ends as usual. `app::reload` and `cli` test what hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_during_a_long_reload_ends_the_exporter_with_0() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.toml");
    fs::write(&path, "").expect("writable");
    let manager = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    manager.set_nonblocking(true).expect("a socket");
    let mut command = program_for(&simulator.url());
    command.arg("--web.listen-address=127.0.0.1:0").arg("--policy.file").arg(&path);
    command.env("NOTIFY_SOCKET", folder.path().join("notify"));
    let mut exporter = Running::start(command, folder);
    exporter.until_logged("refresh complete").await;
    fs::write(&path, slow_policy()).expect("writable");
    exporter.send("-HUP");
    let message = || {
        let mut buffer = [0; 8192];
        let length = manager.recv(&mut buffer).ok()?;
        String::from_utf8_lossy(&buffer[..length]).contains("RELOADING=1").then_some(())
    };
    until("the begin of the reload", || std::future::ready(message())).await;
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0), "{}", exporter.log());
    assert!(exporter.log().ends_with("msg=stopped\n"), "{}", exporter.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_while_the_state_file_is_read_ends_the_exporter_with_0_and_leaves_the_file_alone() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (state, baseline) = (folder.path().join("state.json"), folder.path().join("none.json"));
    let large = " ".repeat(32 << 20) + r#"{"format":1,"organisations":{}}"#;
    fs::write(&state, &large).expect("writable");
    let mut command = program_for(&simulator.url());
    command.arg("--web.listen-address=127.0.0.1:0").arg("--state.file").arg(&state);
    command.arg("--baseline.file").arg(&baseline);
    let mut exporter = Running::start(command, folder);
    // The last line before the state file is read.
    exporter.until_logged("the baseline file does not exist").await;
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0), "{}", exporter.log());
    let names = fs::read_dir(exporter.folder.path()).expect("a folder").filter_map(Result::ok);
    assert!(!names.into_iter().any(|file| file.file_name().to_string_lossy().contains("damaged")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_while_the_settings_are_read_ends_the_exporter_at_once() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.toml");
    fs::write(&path, slow_policy()).expect("writable");
    let mut exporter = Running::exporter(&simulator, &["--policy.file", path.to_str().expect("UTF-8")]);
    exporter.send("-TERM");
    let status = exporter.ended().await;
    assert!(status.signal() == Some(15) || status.code() == Some(0), "{status:?}\n{}", exporter.log());
}

/// The first signal lets a service manager hang for a moment, and meanwhile the second one arrives. On a machine that is too slow for
/// that, the exporter ends as usual, and the test tries again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_the_exporter_at_once() {
    let simulator = simulator().await;
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let _manager = super::blocking::full_datagram_socket(&folder.path().join("notify"));
        let mut command = program_for(&simulator.url());
        command.arg("--web.listen-address=127.0.0.1:0").env("NOTIFY_SOCKET", folder.path().join("notify"));
        let mut exporter = Running::start(command, folder);
        exporter.until_logged("refresh complete").await;
        exporter.send("-TERM");
        exporter.until_logged("shutting down").await;
        exporter.send("-INT");
        if exporter.ended().await.code() == Some(130) {
            return;
        }
    }
    panic!("the second signal never ended the exporter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_and_sigint_end_a_one_off_command_at_once_and_leave_its_files_alone() {
    for (command, path) in [
        (&["audit", "--output", "json=out"][..], TOKEN),
        (&["audit", "--snapshot-out", "out"], CLIENTS),
        (&["doctor"], TOKEN),
        (&["policy", "check", "--live"], TOKEN),
        (&["baseline", "init", "--by", "Kim", "--reason", "OPS-1", "--baseline.file", "out"], CLIENTS),
    ] {
        for (signal, number) in [("-TERM", 15), ("-INT", 2)] {
            let simulator = simulator().await;
            let endpoint = if path == TOKEN { Endpoint::Token } else { Endpoint::Clients };
            simulator.organisation().set_fault(Fault::Hang.at(endpoint));
            let folder = tempfile::tempdir().expect("a folder");
            let mut program = program_for(&simulator.url());
            program.args(command).current_dir(folder.path()).stdout(Stdio::null());
            let mut program = Running::start(program, folder);
            until_asked(&simulator, path).await;
            program.send(signal);
            let status = program.ended().await;
            assert_eq!(status.signal(), Some(number), "{command:?} {signal}: {status:?}\n{}", program.log());
            let files = fs::read_dir(program.folder.path()).expect("a folder");
            assert_eq!(files.count(), 1, "{command:?}: only the log");
        }
    }
}
