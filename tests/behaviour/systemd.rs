//! Notifications to the service manager over a real socket: the program is started as systemd would start it.
//!
//! The tests do not sleep: they wait for each message with a deadline.

use std::fs::{self, File};
use std::process::{Child, Command};
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{Fault, Options, SimulatedOrganisation, Simulator};
use tokio::net::{TcpStream, UnixDatagram};

use crate::support::{program_for, until};

/// A deadline for events that must happen, long enough for a slow machine.
const NEVER: Duration = Duration::from_mins(1);

/// An exporter of a simulated organisation, and the socket that it reports to.
struct Service {
    manager: UnixDatagram,
    folder: tempfile::TempDir,
    simulator: Simulator,
    child: Child,
    received: Vec<String>,
}

impl Service {
    async fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_with(variables, |_| {}).await
    }

    async fn start_with(variables: &[(&str, &str)], prepare: impl FnOnce(SimulatedOrganisation)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("notify");
        let manager = UnixDatagram::bind(&socket).expect("a socket");
        let simulator = Simulator::start(Options::default()).await.expect("loopback");
        prepare(simulator.organisation());
        fs::write(folder.path().join("policy.toml"), "").expect("writable");
        let mut command = program_for(&simulator.url());
        command
            .args(["--web.listen-address=127.0.0.1:0", "--refresh.interval=1s", "--genesys.retry-base=1ms"])
            .arg("--policy.file")
            .arg(folder.path().join("policy.toml"))
            .env("NOTIFY_SOCKET", &socket)
            .env("STATE_DIRECTORY", folder.path())
            .envs(variables.iter().copied())
            .stderr(File::create(folder.path().join("log")).expect("writable"));
        let child = command.spawn().expect("it starts");
        Self { manager, folder, simulator, child, received: Vec::new() }
    }

    /// Waits for the first message that fulfils `is`, and returns it.
    async fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let receiving = async {
            loop {
                let mut buffer = [0; 8192];
                let length = self.manager.recv(&mut buffer).await.expect("a message");
                let message = String::from_utf8(buffer[..length].to_vec()).expect("UTF-8");
                self.received.push(message.clone());
                if is(&message) {
                    return message;
                }
            }
        };
        let message = tokio::time::timeout(NEVER, receiving).await;
        message.unwrap_or_else(|_| panic!("{what} was never sent: {:?}", self.received))
    }

    async fn until_has(&mut self, part: &str) -> String {
        self.until(part, |message| message.contains(part)).await
    }

    fn send(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status();
        assert!(status.expect("kill is installed").success());
    }

    /// Stops the program, waits for the notification and the end, and returns all messages that were received.
    async fn stop(mut self) -> Vec<String> {
        self.send("-TERM");
        self.until_has("STOPPING=1\n").await;
        self.until_ended().await;
        std::mem::take(&mut self.received)
    }

    async fn until_ended(&mut self) {
        let child = &mut self.child;
        let status = until("the end", || std::future::ready(child.try_wait().expect("it can be waited for"))).await;
        assert_eq!(status.code(), Some(0));
    }

    /// Waits for a line with this text in the log, and returns the rest of the line.
    async fn until_logged(&self, text: &str) -> String {
        let log = self.folder.path().join("log");
        let found = || {
            let log = fs::read_to_string(&log).expect("UTF-8");
            let complete = log.rsplit_once('\n').map_or("", |(lines, _)| lines);
            std::future::ready(complete.lines().find_map(|line| Some(line.split_once(text)?.1.to_owned())))
        };
        until(text, found).await
    }

    fn policy(&self, text: &str) {
        fs::write(self.folder.path().join("policy.toml"), text).expect("writable");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_ready_once_it_listens_whatever_the_platform_does() {
    let mut service = Service::start_with(&[], |organisation| organisation.set_fault(Fault::ServerError(500))).await;
    let ready = service.until_has("READY=1\n").await;
    assert!(ready.contains("STATUS=default: "), "{ready}");
    let rest = service.until_logged("address=").await;
    let address = rest.split(' ').next().unwrap_or_default().to_owned();
    TcpStream::connect(address).await.expect("a connection");
    service.until_has("STATUS=default: no data; 1 failure in a row: ").await;
    service.simulator.organisation().clear_faults();
    let clients = service.simulator.organisation().truth().clients;
    let status = service.until_has(&format!("STATUS=default: {clients} clients, ")).await;
    assert!(status.contains(" flagged, read at 20") && !status.contains("failure"), "{status}");
    let sent = service.stop().await;
    assert_eq!(sent.iter().filter(|message| message.contains("READY=1\n")).count(), 1, "{sent:?}");
    assert!(!sent.iter().any(|message| message.contains("WATCHDOG")), "the watchdog is not enabled: {sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_is_announced_and_its_end_and_its_failure_too() {
    let mut service = Service::start(&[]).await;
    service.until_has(" clients").await;
    service.send("-HUP");
    let reloading = service.until_has("RELOADING=1\n").await;
    let stamp = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("the time, for systemd");
    assert!(stamp.parse::<u64>().expect("microseconds") > 0);
    let ready = service.until_has("READY=1\n").await;
    assert!(!ready.contains("reload failed"), "{ready}");
    service.policy("nonsense");
    service.send("-HUP");
    service.until_has("RELOADING=1\n").await;
    let ready = service.until_has("READY=1\n").await;
    assert!(ready.contains("the last reload failed"), "it goes on by what was in force: {ready}");
    service.policy("");
    service.send("-HUP");
    service.until_has("RELOADING=1\n").await;
    let ready = service.until_has("READY=1\n").await;
    assert!(!ready.contains("reload failed"), "{ready}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_is_fed_while_it_runs() {
    let mut service = Service::start(&[("WATCHDOG_USEC", "2000")]).await;
    for _ in 0..3 {
        service.until("the watchdog's food", |message| message == "WATCHDOG=1\n").await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watchdog_that_is_off_or_another_process_s_is_not_fed() {
    for variables in [&[("WATCHDOG_USEC", "2000"), ("WATCHDOG_PID", "1")][..], &[("WATCHDOG_USEC", "0")]] {
        let mut service = Service::start(variables).await;
        service.until_has(" clients").await;
        let sent = service.stop().await;
        assert!(!sent.iter().any(|message| message.contains("WATCHDOG")), "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_manager_that_cannot_be_reached_stops_nothing() {
    let mut service = Service::start(&[("NOTIFY_SOCKET", "/nonexistent/notify")]).await;
    service.until_logged("service manager").await;
    service.send("-TERM");
    service.until_ended().await;
}
