//! The way to the platform: proxies, names that do not resolve, and TLS that fails. No secret is sent where it can be read.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError};

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{program, simulator, text};

/// A proxy that records what it receives, and refuses it.
struct Recorder {
    /// Host and port.
    address: String,
    received: Arc<Mutex<String>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        let received = Arc::new(Mutex::new(String::new()));
        let record = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 16 << 10];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..read]);
                record.lock().unwrap_or_else(PoisonError::into_inner).push_str(&request);
                let _ =
                    stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
            }
        });
        Self { address, received }
    }

    fn received(&self) -> String {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `doctor` with these variables, in addition to the credentials.
async fn doctor(variables: &[(&str, &str)]) -> Output {
    let mut command = program();
    command
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", DEFAULT_CLIENT_ID)
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", DEFAULT_CLIENT_SECRET)
        .envs(variables.iter().copied())
        .args(["doctor", "--genesys.retry-attempts", "1", "--refresh.deadline", "30s"]);
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// The credentials must not be anywhere in what a proxy received, in any encoding that the exporter sends.
fn assert_no_credentials(received: &str) {
    for part in
        [DEFAULT_CLIENT_SECRET, "Bearer", "oauth/token", "NWUxZjAwMDAt", "\r\nAuthorization", "\r\nauthorization"]
    {
        assert!(!received.contains(part), "{part} in {received}");
    }
}

fn login_of(simulator: &Simulator) -> String {
    simulator.url()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_is_decided_for_each_url_and_never_sees_a_credential() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let (simulator, proxy) = (simulator().await, Recorder::start().await);
        let url = format!("http://user:hunter2@{}", proxy.address);
        // The login URL is on this machine, the API is not: the token is fetched directly, and the API is called by a tunnel.
        let output = doctor(&[
            ("GENESYSCLOUD_API_URL", "https://api.example.invalid"),
            ("GENESYSCLOUD_LOGIN_URL", &login_of(&simulator)),
            ("HTTP_PROXY", &url),
            ("http_proxy", &url),
            (variable, &url),
        ])
        .await;
        let (said, received) = (said(&output), proxy.received());
        assert_eq!(simulator.organisation().tokens_issued(), 1, "{variable}: {said}");
        assert!(received.starts_with("CONNECT api.example.invalid:443 HTTP/1.1\r\n"), "{variable}: {received}");
        assert!(received.to_lowercase().contains("proxy-authorization: basic dxnlcjpodw50zxiy"), "{received}");
        assert_no_credentials(&received.replace("Proxy-Authorization", "").replace("proxy-authorization", ""));
        assert!(said.contains(&format!(" that {variable} names")), "{said}");
        assert!(!said.contains("hunter2") && !said.contains("dXNlcjpodW50ZXIy"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_and_exceptions_use_no_proxy() {
    for (api, more) in [
        ("http://api.example.invalid", &[("GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_ALLOW_PLAIN_HTTP", "true")][..]),
        ("https://api.example.invalid", &[("NO_PROXY", "example.invalid")]),
        ("https://api.example.invalid", &[("no_proxy", "*")]),
        ("https://localhost:1", &[]),
        ("https://localhost.:1", &[]),
        ("https://127.0.0.2:1", &[]),
        ("https://[::ffff:127.0.0.1]:1", &[]),
    ] {
        let (simulator, proxy) = (simulator().await, Recorder::start().await);
        let url = format!("http://{}", proxy.address);
        let login = login_of(&simulator);
        let mut variables = vec![("GENESYSCLOUD_API_URL", api), ("GENESYSCLOUD_LOGIN_URL", login.as_str())];
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        variables.extend(names.map(|name| (name, url.as_str())));
        variables.extend(more);
        let output = doctor(&variables).await;
        assert_eq!(proxy.received(), "", "{api}");
        assert_eq!(simulator.organisation().tokens_issued(), 1, "{api}: {}", said(&output));
        assert!(said(&output).contains("tokens_me: "), "{api}: {}", said(&output));
        assert!(!said(&output).contains("through the proxy"), "{api}: {}", said(&output));
    }
}

#[test]
fn a_malformed_proxy_is_an_error_at_startup_that_names_the_variable_and_not_the_value() {
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for value in [
            "http://user:hunter2@",
            "socks5://user:hunter2@127.0.0.1:1080",
            "http://user:hunter2#@h:1",
            "http//hunter2",
        ] {
            for arguments in [&["config", "check"][..], &["serve"], &["doctor"]] {
                let mut command = program();
                command
                    .env("GENESYSCLOUD_OAUTHCLIENT_ID", DEFAULT_CLIENT_ID)
                    .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", DEFAULT_CLIENT_SECRET)
                    .env("GENESYSCLOUD_REGION", "eu-west-1")
                    .env(variable, value)
                    .args(arguments);
                let output = command.output().expect("it runs");
                let said = said(&output);
                assert_eq!(output.status.code(), Some(2), "{variable} {arguments:?}: {said}");
                assert!(said.contains(&format!("{variable}: ")) && !said.contains("hunter2"), "{said}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_does_not_resolve_and_tls_that_is_none_fail_the_call_with_the_cause() {
    let simulator = simulator().await;
    let plain = simulator.url().replace("http://", "https://");
    for host in ["https://login.example.invalid", plain.as_str()] {
        let output = doctor(&[("GENESYSCLOUD_API_URL", host), ("GENESYSCLOUD_LOGIN_URL", host)]).await;
        let said = said(&output);
        assert!(said.contains("  token           token: "), "{host}: {said}");
        assert_eq!(output.status.code(), Some(3), "{host}: {said}");
    }
    assert!(simulator.organisation().requests().is_empty(), "no request is sent without TLS");
}
