//! The server over real sockets, with requests as raw bytes: routes, limits and shutdown.
//!
//! Not the contents of the pages and documents: their modules test those.

#![allow(clippy::expect_used, reason = "clippy.toml allows it in #[test] functions, not in what they call")]

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use genesyscloud_oauth_exporter::domain::{Freshness, Timestamp};
use genesyscloud_oauth_exporter::exposition;
use genesyscloud_oauth_exporter::fixtures;
use genesyscloud_oauth_exporter::ledger::Ledger;
use genesyscloud_oauth_exporter::liveness::{Latch, Liveness};
use genesyscloud_oauth_exporter::policy::Policy;
use genesyscloud_oauth_exporter::publish::{Evaluated, Publisher, ServedOrganisation, channel};
use genesyscloud_oauth_exporter::server::{Config, Limits, Metrics, ReloadRequests, Routes, View, reload_channel, run};
use genesyscloud_oauth_exporter::{audit, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const NOW: Timestamp = Timestamp::from_seconds(1_795_220_861);
const HOSTILE: &str = "<script>alert(1)</script>\u{202e}gnp.exe";

/// Long enough for a busy machine: only a defect exceeds it.
const GUARD: Duration = Duration::from_mins(1);
/// A limit that is reached within a test.
const SHORT: Duration = Duration::from_millis(50);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.expect("it ends")
}

// === The server under test ===

struct Options {
    bound: Option<&'static str>,
    expose_report: bool,
    enable_lifecycle: bool,
    limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { bound: None, expose_report: false, enable_lifecycle: true, limits: Limits::new(16) }
    }
}

struct Server {
    address: SocketAddr,
    publisher: Publisher,
    registry: prometheus::Registry,
    reloads: ReloadRequests,
    latch: Latch,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let bound = options.bound.map_or(address, |bound| bound.parse().expect("an address"));
        let organisation =
            ServedOrganisation { org: "default".to_owned(), freshness: Freshness::default(), evaluated: None };
        let reload = exposition::ReloadStatus { last_successful: true, last_success: NOW };
        let (publisher, reader) = channel(vec![organisation], reload, exposition::Config::default());
        let registry = prometheus::Registry::new();
        let mut liveness = Liveness::default();
        let latch = liveness.latch("refresh of default");
        let (reload, reloads) = reload_channel();
        let view = View {
            config: Config {
                listen_address: bound,
                telemetry_path: "/metrics".to_owned(),
                enable_lifecycle: options.enable_lifecycle,
                expose_report: options.expose_report,
                max_connections: options.limits.connections,
            },
            bound,
            reader,
            metrics: Metrics::register(&registry).expect("a free name"),
            registry: registry.clone(),
            liveness,
            reload,
            now: || NOW,
        };
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(run(listener, Arc::new(Routes::new(view)), options.limits, shutdown));
        Self { address, publisher, registry, reloads, latch, stop, task }
    }

    fn publish(&self, freshness: Freshness, evaluated: Option<Evaluated>) {
        self.publisher.update(|organisations, _| {
            organisations[0].freshness = freshness;
            organisations[0].evaluated = evaluated.map(Arc::new);
        });
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends a request with the host localhost on a new connection.
    async fn ask(&self, method: &str, path: &str) -> Answer {
        self.ask_with(method, path, "Host: localhost\r\n").await
    }

    async fn ask_with(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = self.connect().await;
        send(&mut stream, &format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")).await;
        Answer::parse(&everything(&mut stream).await)
    }

    fn counted(&self, handler: &str, code: &str) -> Option<u64> {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == server::FAMILIES[0].name)?;
        let series = family.get_metric().iter().find(|metric| {
            let labels: Vec<_> = metric.get_label().iter().map(|pair| (pair.name(), pair.value())).collect();
            labels == [("code", code), ("handler", handler)]
        })?;
        // A counter of requests is an integer.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(series.get_counter().get_value() as u64)
    }
}

async fn send(stream: &mut TcpStream, request: &str) {
    stream.write_all(request.as_bytes()).await.expect("sent");
}

/// Reads until the connection ends. A reset counts as an end.
async fn everything(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = within(stream.read_to_end(&mut bytes)).await;
    bytes
}

/// Reads one response, without its body, on a connection that stays open.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut byte = [0];
        within(stream.read_exact(&mut byte)).await.expect("more");
        text.push(char::from(byte[0]));
    }
    text
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("an answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self {
            status: status.parse().expect("a number"),
            headers: lines.filter_map(header).collect(),
            body: body.to_owned(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

fn refreshed() -> Freshness {
    Freshness {
        interval: Duration::from_mins(5),
        last_attempt: Some(NOW),
        last_success: Some(NOW),
        last_successful: true,
        ..Freshness::default()
    }
}

fn failed() -> Freshness {
    Freshness {
        last_attempt: Some(NOW),
        consecutive_failures: 1,
        failure: Some("the platform answers 503".to_owned()),
        ..Freshness::default()
    }
}

/// So many clients, each with a dangerous scope and a hostile name.
fn evaluated(clients: usize) -> Evaluated {
    let client =
        |n: usize| fixtures::client(format!("{n:08}-7a3e-4c1d-9b20-000000000000")).named(HOSTILE).scopes(["oauth"]);
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
        ledger: Ledger::default(),
        calls: Vec::new(),
    }
}

// === Routes ===

#[tokio::test]
async fn every_route_answers_get_and_head_alike() {
    let server = Server::start(Options::default()).await;
    server.publish(refreshed(), Some(evaluated(2)));
    for (path, handler, content_type) in [
        ("/metrics", "metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/", "page", "text/html; charset=utf-8"),
        ("/?anything=here", "page", "text/html; charset=utf-8"),
        ("/?q=oauth&severity=critical", "page", "text/html; charset=utf-8"),
        ("/clients/00000001-7a3e-4c1d-9b20-000000000000", "client", "text/html; charset=utf-8"),
        ("/api/v1/report", "report", "application/json"),
        ("/-/healthy", "healthy", "text/plain; charset=utf-8"),
        ("/-/ready", "ready", "text/plain; charset=utf-8"),
        ("/favicon.ico", "icon", "image/svg+xml"),
    ] {
        let before = server.counted(handler, "200").expect("counted from the start");
        let get = server.ask("GET", path).await;
        assert_eq!((get.status, get.header("content-type")), (200, content_type), "{path}");
        assert_eq!(server.counted(handler, "200"), Some(before + 1), "{path}");
        assert_eq!(get.header("x-content-type-options"), "nosniff", "{path}");
        if path == "/metrics" {
            // Its values change between two requests.
            assert_eq!(get.header("vary"), "Accept, Accept-Encoding");
            assert_eq!(get.header("content-length"), get.body.len().to_string());
            assert_eq!(server.ask("HEAD", path).await.body, "");
            continue;
        }
        assert_eq!(get.header("content-length"), get.body.len().to_string(), "{path}");
        let head = server.ask("HEAD", path).await;
        let without_date = |mut answer: Answer| {
            answer.headers.remove("date");
            answer
        };
        assert_eq!(without_date(head), without_date(Answer { body: String::new(), ..get }), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_lists_what_is() {
    let server = Server::start(Options::default()).await;
    for path in ["/metrics/", "/api/v1/clients", "/-/quit", "//"] {
        let answer = server.ask("GET", path).await;
        assert_eq!(answer.status, 404, "{path}");
        for known in ["/metrics", "/clients/ID", "/api/v1/report", "/-/healthy", "/-/ready", "/-/reload"] {
            assert!(answer.body.contains(known), "{path}: {}", answer.body);
        }
    }
    assert_eq!(server.counted("none", "404"), Some(4));
}

#[tokio::test]
async fn other_methods_are_405_with_the_allowed_methods() {
    let server = Server::start(Options::default()).await;
    for (method, path, allow) in [
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
        ("POST", "/clients/1", "GET, HEAD"),
        ("OPTIONS", "/api/v1/report", "GET, HEAD"),
        ("get", "/-/healthy", "GET, HEAD"),
        ("PUT", "/-/ready", "GET, HEAD"),
        ("GET", "/-/reload", "POST"),
        ("HEAD", "/-/reload", "POST"),
    ] {
        let answer = server.ask(method, path).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
    }
}

#[tokio::test]
async fn the_page_may_load_nothing_and_shows_names_as_text() {
    let server = Server::start(Options::default()).await;
    server.publish(refreshed(), Some(evaluated(1)));
    let page = server.ask("GET", "/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    assert!(page.body.contains("&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]gnp.exe"), "{}", page.body);
    assert!(!page.body.contains("<script"));
    assert_eq!(server.ask("GET", "/api/v1/report").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_report_is_404_until_there_is_one_and_follows_the_data() {
    let server = Server::start(Options::default()).await;
    assert_eq!(server.ask("GET", "/api/v1/report").await.status, 404);
    for clients in [1, 3] {
        server.publish(refreshed(), Some(evaluated(clients)));
        for _ in 0..2 {
            let answer = server.ask("GET", "/api/v1/report").await;
            let report: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
            assert_eq!(report["organisations"][0]["clients"].as_array().map(Vec::len), Some(clients));
            assert_eq!((&report["complete"], &report["exit_code"]), (&true.into(), &1.into()));
        }
    }
    server.publish(Freshness { withdrawn: true, ..failed() }, None);
    assert_eq!(server.ask("GET", "/api/v1/report").await.status, 404, "withdrawn data is gone here, too");
}

/// The first client of [`evaluated`].
const CLIENT: &str = "/clients/00000000-7a3e-4c1d-9b20-000000000000";

#[tokio::test]
async fn a_client_has_a_page_and_an_unknown_one_is_404() {
    let server = Server::start(Options::default()).await;
    assert_eq!(server.ask("GET", CLIENT).await.status, 404, "before there is data");
    server.publish(refreshed(), Some(evaluated(2)));
    let page = server.ask("GET", CLIENT).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    assert!(page.body.contains("&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]gnp.exe"), "{}", page.body);
    assert!(!page.body.contains("<script") && page.body.contains("holds the scope oauth"), "{}", page.body);
    assert_eq!(server.ask("GET", &CLIENT.replace('-', "%2D")).await.status, 200, "percent-encoded");
    for path in ["/clients/", "/clients/00000009-7a3e-4c1d-9b20-000000000000", "/clients/%ff", "/clients/%3Cb%3E"] {
        let answer = server.ask("GET", path).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, "text/plain; charset=utf-8"), "{path}");
        assert!(!answer.body.contains("<b>"), "nothing is echoed");
    }
    assert_eq!(server.counted("client", "404"), Some(5), "one label for all clients");
}

#[tokio::test]
async fn a_search_finds_and_keeps_what_was_searched_for() {
    let server = Server::start(Options::default()).await;
    server.publish(refreshed(), Some(evaluated(12)));
    let page = server.ask("GET", "/?q=0000001&grant=code").await;
    assert!(page.body.contains("3 of 12") && page.body.contains("value=\"0000001\""), "{}", page.body);
    let none = server.ask("GET", "/?grant=password").await;
    assert!(none.body.contains("0 of 12"), "{}", none.body);
    let bent = server.ask("GET", "/?q=%ff%00%22%3E%3Cb%3E&severity=&=&&q").await;
    assert_eq!(bent.status, 200);
    assert!(!bent.body.contains("<b>\""), "{}", bent.body);
    let unknown = server.ask("GET", "/?severity=%3Cb%3E").await;
    assert_eq!((unknown.status, unknown.header("content-type")), (400, "text/plain; charset=utf-8"));
    assert_eq!(unknown.header("x-content-type-options"), "nosniff");
    assert!(unknown.body.contains("Its values are critical, high, medium, low, info."), "{}", unknown.body);
}

// === Who may see details ===

#[tokio::test]
async fn details_are_closed_off_loopback_and_under_foreign_names() {
    for (bound, expose_report, host, open) in [
        (None, false, "localhost", true),
        (None, false, "127.0.0.1:9847", true),
        (None, false, "rebound.example.com", false),
        (Some("10.0.0.7:9847"), false, "localhost", false),
        (Some("0.0.0.0:9847"), false, "127.0.0.1", false),
        (Some("0.0.0.0:9847"), true, "exporter.example.com", true),
    ] {
        let server = Server::start(Options { bound, expose_report, ..Options::default() }).await;
        server.publish(refreshed(), Some(evaluated(1)));
        let host_header = format!("Host: {host}\r\n");
        let page = server.ask_with("GET", "/", &host_header).await;
        assert_eq!(page.status, 200, "{bound:?} {host}");
        assert!(
            page.body.contains("Last complete refresh ") && page.body.contains("/metrics"),
            "freshness and links stay"
        );
        assert_eq!(page.body.contains("Contoso") && page.body.contains("00000000-7a3e"), open, "{bound:?} {host}");
        let report = server.ask_with("GET", "/api/v1/report", &host_header).await;
        assert_eq!(report.status, if open { 200 } else { 403 }, "{bound:?} {host}");
        assert_eq!(report.body.contains("--web.expose-report"), !open, "the body gives the reason: {}", report.body);
        assert_eq!(page.body.contains("<form"), open, "{bound:?} {host}: the search is a detail, too");
        let found = server.ask_with("GET", "/?q=00000000-7a3e", &host_header).await;
        assert_eq!(found.body.contains("/clients/00000000-7a3e"), open, "{bound:?} {host}");
        for (path, shown) in [(CLIENT, 200), ("/clients/nobody", 404)] {
            let client = server.ask_with("GET", path, &host_header).await;
            assert_eq!(client.status, if open { shown } else { 403 }, "{bound:?} {host} {path}");
            assert_eq!(client.body.contains("--web.expose-report"), !open, "{}", client.body);
        }
        for path in ["/metrics", "/-/healthy", "/-/ready"] {
            assert_eq!(server.ask_with("GET", path, &host_header).await.status, 200, "{path} is open");
        }
    }
}

// === Health, readiness, reload ===

#[tokio::test]
async fn ready_once_every_organisation_was_attempted_and_one_has_data() {
    let server = Server::start(Options::default()).await;
    let restored = Freshness { last_success: Some(NOW), ..Freshness::default() };
    for (freshness, has_data, status, reason) in [
        (Freshness::default(), false, 503, "default: the first refresh is running"),
        (failed(), false, 503, "default: the platform answers 503"),
        (restored, true, 503, "default: the first refresh is running"),
        (Freshness { last_success: Some(NOW), ..failed() }, true, 200, "ready"),
        (refreshed(), true, 200, "ready"),
        (Freshness { withdrawn: true, last_success: Some(NOW), ..failed() }, false, 503, "no organisation has data"),
    ] {
        server.publish(freshness, has_data.then(|| evaluated(1)));
        let answer = server.ask("GET", "/-/ready").await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.contains(reason), "{}", answer.body);
    }
}

#[tokio::test]
async fn healthy_while_the_refresh_tasks_live_whatever_the_platform_does() {
    let server = Server::start(Options::default()).await;
    server.publish(failed(), None);
    assert_eq!(server.ask("GET", "/-/healthy").await.status, 200);
    let Server { latch, .. } = server;
    let server = Server { latch: Liveness::default().latch("another"), ..server };
    drop(latch);
    let answer = server.ask("GET", "/-/healthy").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("not healthy:\nrefresh of default: ended "), "{}", answer.body);
}

#[tokio::test]
async fn not_healthy_while_a_task_is_stuck_and_healthy_once_it_gets_on() {
    let server = Server::start(Options::default()).await;
    server.latch.due_within("the evaluation", Duration::ZERO);
    let answer = server.ask("GET", "/-/healthy").await;
    assert_eq!(answer.status, 503);
    let shown = "not healthy:\nrefresh of default: has been busy with the evaluation for ";
    assert!(answer.body.starts_with(shown), "{}", answer.body);
    server.latch.due_within("waiting for the next refresh", Duration::from_hours(1));
    assert_eq!(server.ask("GET", "/-/healthy").await.status, 200);
}

#[tokio::test]
async fn a_reload_answers_with_its_result() {
    let mut server = Server::start(Options::default()).await;
    for (result, status, said) in [(Ok(()), 200, "reloaded"), (Err("line 3: no such rule".to_owned()), 500, "line 3")] {
        let mut stream = server.connect().await;
        send(&mut stream, "POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        within(server.reloads.next()).await.expect("a request").answer(result);
        let answer = Answer::parse(&everything(&mut stream).await);
        assert_eq!(answer.status, status);
        assert!(answer.body.contains(said), "{}", answer.body);
    }
    let web_page = "Host: localhost\r\nOrigin: https://example.com\r\n";
    assert_eq!(server.ask_with("POST", "/-/reload", web_page).await.status, 403);
    // The receiver of reloads is gone: the request still gets a response.
    drop(server.reloads);
    let server = Server { reloads: reload_channel().1, ..server };
    assert_eq!(server.ask("POST", "/-/reload").await.status, 500);
}

#[tokio::test]
async fn a_reload_is_refused_where_it_is_not_switched_on() {
    let server = Server::start(Options { enable_lifecycle: false, ..Options::default() }).await;
    let answer = server.ask("POST", "/-/reload").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("--web.enable-lifecycle"), "{}", answer.body);
}

// === Limits ===

#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() {
    let limits = Limits { header_read: SHORT, ..Limits::new(16) };
    let server = Server::start(Options { limits, ..Options::default() }).await;
    for beginning in ["GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", ""] {
        let mut stream = server.connect().await;
        send(&mut stream, beginning).await;
        let bytes = everything(&mut stream).await;
        assert!(!String::from_utf8_lossy(&bytes).contains(" 200 "), "{beginning:?}");
    }
}

#[tokio::test]
async fn large_heads_and_bodies_are_refused() {
    let server = Server::start(Options::default()).await;
    let long = format!("Host: localhost\r\nX-Long: {}\r\n", "x".repeat(Limits::MAX_HEAD));
    assert_eq!(server.ask_with("GET", "/", &long).await.status, 431);
    let many = "X-Many: 1\r\n".repeat(Limits::MAX_HEADERS + 1);
    assert_eq!(server.ask_with("GET", "/", &many).await.status, 431);
    for body in ["Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        assert_eq!(server.ask_with("GET", "/-/healthy", body).await.status, 413, "{body}");
        assert_eq!(server.ask_with("POST", "/-/reload", body).await.status, 413, "{body}");
    }
}

/// On one thread, so that a connection that was accepted has been answered after a few turns of another.
#[tokio::test]
async fn more_connections_than_allowed_wait_for_one_to_end() {
    let server = Server::start(Options { limits: Limits::new(1), ..Options::default() }).await;
    let request = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut first = server.connect().await;
    send(&mut first, request).await;
    until(&mut first, "healthy\n").await;
    let mut second = server.connect().await;
    send(&mut second, request).await;
    for _ in 0..50 {
        send(&mut first, request).await;
        until(&mut first, "healthy\n").await;
    }
    assert!(second.try_read(&mut [0]).is_err(), "the second waits");
    drop(first);
    until(&mut second, "healthy\n").await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_off() {
    // Long enough to render the report, so that the limit cuts off its sending.
    let limits = Limits { connection: SHORT, last_answer: Duration::from_secs(1), ..Limits::new(1) };
    let server = Server::start(Options { limits, ..Options::default() }).await;
    // Larger than what the sockets of both sides buffer.
    server.publish(refreshed(), Some(evaluated(20_000)));
    let mut slow = server.connect().await;
    send(&mut slow, "GET /api/v1/report HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    // The only place is taken until the slow peer is cut off.
    let mut next = server.connect().await;
    send(&mut next, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    until(&mut next, "healthy\n").await;
    let answer = everything(&mut slow).await;
    assert!(!answer.ends_with(b"}\n"), "the answer was cut");
}

// === Shutdown ===

/// A server with an unfinished request that the test completes later.
async fn busy(limits: Limits) -> (Server, TcpStream, server::ReloadRequest) {
    let mut server = Server::start(Options { limits, ..Options::default() }).await;
    let mut stream = server.connect().await;
    send(&mut stream, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let request = within(server.reloads.next()).await.expect("a request");
    (server, stream, request)
}

#[tokio::test]
async fn answers_under_way_end_before_the_server_does() {
    let (server, mut stream, request) = busy(Limits::new(16)).await;
    let mut idle = server.connect().await;
    send(&mut idle, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    until(&mut idle, "healthy\n").await;
    server.stop.send(()).expect("it runs");
    assert_eq!(everything(&mut idle).await, b"", "an idle connection ends at once");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody new is let in");
    assert!(!server.task.is_finished());
    request.answer(Ok(()));
    let answer = Answer::parse(&everything(&mut stream).await);
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    within(server.task).await.expect("no panic");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_does_not_hold_the_end_up() {
    let (server, mut stream, request) = busy(Limits { drain: SHORT, ..Limits::new(16) }).await;
    server.stop.send(()).expect("it runs");
    within(server.task).await.expect("no panic");
    assert_eq!(everything(&mut stream).await, b"");
    drop(request);
}
