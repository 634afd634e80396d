//! A real Prometheus, in Debian's version and in version 3, scrapes the running exporter, stores the correct values, and loads
//! the rules.

use std::path::PathBuf;

use crate::programs::{PROMETHEUS_2, Prometheus, free_port, prometheus_3, turn};
use crate::support::{Exporter, settings, simulator};

async fn it_scrapes_the_true_figures_and_sees_the_change(binary: PathBuf) {
    let simulator = simulator().await;
    let truth = simulator.organisation().truth();
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    exporter.until_refreshed().await;
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(binary, folder.path(), &[exporter.address.to_string()], free_port());
    let is = async |query: &str, expected: f64| prometheus.until(&format!("{query} == {expected}")).await;
    is("up", 1.0).await;
    is("sum(genesyscloud_oauth_clients)", truth.clients as f64).await;
    is("count(genesyscloud_oauth_client_info)", truth.clients as f64).await;
    is("genesyscloud_oauth_exporter_last_refresh_successful", 1.0).await;
    let held = "genesyscloud_oauth_dangerous_scope_clients{scope='oauth'}";
    let before = prometheus.until(held).await;
    simulator.organisation().grant_scope("CRM screen pop", "oauth");
    is(held, before + 1.0).await;
    let by_name = "count((genesyscloud_oauth_client_dangerous_scope_first_seen_timestamp_seconds > 0) \
        * on (org, client_id) group_left (client_name) genesyscloud_oauth_client_info{client_name='CRM screen pop'})";
    is(by_name, 1.0).await;
    prometheus.until("ALERTS{alertname='GenesysOAuthDangerousScopeNew',alertstate='firing'}").await;
    exporter.stop().await;
    is("up", 0.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_2() {
    let _turn = turn().await;
    it_scrapes_the_true_figures_and_sees_the_change(PROMETHEUS_2.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_version_3() {
    let _turn = turn().await;
    it_scrapes_the_true_figures_and_sees_the_change(prometheus_3()).await;
}

/// A target label `org` does not replace the exporter's, because of `honor_labels` in the example.
async fn a_target_label_does_not_rename_the_organisation(binary: PathBuf) {
    let simulator = simulator().await;
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    exporter.until_refreshed().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut prometheus = Prometheus::start(binary, folder.path(), &[exporter.address.to_string()], free_port());
    let config = folder.path().join("prometheus.yml");
    let yaml = std::fs::read_to_string(&config).expect("it was written");
    let target = format!("- targets: ['{}']", exporter.address);
    assert!(yaml.contains(&target), "{yaml}");
    let labelled = yaml.replace(&target, &format!("{target}\n        labels: {{org: of-the-target, dc: one}}"));
    std::fs::write(&config, labelled).expect("writable");
    prometheus.restart();
    prometheus.until("genesyscloud_oauth_org_info{dc='one', org='default', exported_org=''}").await;
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn target_labels_in_prometheus_2() {
    let _turn = turn().await;
    a_target_label_does_not_rename_the_organisation(PROMETHEUS_2.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn target_labels_in_prometheus_version_3() {
    let _turn = turn().await;
    a_target_label_does_not_rename_the_organisation(prometheus_3()).await;
}
