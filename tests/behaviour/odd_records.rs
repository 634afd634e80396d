//! The records of `tests/data/odd-records.json`, each with one odd element, through the running exporter: the file says what is
//! right for each.

#![allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "the figures are small and whole")]

use serde_json::{Value, json};

use crate::support::{Exporter, Scrape, settings, simulator};

fn of_client(id: &str) -> String {
    format!("client_id=\"{id}\"")
}

fn has(scrape: &Scrape, id: &str, rule: &str) -> bool {
    scrape.count("client_findings", &[&of_client(id), &format!("rule=\"{rule}\"")]) > 0
}

/// The `first_seen` of what is new, for which people are paged.
fn pages(scrape: &Scrape, id: &str, what: &str, label: &str) -> bool {
    let family = format!("client_dangerous_{what}_first_seen_timestamp_seconds");
    scrape.sum(&family, &[&of_client(id), label]) > 0.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_odd_record_of_the_cases_is_evaluated_as_far_as_it_can_be_read() {
    let cases: Value = serde_json::from_str(include_str!("../data/odd-records.json")).expect("JSON");
    let records = cases["clients"].as_array().expect("clients");
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let before = exporter.until_refreshed().await;
    let odd = cases["roles"][0].clone();
    let role = organisation.role_id("Empty shell").expect("a role that nothing depends on");
    organisation.edit_role(&role, |role| role["permissionPolicies"] = odd["permissionPolicies"].clone());
    for record in records {
        let mut record = record.clone();
        if let Some(grants) = record["roleDivisions"].as_array_mut() {
            grants[0]["roleId"] = json!(role);
        }
        organisation.add_client(record);
    }
    let last = records[3]["id"].as_str().expect("an id");
    let after = exporter.until("the records", |scrape| has(scrape, last, "dangerous-scope")).await;
    let mut judged = 0;
    for record in records {
        let (id, right) = (record["id"].as_str().expect("an id"), record["right"].as_str().expect("an answer"));
        let partial = has(&after, id, "partial-record");
        match right {
            _ if right.starts_with("dangerous-scope oauth is open and pages") => {
                assert!(has(&after, id, "dangerous-scope") && pages(&after, id, "scope", "scope=\"oauth\""), "{right}");
                assert!(partial, "{right}");
            }
            _ if right.starts_with("admin-role is open and pages") => {
                assert!(has(&after, id, "admin-role") && pages(&after, id, "permission", "permission="), "{right}");
                assert!(!partial, "the record itself is complete");
                let on_roles = ["rule=\"partial-record\"", "status=\"open\""];
                let of_clients = after.sum("clients_partial", &[]);
                assert_eq!(after.sum("findings", &on_roles), of_clients + 1.0, "one more on the role");
            }
            "read as 86400; nothing not evaluated" => {
                assert!(!partial, "{right}");
                assert_eq!(after.sum("client_access_token_validity_seconds", &[&of_client(id)]), 86_400.0, "{right}");
            }
            other => panic!("an answer that the test does not know: {other}"),
        }
        judged += 1;
    }
    assert_eq!(judged, 4);
    let added = records.len() as f64;
    assert_eq!(after.sum("clients", &[]), before.sum("clients", &[]) + added, "each counts as added");
    assert_eq!(after.sum("clients_partial", &[]), 2.0, "one alert reports both");
    exporter.stop().await;
}
