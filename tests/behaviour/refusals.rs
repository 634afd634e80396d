//! A refusal is reported as what the platform's answer says, and never as a missing permission that the exporter only assumes.

#![expect(clippy::float_cmp, reason = "the values are small whole numbers")]

use std::fs;

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault};
use serde_json::{Value, json};

use crate::cli::organisation;
use crate::support::{Exporter, settings, simulator, text};

/// Status, code, message or body, and what cures it.
fn answers() -> Vec<(u16, String, String, String)> {
    let table = fs::read_to_string("tests/data/forbidden-answers.tsv").expect("readable");
    let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [status, code, message, cure] = cells[..] else { panic!("four columns: {line}") };
        (status.parse().expect("a status"), code.to_owned(), message.to_owned(), cure.to_owned())
    };
    rows.map(row).collect()
}

fn fault(status: u16, code: &str, message: &str) -> Fault {
    let body = if code == "(none)" {
        message.to_owned()
    } else {
        json!({ "message": message, "code": code, "status": status, "contextId": "5e9d0c1e-6b1c-4d5e-9f3a-2b7c8d9e0f1a" }).to_string()
    };
    Fault::Says { status, header: ("x-any", "none".to_owned()), body }
}

/// What the message says about each code.
fn said_of(code: &str) -> &'static str {
    match code {
        "missing.permissions" | "missing.any.permissions" => "the role of this client lacks authorization:role:view",
        "not.enabled" => "the feature is not enabled in this organisation",
        "app.not.authorized.for.scope" => "enforces scopes and this client lacks one",
        "authz.policy.denied" => "an access policy of the organisation denies it",
        "(none)" => "the answer is not the platform's",
        "ip.not.authorized" => "does not allow calls from the address of the exporter",
        other => panic!("no expectation for {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_cures_each_refusal_and_nothing_else() {
    let (simulator, run) = organisation().await;
    for (status, code, message, cure) in answers() {
        simulator.organisation().set_fault(fault(status, &code, &message).at(Endpoint::Roles));
        let output = text(&run(&["doctor", "--format=json"]).stdout);
        let document: Value = serde_json::from_str(&output).expect("JSON");
        let checks = document["organisations"][0]["checks"]
            .as_array()
            .or(document["checks"].as_array())
            .expect("checks")
            .clone();
        let roles = checks.iter().find(|check| check["check"] == "roles").expect("the check of the roles");
        let said = roles["message"].as_str().expect("a message");
        assert!(said.contains(said_of(&code)), "{code}: {said}");
        let advice = roles["advice"].as_str().unwrap_or_default();
        if cure.starts_with("authorization:role:view") {
            assert!(advice.contains("add authorization:role:view to the role"), "{code}: {advice}");
        } else {
            assert!(!advice.contains("to the role of this client"), "{code}: {advice}");
        }
        assert!(!advice.contains("role:edit"), "{code}: {advice}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_log_and_report_distinguish_the_refusals() {
    for (status, code, message, cure) in answers().into_iter().filter(|(status, ..)| *status == 403) {
        let simulator = simulator().await;
        simulator.organisation().set_fault(fault(status, &code, &message).at(Endpoint::Roles));
        let exporter = Exporter::start(settings(&simulator, &[])).await;
        let scrape = exporter.until_refreshed().await;
        let supported = scrape.sum("exporter_collector_supported", &["collector=\"roles\""]);
        assert_eq!(supported, if code == "(none)" { 1.0 } else { 0.0 }, "{code}");
        assert_eq!(scrape.sum("exporter_collector_success", &["collector=\"roles\""]), 0.0, "{code}");
        let report: Value = serde_json::from_str(&exporter.get("/api/v1/report").await.1).expect("JSON");
        let inputs = report["organisations"][0]["inputs"].as_array().expect("inputs");
        let roles = inputs.iter().find(|input| input["input"] == "roles").expect("roles");
        let named = cure.starts_with("authorization:role:view").then_some("authorization:role:view");
        assert_eq!(roles["missing_permission"].as_str(), named, "{code}: {roles}");
        assert!(roles.to_string().contains(said_of(&code)), "{code}: {roles}");
        let page = exporter.get("/").await.1;
        assert!(page.contains(&said_of(&code).replace('\'', "&#39;")), "{code}: {page}");
        exporter.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_not_allowed_costs_no_new_token() {
    let (status, code, message, _) = answers().into_iter().find(|(status, ..)| *status == 401).expect("a row");
    let simulator = simulator().await;
    simulator.organisation().set_fault(fault(status, &code, &message).at(Endpoint::Clients));
    let exporter = Exporter::start(settings(&simulator, &[("refresh.interval", "1s")])).await;
    let failures =
        |scrape: &crate::support::Scrape| scrape.sum("exporter_refreshes_total", &["outcome=\"error\""]) >= 5.0;
    let scrape = exporter.until("five failures", failures).await;
    assert_eq!(scrape.sum("exporter_token_fetches_total", &["outcome=\"success\""]), 1.0);
    assert_eq!(scrape.sum("exporter_api_retries_total", &["reason=\"unauthorized\""]), 0.0);
    let page = exporter.get("/").await.1;
    assert!(page.contains(said_of(&code)), "{page}");
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_refused_later_is_not_blamed_on_an_input() {
    let simulator = simulator().await;
    let exporter = Exporter::start(settings(&simulator, &[("refresh.interval", "1s")])).await;
    exporter.until_refreshed().await;
    simulator.organisation().add_fault(Fault::InvalidClient(401).at(Endpoint::Token));
    simulator.organisation().add_fault(Fault::Unauthorized.at(Endpoint::Scopes));
    for failures in [1.0, 3.0] {
        let has_failed =
            |scrape: &crate::support::Scrape| scrape.sum("exporter_consecutive_refresh_failures", &[]) >= failures;
        exporter.until("failed refreshes", has_failed).await;
        let (_, page) = exporter.get("/").await;
        assert!(page.contains("the platform does not know this client or refuses its secret"), "{page}");
        assert!(!page.contains("could be read before"), "{page}");
    }
    exporter.stop().await;
}
