//! The server behind TLS, client certificates and passwords, with the real curl; its files are replaced while it runs.
//!
//! The files that are accepted and refused, and the types of client authentication, are in `src/server/web`. The real Prometheus is in
//! `tests/servers/web_config.rs`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use genesyscloud_oauth_exporter::server::{Limits, WebConfig};
use genesyscloud_oauth_exporter::simulator::Simulator;
use tokio::net::TcpStream;

use crate::served::{Options, SHORT, Server, everything, send, within};
use crate::signals::Running;
use crate::support::certificates::{Folder, HASH, TLS, USER, mutual_tls, users};
use crate::support::{Exporter, Scrape, program, program_for, settings, simulator, text, until};

/// What curl received: the status, and headers with body. The status is 0 if there was no response; then the text is why.
async fn curl(arguments: &[&str], url: &str) -> (u16, String) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--include", "--max-time", "60", "--noproxy", "*"]);
    curl.args(["--write-out", "\n%{http_code}"]).args(arguments).arg(url);
    let output =
        tokio::task::spawn_blocking(move || curl.output()).await.expect("no panic").expect("curl is installed");
    let answer = text(&output.stdout);
    let (answer, status) = answer.rsplit_once('\n').expect("the status");
    match status.parse().expect("a number") {
        0 => (0, text(&output.stderr)),
        status => (status, answer.to_owned()),
    }
}

/// An exporter that listens on every address, where details are closed without a web configuration.
struct Doors {
    _simulator: Simulator,
    exporter: Exporter,
    folder: Folder,
    ca: String,
    port: u16,
}

impl Doors {
    async fn start(web_config: &str, flags: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let simulator = simulator().await;
        let path = folder.web_config(web_config);
        let mut all = vec![("web.config.file", path.as_str()), ("web.listen-address", "0.0.0.0:0")];
        all.extend(flags);
        let exporter = Exporter::start(settings(&simulator, &all)).await;
        let ca = folder.path().join("ca.crt").display().to_string();
        let port = exporter.address.port();
        let doors = Self { _simulator: simulator, exporter, folder, ca, port };
        until("the first refresh", async || (doors.ready().await == 200).then_some(())).await;
        doors
    }

    fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}{path}", self.port)
    }

    async fn ready(&self) -> u16 {
        match self.https(&[], "/-/ready").await.0 {
            0 => curl(&[], &self.url("http", "/-/ready")).await.0,
            status => status,
        }
    }

    async fn https(&self, arguments: &[&str], path: &str) -> (u16, String) {
        let mut all = vec!["--cacert", self.ca.as_str()];
        all.extend(arguments);
        curl(&all, &self.url("https", path)).await
    }

    /// With the certificate of a client.
    async fn as_client(&self, name: &str, path: &str) -> (u16, String) {
        let file = |ending: &str| self.folder.path().join(format!("{name}.{ending}")).display().to_string();
        self.https(&["--cert", &file("crt"), "--key", &file("key")], path).await
    }
}

const CLOSED_TO_ANYBODY: [&str; 2] = ["/api/v1/report", "/findings"];
const HEALTH: [&str; 2] = ["/-/healthy", "/-/ready"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_password_everything_is_served_over_tls_on_any_address_and_without_it_only_health() {
    let headers = "http_server_config:\n  http2: true\n  headers:\n    Strict-Transport-Security: max-age=1\n    \
                   X-Frame-Options: deny\n";
    let doors = Doors::start(&format!("{TLS}{}{headers}", users()), &[("web.enable-lifecycle", "true")]).await;
    let paths = ["/metrics", "/", "/nothing", "/-/reload", "/favicon.ico"].into_iter().chain(CLOSED_TO_ANYBODY);
    for path in paths.clone() {
        for wrong in [&[][..], &["--user", "alice:hunter3"], &["--user", "mallory:hunter2"], &["--user", "alice:"]] {
            let (status, answer) = doors.https(wrong, path).await;
            assert_eq!(status, 401, "{path} {wrong:?}: {answer}");
            let head = answer.to_ascii_lowercase();
            assert!(head.contains("www-authenticate: basic realm="), "{path}: {answer}");
            assert!(head.contains("strict-transport-security: max-age=1") && head.contains("x-frame-options: deny"));
            assert!(!answer.contains("genesyscloud_oauth_client"), "{path}: {answer}");
        }
    }
    for path in paths {
        let (status, answer) = doors.https(&["--user", USER], path).await;
        let expected = match path {
            "/nothing" => 404,
            "/-/reload" => 405,
            _ => 200,
        };
        assert_eq!(status, expected, "{path}: {answer}");
    }
    assert_eq!(doors.https(&["--user", USER, "--request", "POST"], "/-/reload").await.0, 200);
    // Authentication also counts through a proxy that passes it on, and for every host name.
    let through = ["--user", USER, "--header", "X-Forwarded-For: 192.0.2.1", "--header", "Host: exporter.example.com"];
    assert_eq!(doors.https(&through, "/api/v1/report").await.0, 200);
    for path in HEALTH {
        assert_eq!(doors.https(&[], path).await.0, 200, "{path}");
    }
    let (status, why) = curl(&[], &doors.url("https", "/-/healthy")).await;
    assert!(status == 0 && why.contains("certificate"), "the certificate is of the authority of the folder: {why}");
    assert_eq!(curl(&[], &doors.url("http", "/metrics")).await.0, 0, "plain HTTP is not answered");
    doors.exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_alone_opens_no_details() {
    let doors = Doors::start(TLS, &[]).await;
    assert_eq!(doors.https(&[], "/metrics").await.0, 200);
    for path in CLOSED_TO_ANYBODY {
        let (status, answer) = doors.https(&["--user", USER], path).await;
        assert!(status == 403 && answer.contains("passwords or client certificates"), "{path}: {answer}");
    }
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let only = [version, "--tls-max", &version[6..], "--http2"];
        assert_eq!(doors.https(&only, "/metrics").await.0, 200, "{version}");
    }
    doors.exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_client_certificate_opens_everything_and_any_other_nothing() {
    let sans = format!("{}  client_allowed_sans: [prometheus.example.com]\n", mutual_tls());
    let doors = Doors::start(&sans, &[]).await;
    for path in CLOSED_TO_ANYBODY.into_iter().chain(["/metrics"]).chain(HEALTH) {
        let (status, answer) = doors.as_client("client", path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        for other in ["other", "foreign"] {
            let (status, answer) = doors.as_client(other, path).await;
            assert_eq!(status, 0, "{other} {path}: {answer}");
        }
    }
    // On this machine, the answer to a client without a certificate says why, and health is answered.
    for path in CLOSED_TO_ANYBODY.into_iter().chain(["/metrics", "/"]) {
        let (status, answer) = doors.https(&[], path).await;
        assert!(status == 403 && answer.contains("client_auth_type"), "{path}: {answer}");
    }
    for path in HEALTH {
        assert_eq!(doors.https(&[], path).await.0, 200, "{path}");
    }
    doors.exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_verified_opens_no_details_and_a_certificate_replaces_no_password() {
    let any = Doors::start(&format!("{TLS}  client_auth_type: RequireAnyClientCert\n"), &[]).await;
    assert_eq!(any.as_client("foreign", "/metrics").await.0, 200);
    assert_eq!(any.as_client("foreign", "/api/v1/report").await.0, 403);
    any.exporter.stop().await;
    let both = Doors::start(&format!("{}{}", mutual_tls(), users()), &[]).await;
    assert_eq!(both.as_client("client", "/metrics").await.0, 401);
    assert_eq!(both.https(&["--user", USER], "/metrics").await.0, 403);
    both.exporter.stop().await;
    let given = format!("{TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n");
    let given = Doors::start(&given, &[]).await;
    for (client, path, expected) in [("client", "/api/v1/report", 200), ("foreign", "/metrics", 0)] {
        assert_eq!(given.as_client(client, path).await.0, expected, "{client} {path}");
    }
    assert_eq!(given.https(&[], "/metrics").await.0, 200);
    assert_eq!(given.https(&[], "/api/v1/report").await.0, 403);
    given.exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_than_allowed_are_refused_but_never_those_about_health() {
    let doors = Doors::start("rate_limit:\n  interval: 1h\n  burst: 2\n", &[]).await;
    let metrics = doors.url("http", "/metrics");
    for expected in [200, 200, 429, 429] {
        let (status, answer) = curl(&[], &metrics).await;
        assert_eq!(status, expected, "{answer}");
        assert_eq!(answer.to_ascii_lowercase().contains("retry-after:"), expected == 429, "{answer}");
    }
    for path in HEALTH {
        assert_eq!(curl(&[], &doors.url("http", path)).await.0, 200, "{path}");
    }
    doors.exporter.stop().await;
}

/// A client that trusts the authority of the folder and keeps its connection, as Prometheus does.
fn keeping(folder: &Folder) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = reqwest::Certificate::from_pem(folder.authority.pem.as_bytes()).expect("PEM");
    reqwest::Client::builder().no_proxy().tls_certs_only([authority]).tls_info(true).build().expect("a client")
}

async fn scrape(client: &reqwest::Client, url: &str) -> Result<(Vec<u8>, Scrape), String> {
    let (user, password) = USER.split_once(':').expect("a user");
    let answer = client.get(url).basic_auth(user, Some(password)).send().await.map_err(|error| format!("{error:?}"))?;
    let tls = answer.extensions().get::<reqwest::tls::TlsInfo>().and_then(|info| info.peer_certificate());
    let certificate = tls.expect("TLS").to_vec();
    let status = answer.status();
    let text = answer.text().await.map_err(|error| format!("{error:?}"))?;
    if status == 200 { Ok((certificate, Scrape::parse(&text))) } else { Err(format!("{status}: {text}")) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_certificate_is_used_and_no_scrape_is_dropped() {
    let doors = Doors::start(&format!("{TLS}{}", users()), &[]).await;
    let (url, client) = (doors.url("https", "/metrics"), keeping(&doors.folder));
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let scraping = tokio::spawn({
        let (url, client, stop, count) = (url.clone(), client.clone(), Arc::clone(&stop), Arc::clone(&count));
        async move {
            while !stop.load(Ordering::SeqCst) {
                scrape(&client, &url).await?;
                count.fetch_add(1, Ordering::SeqCst);
            }
            Ok::<_, String>(())
        }
    });
    let mut last = scrape(&client, &url).await.expect("a scrape").0;
    for round in 0..3 {
        doors.folder.save("server", &doors.folder.authority.sign("localhost"));
        // The kept connection too is replaced by one with the new certificate.
        let changed = || async { scrape(&client, &url).await.ok().map(|(now, _)| now).filter(|now| *now != last) };
        last = until("the new certificate", changed).await;
        let scrapes = count.load(Ordering::SeqCst);
        let further = || count.load(Ordering::SeqCst) > scrapes + 10 || scraping.is_finished();
        until("further scrapes", || std::future::ready(further().then_some(()))).await;
        assert!(!scraping.is_finished(), "round {round}: {:?}", scraping.await);
    }
    stop.store(true, Ordering::SeqCst);
    assert_eq!(scraping.await.expect("no panic"), Ok(()));
    doors.exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_becomes_unusable_leaves_the_old_settings_in_force_and_is_reported() {
    let good = format!("{TLS}{}", users());
    let doors = Doors::start(&good, &[("web.enable-lifecycle", "true")]).await;
    let (url, client) = (doors.url("https", "/metrics"), keeping(&doors.folder));
    let reported = async |expected: f64| {
        let is = || async {
            let scrape = scrape(&client, &url).await.expect("the old settings are in force").1;
            (scrape.own("config_last_reload_successful") == Some(expected)).then_some(())
        };
        until(&format!("{expected}"), is).await;
    };
    reported(1.0).await;
    let too_slow = good.replace("$04$", "$31$");
    let replacements = [Some("tls_server_config: ["), Some(""), Some(TLS), Some(&too_slow), None];
    for bad in replacements {
        match bad {
            Some(bad) => drop(doors.folder.web_config(bad)),
            None => fs::remove_file(doors.folder.path().join("web.yml")).expect("removable"),
        }
        reported(0.0).await;
        let (status, answer) = doors.https(&["--user", USER, "--request", "POST"], "/-/reload").await;
        assert!(status == 500 && answer.contains("the previous TLS settings and passwords stay in force"), "{answer}");
        assert!(!answer.contains(&HASH[7..]), "{answer}");
        assert_eq!(doors.https(&[], "/metrics").await.0, 401, "{bad:?}");
        doors.folder.web_config(&good);
        reported(1.0).await;
    }
    // A password that is replaced is valid at once after a reload.
    doors.folder.web_config(&good.replace("alice", "bob"));
    let reload = async |user| doors.https(&["--user", user, "--request", "POST"], "/-/reload").await.0;
    until("the new user", async || (reload("bob:hunter2").await == 200).then_some(())).await;
    assert_eq!(reload(USER).await, 401);
    doors.exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_peers_of_tls_lock_nobody_out() {
    let doors = Doors::start(&format!("{TLS}{}", users()), &[("web.max-connections", "4")]).await;
    let mut silent = Vec::new();
    for number in 0..40_usize {
        let mut peer = TcpStream::connect(("127.0.0.1", doors.port)).await.expect("it listens");
        // Nothing, the beginning of a handshake, or something else.
        let beginning: &[u8] = [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"GET / HT"][number % 3];
        tokio::io::AsyncWriteExt::write_all(&mut peer, beginning).await.expect("it reads");
        silent.push(peer);
    }
    for _ in 0..3 {
        assert_eq!(doors.https(&["--user", USER], "/metrics").await.0, 200);
        assert_eq!(doors.https(&[], "/-/healthy").await.0, 200);
    }
    drop(silent);
    doors.exporter.stop().await;
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_closed_in_the_time_of_a_request_and_does_not_delay_the_stop() {
    let folder = Folder::new();
    let read = || WebConfig::read(Path::new(&folder.web_config(TLS))).expect("valid").0;
    let limits = Limits { head: SHORT, ..Limits::new(16) };
    let server = Server::start(Options { limits, web: read(), ..Options::default() }).await;
    for beginning in ["", "\x16", "\x16\x03\x01\x02\0\x01"] {
        let closed = server.closed("slow_head");
        let mut peer = server.connect().await;
        send(&mut peer, beginning).await;
        assert_eq!(everything(&mut peer).await, b"", "{beginning:?}");
        assert_eq!(server.closed("slow_head"), closed + 1, "{beginning:?}");
    }
    let server = Server::start(Options { web: read(), ..Options::default() }).await;
    let silent = server.connect().await;
    server.stop.send(()).expect("it runs");
    within(server.task).await.expect("no panic");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_check_needs_no_password_and_no_certificate_and_each_address_is_served() {
    let ports =
        [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound"));
    let addresses = ports.map(|address| address.to_string());
    for web_config in ["", TLS, &users(), &format!("{TLS}{}", users()), &format!("{}{}", mutual_tls(), users())] {
        let (folder, simulator) = (Folder::new(), simulator().await);
        let path = folder.web_config(web_config);
        let mut command = program_for(&simulator.url());
        let [one, two] = &addresses;
        let flags = ["--web.listen-address", one, "--web.listen-address", two, "--web.config.file", &path];
        command.args(flags).arg("--log.level=trace");
        let mut exporter = Running::start(command, tempfile::tempdir().expect("a folder"));
        exporter.until_logged("refresh complete").await;
        for address in &addresses {
            let (tcp, log) = (TcpStream::connect(address).await, exporter.log());
            assert!(tcp.is_ok() && log.contains(&format!("address={address}")), "{log}");
            let mut check = program();
            check.args(["healthcheck", "--web.listen-address", address, "--web.config.file", &path]);
            let output = tokio::task::spawn_blocking(move || check.output()).await.expect("no panic").expect("it runs");
            assert!(output.status.success(), "{web_config}: {}\n{log}", text(&output.stderr));
        }
        // Right and wrong passwords leave no trace in the log.
        for user in [USER, "alice:hunter3", "hunter2:alice"] {
            let url = format!("{}://{one}/metrics", if web_config.contains("tls") { "https" } else { "http" });
            curl(&["--insecure", "--user", user], &url).await;
        }
        exporter.send("-TERM");
        assert_eq!(exporter.ended().await.code(), Some(0));
        let log = exporter.log();
        for secret in ["hunter", "YWxpY2U6", &HASH[7..], "PRIVATE KEY"] {
            assert!(!log.contains(secret), "{secret}");
        }
    }
}

#[test]
fn a_bad_file_stops_the_start_with_every_mistake_and_without_a_secret() {
    let folder = Folder::new();
    let bad = format!(
        "{}basic_auth_users:\n  alice: hunter2\n  bob: {}\n",
        TLS.replace(".key", ".pem"),
        HASH.replace("$04$", "$31$")
    );
    let path = folder.web_config(&format!("{bad}rate: 1\n"));
    for command in [&["serve"][..], &["demo", "--web.listen-address=127.0.0.1:0"], &["config", "check"]] {
        let mut program = program_for("http://127.0.0.1:1");
        program.args(command).args(["--web.config.file", &path, "--state.file="]).stdout(Stdio::null());
        let output = program.output().expect("it runs");
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {errors}");
        for expected in [
            "line 3: tls_server_config.key_file",
            "server.pem: cannot be read: there is no such file",
            "line 5: basic_auth_users: the password of \"alice\" is not a bcrypt hash",
            "line 6: basic_auth_users: the password of \"bob\" has the cost 31",
            "line 7: rate: there is no such key",
        ] {
            assert!(errors.contains("--web.config.file: ") && errors.contains(expected), "{expected}\n{errors}");
        }
        assert!(!errors.contains("hunter2") && !errors.contains(&HASH[7..]), "{errors}");
    }
    folder.web_config(TLS);
    let check = program_for("http://127.0.0.1:1")
        .args(["config", "check", "--state.file=", "--web.config.file", &path])
        .output();
    let check = check.expect("it runs");
    assert!(check.status.success(), "{}", text(&check.stderr));
}
