//! The real programs: a pair of exporters against one simulated organisation, and a Prometheus that scrapes them.
//!
//! Every program is killed when it is dropped.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Simulator};
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that was free a moment ago: the programs cannot all tell which port they took.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback").to_string()
}

/// The program, for that organisation.
pub(crate) fn program(simulator: &Simulator) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesyscloud-oauth-exporter"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", DEFAULT_CLIENT_ID)
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", DEFAULT_CLIENT_SECRET)
        .env("GENESYSCLOUD_API_URL", simulator.url())
        .env("GENESYSCLOUD_LOGIN_URL", simulator.url());
    command
}

/// Starts an exporter that refreshes every second, and tells its address. `name` tells its state file.
pub(crate) fn exporter(simulator: &Simulator, folder: &Path, name: &str, flags: &[(&str, &Path)]) -> (Running, String) {
    let address = free_address();
    let mut command = program(simulator);
    command.args([
        "serve",
        "--refresh.interval",
        "1s",
        "--genesys.requests-per-minute",
        "3000",
        "--genesys.burst",
        "3000",
    ]);
    command.args(["--web.listen-address", &address]).arg("--state.file").arg(folder.join(format!("{name}.state.json")));
    for (flag, value) in flags {
        command.arg(flag).arg(value);
    }
    (Running(command.spawn().expect("it starts")), address)
}

pub(crate) struct Prometheus {
    _running: Running,
    url: String,
    http: reqwest::Client,
}

impl Prometheus {
    /// Scrapes the targets every second, under the project's own alert rules where there are any.
    pub(crate) fn start(folder: &Path, targets: &[String]) -> Self {
        let entries = fs::read_dir("alerts").into_iter().flatten().map(|entry| entry.expect("an entry").path());
        let rules: Vec<PathBuf> = entries.filter(|path| is_rules(path)).collect();
        let absolute = |path: &PathBuf| fs::canonicalize(path).expect("it is there");
        let config = serde_json::json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": rules.iter().map(absolute).collect::<Vec<_>>(),
            "scrape_configs": [{ "job_name": "genesyscloud-oauth", "static_configs": [{ "targets": targets }] }],
        });
        let file = folder.join("prometheus.yml");
        // YAML reads JSON.
        fs::write(&file, config.to_string()).expect("writable");
        let address = free_address();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is installed; scripts/check installs it");
        // The exporter's programs do it for themselves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { _running: Running(child), url: format!("http://{address}/api/v1"), http }
    }

    /// The `data` of an answer, or why there is none.
    pub(crate) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let url = url::Url::parse_with_params(&format!("{}{path}", self.url), parameters).expect("a URL");
        let response = self.http.get(url).send().await.map_err(|error| error.to_string())?;
        let text = response.text().await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer["error"].to_string()) }
    }
}

pub(crate) fn has_rules() -> bool {
    fs::read_dir("alerts").is_ok_and(|mut entries| entries.any(|entry| is_rules(&entry.expect("an entry").path())))
}

/// Alertmanager's example lies beside the rules.
fn is_rules(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    path.extension().is_some_and(|extension| extension == "yml") && !name.starts_with("alertmanager")
}
