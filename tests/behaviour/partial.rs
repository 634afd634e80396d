//! Records of which part cannot be read, through the running exporter: what was read is evaluated and pages, and nothing with a gap
//! counts as compliant. The cases are members of one class of fault: a wrong all-clear.

#![allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "the figures are small and whole")]

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, SimulatedOrganisation};
use serde_json::{Value, json};

use crate::support::{Exporter, Scrape, settings, simulator};

const FIRST_SEEN: &str = "client_dangerous_scope_first_seen_timestamp_seconds";
const FIRST_SEEN_PERMISSION: &str = "client_dangerous_permission_first_seen_timestamp_seconds";

/// A client without a finding that counts.
fn compliant(organisation: &SimulatedOrganisation, name: &str) -> String {
    organisation.add_client(json!({
        "name": name,
        "description": "Owner: the test. A client without a finding.",
        "authorizedGrantType": "CODE",
        "scope": ["users:readonly"],
        "roleDivisions": [],
        "registeredRedirectUri": ["https://app.corp.internal/cb"],
        "accessTokenValiditySeconds": 3600,
        "state": "active",
    }))
}

fn of_client(id: &str) -> String {
    format!("client_id=\"{id}\"")
}

/// Whether the client has an open finding of the rule.
fn has(scrape: &Scrape, id: &str, rule: &str) -> bool {
    scrape.count("client_findings", &[&of_client(id), &format!("rule=\"{rule}\"")]) > 0
}

fn verdicts(scrape: &Scrape) -> [f64; 3] {
    ["clients_flagged", "clients_not_evaluated", "clients_compliant"].map(|family| scrape.sum(family, &[]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odd_field_hides_no_scope_that_a_client_gains() {
    // The field, its odd value, and whether the record counts as partial.
    let cases = [
        ("accessTokenValiditySeconds", json!("86400"), false),
        ("accessTokenValiditySeconds", json!(86400.0), false),
        ("accessTokenValiditySeconds", json!({}), true),
        ("description", json!(5), true),
        ("name", json!(["a", "list"]), true),
        ("state", json!(1), true),
        ("dateCreated", json!({}), true),
        ("dateToDelete", json!("soon"), true),
        ("createdBy", json!("u-1"), true),
        ("modifiedBy", json!([]), true),
        ("registeredRedirectUri", json!("https://app.corp.internal/cb"), true),
        ("registeredRedirectUri", json!([null, "https://app.corp.internal/cb"]), true),
        ("roleDivisions", json!("everywhere"), true),
        ("roleIds", json!([7]), true),
        ("scope", json!(["oauth", null]), true),
        ("scope", json!("oauth users authorization"), true),
    ];
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let clients: Vec<String> = (0..cases.len()).map(|n| compliant(&organisation, &format!("case {n}"))).collect();
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let before = exporter.until_refreshed().await;
    for id in &clients {
        assert!(!has(&before, id, "dangerous-scope") && !has(&before, id, "partial-record"));
    }
    assert_eq!(before.sum("clients_partial", &[]), 0.0);
    for (id, (field, value, _)) in clients.iter().zip(&cases) {
        organisation.edit_client(id, |client| {
            client["scope"] = json!(["oauth", "users", "authorization"]);
            client[*field] = value.clone();
        });
    }
    let partial = cases.iter().filter(|(.., partial)| *partial).count() as f64;
    let after = exporter
        .until("every gap", |scrape| {
            let gained = clients.iter().all(|id| scrape.count(FIRST_SEEN, &[&of_client(id), "scope=\"oauth\""]) == 1);
            gained && scrape.sum("clients_partial", &[]) == partial
        })
        .await;
    for (id, (field, value, partial)) in clients.iter().zip(&cases) {
        let case = format!("{field} {value}");
        assert!(after.sum(FIRST_SEEN, &[&of_client(id), "scope=\"oauth\""]) > 0.0, "{case}: the new scope pages");
        assert!(has(&after, id, "dangerous-scope"), "{case}");
        assert_eq!(has(&after, id, "partial-record"), *partial, "{case}");
    }
    let [flagged, not_evaluated, compliant] = verdicts(&after);
    assert_eq!(flagged + not_evaluated + compliant, after.sum("clients", &[]), "the verdicts add up");
    assert_eq!(compliant, verdicts(&before)[2] - clients.len() as f64);
    assert_eq!(after.sum("exporter_collector_success", &["collector=\"clients\""]), 1.0);
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odd_field_of_a_role_hides_no_permission_that_it_gains() {
    let everything = json!({ "domain": "authorization", "entityName": "*", "actionSet": ["*"] });
    let odd = json!({ "domain": "routing", "entityName": "queue", "actionSet": null });
    let cases: [&dyn Fn(&mut Value); 4] = [
        &|role| {
            role["default"] = json!("yes");
            role["permissionPolicies"] = json!([everything]);
        },
        &|role| {
            role["name"] = json!(5);
            role["permissionPolicies"] = json!([everything]);
        },
        &|role| role["permissionPolicies"] = json!([odd, everything]),
        &|role| role["permissionPolicies"] = json!([everything, "nonsense"]),
    ];
    for (n, change) in cases.into_iter().enumerate() {
        let simulator = simulator().await;
        let organisation = simulator.organisation();
        let truth = organisation.client_ids();
        let own = organisation.client(DEFAULT_CLIENT_ID).expect("the exporter's own client")["roleDivisions"].clone();
        let holder = truth.iter().find_map(|id| {
            let client = organisation.client(id)?;
            let roles = client["roleDivisions"].as_array()?;
            let role = roles.first()?["roleId"].as_str()?;
            (client["authorizedGrantType"] == "CLIENT-CREDENTIALS"
                && roles.len() == 1
                && !own.to_string().contains(role))
            .then(|| (id.clone(), role.to_owned()))
        });
        let (client, role) = holder.expect("a client with one role");
        organisation.edit_role(&role, |role| {
            role["permissions"] = json!([]);
            role["permissionPolicies"] = json!([{ "domain": "routing", "entityName": "queue", "actionSet": ["view"] }]);
        });
        let exporter = Exporter::start(settings(&simulator, &[])).await;
        let before = exporter.until_refreshed().await;
        assert!(!has(&before, &client, "admin-role"), "case {n}");
        organisation.edit_role(&role, change);
        let after = exporter.until("the role", |scrape| has(scrape, &client, "admin-role")).await;
        assert!(after.sum(FIRST_SEEN_PERMISSION, &[&of_client(&client)]) > 0.0, "case {n}: the new permission pages");
        let partial = ["rule=\"partial-record\"", "status=\"open\""];
        assert_eq!(after.sum("findings", &partial), 1.0, "case {n}: one finding on the role");
        assert_eq!(after.sum("clients_partial", &[]), 0.0, "case {n}: the record of the client is complete");
        exporter.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_roles_and_scopes_are_not_empty_ones() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let (code, credentials) = (compliant(&organisation, "code"), compliant(&organisation, "credentials"));
    organisation.edit_client(&credentials, |client| {
        client["authorizedGrantType"] = json!("CLIENT-CREDENTIALS");
        client["scope"] = json!([]);
        client["roleDivisions"] = json!([]);
        client["registeredRedirectUri"] = json!([]);
    });
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let before = exporter.until_refreshed().await;
    organisation.edit_client(&credentials, |client| {
        let fields = client.as_object_mut().expect("a record");
        fields.remove("roleDivisions");
        fields.remove("roleIds");
    });
    organisation.edit_client(&code, |client| {
        client.as_object_mut().expect("a record").remove("scope");
    });
    let after = exporter.until("two gaps", |scrape| scrape.sum("clients_partial", &[]) == 2.0).await;
    assert_eq!(verdicts(&after)[2], verdicts(&before)[2] - 2.0, "neither is compliant");
    assert!(has(&after, &credentials, "partial-record") && has(&after, &code, "partial-record"));
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_outlives_a_restart_and_the_report_says_how_old_the_value_is() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let id = compliant(&organisation, "loses its scopes");
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.json").display().to_string();
    let settings = || settings(&simulator, &[("state.file", &state), ("web.expose-report", "true")]);
    let exporter = Exporter::start(settings()).await;
    exporter.until_refreshed().await;
    organisation.edit_client(&id, |client| client["scope"] = json!(5));
    exporter.until("the gap", |scrape| scrape.sum("clients_partial", &[]) == 1.0).await;
    exporter.stop().await;
    let again = Exporter::start(settings()).await;
    let scrape = again.until_refreshed().await;
    assert_eq!(scrape.sum("clients_partial", &[]), 1.0);
    assert!(has(&scrape, &id, "partial-record"));
    assert_eq!(scrape.sum("client_scopes", &[&of_client(&id)]), 1.0, "the last known scope");
    let page = again.get(&format!("/clients/{id}")).await.1;
    assert!(page.contains("the last known value"), "{page}");
    again.stop().await;
}
