//! The server under test on a real socket, with requests as raw bytes. Not a test itself.

#![allow(clippy::expect_used, reason = "clippy.toml allows it in #[test] functions, not in what they call")]

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use genesyscloud_oauth_exporter::domain::{Freshness, Timestamp};
use genesyscloud_oauth_exporter::exposition::{self, Own};
use genesyscloud_oauth_exporter::fixtures;
use genesyscloud_oauth_exporter::liveness::{Latch, Liveness};
use genesyscloud_oauth_exporter::metric::Registry;
use genesyscloud_oauth_exporter::policy::Policy;
use genesyscloud_oauth_exporter::publish::{Evaluated, Publisher, ServedOrganisation, channel};
use genesyscloud_oauth_exporter::server::{
    Config, Limits, Listener, Metrics, ReloadRequests, Routes, View, WebConfig, reload_channel, run,
};
use genesyscloud_oauth_exporter::{audit, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_220_861);
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\u{202e}gnp.exe";

/// Long enough for a busy machine: only a defect exceeds it.
pub(crate) const GUARD: Duration = Duration::from_mins(1);
/// A limit that is reached within a test.
pub(crate) const SHORT: Duration = Duration::from_millis(50);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.expect("it ends")
}

pub(crate) struct Options {
    pub(crate) bound: Option<&'static str>,
    pub(crate) expose_report: bool,
    pub(crate) enable_lifecycle: bool,
    pub(crate) limits: Limits,
    pub(crate) web: WebConfig,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bound: None,
            expose_report: false,
            enable_lifecycle: true,
            limits: Limits::new(16),
            web: WebConfig::absent().expect("random numbers"),
        }
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) publisher: Publisher,
    pub(crate) registry: Registry,
    pub(crate) reloads: ReloadRequests,
    pub(crate) latch: Latch,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let bound = options.bound.map_or(address, |bound| bound.parse().expect("an address"));
        let organisation = ServedOrganisation::new("default".to_owned(), Freshness::default());
        let reload = exposition::ReloadStatus { last_successful: true, last_success: NOW, web_config_rejected: false };
        let (publisher, reader) = channel(vec![organisation], reload, exposition::Config::default());
        let registry = Registry::default();
        let liveness = Liveness::default();
        let latch = liveness.latch("refresh of default");
        let (reload, reloads) = reload_channel();
        let view = View {
            config: Config {
                listen_addresses: vec![bound],
                web: options.web.into(),
                telemetry_path: "/metrics".to_owned(),
                enable_lifecycle: options.enable_lifecycle,
                expose_report: options.expose_report,
                max_connections: options.limits.connections,
            },
            external_url: None,
            reader,
            metrics: Metrics::register(&registry, None).expect("a free name"),
            own: Own::new(registry.clone()),
            liveness,
            reload,
            now: || NOW,
        };
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(run(
            vec![Listener::new(listener, bound)],
            Arc::new(Routes::new(view)),
            options.limits,
            shutdown,
        ));
        Self { address, publisher, registry, reloads, latch, stop, task }
    }

    pub(crate) fn publish(&self, freshness: Freshness, evaluated: Option<Evaluated>) {
        let served = evaluated.map(|evaluated| (self.publisher.render("default", &evaluated), Arc::new(evaluated)));
        self.publisher.update(|organisations, _| {
            organisations[0].freshness = freshness;
            match served {
                Some((page, evaluated)) => organisations[0].serve(evaluated, page),
                None => organisations[0].withdraw(),
            }
        });
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends a request with the host localhost on a new connection.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        self.ask_with(method, path, "Host: localhost\r\n").await
    }

    pub(crate) async fn ask_with(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = self.connect().await;
        send(&mut stream, &format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")).await;
        Answer::parse(&everything(&mut stream).await)
    }

    /// The number of responses by handler and status.
    pub(crate) fn counted(&self, handler: &str, code: &str) -> Option<u64> {
        self.counter(0, &[("code", code), ("handler", handler)])
    }

    /// The number of connections that the server closed, by reason.
    pub(crate) fn closed(&self, reason: &str) -> u64 {
        self.counter(1, &[("reason", reason)]).expect("counted from the start")
    }

    /// The number of connections that arrived at the limit.
    pub(crate) fn limit_reached(&self) -> u64 {
        self.counter(2, &[]).expect("counted from the start")
    }

    fn counter(&self, family: usize, labels: &[(&str, &str)]) -> Option<u64> {
        let values = self.registry.values(server::FAMILIES[family].name, labels);
        // These counters are integers.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        values.first().map(|value| *value as u64)
    }
}

pub(crate) async fn send(stream: &mut TcpStream, request: &str) {
    stream.write_all(request.as_bytes()).await.expect("sent");
}

/// Reads until the connection ends. A reset counts as an end.
pub(crate) async fn everything(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = within(stream.read_to_end(&mut bytes)).await;
    bytes
}

/// Reads one response, without its body, on a connection that stays open.
pub(crate) async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut byte = [0];
        within(stream.read_exact(&mut byte)).await.expect("more");
        text.push(char::from(byte[0]));
    }
    text
}

/// A response as it was sent, with its body without chunks.
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Whether the body has the announced length, or its last chunk.
    pub(crate) complete: bool,
}

impl Received {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("an answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("UTF-8");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: BTreeMap<_, _> = lines.filter_map(header).collect();
        let rest = &bytes[end + 4..];
        let (body, complete) = if headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked") {
            unchunked(rest)
        } else {
            let length = headers.get("content-length").and_then(|length| length.parse().ok());
            (rest.to_vec(), length == Some(rest.len()))
        };
        Self { status: status.parse().expect("a number"), headers, body, complete }
    }
}

/// The content of chunks, and whether the last one is there.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("the size of a chunk");
        if size == 0 {
            return (body, &rest[end..] == b"\r\n\r\n");
        }
        let chunk = &rest[end + 2..];
        if chunk.len() < size + 2 {
            body.extend_from_slice(&chunk[..chunk.len().min(size)]);
            return (body, false);
        }
        body.extend_from_slice(&chunk[..size]);
        rest = &chunk[size + 2..];
    }
}

/// A response whose body is text.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let Received { status, headers, body, .. } = Received::parse(bytes);
        Self { status, headers, body: String::from_utf8(body).expect("UTF-8") }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

pub(crate) fn refreshed() -> Freshness {
    Freshness {
        interval: Duration::from_mins(5),
        last_attempt: Some(NOW),
        last_success: Some(NOW),
        last_successful: true,
        ..Freshness::default()
    }
}

pub(crate) fn failed() -> Freshness {
    Freshness {
        last_attempt: Some(NOW),
        consecutive_failures: 1,
        failure: Some("the platform answers 503".to_owned()),
        ..Freshness::default()
    }
}

/// So many clients, each with a dangerous scope and a hostile name.
pub(crate) fn evaluated(clients: usize) -> Evaluated {
    audited(clients, HOSTILE)
}

/// A report that is larger than what the sockets of both sides buffer.
pub(crate) fn large() -> Evaluated {
    audited(300, &"x".repeat(100_000))
}

fn audited(clients: usize, name: &str) -> Evaluated {
    let client =
        |n: usize| fixtures::client(format!("{n:08}-7a3e-4c1d-9b20-000000000000")).named(name).scopes(["oauth"]);
    let snapshot = fixtures::snapshot()
        .organisation("b1f0c2d4-5e6a-4f71-8c93-0a1b2c3d4e5f", "Contoso", "mypurecloud.ie")
        .taken_at(NOW)
        .clients((0..clients).map(client))
        .build();
    let policy = Policy::built_in(&audit::rules::slugs()).expect("the built-in policy is valid");
    let report = audit::evaluate(&snapshot, &policy, None, NOW);
    Evaluated {
        snapshot: Arc::new(snapshot),
        report,
        policy: Arc::new(policy),
        ledger: std::sync::Arc::default(),
        calls: Vec::new(),
    }
}

/// A server with an unfinished request that the test completes later.
pub(crate) async fn busy(limits: Limits) -> (Server, TcpStream, server::ReloadRequest) {
    let mut server = Server::start(Options { limits, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let request = within(server.reloads.next()).await.expect("a request");
    (server, stream, request)
}

/// The first client of [`evaluated`].
pub(crate) const CLIENT: &str = "/clients/00000000-7a3e-4c1d-9b20-000000000000";
