//! What the exporter writes to may block or fail: stderr, stdout and the service manager. Refreshes, scrapes and the end go on.
//!
//! Not peers of the HTTP server (`server`).

#![allow(clippy::float_cmp, reason = "the figures are small and whole")]

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use genesyscloud_oauth_exporter::simulator::Simulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::signals::Running;
use crate::support::{Scrape, program, program_for, simulator, until};

const DROPPED: &str = "log_lines_dropped_total";
const REFRESHES: &str = "exporter_refreshes_total";

/// A stream that accepts no more bytes until somebody reads the other end: as stderr is to systemd's journal.
fn full_stream() -> (UnixStream, OwnedFd) {
    let (reader, mut writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("a socket");
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    while writer.write(b"\n").is_ok() {}
    writer.set_nonblocking(false).expect("a socket");
    (reader, writer.into())
}

/// The socket of a service manager that hangs.
pub(crate) fn full_datagram_socket(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).expect("a socket");
    let sender = UnixDatagram::unbound().expect("a socket");
    sender.set_nonblocking(true).expect("a socket");
    while sender.send_to(b"full", path).is_ok() {}
    socket
}

/// An address that nobody uses at the moment, for an exporter whose log cannot be read.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback")
}

fn exporter(simulator: &Simulator, address: SocketAddr) -> Command {
    let mut command = program_for(&simulator.url());
    command.args(["--refresh.interval=1s", "--log.level=trace"]).arg(format!("--web.listen-address={address}"));
    command
}

/// Status and body, or `None` if there is no complete answer.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

async fn until_scraped(address: SocketAddr, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
    let scrape =
        || async { Some(Scrape::parse(&get(address, "/metrics").await?.1)).filter(|scrape| condition(scrape)) };
    until(what, scrape).await
}

/// Makes the exporter log a line for each connection, until it has dropped lines.
async fn until_dropped(address: SocketAddr) -> Scrape {
    let dropping = || async {
        for _ in 0..100 {
            let mut peer = TcpStream::connect(address).await.ok()?;
            peer.write_all(b"nonsense\r\n\r\n").await.ok()?;
            let _ = peer.read_to_end(&mut Vec::new()).await;
        }
        let scrape = Scrape::parse(&get(address, "/metrics").await?.1);
        Some(scrape).filter(|scrape| scrape.own(DROPPED).is_some_and(|dropped| dropped > 0.0))
    };
    until("dropped lines", dropping).await
}

async fn assert_refreshes_go_on(address: SocketAddr, before: &Scrape) {
    let successes = |scrape: &Scrape| scrape.sum(REFRESHES, &["outcome=\"success\""]);
    let before = successes(before);
    until_scraped(address, "further refreshes", |scrape| successes(scrape) >= before + 2.0).await;
    assert_eq!(get(address, "/-/healthy").await, Some((200, "healthy\n".to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_stderr_pipe_stops_neither_refreshes_nor_the_end() {
    let (simulator, address) = (simulator().await, free_address());
    let (_unread, stderr) = full_stream();
    let mut command = exporter(&simulator, address);
    command.stderr(stderr);
    let mut exporter = Running::with_stderr(command);
    let scrape = until_scraped(address, "a scrape", |_| true).await;
    assert_eq!(scrape.own(DROPPED), Some(0.0), "it starts at 0");
    let scrape = until_dropped(address).await;
    assert_refreshes_go_on(address, &scrape).await;
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_stderr_is_read_again_the_log_goes_on_and_says_how_many_lines_are_missing() {
    let (simulator, address) = (simulator().await, free_address());
    let (mut reader, stderr) = full_stream();
    let mut command = exporter(&simulator, address);
    command.stderr(stderr);
    let mut exporter = Running::with_stderr(command);
    until_dropped(address).await;
    let (found, finding) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            text.extend_from_slice(&buffer[..length]);
            let lossy = String::from_utf8_lossy(&text);
            let line = lossy.lines().find(|line| line.contains("log lines were dropped here")).map(str::to_owned);
            if let Some(line) = line {
                let _ = found.send(line);
                break;
            }
        }
        let mut rest = String::new();
        reader.read_to_string(&mut rest).map(|_| rest)
    });
    let line = until("the line", || std::future::ready(finding.try_recv().ok())).await;
    let missing: f64 = line.rsplit_once("lines=").expect("a number").1.parse().expect("a number");
    let scrape = until_scraped(address, "a scrape", |_| true).await;
    assert_eq!(scrape.own(DROPPED), Some(missing), "{line}");
    assert!(line.contains("level=warn"), "{line}");
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stderr_that_fails_stops_nothing_and_the_lost_lines_are_counted() {
    let closed = || {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let full_disk = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").expect("Linux has it"));
    for stderr in [closed(), full_disk()] {
        let (simulator, address) = (simulator().await, free_address());
        let mut command = exporter(&simulator, address);
        command.stderr(stderr);
        let mut exporter = Running::with_stderr(command);
        let scrape = until_scraped(address, "lost lines", |scrape| scrape.own(DROPPED) > Some(0.0)).await;
        assert_refreshes_go_on(address, &scrape).await;
        exporter.send("-TERM");
        assert_eq!(exporter.ended().await.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_ends_although_stderr_is_full() {
    let simulator = simulator().await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let (_unread, stderr) = full_stream();
    let mut command = program_for(&simulator.url());
    command.arg(format!("--web.listen-address={}", taken.local_addr().expect("bound"))).stderr(stderr);
    assert_eq!(Running::with_stderr(command).ended().await.code(), Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_whose_output_nobody_reads_runs_and_ends() {
    let (_unread, stdout) = full_stream();
    let mut command = program();
    command.args(["demo", "--web.listen-address=127.0.0.1:0"]).stdout(stdout);
    let mut demo = Running::start(command, tempfile::tempdir().expect("a folder"));
    let address = demo.address().await.parse().expect("an address");
    until_scraped(address, "the first refresh", |scrape| scrape.own("last_refresh_successful") == Some(1.0)).await;
    demo.send("-TERM");
    assert_eq!(demo.ended().await.code(), Some(0), "{}", demo.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_manager_that_hangs_stops_nothing() {
    let (simulator, address) = (simulator().await, free_address());
    let folder = tempfile::tempdir().expect("a folder");
    let _manager = full_datagram_socket(&folder.path().join("notify"));
    let mut command = exporter(&simulator, address);
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).env("WATCHDOG_USEC", "2000000");
    let mut exporter = Running::start(command, folder);
    let scrape = until_scraped(address, "a scrape", |_| true).await;
    exporter.until_logged("cannot notify the service manager").await;
    assert_refreshes_go_on(address, &scrape).await;
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0), "{}", exporter.log());
}
