//! The real Prometheus scrapes the exporter through TLS, client certificates and passwords, and `promtool` checks the same files.

use std::path::{Path, PathBuf};
use std::process::Command;

use genesyscloud_oauth_exporter::server::WebConfig;

use crate::programs::{PROMETHEUS_2, Prometheus, free_port, prometheus_3, turn};
use crate::support::certificates::{Folder, HASH, TLS, mutual_tls, users};
use crate::support::{Exporter, settings, simulator};

/// What a scrape configuration needs for TLS and the password.
const SECURED: &str = "scheme: https\n    tls_config:\n      ca_file: ca.crt\n      cert_file: client.crt\n      key_file: client.key\n      \
                       server_name: localhost\n    basic_auth:\n      username: alice\n      password: PASSWORD\n    ";

/// A scrape succeeds while the certificate is replaced, and fails with a wrong password.
async fn it_scrapes_through_closed_doors(binary: PathBuf) {
    let folder = Folder::new();
    let simulator = simulator().await;
    let truth = simulator.organisation().truth();
    let path = folder.web_config(&format!("{}{}", mutual_tls(), users()));
    let exporter = Exporter::start(settings(&simulator, &[("web.config.file", &path)])).await;
    let mut prometheus = Prometheus::start(binary, folder.path(), &[exporter.address.to_string()], free_port());
    prometheus.until("up{job='genesyscloud-oauth'} == 0").await;
    let config = folder.path().join("prometheus.yml");
    let yaml = std::fs::read_to_string(&config).expect("it was written");
    let job = "honor_labels: true";
    assert!(yaml.contains(job), "{yaml}");
    let with = |password: &str| yaml.replace(job, &format!("{}{job}", SECURED.replace("PASSWORD", password)));
    std::fs::write(&config, with("hunter2")).expect("writable");
    prometheus.restart();
    prometheus.until("up{job='genesyscloud-oauth'} == 1").await;
    prometheus.until(&format!("sum(genesyscloud_oauth_clients) == {}", truth.clients)).await;
    let scrapes = "count_over_time(up{job='genesyscloud-oauth'}[1h])";
    for _ in 0..2 {
        let before = prometheus.until(scrapes).await;
        folder.save("server", &folder.authority.sign("localhost"));
        prometheus.until(&format!("{scrapes} > {}", before + 6.0)).await;
    }
    // Only from the scrapes before the restart, which had no TLS, to those that succeed.
    let other = prometheus.query("changes(up{job='genesyscloud-oauth'}[1h]) != 1").await.expect("an answer");
    assert!(other.is_empty(), "a scrape failed: {other:?}");
    std::fs::write(&config, with("hunter3")).expect("writable");
    prometheus.restart();
    prometheus.until("up{job='genesyscloud-oauth'} == 0").await;
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_2_scrapes_through_closed_doors() {
    let _turn = turn().await;
    it_scrapes_through_closed_doors(PROMETHEUS_2.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_version_3_scrapes_through_closed_doors() {
    let _turn = turn().await;
    it_scrapes_through_closed_doors(prometheus_3()).await;
}

fn promtool_3() -> PathBuf {
    prometheus_3().with_file_name("promtool")
}

fn accepted_by(promtool: &Path, file: &str) -> bool {
    let output =
        Command::new(promtool).args(["check", "web-config", file]).output().expect("scripts/check installs it");
    output.status.success()
}

/// Files in the shape of those in the documentation and the tests of the format.
fn files() -> Vec<(String, bool)> {
    let tls = |more: &str| format!("{TLS}  {more}\n");
    vec![
        (String::new(), true),
        (TLS.to_owned(), true),
        (users(), true),
        (format!("{TLS}{}", users()), true),
        (mutual_tls(), true),
        (tls("client_auth_type: NoClientCert"), true),
        (tls("client_auth_type: RequestClientCert"), true),
        (tls("client_auth_type: RequireAnyClientCert"), true),
        (tls("client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt"), true),
        (tls("min_version: TLS13"), true),
        (tls("min_version: TLS10"), true),
        (tls("max_version: TLS12"), true),
        (tls("prefer_server_cipher_suites: no"), true),
        (tls("cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]"), true),
        (tls("curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]"), true),
        ("http_server_config:\n  http2: false\n".to_owned(), true),
        ("http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection: '0'\n".to_owned(), true),
        ("tls_config:\n  cert_file: server.crt\n".to_owned(), false),
        ("tls_server_config:\n  cert_file: server.crt\n".to_owned(), false),
        ("tls_server_config:\n  key_file: server.key\n".to_owned(), false),
        (TLS.replace("server.crt", "missing.crt"), false),
        (TLS.replace("server.key", "missing.key"), false),
        (TLS.replace("server.key", "client.key"), false),
        (tls("cert_path: x"), false),
        (tls("client_auth_type: Always"), false),
        (tls("client_ca_file: ca.crt"), false),
        (tls("client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: missing.crt"), false),
        (tls("min_version: TLS111"), false),
        (tls("cipher_suites: [TLS_INVENTED]"), false),
        (tls("curve_preferences: [CurveP257]"), false),
        (tls("cipher_suites: TLS_AES_128_GCM_SHA256"), false),
        ("basic_auth_users:\n  alice: hunter2\n".to_owned(), false),
        ("basic_auth_users: [alice]\n".to_owned(), false),
        (format!("{}{}", users(), users()), false),
        ("http_server_config:\n  headers:\n    Server: me\n".to_owned(), false),
        ("http_server_config:\n  headers:\n    X-Frame-Options: DENY\n".to_owned(), false),
        ("http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n".to_owned(), false),
        ("http_server_config:\n  http2: maybe\n".to_owned(), false),
        ("hello\n".to_owned(), false),
        ("tls_server_config: [\n".to_owned(), false),
    ]
}

/// What `promtool` accepts, and the exporter refuses with a reason: each would be less safe than it looks, or would not work.
fn refused_on_purpose() -> Vec<(String, &'static str)> {
    let tls = |more: &str| format!("{TLS}  {more}\n");
    vec![
        ("tls_server_config:\n  min_version: TLS13\n".to_owned(), "there would be no TLS"),
        (tls("client_auth_type: RequireAndVerifyClientCert"), "neither client_ca_file nor client_ca says whose"),
        (
            tls("client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: server.key"),
            "there is no certificate in it",
        ),
        (tls("client_allowed_sans: [a]"), "client_allowed_sans needs client_auth_type"),
        (tls("max_version: TLS11"), "TLS 1.0 and 1.1 are insecure"),
        (tls("min_version: TLS13\n  max_version: TLS12"), "no version is left"),
        (users().replace("$04$", "$15$"), "has the cost 15"),
        ("basic_auth_users:\n  'a:b': ".to_owned() + HASH, "has a colon"),
        (format!("{}---\n{TLS}", users()), "a second document"),
    ]
}

#[test]
fn promtool_accepts_what_the_exporter_accepts_and_refuses_what_it_refuses() {
    let folder = Folder::new();
    for (text, accepted) in files() {
        let path = folder.web_config(&text);
        let ours = WebConfig::read(Path::new(&path)).map(|_| ());
        assert_eq!(ours.is_ok(), accepted, "{text}\n{ours:?}");
        for promtool in [PathBuf::from("promtool"), promtool_3()] {
            assert_eq!(accepted_by(&promtool, &path), accepted, "{}: {text}", promtool.display());
        }
    }
    for (text, reason) in refused_on_purpose() {
        let path = folder.web_config(&text);
        let ours = WebConfig::read(Path::new(&path)).expect_err(&text).join("\n");
        assert!(ours.contains(reason), "{text}\n{ours}");
        assert!(accepted_by(&promtool_3(), &path), "{text}: remove it from this list");
    }
    // Keys that Prometheus 2.42 does not know yet.
    for text in [
        "rate_limit:\n  interval: 1s\n  burst: 5\n",
        &format!("{TLS}  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [a, b]\n"),
        &format!("{TLS}  client_auth_type: RequireAnyClientCert\n  client_ca: ''\n"),
    ] {
        let path = folder.web_config(text);
        assert!(WebConfig::read(Path::new(&path)).is_ok() && accepted_by(&promtool_3(), &path), "{text}");
    }
}
