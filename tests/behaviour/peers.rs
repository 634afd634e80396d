//! Slow, silent and greedy peers: honest scrapes and health checks succeed beside them, and the server can stop.
//!
//! All peers share one address, as behind a NAT. Who gives way is decided in `server::peers`, with tables and properties there.

#![allow(clippy::expect_used, reason = "clippy.toml allows it in #[test] functions, not in what they call")]

use std::time::Duration;

use genesyscloud_oauth_exporter::server::Limits;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::served::{
    Answer, GUARD, Options, SHORT, Server, busy, evaluated, everything, large, refreshed, send, until, within,
};

/// Longer than any test runs.
const NEVER: Duration = Duration::from_hours(1);

/// No deadline passes: only the limit on the number of connections protects the server.
fn without_deadlines(connections: usize) -> Limits {
    Limits {
        grace: Duration::ZERO,
        head: NEVER,
        idle: NEVER,
        blocked: NEVER,
        blocked_in_total: NEVER,
        stalled: 4 * SHORT,
        stalled_at_least: 4 * SHORT,
        turn: NEVER,
        drain: SHORT,
        ..Limits::new(connections)
    }
}

/// The report of the server is larger than what the sockets of both sides buffer.
async fn started(limits: Limits) -> Server {
    let server = Server::start(Options { limits, ..Options::default() }).await;
    server.publish(refreshed(), Some(large()));
    server
}

/// An honest scraper and an honest supervisor: each of their requests must succeed, and is counted.
async fn honest(server: &Server, rounds: u64) {
    let before = ["metrics", "healthy", "ready"].map(|handler| server.counted(handler, "200").expect("from the start"));
    for _ in 0..rounds {
        for path in ["/metrics", "/-/healthy", "/-/ready"] {
            let answer = server.ask("GET", path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
    }
    for (handler, before) in ["metrics", "healthy", "ready"].into_iter().zip(before) {
        let counted = server.counted(handler, "200").expect("from the start");
        assert!(counted >= before + rounds, "{handler}: {counted}");
    }
}

const GET_METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
const GET_HEALTHY: &str = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Peers that send this and then nothing.
async fn peers(server: &Server, number: usize, beginning: &str) -> Vec<TcpStream> {
    let mut peers = Vec::new();
    for _ in 0..number {
        let mut peer = server.connect().await;
        send(&mut peer, beginning).await;
        peers.push(peer);
    }
    peers
}

// === Peers without a request ===

#[tokio::test]
async fn peers_without_a_request_lock_nobody_out() {
    for beginning in [
        "",
        "G",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nX-Slow",
    ] {
        let server = started(without_deadlines(8)).await;
        let silent = peers(&server, 70, beginning).await;
        honest(&server, 10).await;
        assert!(server.closed("evicted") >= 62, "{beginning:?}: {}", server.closed("evicted"));
        assert!(server.limit_reached() >= 62, "{beginning:?}: {}", server.limit_reached());
        drop(silent);
    }
}

#[tokio::test]
async fn bodies_that_never_come_lock_nobody_out() {
    let server = started(without_deadlines(8)).await;
    for head in [
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\nx",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /-/healthy HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nx",
    ] {
        let peers = peers(&server, 20, head).await;
        honest(&server, 5).await;
        drop(peers);
    }
}

#[tokio::test]
async fn peers_of_other_protocols_and_peers_that_leave_lock_nobody_out() {
    let server = started(without_deadlines(8)).await;
    for beginning in
        ["\u{16}\u{3}\u{1}\u{2}\0\u{1}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"]
    {
        let others = peers(&server, 20, beginning).await;
        honest(&server, 2).await;
        drop(others);
    }
    for _ in 0..200 {
        drop(server.connect().await);
    }
    honest(&server, 5).await;
}

#[tokio::test]
async fn a_head_that_is_not_complete_in_time_ends_the_connection() {
    let server = started(Limits { head: SHORT, idle: NEVER, ..Limits::new(16) }).await;
    for (number, beginning) in (1..).zip(["GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", ""]) {
        let mut stream = server.connect().await;
        send(&mut stream, beginning).await;
        assert_eq!(everything(&mut stream).await, b"", "{beginning:?}");
        assert_eq!(server.closed("slow_head"), number);
    }
    // The same for a second request, whose first byte starts the time.
    let mut stream = server.connect().await;
    send(&mut stream, GET_HEALTHY).await;
    until(&mut stream, "healthy\n").await;
    send(&mut stream, "G").await;
    assert_eq!(everything(&mut stream).await, b"");
    assert_eq!((server.closed("slow_head"), server.closed("idle")), (3, 0));
}

#[tokio::test]
async fn an_idle_connection_is_kept_until_its_place_is_needed() {
    let server = started(Limits { head: SHORT, ..without_deadlines(2) }).await;
    let mut kept = server.connect().await;
    send(&mut kept, GET_HEALTHY).await;
    until(&mut kept, "healthy\n").await;
    // Longer than a head may take: the deadline of a silent connection passes in the meantime.
    let mut silent = server.connect().await;
    assert_eq!(everything(&mut silent).await, b"");
    send(&mut kept, GET_HEALTHY).await;
    until(&mut kept, "healthy\n").await;
    for path in ["/metrics", "/-/healthy"] {
        assert_eq!(server.ask("GET", path).await.status, 200, "there is a place beside the idle connection");
    }
    assert_eq!(server.closed("evicted"), 0);
    let idle = peers(&server, 2, GET_HEALTHY).await;
    assert_eq!(everything(&mut kept).await, b"");
    assert_eq!(server.closed("evicted"), 1);
    drop(idle);
}

#[tokio::test]
async fn an_idle_connection_ends_after_the_idle_time() {
    let server = started(Limits { idle: SHORT, ..Limits::new(2) }).await;
    let mut idle = server.connect().await;
    send(&mut idle, GET_HEALTHY).await;
    until(&mut idle, "healthy\n").await;
    assert_eq!(everything(&mut idle).await, b"");
    assert_eq!(server.closed("idle"), 1);
}

// === Peers that do not read ===

/// Each sends many requests and reads no response.
async fn peers_that_do_not_read(server: &Server, number: usize, path: &str) -> Vec<TcpStream> {
    let requests = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(100);
    peers(server, number, &requests).await
}

#[tokio::test]
async fn peers_that_do_not_read_lock_nobody_out() {
    for path in ["/metrics", "/api/v1/report", "/", "/-/healthy"] {
        let server = started(without_deadlines(4)).await;
        let slow = peers_that_do_not_read(&server, 30, path).await;
        honest(&server, 10).await;
        drop(slow);
    }
}

/// Takes a bit of the response from time to time, without an end, on one connection after the other.
async fn dribble(address: std::net::SocketAddr, path: &'static str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut pace = tokio::time::interval(SHORT);
    loop {
        let Ok(mut peer) = TcpStream::connect(address).await else { continue };
        if tokio::io::AsyncWriteExt::write_all(&mut peer, request.as_bytes()).await.is_ok() {
            let mut bit = vec![0; 64 << 10];
            while peer.read(&mut bit).await.is_ok_and(|bytes| bytes > 0) {
                pace.tick().await;
            }
        }
    }
}

#[tokio::test]
async fn readers_that_take_a_bit_from_time_to_time_lock_nobody_out() {
    // No pause is as long as what a stalled response has, only all of them together.
    let limits = Limits { turn: GUARD, ..without_deadlines(4) };
    let server = started(limits).await;
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..8 {
        slow.spawn(dribble(server.address, "/api/v1/report"));
    }
    honest(&server, 3).await;
    let cut_off = async {
        while server.closed("slow_reader") == 0 {
            tokio::task::yield_now().await;
        }
    };
    within(cut_off).await;
    slow.shutdown().await;
}

#[tokio::test]
async fn peers_of_every_kind_together_lock_nobody_out() {
    let server = started(without_deadlines(4)).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        for path in ["/metrics", "/api/v1/report"] {
            all.extend(peers_that_do_not_read(&server, 3, path).await);
        }
        for beginning in ["", "GET /metrics HTTP/1.1\r\nHost: local", GET_HEALTHY] {
            all.extend(peers(&server, 5, beginning).await);
        }
        honest(&server, 3).await;
    }
    assert!(server.closed("evicted") > 0);
}

#[tokio::test]
async fn a_stalled_response_gives_way_at_the_limit() {
    let server = started(Limits { reserve: 0, ..without_deadlines(2) }).await;
    let slow = peers_that_do_not_read(&server, 2, "/metrics").await;
    // There is no reserve, so each needs the place of one of them.
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut peer = server.connect().await;
        send(&mut peer, GET_HEALTHY).await;
        until(&mut peer, "healthy\n").await;
        kept.push(peer);
    }
    assert!(server.closed("slow_reader") + server.closed("evicted") >= 2);
    drop((slow, kept));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_off_although_there_is_room() {
    let server = started(Limits { blocked: SHORT, ..Limits::new(16) }).await;
    for (number, path) in (1..).zip(["/metrics", "/api/v1/report"]) {
        let mut slow = peers_that_do_not_read(&server, 1, path).await.remove(0);
        let counted = async {
            while server.closed("slow_reader") < number {
                tokio::task::yield_now().await;
            }
        };
        within(counted).await;
        let answer = everything(&mut slow).await;
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{path}");
    }
}

// === Busy connections ===

#[tokio::test]
async fn health_is_answered_while_every_connection_is_busy() {
    let (server, mut reloading, reload) = busy(Limits { turn: SHORT, ..without_deadlines(1) }).await;
    for _ in 0..5 {
        assert_eq!(server.ask("GET", "/-/healthy").await.status, 200);
        let scrape = server.ask("GET", "/metrics").await;
        assert_eq!((scrape.status, scrape.header("retry-after")), (503, "5"), "{}", scrape.body);
    }
    assert_eq!((server.counted("healthy", "200"), server.counted("metrics", "503")), (Some(5), Some(5)));
    reload.answer(Ok(()));
    until(&mut reloading, "reloaded\n").await;
    assert_eq!(server.ask("GET", "/metrics").await.status, 200, "as soon as there is a turn");
}

#[tokio::test]
async fn a_request_that_waits_gets_the_next_turn() {
    let (server, mut reloading, reload) = busy(without_deadlines(1)).await;
    let mut waiting = server.connect().await;
    send(&mut waiting, GET_METRICS).await;
    assert_eq!(server.ask("GET", "/-/healthy").await.status, 200);
    reload.answer(Ok(()));
    until(&mut reloading, "reloaded\n").await;
    let mut head = [0; 15];
    within(waiting.read_exact(&mut head)).await.expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn the_newest_request_that_waits_is_refused_when_the_reserve_is_full() {
    let (server, _reloading, reload) = busy(Limits { reserve: 2, ..without_deadlines(1) }).await;
    let mut patient = peers(&server, 1, GET_METRICS).await.remove(0);
    // Answered in the reserve, so the first one is in the queue by then.
    assert_eq!(server.ask("GET", "/-/healthy").await.status, 200);
    let arrived = server.limit_reached();
    let mut newest = peers(&server, 1, GET_METRICS).await.remove(0);
    let queued = async {
        while server.limit_reached() == arrived {
            tokio::task::yield_now().await;
        }
        // It is accepted, and its request can be read.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    within(queued).await;
    assert_eq!(server.ask("GET", "/-/healthy").await.status, 200);
    let refused = Answer::parse(&everything(&mut newest).await);
    assert_eq!((refused.status, refused.header("connection")), (503, "close"));
    assert_eq!(server.counted("metrics", "503"), Some(1), "and only that one");
    reload.answer(Ok(()));
    let mut head = [0; 15];
    within(patient.read_exact(&mut head)).await.expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn peers_that_ask_for_pages_and_reports_all_the_time_lock_nobody_out() {
    let limits = Limits { grace: NEVER, ..without_deadlines(4) };
    let server = Server::start(Options { limits, ..Options::default() }).await;
    server.publish(refreshed(), Some(evaluated(200)));
    let mut greedy = tokio::task::JoinSet::new();
    for path in ["/", "/api/v1/report", "/?q=0", "/metrics"].repeat(4) {
        let address = server.address;
        greedy.spawn(async move {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            loop {
                let Ok(mut peer) = TcpStream::connect(address).await else { continue };
                if tokio::io::AsyncWriteExt::write_all(&mut peer, request.as_bytes()).await.is_ok() {
                    let _ = tokio::io::copy(&mut peer, &mut tokio::io::sink()).await;
                }
            }
        });
    }
    honest(&server, 10).await;
    greedy.shutdown().await;
}

// === Shutdown ===

#[tokio::test]
async fn peers_without_a_request_do_not_delay_the_end() {
    let server = started(Limits { drain: NEVER, ..without_deadlines(16) }).await;
    let mut all = Vec::new();
    for beginning in ["", "GET / HTTP/1.1\r\nHost: local", GET_HEALTHY] {
        all.extend(peers(&server, 3, beginning).await);
    }
    let mut idle = all.pop().expect("a peer");
    until(&mut idle, "healthy\n").await;
    send(&mut idle, "GET / HT").await;
    server.stop.send(()).expect("it runs");
    within(server.task).await.expect("no panic");
}

#[tokio::test]
async fn peers_that_do_not_read_delay_the_end_by_the_drain_time_only() {
    let server = started(Limits { stalled: NEVER, ..without_deadlines(16) }).await;
    let mut slow = peers_that_do_not_read(&server, 2, "/metrics").await;
    slow.extend(peers_that_do_not_read(&server, 2, "/api/v1/report").await);
    for peer in &mut slow {
        within(peer.readable()).await.expect("readable");
    }
    server.stop.send(()).expect("it runs");
    within(server.task).await.expect("no panic");
}

#[test]
fn the_default_limits_are_those_that_the_documents_promise() {
    let limits = Limits::new(64);
    let seconds = [limits.head, limits.idle, limits.blocked, limits.turn, limits.drain].map(|limit| limit.as_secs());
    assert_eq!((limits.connections, limits.reserve, seconds), (64, 16, [5, 90, 5, 5, 2]));
    assert!(limits.idle > Duration::from_mins(1), "Prometheus scrapes at least once a minute");
    assert!(limits.drain < Duration::from_secs(5) && limits.stalled < limits.turn && limits.head < GUARD);
}
