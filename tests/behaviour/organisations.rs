//! One process watches several organisations: each has its own data, failures and state, and none delays another.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use genesyscloud_oauth_exporter::config::{self, Settings};
use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Fault, Options, Simulator};

use crate::support::{self, Exporter, Scrape};

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

/// Writes a configuration file in this folder with one organisation for each of these labels and simulators.
fn write(folder: &Path, organisations: &[(&str, &Simulator)]) -> PathBuf {
    fs::write(folder.join("secret"), DEFAULT_CLIENT_SECRET).expect("writable");
    let mut text = "[defaults]\ninterval = \"1s\"\nclient_secret_file = \"secret\"\nretry_base = \"1ms\"\nrequests_per_minute = 3000\n".to_owned();
    for (org, simulator) in organisations {
        text += &stanza(org, simulator);
    }
    let path = folder.join("organisations.toml");
    fs::write(&path, text).expect("writable");
    path
}

fn stanza(org: &str, simulator: &Simulator) -> String {
    let url = simulator.url();
    let urls = format!("api_url = \"{url}\"\nlogin_url = \"{url}\"\n");
    ["[[organisation]]\norg = \"", org, "\"\nclient_id = \"", DEFAULT_CLIENT_ID, "\"\n", &urls].concat()
}

/// The settings for the file in this folder. `POST /-/reload` is served.
fn settings_of(folder: &Path, more: &[(&str, &str)]) -> Settings {
    let path = folder.join("organisations.toml").to_string_lossy().into_owned();
    let directory = folder.to_string_lossy().into_owned();
    let flags = [("config.file", path.as_str()), ("state.dir", &directory), ("web.listen-address", "127.0.0.1:0")];
    let flags = flags.iter().chain(more).chain(&[("web.enable-lifecycle", "true")]);
    let given: Vec<(String, String)> = flags.map(|(flag, value)| ((*flag).to_owned(), (*value).to_owned())).collect();
    Settings::to_serve(&Arc::new(config::read(&given, Vec::<(String, String)>::new()))).expect("valid settings")
}

fn settings(folder: &Path, organisations: &[(&str, &Simulator)]) -> Settings {
    write(folder, organisations);
    settings_of(folder, &[])
}

fn has_data(scrape: &Scrape, org: &str) -> bool {
    scrape.count("clients", &[&format!("org=\"{org}\"")]) > 0
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_adds_and_removes_organisations_and_leaves_the_others_alone() {
    let simulators = simulators(3).await;
    let folder = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start(settings(folder.path(), &[("one", &simulators[0]), ("two", &simulators[1])])).await;
    exporter.until("data of both", |scrape| has_data(scrape, "one") && has_data(scrape, "two")).await;
    write(folder.path(), &[("three", &simulators[2]), ("one", &simulators[0])]);
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let scrape = exporter.scrape().await;
    assert!(has_data(&scrape, "one"), "without a gap");
    let (_, text) = exporter.get("/metrics").await;
    assert!(!text.contains("org=\"two\""), "every series of the removed organisation is gone");
    assert_eq!(
        exporter.get("/-/ready").await.0,
        200,
        "an organisation that is added does not make the exporter unready"
    );
    let scrape = exporter.until("data of the third", |scrape| has_data(scrape, "three")).await;
    let fetches = scrape.sum("exporter_token_fetches_total", &["org=\"one\"", "outcome=\"success\""]);
    assert!((fetches - 1.0).abs() < 0.5, "the first one did not start again: {fetches}");
    assert!(folder.path().join("two.state.json").exists(), "it comes back with its first-seen times");
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_with_changed_settings_starts_again_with_the_data_that_it_had() {
    let simulators = simulators(2).await;
    let folder = tempfile::tempdir().expect("a folder");
    let named = [("one", &simulators[0]), ("two", &simulators[1])];
    let exporter = Exporter::start(settings(folder.path(), &named)).await;
    exporter.until("data of both", |scrape| has_data(scrape, "one") && has_data(scrape, "two")).await;
    let path = write(folder.path(), &named);
    let text = fs::read_to_string(&path).expect("it was written") + "interval = \"1h\"\n";
    fs::write(&path, text).expect("writable");
    simulators[1].organisation().set_fault(Fault::NotFound);
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let scrape = exporter.scrape().await;
    assert!(has_data(&scrape, "two"), "its data stays");
    let interval = scrape.sum("exporter_refresh_interval_seconds", &["org=\"two\""]);
    assert!((interval - 3600.0).abs() < 0.5, "{interval}");
    let fetches =
        |scrape: &Scrape, org: &str| scrape.sum("exporter_token_fetches_total", &[org, "outcome=\"success\""]);
    let scrape = exporter.until("its first refresh", |scrape| fetches(scrape, "org=\"two\"") > 1.5).await;
    assert!((fetches(&scrape, "org=\"one\"") - 1.0).abs() < 0.5, "the other one goes on");
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_leads_to_another_organisation_does_not_show_data_of_the_first() {
    let simulators = simulators(2).await;
    let folder = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start(settings(folder.path(), &[("one", &simulators[0])])).await;
    exporter.until("data", |scrape| has_data(scrape, "one")).await;
    simulators[1].organisation().set_fault(Fault::NotFound);
    let path = write(folder.path(), &[("one", &simulators[1])]);
    let text = fs::read_to_string(&path).expect("it was written").replace("127.0.0.1", "localhost");
    fs::write(&path, text).expect("writable");
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    assert!(!has_data(&exporter.scrape().await, "one"));
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_changes_nothing_and_the_answer_names_every_mistake() {
    let simulators = simulators(2).await;
    let folder = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start(settings(folder.path(), &[("one", &simulators[0])])).await;
    exporter.until("data", |scrape| has_data(scrape, "one")).await;
    let path = write(folder.path(), &[("two", &simulators[1])]);
    let good = fs::read_to_string(&path).expect("it was written");
    fs::write(&path, format!("{good}regoin = \"eu-west-1\"\ninterval = \"soon\"\n")).expect("writable");
    let (status, answer) = exporter.post("/-/reload").await;
    assert_eq!(status, 500);
    assert!(answer.contains("line 11: there is no key regoin; did you mean region?"), "{answer}");
    let scrape = exporter.scrape().await;
    assert!(has_data(&scrape, "one"));
    assert!(scrape.sum("exporter_config_last_reload_successful", &[]) < 0.5);
    fs::write(&path, good).expect("writable");
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let scrape = exporter.until("the new one", |scrape| has_data(scrape, "two") && !has_data(scrape, "one")).await;
    assert!(scrape.sum("exporter_config_last_reload_successful", &[]) > 0.5);
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_files_are_read_without_a_signal_at_the_interval_that_is_set() {
    let simulators = simulators(2).await;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &[("one", &simulators[0])]);
    let exporter = Exporter::start(settings_of(folder.path(), &[("config.auto-reload-interval", "1s")])).await;
    exporter.until("data", |scrape| has_data(scrape, "one")).await;
    write(folder.path(), &[("one", &simulators[0]), ("two", &simulators[1])]);
    exporter.until("data of the second", |scrape| has_data(scrape, "two")).await;
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_file_of_one_organisation_is_read_when_there_are_several() {
    let simulators = simulators(2).await;
    let folder = tempfile::tempdir().expect("a folder");
    let single = folder.path().join("genesyscloud-oauth-exporter.state.json");
    let exporter =
        Exporter::start(support::settings(&simulators[0], &[("state.file", &single.to_string_lossy())])).await;
    exporter.until("data", |scrape| scrape.count("clients", &[]) > 0).await;
    exporter.stop().await;
    let before = fs::read(&single).expect("it was written");
    for simulator in &simulators {
        simulator.organisation().set_fault(Fault::NotFound);
    }
    let named = [("one", &simulators[0]), ("two", &simulators[1])];
    let exporter = Exporter::start(settings(folder.path(), &named)).await;
    let scrape = exporter.scrape().await;
    assert!(has_data(&scrape, "one"));
    assert!(!folder.path().join("one.state.json").exists());
    simulators[0].organisation().clear_faults();
    let refreshed =
        |scrape: &Scrape| scrape.sum("exporter_refreshes_total", &["org=\"one\"", "outcome=\"success\""]) > 0.0;
    exporter.until("a refresh", refreshed).await;
    exporter.stop().await;
    assert!(folder.path().join("one.state.json").exists(), "it has its own file now");
    assert_eq!(fs::read(&single).expect("it stays"), before, "the old file is not changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_whose_state_file_is_in_use_is_not_added() {
    let simulators = simulators(2).await;
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let directory = folder.path().to_string_lossy().into_owned();
    let first = Exporter::start(settings(folder.path(), &[("one", &simulators[0])])).await;
    write(other.path(), &[("two", &simulators[1])]);
    let second = Exporter::start(settings_of(other.path(), &[("state.dir", &directory)])).await;
    second.until("data", |scrape| has_data(scrape, "two")).await;
    write(other.path(), &[("two", &simulators[1]), ("one", &simulators[0])]);
    let (status, answer) = second.post("/-/reload").await;
    assert_eq!(status, 500);
    assert!(answer.contains("one.state.json belongs to another running exporter"), "{answer}");
    first.stop().await;
    assert_eq!(second.post("/-/reload").await.0, 200);
    second.until("data of one", |scrape| has_data(scrape, "one")).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_entry_before_the_one_that_is_served_takes_nothing_from_it() {
    let simulators = simulators(1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start(settings(folder.path(), &[("one", &simulators[0])])).await;
    exporter.until("data", |scrape| has_data(scrape, "one")).await;
    write(folder.path(), &[("copy", &simulators[0]), ("one", &simulators[0])]);
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let refreshes = |scrape: &Scrape, org: &str, outcome: &str| scrape.sum("exporter_refreshes_total", &[org, outcome]);
    let before = exporter.scrape().await;
    let served = refreshes(&before, "org=\"one\"", "outcome=\"success\"");
    let scrape = exporter
        .until("refreshes of both", |scrape| {
            refreshes(scrape, "org=\"copy\"", "outcome=\"error\"") > 1.5
                && refreshes(scrape, "org=\"one\"", "outcome=\"success\"") > served + 1.5
        })
        .await;
    assert!(has_data(&scrape, "one") && !has_data(&scrape, "copy"));
    assert!(refreshes(&scrape, "org=\"one\"", "outcome=\"error\"") < 0.5);
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_names_the_keys_of_the_file_and_not_the_variables() {
    let simulators = simulators(1).await;
    simulators[0].organisation().set_fault(Fault::InvalidClient(401));
    let folder = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start(settings(folder.path(), &[("one", &simulators[0])])).await;
    let failed = |scrape: &Scrape| scrape.sum("exporter_refreshes_total", &["outcome=\"error\""]) > 0.5;
    exporter.until("a failure", failed).await;
    let (_, why) = exporter.get("/-/ready").await;
    assert!(why.contains("check client_id and ") && !why.contains("GENESYSCLOUD"), "{why}");
    exporter.stop().await;
}
