//! Several organisations, one without a baseline and one that was never read: a panel shows only what the selected ones export.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, Options, Simulator};
use serde_json::Value;

use super::data::{ask, figure, has_data, now};
use super::exporters;
use super::model::{Query, all, queries};
use crate::programs::{Program, Prometheus, free_port, turn};
use crate::support::program_for;

/// The labels `org` of an organisation with a baseline, one without, and one that cannot be read.
const ORGS: [&str; 3] = ["approved", "free", "unread"];

const OF_CLIENT: &str = "genesys-oauth-clients / Unapproved / A";
const DRIFT: &str = "genesys-oauth-changes / Open Drift by Kind / A";
const UNAPPROVED: [&str; 2] =
    ["genesys-oauth-changes / Unapproved Grants / A", "genesys-oauth-overview / Unapproved Grants / A"];

/// The current values of the panels with these organisations and this client selected.
async fn told(prometheus: &Prometheus, dashboards: &[Value], org: &str, client: &str) -> BTreeMap<String, Value> {
    let variables = BTreeMap::from([
        ("__rate_interval", "4s".to_owned()),
        ("__from", "0".to_owned()),
        ("job", "genesyscloud-oauth".to_owned()),
        ("instance", ".+".to_owned()),
        ("client", client.to_owned()),
        ("org", org.to_owned()),
        ("hide_org", String::new()),
    ]);
    let at = now();
    let mut results = BTreeMap::new();
    for query in dashboards.iter().flat_map(queries).filter(|query: &Query| query.instant) {
        results.insert(query.place.clone(), ask(prometheus, &query, &variables, at).await);
    }
    results
}

/// An exporter for each of the organisations, and the Prometheus that scrapes them.
fn start(folder: &Path, simulators: &[Simulator; 2]) -> (Vec<Program>, Prometheus) {
    let baseline = folder.join("baseline.json");
    let mut init = program_for(&simulators[0].url());
    init.args(["baseline", "init", "--by", "Kim", "--reason", "OPS-1", "--baseline.file"]).arg(&baseline);
    assert!(init.status().expect("it runs").success());
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let mut programs = Vec::new();
    let mut addresses = Vec::new();
    for org in ORGS {
        let mut command = program_for(&simulators[usize::from(org == "free")].url());
        command.arg("serve").env("GENESYSCLOUD_ORG", org);
        match org {
            "approved" => drop(command.arg("--baseline.file").arg(&baseline)),
            "unread" => drop(command.env("GENESYSCLOUD_API_URL", &nowhere).env("GENESYSCLOUD_LOGIN_URL", &nowhere)),
            _ => (),
        }
        let (program, address) = exporters::start(command, folder, org);
        programs.push(program);
        addresses.push(address);
    }
    (programs, exporters::prometheus(folder, &addresses))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shown_for_an_organisation_that_was_not_read_or_has_no_baseline() {
    let _turn = turn().await;
    let options = Options { seed: Options::default().seed + 1, ..Options::default() };
    let simulators = [
        Simulator::start(Options::default()).await.expect("loopback"),
        Simulator::start(options).await.expect("loopback"),
    ];
    let [approved, free] = simulators.each_ref().map(|simulator| {
        let ids = simulator.organisation().client_ids();
        // Not the exporter's own client, which has the same id in both.
        ids.into_iter().rfind(|id| id != DEFAULT_CLIENT_ID).expect("others")
    });
    assert_ne!(approved, free);
    let folder = tempfile::tempdir().expect("a folder");
    let (_programs, prometheus) = start(folder.path(), &simulators);
    for (org, loaded) in [("approved", "1"), ("free", "0")] {
        let query = format!("genesyscloud_oauth_baseline_loaded{{org='{org}'}} == {loaded}");
        prometheus.until(&query).await;
    }
    prometheus.until("genesyscloud_oauth_exporter_last_refresh_attempt_timestamp_seconds{org='unread'} > 0").await;
    let dashboards = all();

    let of_approved = told(&prometheus, &dashboards, "approved", &approved).await;
    assert_eq!(UNAPPROVED.map(|place| figure(&of_approved[place])), [Some("0"); 2]);
    assert!(has_data(&of_approved[DRIFT]));
    assert_eq!(figure(&of_approved[OF_CLIENT]), Some("0"));
    for chosen in ["free", "unread", "(approved|free)", "(approved|unread)", ".+"] {
        let results = told(&prometheus, &dashboards, chosen, &free).await;
        for place in UNAPPROVED.into_iter().chain([DRIFT, OF_CLIENT]) {
            assert!(!has_data(&results[place]), "{place} gives an all-clear of {chosen}: {}", results[place]);
        }
    }

    // With the exporter up, three dashboards show audited data, and the fourth the exporter's own metrics.
    let of_unread = told(&prometheus, &dashboards, "unread", &free).await;
    let audited = of_unread.iter().filter(|(place, _)| !place.starts_with("genesys-oauth-exporter"));
    let said: Vec<_> = audited.filter(|(_, result)| has_data(result)).map(|(place, _)| place.as_str()).collect();
    // Without a successful refresh the age is decades, which the panel shows as "never read".
    assert_eq!(said, ["genesys-oauth-overview / Age of the Data / A"]);

    // A new grant is shown although another organisation has no baseline.
    simulators[0].organisation().advance_to(Duration::from_mins(10));
    let unapproved = "genesyscloud_oauth_client_dangerous_scope_unapproved{org='approved'} == 1";
    prometheus.until(unapproved).await;
    prometheus.until("genesyscloud_oauth_baseline_drift > 0").await;
    let of_all = told(&prometheus, &dashboards, ".+", &free).await;
    for place in UNAPPROVED.into_iter().chain([DRIFT]) {
        assert!(has_data(&of_all[place]), "{place}");
    }
}
