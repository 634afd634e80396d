//! One client of any size makes outputs of a bounded size, through the real program.
//!
//! The limits are far above what the outputs have now, and far below what one finding for each scope, role or address would need.

#![allow(
    clippy::expect_used,
    clippy::float_cmp,
    reason = "a test that cannot be set up has failed; the figures are small integers"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, Simulator};
use serde_json::{Value, json};

use crate::support::{Exporter, QUICK_RETRIES, Scrape, program_for, settings, simulator, text};

/// The largest output, in bytes. The client of each test has more than 3 million.
const LARGEST: usize = 500_000;
/// The report in JSON repeats the scopes of each client, one per line: at most three times the size of the platform's answer.
const LARGEST_JSON: usize = 12_000_000;

/// An organisation whose only remarkable client has this field.
async fn with_large_client(grant_type: &str, field: &str, value: Value) -> Simulator {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    for id in organisation.client_ids().iter().filter(|id| *id != DEFAULT_CLIENT_ID) {
        organisation.remove_client(id);
    }
    let mut client = json!({"name": "Large", "authorizedGrantType": grant_type, "scope": ["users:readonly"]});
    client[field] = value;
    organisation.add_client(client);
    simulator
}

/// Runs the program and the exporter, and checks the size of all that they write.
async fn assert_bounded(simulator: &Simulator) -> Scrape {
    let folder = tempfile::tempdir().expect("a folder");
    let outputs = ["json=r.json", "csv=r.csv", "sarif=r.sarif", "markdown=r.md"];
    let mut command = program_for(&simulator.url());
    command.envs([QUICK_RETRIES]).current_dir(folder.path()).arg("audit");
    let output = command.args(outputs.map(|output| format!("--output={output}"))).output().expect("it runs");
    assert!(output.status.code() < Some(2), "{}", text(&output.stderr));
    let size = |name: &str| fs::read(folder.path().join(name)).map_or(0, |file| file.len());
    for name in ["r.json", "r.csv", "r.sarif", "r.md"] {
        let largest = if name == "r.json" { LARGEST_JSON } else { LARGEST };
        assert!((1..largest).contains(&size(name)), "{name}: {} bytes", size(name));
    }
    assert!(output.stdout.len() + output.stderr.len() < LARGEST, "the table: {} bytes", output.stdout.len());
    assert!(more_is_said(folder.path()), "the report says how many more there are");

    let mut settings = settings(simulator, &[]);
    // One refresh is enough.
    settings.organisations[0].watch.refresh.interval = Duration::from_hours(1);
    let exporter = Exporter::start(settings).await;
    let scrape = exporter.until_refreshed().await;
    let client = simulator.organisation().client_id("Large").expect("it is there");
    for path in ["/", "/metrics", "/api/v1/report", &format!("/clients/{client}")] {
        let (status, body) = exporter.get(path).await;
        assert_eq!(status, 200, "{path}");
        let largest = if path == "/api/v1/report" { LARGEST_JSON } else { LARGEST };
        assert!(body.len() < largest, "{path}: {} bytes", body.len());
    }
    exporter.stop().await;
    scrape
}

fn more_is_said(folder: &Path) -> bool {
    fs::read_to_string(folder.join("r.json")).expect("written").contains("more findings")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_400_000_scopes_makes_bounded_outputs() {
    let scopes: Vec<String> = (0..400_000).map(|number| format!("s{number:06}")).collect();
    let simulator = with_large_client("CODE", "scope", json!(scopes)).await;
    let scrape = assert_bounded(&simulator).await;
    assert_eq!(scrape.sum("client_scopes", &[]), 400_000.0);
    assert_eq!(scrape.sum("client_findings", &["unknown-scope"]), 400_000.0, "the unlisted findings are counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_100_000_roles_makes_bounded_outputs() {
    let roles: Vec<Value> =
        (0..100_000).map(|number| json!({"roleId": format!("r{number:06}"), "divisionId": "*"})).collect();
    let simulator = with_large_client("CLIENT-CREDENTIALS", "roleDivisions", json!(roles)).await;
    let scrape = assert_bounded(&simulator).await;
    assert_eq!(scrape.sum("client_findings", &["unresolved-role"]), 100_000.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_100_000_addresses_makes_bounded_outputs() {
    let addresses: Vec<String> =
        (0..100_000).map(|number| format!("http://a{number:06}.example/cb?pw=x{number}")).collect();
    let simulator = with_large_client("CODE", "registeredRedirectUri", json!(addresses)).await;
    let scrape = assert_bounded(&simulator).await;
    assert_eq!(scrape.sum("client_findings", &["insecure-redirect"]), 100_000.0);
    assert_eq!(scrape.sum("client_findings", &["exposed-secret"]), 100_000.0);
}
