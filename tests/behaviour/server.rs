//! The server over real sockets, with requests as raw bytes: routes, limits and shutdown.
//!
//! Not the contents of the pages and documents: their modules test those.

#![allow(clippy::expect_used, reason = "clippy.toml allows it in #[test] functions, not in what they call")]

use std::time::Duration;

use genesyscloud_oauth_exporter::domain::Freshness;
use genesyscloud_oauth_exporter::liveness::Liveness;
use genesyscloud_oauth_exporter::server::{Limits, reload_channel};
use tokio::net::TcpStream;

use super::served::{
    Answer, CLIENT, NOW, Options, SHORT, Server, busy, evaluated, everything, failed, refreshed, send, until, within,
};

// === Routes ===

#[tokio::test]
async fn every_route_answers_get_and_head_alike() {
    let server = Server::start(Options::default()).await;
    server.publish(refreshed(), Some(evaluated(2)));
    for (path, handler, content_type) in [
        ("/metrics", "metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/", "page", "text/html; charset=utf-8"),
        ("/findings?status=all", "findings", "text/html; charset=utf-8"),
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
        if path == "/api/v1/report" {
            assert_eq!((get.header("transfer-encoding"), get.header("vary")), ("chunked", "Accept-Encoding"));
        } else {
            assert_eq!(get.header("content-length"), get.body.len().to_string(), "{path}");
        }
        let head = server.ask("HEAD", path).await;
        let without_date = |mut answer: Answer| {
            answer.headers.remove("date");
            // HTTP allows a response to HEAD without it, and the length of a document that is streamed is unknown.
            answer.headers.remove("transfer-encoding");
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
    let bent = server.ask("GET", "/?q=%ff%00%22%3E%3Cb%3E&severity=&=&&grant=").await;
    assert_eq!(bent.status, 200);
    assert!(!bent.body.contains("<b>\""), "{}", bent.body);
    let unknown = server.ask("GET", "/?severity=%3Cb%3E").await;
    assert_eq!((unknown.status, unknown.header("content-type")), (400, "text/plain; charset=utf-8"));
    assert_eq!(unknown.header("x-content-type-options"), "nosniff");
    assert!(unknown.body.contains("Its values are critical, high, medium, low, info."), "{}", unknown.body);
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
        send(&mut stream, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
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
async fn large_heads_and_bodies_are_refused() {
    let server = Server::start(Options::default()).await;
    let long = format!("Host: localhost\r\nX-Long: {}\r\n", "x".repeat(Limits::MAX_HEAD));
    assert_eq!(server.ask_with("GET", "/", &long).await.status, 431);
    let many = "X-Many: 1\r\n".repeat(Limits::MAX_HEADERS + 1);
    assert_eq!(server.ask_with("GET", "/", &many).await.status, 431);
    for body in ["Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let headers = format!("Host: localhost\r\n{body}");
        assert_eq!(server.ask_with("GET", "/-/healthy", &headers).await.status, 413, "{body}");
        assert_eq!(server.ask_with("POST", "/-/reload", &headers).await.status, 413, "{body}");
    }
}

// === Shutdown ===

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
