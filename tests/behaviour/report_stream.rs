//! The report is sent while it is written: the same document for every client, and never half of it that looks complete.

#![allow(clippy::expect_used, reason = "clippy.toml allows it in #[test] functions, not in what they call")]

use std::io::Read;

use flate2::read::GzDecoder;
use genesyscloud_oauth_exporter::output::{Audited, FailWhen, ReportedOrganisation, Selection, exit_code, json};
use genesyscloud_oauth_exporter::publish::Evaluated;
use genesyscloud_oauth_exporter::server::Limits;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::served::{GUARD, Options, Received, SHORT, Server, evaluated, everything, large, refreshed, send, within};

/// What `audit --format json` writes for this data.
fn as_command(evaluated: &Evaluated) -> Vec<u8> {
    let Evaluated { snapshot, report, policy, calls, ledger } = evaluated;
    let organisations = [ReportedOrganisation {
        org: "default",
        audited: Some(Audited { snapshot, report, policy, ledger }),
        complete: true,
        failure: None,
        calls,
        selection: Selection::default(),
        external_url: None,
    }];
    let mut document = Vec::new();
    json::write(&organisations, exit_code(&organisations, FailWhen::default()), &mut document).expect("into memory");
    document
}

async fn received(server: &Server, version: &str, headers: &str) -> Received {
    let mut stream = server.connect().await;
    let request = format!("GET /api/v1/report HTTP/{version}\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n");
    send(&mut stream, &request).await;
    Received::parse(&everything(&mut stream).await)
}

/// A peer that asks for the report and reads only the beginning.
async fn reader_that_stops(server: &Server, version: &str) -> TcpStream {
    let mut stream = server.connect().await;
    send(&mut stream, &format!("GET /api/v1/report HTTP/{version}\r\nHost: localhost\r\n\r\n")).await;
    within(stream.read_exact(&mut [0; 1000])).await.expect("the beginning");
    stream
}

/// A server whose slow readers are never cut off.
fn patient(turn: std::time::Duration) -> Options {
    let limits = Limits {
        blocked: 2 * GUARD,
        blocked_in_total: 2 * GUARD,
        stalled: 2 * GUARD,
        stalled_at_least: 2 * GUARD,
        turn,
        drain: SHORT,
        ..Limits::new(16)
    };
    // Details are closed to HTTP/1.0 otherwise.
    Options { limits, expose_report: true, ..Options::default() }
}

#[tokio::test]
async fn every_client_receives_the_document_of_the_audit_command() {
    let server = Server::start(patient(GUARD)).await;
    let data = evaluated(500);
    let expected = as_command(&data);
    server.publish(refreshed(), Some(data));
    for (version, headers, has_length) in [
        ("1.1", "", false),
        ("1.1", "Accept-Encoding: gzip, deflate\r\n", false),
        ("1.1", "Accept-Encoding: gzip;q=0\r\n", false),
        ("1.0", "", true),
        ("1.0", "Accept-Encoding: gzip\r\n", true),
    ] {
        let Received { status, headers: answered, body, complete } = received(&server, version, headers).await;
        assert_eq!((status, complete), (200, true), "{version} {headers}");
        assert_eq!(answered.contains_key("content-length"), has_length, "{version} {headers}");
        let gzip = answered.get("content-encoding").is_some_and(|encoding| encoding == "gzip");
        assert_eq!(gzip, headers.contains("gzip") && !headers.contains("q=0"), "{version} {headers}");
        let document = if gzip {
            assert!(body.len() * 10 < expected.len(), "{} of {}", body.len(), expected.len());
            let mut document = Vec::new();
            GzDecoder::new(&*body).read_to_end(&mut document).expect("gzip");
            document
        } else {
            body
        };
        assert!(document == expected, "{version} {headers}: the document differs");
    }
}

#[tokio::test]
async fn four_reports_are_sent_at_once_and_a_further_one_is_answered_with_when_to_retry() {
    let server = Server::start(patient(SHORT)).await;
    server.publish(refreshed(), Some(large()));
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(reader_that_stops(&server, "1.1").await);
    }
    let answer = server.ask("GET", "/api/v1/report").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.body);
    assert_eq!(server.counted("report", "503"), Some(1));
    for path in ["/metrics", "/-/healthy", "/"] {
        assert_eq!(server.ask("GET", path).await.status, 200, "{path} does not wait for reports");
    }
    drop(slow);
}

#[tokio::test]
async fn slow_readers_keep_two_generations_in_memory_and_not_more() {
    let server = Server::start(patient(SHORT)).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        server.publish(refreshed(), Some(large()));
        slow.push(reader_that_stops(&server, "1.1").await);
    }
    // Of a generation that is in memory already.
    slow.push(reader_that_stops(&server, "1.1").await);
    server.publish(refreshed(), Some(evaluated(1)));
    assert_eq!(server.ask("GET", "/api/v1/report").await.status, 503, "the third generation waits");
    slow.remove(0);
    // As soon as the server notices it.
    within(async { while server.ask("GET", "/api/v1/report").await.status != 200 {} }).await;
}

#[tokio::test]
async fn a_reader_that_disconnects_frees_its_turn() {
    let server = Server::start(patient(GUARD)).await;
    server.publish(refreshed(), Some(large()));
    for _ in 0..4 {
        let mut slow = Vec::new();
        for _ in 0..4 {
            slow.push(reader_that_stops(&server, "1.1").await);
        }
        drop(slow);
    }
    assert!(received(&server, "1.1", "").await.complete);
}

#[tokio::test]
async fn a_report_that_is_cut_off_does_not_look_complete() {
    for version in ["1.1", "1.0"] {
        let server = Server::start(patient(GUARD)).await;
        server.publish(refreshed(), Some(large()));
        let mut slow = server.connect().await;
        send(&mut slow, &format!("GET /api/v1/report HTTP/{version}\r\nHost: localhost\r\n\r\n")).await;
        let mut beginning = vec![0; 1000];
        within(slow.read_exact(&mut beginning)).await.expect("the beginning");
        // The shutdown cuts it off.
        server.stop.send(()).expect("it runs");
        within(server.task).await.expect("no panic");
        beginning.extend(everything(&mut slow).await);
        assert!(!Received::parse(&beginning).complete, "HTTP/{version}");
    }
}

#[tokio::test]
async fn a_report_is_of_one_generation_however_slowly_it_is_read() {
    let server = Server::start(patient(GUARD)).await;
    let data = large();
    let expected = as_command(&data);
    server.publish(refreshed(), Some(data));
    let mut slow = server.connect().await;
    send(&mut slow, "GET /api/v1/report HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let mut bytes = vec![0; 1000];
    within(slow.read_exact(&mut bytes)).await.expect("the beginning");
    server.publish(refreshed(), Some(evaluated(1)));
    bytes.extend(everything(&mut slow).await);
    let report = Received::parse(&bytes);
    assert!(report.complete && report.body == expected);
}
