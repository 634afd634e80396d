//! Every failed connection is reported with the host, the proxy, the causes and what to do, and without a secret.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{program, text};

/// An address where nothing listens.
async fn unused() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    listener.local_addr().expect("bound").to_string()
}

/// A peer that answers each request with this text and closes the connection.
async fn peer(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

/// What `doctor` prints with these variables.
async fn doctor(variables: &[(&str, String)]) -> String {
    let mut command = program();
    command.arg("doctor").args(["--genesys.retry-attempts=1"]).env("GENESYSCLOUD_REGION", "mypurecloud.ie");
    command
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", "a-client")
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "hunter2-of-the-client");
    command.envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
    let output = tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("no panic");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_ne!(output.status.code(), Some(0), "{said}");
    for secret in ["hunter2", "open-sesame"] {
        assert!(!said.contains(secret), "{said}");
    }
    said
}

fn platform(url: String) -> Vec<(&'static str, String)> {
    vec![("GENESYSCLOUD_API_URL", url.clone()), ("GENESYSCLOUD_LOGIN_URL", url)]
}

fn proxy(address: &str) -> Vec<(&'static str, String)> {
    vec![("HTTPS_PROXY", format!("http://user:open-sesame@{address}"))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failed_connection_names_the_host_the_proxy_the_cause_and_what_to_do() {
    let closed = unused().await;
    let silent = peer("").await;
    let cut = peer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{").await;
    let wants_password = peer("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    let refuses = peer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let through = |address: &str| {
        format!("cannot reach login.mypurecloud.ie:443 through the proxy {address} that HTTPS_PROXY names: ")
    };
    let cases = [
        (
            platform(format!("https://{closed}/")),
            vec![
                format!("cannot reach {closed}: "),
                "Connection refused".to_owned(),
                "whether this network needs a proxy".to_owned(),
            ],
        ),
        (
            platform("https://login.example.invalid/".to_owned()),
            vec![
                "cannot reach login.example.invalid:443: dns error".to_owned(),
                "check the region or the URL, and the DNS".to_owned(),
            ],
        ),
        (platform(format!("https://{silent}/")), vec![silent.clone(), "check".to_owned()]),
        (
            platform(format!("http://{silent}/")),
            vec![format!("cannot reach {silent}: "), "broke before the answer was complete; check".to_owned()],
        ),
        (
            platform(format!("http://{cut}/")),
            vec![format!("cannot reach {cut}: "), "broke before the answer was complete; check".to_owned()],
        ),
        (
            proxy(&closed),
            vec![
                through(&closed),
                "Connection refused".to_owned(),
                "nothing listens at the address of the proxy".to_owned(),
            ],
        ),
        (
            proxy("proxy.example.invalid:3128"),
            vec![through("proxy.example.invalid:3128"), "the name of the proxy cannot be resolved".to_owned()],
        ),
        (
            proxy(&wants_password),
            vec![through(&wants_password), "the proxy wants a user name and a password".to_owned()],
        ),
        (proxy(&refuses), vec![through(&refuses), "name the host in NO_PROXY".to_owned()]),
    ];
    for (variables, expected) in cases {
        let said = doctor(&variables).await;
        for part in expected {
            assert!(said.contains(&part), "{part:?} in {said}");
        }
    }
}

#[test]
fn a_check_of_the_configuration_finds_what_would_fail_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("ca.pem");
    std::fs::write(&empty, "").expect("writable");
    let empty = empty.display().to_string();
    for (arguments, variable, expected, code) in [
        (vec![], Some(("SSL_CERT_FILE", empty.as_str())), "install the CA certificates of the system", 2),
        (vec!["--baseline.file=/nowhere/baseline.json"], None, "create it with `baseline init`", 0),
        (vec!["--state.file=/nowhere/state.json"], None, "the directory of /nowhere/state.json does not exist", 2),
        (
            vec!["--policy.file=/nowhere/policy.toml"],
            None,
            "policy file /nowhere/policy.toml: there is no such file",
            2,
        ),
    ] {
        let mut command = program();
        command.args(["config", "check"]).args(arguments).env("GENESYSCLOUD_REGION", "mypurecloud.ie");
        command.env("GENESYSCLOUD_OAUTHCLIENT_ID", "a-client").env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "hunter2");
        command.envs(variable);
        let output = command.output().expect("it runs");
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{expected:?} in {said}");
        assert_eq!(output.status.code(), Some(code), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_on_loopback_needs_no_certificate_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("ca.pem");
    std::fs::write(&empty, "").expect("writable");
    let peer = peer("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    let mut variables = platform(format!("http://{peer}/"));
    variables.push(("SSL_CERT_FILE", empty.display().to_string()));
    assert!(doctor(&variables).await.contains("the login host answers HTTP 503"));
    let output = tokio::task::spawn_blocking(move || {
        program()
            .args(["healthcheck", "--url", &format!("http://{peer}/-/healthy")])
            .env("SSL_CERT_FILE", empty)
            .output()
            .expect("it runs")
    });
    let said = text(&output.await.expect("no panic").stderr);
    assert!(said.contains("HTTP 503"), "{said}");
}
