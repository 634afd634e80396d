//! One process watches several organisations: each has its own data, failures and state, and none delays another.

use std::fs;
use std::path::Path;

use genesyscloud_oauth_exporter::config::{self, Settings};
use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Fault, Options, Simulator};

use crate::support::Exporter;

/// Simulated organisations that differ, with a rate limit that the tests do not reach.
async fn simulators(number: u64) -> Vec<Simulator> {
    let mut simulators = Vec::new();
    for seed in 0..number {
        let simulator = Simulator::start(Options { seed, ..Options::default() }).await.expect("loopback");
        simulator.organisation().set_rate_limit(1_000_000);
        simulators.push(simulator);
    }
    simulators
}

/// The settings for a file in this folder with one organisation for each of these labels and simulators.
fn settings(folder: &Path, organisations: &[(&str, &Simulator)]) -> Settings {
    fs::write(folder.join("secret"), DEFAULT_CLIENT_SECRET).expect("writable");
    let mut text = "[defaults]\ninterval = \"1s\"\nclient_secret_file = \"secret\"\nretry_base = \"1ms\"\nrequests_per_minute = 3000\n".to_owned();
    for (org, simulator) in organisations {
        let url = simulator.url();
        let urls = format!("api_url = \"{url}\"\nlogin_url = \"{url}\"\n");
        text += &["[[organisation]]\norg = \"", org, "\"\nclient_id = \"", DEFAULT_CLIENT_ID, "\"\n", &urls].concat();
    }
    let path = folder.join("organisations.toml");
    fs::write(&path, text).expect("writable");
    let flags = [
        ("config.file", path.to_string_lossy().into_owned()),
        ("state.dir", folder.to_string_lossy().into_owned()),
        ("web.listen-address", "127.0.0.1:0".to_owned()),
    ];
    let given: Vec<(String, String)> = flags.map(|(flag, value)| (flag.to_owned(), value)).into();
    Settings::to_serve(&config::read(&given, Vec::<(String, String)>::new())).expect("valid settings")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organisations_have_their_own_data_failures_and_state_files() {
    let simulators = simulators(3).await;
    let folder = tempfile::tempdir().expect("a folder");
    let named = [("one", &simulators[0]), ("two", &simulators[1]), ("three", &simulators[2])];
    simulators[1].organisation().set_fault(Fault::NotFound);
    let exporter = Exporter::start(settings(folder.path(), &named)).await;
    let scrape = exporter
        .until("data of two", |scrape| {
            ["one", "three"].iter().all(|org| scrape.count("clients", &[&format!("org=\"{org}\"")]) > 0)
                && scrape.sum("exporter_refreshes_total", &["org=\"two\"", "outcome=\"error\""]) > 0.0
        })
        .await;
    assert_eq!(scrape.count("clients", &["org=\"two\""]), 0, "it could not be read");
    for org in ["one", "three"] {
        let label = format!("org=\"{org}\"");
        assert!(scrape.sum("exporter_last_refresh_successful", &[&label]) > 0.0);
        assert!(folder.path().join(format!("{org}.state.json")).exists());
    }
    assert!(!folder.path().join("two.state.json").exists(), "nothing was read");
    simulators[1].organisation().clear_faults();
    exporter.until("the second one recovers", |scrape| scrape.count("clients", &["org=\"two\""]) > 0).await;
    exporter.stop().await;

    // After a restart without the platform, each is served from its own file.
    for simulator in &simulators {
        simulator.organisation().set_fault(Fault::NotFound);
    }
    let exporter = Exporter::start(settings(folder.path(), &named)).await;
    let scrape = exporter.scrape().await;
    for org in ["one", "two", "three"] {
        assert!(scrape.count("clients", &[&format!("org=\"{org}\"")]) > 0, "{org}");
    }
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_that_is_in_the_file_twice_is_served_once_and_reported() {
    let simulators = simulators(1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let exporter =
        Exporter::start(settings(folder.path(), &[("one", &simulators[0]), ("again", &simulators[0])])).await;
    let failed = |scrape: &crate::support::Scrape| scrape.sum("exporter_refreshes_total", &["outcome=\"error\""]) > 0.0;
    let scrape = exporter.until("a failure", failed).await;
    let served = ["one", "again"].map(|org| scrape.count("clients", &[&format!("org=\"{org}\"")]) > 0);
    assert_eq!(served.iter().filter(|served| **served).count(), 1, "{served:?}");
    let (_, page) = exporter.get("/").await;
    assert!(page.contains("already; remove one of the two"), "{page}");
    exporter.stop().await;
}
