//! Who may use an exporter that listens on loopback: requests with foreign host names, through proxies, and of web pages.
//!
//! The table of all headers and names is tested in `server::access`.

use super::served::{Answer, CLIENT, Options, Server, evaluated, everything, refreshed, send, within};

/// Every route, and a path that is none.
const ROUTES: [(&str, &str); 12] = [
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/?q=00000000-7a3e"),
    ("GET", "/organisations/default"),
    ("GET", "/clients"),
    ("GET", CLIENT),
    ("GET", "/api/v1/report"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
    ("GET", "/favicon.ico"),
    ("GET", "/nothing"),
    ("POST", "/-/reload"),
];

#[tokio::test]
async fn a_foreign_host_is_refused_on_every_route_with_what_to_do() {
    let mut server = Server::start(Options::default()).await;
    server.publish(refreshed(), Some(evaluated(1)));
    for host in ["rebound.example.com", "rebound.example.com:9847", "localhost.example.com", "10.0.0.7:9847", ""] {
        for (method, path) in ROUTES {
            for more in ["", "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: localhost\r\nX-Real-IP: 127.0.0.1\r\n"] {
                let answer = server.ask_with(method, path, &format!("Host: {host}\r\n{more}")).await;
                assert_eq!(answer.status, 403, "{method} {path} {host}");
                assert!(answer.body.contains("localhost or 127.0.0.1") && answer.body.contains("--web.expose-report"));
                for hidden in ["Contoso", "00000000-7a3e", "genesyscloud_"] {
                    assert!(!answer.body.contains(hidden), "{method} {path} {host}: {hidden}");
                }
            }
        }
    }
    assert_eq!(server.counted("metrics", "403"), Some(10));
    let by_uri = server.ask_with("GET", "http://rebound.example.com/metrics", "Host: localhost\r\n").await;
    assert_eq!(by_uri.status, 403);
    server.publisher.update(|_, _| {});
    assert_eq!(server.ask("GET", "/metrics").await.status, 200);
    server.stop.send(()).expect("it runs");
    within(server.task).await.expect("no panic");
    assert!(within(server.reloads.next()).await.is_none(), "no reload was requested");
}

/// The requests that proxies send with their defaults and with the usual headers, to a server behind them on loopback.
#[tokio::test]
async fn a_proxy_passes_metrics_and_health_but_no_details() {
    let mut server = Server::start(Options::default()).await;
    server.publish(refreshed(), Some(evaluated(1)));
    for (proxy, version, headers) in [
        ("nginx without configuration", "1.0", "Host: 127.0.0.1:9847\r\n"),
        ("nginx", "1.1", "Host: 127.0.0.1:9847\r\nX-Real-IP: 192.0.2.1\r\n"),
        ("nginx with an odd header only", "1.1", "Host: localhost\r\nx-forwarded-proto: \r\n"),
        ("Apache", "1.1", "Host: 127.0.0.1:9847\r\nX-Forwarded-Server: www\r\nX-Forwarded-Host: a.example.com\r\n"),
        ("a cache", "1.1", "Host: 127.0.0.1:9847\r\nVia: 1.1 cache\r\n"),
        ("Forwarded", "1.1", "Host: 127.0.0.1:9847\r\nFORWARDED: for=192.0.2.1\r\n"),
        ("a tunnel", "1.1", "Host: localhost:9847\r\nCf-Connecting-IP: 192.0.2.1\r\nCdn-Loop: cloudflare\r\n"),
    ] {
        for (method, path) in ROUTES {
            let mut stream = server.connect().await;
            let request = format!("{method} {path} HTTP/{version}\r\n{headers}Connection: close\r\n\r\n");
            send(&mut stream, &request).await;
            let answer = Answer::parse(&everything(&mut stream).await);
            let expected = match path {
                CLIENT | "/clients" | "/api/v1/report" | "/-/reload" => 403,
                "/nothing" => 404,
                _ => 200,
            };
            assert_eq!(answer.status, expected, "{proxy}: {method} {path}");
            let names = answer.body.contains("Contoso") || answer.body.contains("00000000-7a3e");
            assert_eq!(names, path == "/metrics", "{proxy}: {method} {path}");
            if expected == 403 || path == "/" || path == "/organisations/default" {
                assert!(answer.body.contains("came through a proxy"), "{proxy}: {path}: {}", answer.body);
            }
        }
    }
    server.stop.send(()).expect("it runs");
    within(server.task).await.expect("no panic");
    assert!(within(server.reloads.next()).await.is_none(), "no reload was requested");
}

#[tokio::test]
async fn details_are_closed_off_loopback_unless_they_are_exposed() {
    for (bound, expose_report, headers, open) in [
        (None, false, "Host: localhost\r\n", true),
        (None, false, "Host: 127.0.0.1:9847\r\n", true),
        (None, true, "Host: exporter.example.com\r\nX-Forwarded-For: 192.0.2.1\r\n", true),
        (Some("10.0.0.7:9847"), false, "Host: localhost\r\n", false),
        (Some("0.0.0.0:9847"), false, "Host: 127.0.0.1\r\n", false),
        (Some("0.0.0.0:9847"), false, "Host: exporter.example.com\r\n", false),
        (Some("0.0.0.0:9847"), false, "Host: exporter.example.com\r\nX-Forwarded-For: 127.0.0.1\r\n", false),
        (Some("0.0.0.0:9847"), true, "Host: exporter.example.com\r\n", true),
    ] {
        let server = Server::start(Options { bound, expose_report, ..Options::default() }).await;
        server.publish(refreshed(), Some(evaluated(1)));
        let page = server.ask_with("GET", "/", headers).await;
        assert_eq!(page.status, 200, "{bound:?} {headers}");
        assert!(
            page.body.contains("Last complete refresh ") && page.body.contains("/metrics"),
            "freshness and links stay"
        );
        assert_eq!(page.body.contains("Contoso") && page.body.contains("00000000-7a3e"), open, "{bound:?} {headers}");
        let report = server.ask_with("GET", "/api/v1/report", headers).await;
        assert_eq!(report.status, if open { 200 } else { 403 }, "{bound:?} {headers}");
        assert_eq!(report.body.contains("--web.expose-report"), !open, "the body gives the reason: {}", report.body);
        assert_eq!(page.body.contains("<form"), open, "{bound:?} {headers}: the search is a detail, too");
        let found = server.ask_with("GET", "/?q=00000000-7a3e", headers).await;
        assert_eq!(found.body.contains("/clients/00000000-7a3e"), open, "{bound:?} {headers}");
        for (path, shown) in [(CLIENT, 200), ("/clients/nobody", 404)] {
            let client = server.ask_with("GET", path, headers).await;
            assert_eq!(client.status, if open { shown } else { 403 }, "{bound:?} {headers} {path}");
            assert_eq!(client.body.contains("--web.expose-report"), !open, "{}", client.body);
        }
        for path in ["/metrics", "/-/healthy", "/-/ready"] {
            assert_eq!(server.ask_with("GET", path, headers).await.status, 200, "{path} is open");
        }
    }
}

#[tokio::test]
async fn a_web_page_cannot_reload() {
    let server = Server::start(Options::default()).await;
    // The second one is what a page sends that resolves its own name to the exporter's address.
    for headers in [
        "Host: localhost\r\nOrigin: https://example.com\r\n",
        "Host: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n",
        "Host: localhost\r\nOrigin: null\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
    ] {
        let answer = server.ask_with("POST", "/-/reload", headers).await;
        assert_eq!(answer.status, 403, "{headers}");
        assert!(answer.body.contains("comes from a browser"), "{}", answer.body);
    }
    assert_eq!(server.counted("reload", "403"), Some(4));
}
