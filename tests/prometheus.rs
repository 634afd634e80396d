//! The contract with the real Prometheus: it scrapes the running exporter and has the true figures.

#![allow(clippy::expect_used, clippy::cast_precision_loss, reason = "a test that cannot be set up has failed")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use support::{Exporter, settings, simulator, until};

/// A Prometheus that scrapes one target every second. Killed when dropped.
struct Prometheus {
    child: Child,
    url: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(target: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: genesyscloud-oauth\n    static_configs:\n      - targets: ['{target}']\n"
        );
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).expect("writable");
        // Free a moment ago; Prometheus cannot tell which port it took.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback").port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is installed; scripts/check installs it");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { child, url: format!("http://127.0.0.1:{port}"), http, _folder: folder }
    }

    /// The value of an instant query with one sample.
    async fn query(&self, query: &str) -> Option<f64> {
        let url =
            url::Url::parse_with_params(&format!("{}/api/v1/query", self.url), [("query", query)]).expect("a URL");
        let text = self.http.get(url).send().await.ok()?.text().await.ok()?;
        let answer: serde_json::Value = serde_json::from_str(&text).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    async fn until(&self, query: &str, expected: f64) {
        let what = format!("{query} is {expected}");
        until(&what, || async { (self.query(query).await? - expected).abs().lt(&0.5).then_some(()) }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_scrapes_the_true_figures_and_sees_the_change() {
    let simulator = simulator().await;
    let truth = simulator.organisation().truth();
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    exporter.until_refreshed().await;
    let prometheus = Prometheus::start(&exporter.address.to_string());
    prometheus.until("up{job='genesyscloud-oauth'}", 1.0).await;
    prometheus.until("sum(genesyscloud_oauth_clients)", truth.clients as f64).await;
    prometheus.until("count(genesyscloud_oauth_client_info)", truth.clients as f64).await;
    prometheus.until("genesyscloud_oauth_exporter_last_refresh_successful", 1.0).await;
    let held = "genesyscloud_oauth_dangerous_scope_clients{scope='oauth'}";
    let before = prometheus.query(held).await.expect("the scope is in the registry");
    simulator.organisation().grant_scope("CRM screen pop", "oauth");
    prometheus.until(held, before + 1.0).await;
    let by_name = "count((genesyscloud_oauth_client_dangerous_scope_first_seen_timestamp_seconds > 0) \
        * on (org, client_id) group_left (client_name) genesyscloud_oauth_client_info{client_name='CRM screen pop'})";
    prometheus.until(by_name, 1.0).await;
    exporter.stop().await;
    prometheus.until("up{job='genesyscloud-oauth'}", 0.0).await;
}
