//! Reports that compare with an earlier audit, reports per client, and metrics for the textfile collector, from the real program.

use std::fs;

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault};
use serde_json::Value;

use crate::exposition::run;
use crate::reports::World;
use crate::support::text;

const FORMATS: [&str; 5] = ["table", "json", "csv", "sarif", "markdown"];

/// The id of a client without findings that a user signs in to, and the id of one with a dangerous scope.
fn ids(report: &Value) -> (String, String) {
    let organisation = &report["organisations"][0];
    let id = |value: &Value| value["client_id"].as_str().expect("an id").to_owned();
    let clients = organisation["clients"].as_array().expect("clients");
    let clean = clients.iter().find(|client| client["status"] == "COMPLIANT" && client["grant_type"] == "code");
    let findings = organisation["findings"].as_array().expect("findings");
    let flagged =
        findings.iter().find(|finding| finding["rule"] == "dangerous-scope" && finding["evidence"]["value"] == "oauth");
    (id(clean.expect("a compliant client")), id(flagged.expect("a dangerous scope")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_says_what_is_new_since_when_and_what_was_resolved() {
    let world = World::start().await;
    let before = world.json(&["--snapshot-out=before.json"]);
    let taken_at = before["organisations"][0]["taken_at"].as_str().expect("a time").to_owned();
    let (clean, flagged) = ids(&before);
    world.simulator.organisation().grant_scope(&clean, "scim");
    world.simulator.organisation().revoke_scope(&flagged, "oauth");
    for format in FORMATS {
        let output = world.audit(&["--only-new", "--previous=before.json", "--format", format]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        let said = text(&output.stdout);
        let [resolved, new, since]: [&str; 3] = match format {
            "table" => ["RESOLVED  ", "new finding", &taken_at[..10]],
            "json" => ["\"how\": \"gone\"", "\"value\": \"scim\"", &taken_at],
            "csv" => [",resolved,", ",new,", &taken_at],
            "sarif" => ["Resolved, gone: ", "holds the scope scim", "Compared with the snapshot of"],
            _ => ["#### Resolved (", "#### New ", "Compared with the snapshot of"],
        };
        for part in [resolved, new, since] {
            assert!(said.contains(part), "{format}: {part} in {said}");
        }
        assert!(said.contains(&flagged) && said.contains(&clean), "{format}: both clients are named: {said}");
    }
    let unread = world.simulator.organisation();
    unread.set_fault(Fault::ServerError(500).at(Endpoint::Roles));
    let report = world.json(&["--only-new", "--previous=before.json"]);
    let resolved = report["organisations"][0]["resolved"].as_array().expect("a list");
    let rules: Vec<&Value> = resolved.iter().map(|resolved| &resolved["rule"]).collect();
    assert!(!rules.contains(&&Value::from("dangerous-permission")), "what is not evaluated is not resolved: {rules:?}");
    unread.clear_faults();
    assert!(
        world.json(&[])["organisations"][0]["resolved"].is_null(),
        "without a comparison, nothing is called resolved"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_says_who_holds_what_since_when() {
    let world = World::start().await;
    world.audit(&["--snapshot-out=genesyscloud-oauth-exporter.state.json"]);
    let (clean, _) = ids(&world.json(&[]));
    world.simulator.organisation().grant_scope(&clean, "scim");
    let report = world.json(&[]);
    let organisation = &report["organisations"][0];
    let findings = organisation["findings"].as_array().expect("findings");
    let gained =
        findings.iter().find(|finding| finding["client_id"] == *clean && finding["evidence"]["value"] == "scim");
    let gained = gained.expect("the new grant");
    assert_eq!(gained["first_seen"], organisation["evaluated_at"], "it was not in the saved state");
    let old = findings.iter().filter(|finding| finding["rule"] == "dangerous-scope" && finding["client_id"] != *clean);
    assert!(old.clone().count() > 1 && old.clone().all(|finding| finding["first_seen"].is_null()), "held before");
    let named = findings.iter().filter(|finding| !finding["client_id"].is_null());
    assert!(named.clone().all(|finding| finding["client_name"].as_str().is_some_and(|name| !name.is_empty())));
    let clients = organisation["clients"].as_array().expect("clients");
    let credentials = clients.iter().find(|client| client["roles"][0].is_object()).expect("one with a role");
    let role = &credentials["roles"][0];
    assert!(role["role_name"].is_string() && role["division_id"].is_string(), "{credentials}");
    let code = clients.iter().find(|client| client["grant_type"] == "code").expect("one");
    assert!(code["redirect_uris"].is_array() && code["created"].is_string() && code["modified"].is_string(), "{code}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_inventory_has_a_row_for_each_client() {
    let world = World::start().await;
    let report = world.json(&["--output=inventory=clients.csv"]);
    let clients = report["organisations"][0]["clients"].as_array().expect("clients");
    let inventory = world.read("clients.csv");
    assert_eq!(inventory.lines().count(), clients.len() + 1);
    assert!(inventory.starts_with("org,org_id,client_id,client_name,"), "{inventory}");
    for client in clients {
        assert!(inventory.contains(client["client_id"].as_str().expect("an id")), "{client}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_textfile_is_valid_agrees_with_the_report_and_has_no_data_of_a_failed_audit() {
    let world = World::start().await;
    let report = world.json(&["--output=prometheus=oauth.prom"]);
    let metrics = world.read("oauth.prom");
    let checked = run("promtool", &["check", "metrics"], &metrics);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let flagged = &report["organisations"][0]["summary"]["flagged"];
    assert!(metrics.contains("genesyscloud_oauth_client_dangerous_scope_first_seen_timestamp_seconds{"), "{metrics}");
    let of_flagged = metrics.lines().filter(|line| line.starts_with("genesyscloud_oauth_clients_flagged{"));
    let sum: f64 = of_flagged.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum();
    assert_eq!(flagged.as_f64().map(f64::to_bits), Some(sum.to_bits()), "{metrics}");
    world.simulator.organisation().set_fault(Fault::ServerError(500).at(Endpoint::Clients));
    let failed = world.audit(&["--format=prometheus"]);
    assert_eq!(failed.status.code(), Some(3));
    assert!(!text(&failed.stdout).contains("genesyscloud_oauth_clients{"), "{}", text(&failed.stdout));
    let leftovers: Vec<_> = fs::read_dir(world.path("."))
        .expect("a folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    assert!(leftovers.iter().all(|name| !name.contains(".new-")), "{leftovers:?}");
}
