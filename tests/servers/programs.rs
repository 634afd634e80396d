//! The real programs around the exporter, each on a free port of loopback, and a receiver of Alertmanager's pages.
//!
//! They run with the files of `examples/monitoring` and `alerts/`; only addresses and intervals are replaced.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::support::until;

/// The number of tests that may run servers at the same time.
const TURNS: u32 = 2;

static FREE: Semaphore = Semaphore::const_new(TURNS as usize);

/// Waits for a turn. A test that starts servers keeps its turn until it ends, so that deadlines hold on a machine with few processors.
pub(crate) async fn turn() -> SemaphorePermit<'static> {
    FREE.acquire().await.expect("it is never closed")
}

/// Waits until no servers run, for a test that uses all processors.
pub(crate) async fn every_turn() -> SemaphorePermit<'static> {
    FREE.acquire_many(TURNS).await.expect("it is never closed")
}

/// A port that was free a moment ago: these programs do not report which port they chose.
pub(crate) fn free_port() -> u16 {
    StdListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback").port()
}

/// A program that is stopped when dropped. If the test failed, the end of its log is printed.
pub(crate) struct Program {
    name: String,
    child: Child,
    log: NamedTempFile,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = command.get_program().display().to_string();
        let log = NamedTempFile::new().expect("a file");
        let stderr = log.reopen().expect("the same file");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
        let child = child.unwrap_or_else(|error| panic!("{name}: {error}; scripts/check installs it"));
        Self { name, child, log }
    }

    /// Sends SIGTERM and waits until the program has ended.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        self.child.wait().expect("it ends");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill is there").success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.log.path()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            #[allow(clippy::print_stderr, reason = "the test's own output, shown where it failed")]
            {
                eprintln!("== {}\n{}", self.name, lines[lines.len().saturating_sub(20)..].join("\n"));
            }
        }
    }
}

fn http() -> reqwest::Client {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// The root folder of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a text file of the repository.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Replaces the value after each `key: ` of a YAML file, which must have at least one.
pub(crate) fn with_value(yaml: &str, key: &str, value: impl Fn(&str) -> String) -> String {
    let mut found = false;
    let lines: Vec<String> = yaml
        .lines()
        .map(|line| {
            let trimmed = line.trim_start_matches([' ', '-']);
            let Some(old) = trimmed.strip_prefix(key).and_then(|rest| rest.strip_prefix(": ")) else {
                return line.to_owned();
            };
            found = true;
            let indentation = &line[..line.len() - trimmed.len()];
            format!("{indentation}{key}: {}", value(old))
        })
        .collect();
    assert!(found, "no {key} in\n{yaml}");
    lines.join("\n") + "\n"
}

/// The machine's own Prometheus.
pub(crate) const PROMETHEUS_2: &str = "prometheus";

/// Prometheus 3, where `scripts/prometheus-3` puts it.
pub(crate) fn prometheus_3() -> PathBuf {
    root().join("target/tools/prometheus-3/prometheus")
}

/// A Prometheus with the repository's configuration and alert rules.
pub(crate) struct Prometheus {
    program: Option<Program>,
    binary: PathBuf,
    config: PathBuf,
    folder: PathBuf,
    pub(crate) url: String,
    http: reqwest::Client,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes these addresses every second.
    pub(crate) fn start(binary: impl Into<PathBuf>, folder: &Path, targets: &[String], alertmanager: u16) -> Self {
        let yaml = text("examples/monitoring/prometheus.yml");
        let yaml = with_value(&yaml, "scrape_interval", |_| "1s".to_owned());
        let yaml = with_value(&yaml, "evaluation_interval", |_| "1s".to_owned());
        let targets = targets.iter().map(|target| format!("'{target}'")).collect::<Vec<_>>().join(", ");
        let yaml = yaml
            .replace("\"127.0.0.1:9847\"", &targets)
            .replace("127.0.0.1:9093", &format!("127.0.0.1:{alertmanager}"))
            .replace("../../alerts/", "");
        for name in ["security.yml", "health.yml"] {
            // No group has an interval of its own here: the tests wait until every rule was evaluated.
            let rules = text(&format!("alerts/{name}")).replace("    interval: 2m\n", "");
            fs::write(folder.join(name), rules).expect("writable");
        }
        let config = folder.join("prometheus.yml");
        fs::write(&config, yaml).expect("writable");
        let url = format!("http://127.0.0.1:{}", free_port());
        let http = http();
        let mut prometheus =
            Self { program: None, binary: binary.into(), config, folder: folder.to_owned(), url, http };
        prometheus.run();
        prometheus
    }

    fn run(&mut self) {
        self.program = Some(Program::start(
            Command::new(&self.binary)
                .arg(format!("--config.file={}", self.config.display()))
                .arg(format!("--storage.tsdb.path={}", self.folder.join("data").display()))
                .arg(format!("--web.listen-address={}", self.url.trim_start_matches("http://")))
                // Alertmanager resolves alerts that are not sent again for four of these intervals, which is longer than a restart.
                .arg("--rules.alert.resend-delay=20s"),
        ));
    }

    /// Restarts it with its stored data.
    pub(crate) fn restart(&mut self) {
        if let Some(program) = self.program.take() {
            program.stop();
        }
        self.run();
    }

    /// The `data` of an API response, or the error.
    pub(crate) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let url = url::Url::parse_with_params(&format!("{}/api/v1{path}", self.url), parameters).expect("a URL");
        let response = self.http.get(url).send().await.map_err(|error| error.to_string())?;
        let text = response.text().await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer["error"].to_string()) }
    }

    /// The samples of an instant query.
    pub(crate) async fn query(&self, query: &str) -> Option<Vec<(BTreeMap<String, String>, f64)>> {
        let data = self.get("/query", &[("query", query)]).await.ok()?;
        let sample = |sample: &Value| {
            let labels = serde_json::from_value(sample["metric"].clone()).ok()?;
            Some((labels, sample["value"][1].as_str()?.parse().ok()?))
        };
        data["result"].as_array()?.iter().map(sample).collect()
    }

    /// Waits until a query has a sample.
    pub(crate) async fn until(&self, query: &str) -> f64 {
        until(query, || async { self.query(query).await?.first().map(|(_, value)| *value) }).await
    }
}

/// An Alertmanager with the repository's example configuration, which sends its notifications to a port of loopback.
pub(crate) struct Alertmanager {
    _program: Program,
    pub(crate) port: u16,
    http: reqwest::Client,
}

impl Alertmanager {
    pub(crate) fn start(folder: &Path, receiver: u16) -> Self {
        let yaml = text("alerts/alertmanager.example.yml");
        let yaml = with_value(&yaml, "group_wait", |_| "1s".to_owned());
        let yaml = with_value(&yaml, "group_interval", |_| "1s".to_owned());
        let yaml = with_value(&yaml, "url", |old| {
            let mut url: url::Url = old.trim_matches(['"', '\'']).parse().expect("a webhook's URL");
            url.set_port(Some(receiver)).expect("a URL with a host");
            url.to_string()
        });
        let config = folder.join("alertmanager.yml");
        fs::write(&config, yaml).expect("writable");
        let port = free_port();
        let program = Program::start(
            Command::new("prometheus-alertmanager")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--cluster.listen-address="),
        );
        let http = http();
        Self { _program: program, port, http }
    }

    /// Sends an alert that is not in the rules.
    pub(crate) async fn send(&self, alert: &str) -> Option<()> {
        let url = format!("http://127.0.0.1:{}/api/v2/alerts", self.port);
        let body = serde_json::json!([{ "labels": { "alertname": alert } }]).to_string();
        let request = self.http.post(url).header("content-type", "application/json").body(body);
        request.send().await.ok()?.error_for_status().ok().map(drop)
    }
}

/// One notification of Alertmanager.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    pub(crate) body: Value,
}

/// A webhook that keeps every notification.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    notifications: Arc<Mutex<Vec<Notification>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = listener.local_addr().expect("an address").port();
        let notifications: Arc<Mutex<Vec<Notification>>> = Arc::default();
        let kept = Arc::clone(&notifications);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                let keep = service_fn(move |request: Request<Incoming>| {
                    let kept = Arc::clone(&kept);
                    async move {
                        let body = request
                            .into_body()
                            .collect()
                            .await
                            .map(http_body_util::Collected::to_bytes)
                            .unwrap_or_default();
                        let body = serde_json::from_slice(&body).unwrap_or_default();
                        kept.lock().expect("nobody panics").push(Notification { body });
                        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
                    }
                });
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), keep));
            }
        });
        Self { port, notifications }
    }

    pub(crate) fn all(&self) -> Vec<Notification> {
        self.notifications.lock().expect("nobody panics").clone()
    }
}
