//! The platform names another organisation: one wrong answer changes nothing, and a true change pages for no existing grant.

#![allow(clippy::float_cmp, reason = "the figures are small and whole")]

use std::fs;

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault, Injection, Simulator};
use serde_json::{Value, json};

use crate::support::{Exporter, Scrape, settings, simulator};

const OTHER: &str = "0000000a-0000-4000-8000-00000000000b";
const SEEN: &str = "client_dangerous_scope_first_seen_timestamp_seconds";
const PAGING: [&str; 4] = [
    SEEN,
    "client_dangerous_permission_first_seen_timestamp_seconds",
    "client_dangerous_scope_unapproved",
    "client_dangerous_permission_unapproved",
];

fn other_organisation() -> Injection {
    Fault::Field("/organization/id", Some(json!(OTHER))).at(Endpoint::TokenInfo)
}

/// Every audited series with its value, without what is about the exporter itself.
fn audited(scrape: &Scrape) -> Vec<(&str, f64)> {
    let audited = scrape.samples.iter().filter(|(series, _)| {
        series.starts_with("genesyscloud_oauth_") && !series.starts_with("genesyscloud_oauth_exporter_")
    });
    audited.map(|(series, value)| (series.as_str(), *value)).collect()
}

fn errors(scrape: &Scrape) -> f64 {
    scrape.sum("exporter_refreshes_total", &["outcome=\"error\""])
}

fn successes(scrape: &Scrape) -> f64 {
    scrape.sum("exporter_refreshes_total", &["outcome=\"success\""])
}

fn paging(scrape: &Scrape) -> f64 {
    PAGING.iter().map(|family| scrape.sum(family, &[])).sum()
}

/// A baseline of everything that the organisation has now.
async fn approve(simulator: &Simulator, file: &std::path::Path) {
    let mut command = crate::support::program_for(&simulator.url());
    command.args(["baseline", "init", "--by", "Kim", "--reason", "OPS-1", "--baseline.file"]).arg(file);
    let output = tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_that_names_another_organisation_changes_no_audited_series_and_no_state() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (state, baseline) = (folder.path().join("state.json"), folder.path().join("baseline.json"));
    approve(&simulator, &baseline).await;
    let flags = [("state.file", state.to_str().expect("UTF-8")), ("baseline.file", baseline.to_str().expect("UTF-8"))];
    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    exporter.until_refreshed().await;
    // One real grant, so that there is something to forget.
    assert!(simulator.organisation().grant_scope("CRM screen pop", "oauth"));
    let before = exporter.until("the grant", |scrape| paging(scrape) > 1.0).await;
    for wrong in 1_u8..=3 {
        simulator.organisation().set_fault(other_organisation().times(1));
        let during = exporter.until("a refused answer", |scrape| errors(scrape) >= f64::from(wrong)).await;
        assert_eq!(audited(&during), audited(&before), "answer {wrong}");
        let done = successes(&during);
        let after = exporter.until("two refreshes", |scrape| successes(scrape) >= done + 2.0).await;
        assert_eq!(audited(&after), audited(&before), "after answer {wrong}");
        assert_eq!(errors(&after), f64::from(wrong), "it is refused once");
    }
    exporter.stop().await;
    let saved: Value = serde_json::from_slice(&fs::read(&state).expect("readable")).expect("JSON");
    let organisations: Vec<&String> = saved["organisations"].as_object().expect("organisations").keys().collect();
    assert_eq!(organisations, [&simulator.organisation().truth().organisation_id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmed_change_of_the_organisation_starts_fresh_and_pages_for_no_existing_grant() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.json");
    let flags = [("state.file", state.to_str().expect("UTF-8"))];
    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    exporter.until_refreshed().await;
    assert!(organisation.grant_scope("CRM screen pop", "oauth"));
    let old = exporter.until("the grant", |scrape| paging(scrape) > 1.0).await;

    // The other organisation has clients and grants that the first one has not.
    organisation.set_fault(other_organisation());
    organisation.add_client(json!({
        "name": "theirs", "authorizedGrantType": "CODE", "scope": ["oauth", "users"], "roleDivisions": [], "state": "active",
    }));
    let theirs = exporter.until("the other one", |scrape| scrape.count("org_info", &[OTHER]) == 1).await;
    assert_eq!(paging(&theirs), 0.0, "its grants are not new");
    assert!(theirs.count(SEEN, &[]) > old.count(SEEN, &[]));
    assert_eq!(theirs.count("org_info", &[]), 1);
    let done = successes(&theirs);
    let later = exporter.until("two refreshes", |scrape| successes(scrape) >= done + 2.0).await;
    assert_eq!(paging(&later), 0.0);
    assert!(organisation.grant_scope("theirs", "recordings"));
    exporter.until("a new grant of the other one", |scrape| paging(scrape) > 1.0).await;

    // Back: what was known of the first organisation still is.
    organisation.remove_client("theirs");
    organisation.clear_faults();
    let back = exporter.until("the first one", |scrape| scrape.count("org_info", &[OTHER]) == 0).await;
    let first_seen = |scrape: &Scrape| scrape.sum(SEEN, &["scope=\"oauth\""]);
    assert_eq!(first_seen(&back), first_seen(&old), "the grant keeps its time");
    assert_eq!(paging(&back), paging(&old));
    exporter.stop().await;
}
