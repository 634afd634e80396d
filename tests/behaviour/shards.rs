//! Several processes share one configuration file: each watches its own organisations, and one without any is ready.
//!
//! What a change of the number of shards does to the alerts is in `tests/servers/shards.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use genesyscloud_oauth_exporter::config::{self, Settings};
use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Simulator};

use crate::support::{Exporter, program, simulator, text};

/// A file with these organisations, all of them at one simulator.
fn file(folder: &Path, simulator: &Simulator, orgs: &[&str]) -> String {
    let secret = folder.join("secret");
    fs::write(&secret, DEFAULT_CLIENT_SECRET).expect("writable");
    fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).expect("ours");
    let url = simulator.url();
    let mut text = format!(
        "[defaults]\ninterval = \"1s\"\nretry_base = \"1ms\"\nclient_id = \"{DEFAULT_CLIENT_ID}\"\nclient_secret_file = \"secret\"\n\
         api_url = \"{url}\"\nlogin_url = \"{url}\"\n"
    );
    for org in orgs {
        text += &["[[organisation]]\norg = \"", org, "\"\n"].concat();
    }
    let path = folder.join("organisations.toml");
    fs::write(&path, text).expect("writable");
    path.display().to_string()
}

fn settings(file: &str, state: &Path, index: &str, total: &str) -> Settings {
    let state = state.display().to_string();
    let flags = [
        ("config.file", file),
        ("state.dir", state.as_str()),
        ("web.listen-address", "127.0.0.1:0"),
        ("web.expose-report", "true"),
        ("web.enable-lifecycle", "true"),
        ("shard.index", index),
        ("shard.total", total),
    ];
    let given: Vec<(String, String)> = flags.map(|(flag, value)| (flag.to_owned(), value.to_owned())).into();
    Settings::to_serve(&config::read(&given, Vec::<(String, String)>::new()).into()).expect("valid settings")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_watches_its_own_organisations_and_opens_only_their_state_files() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().expect("a folder"));
    let file = file(folder.path(), &simulator, &["production", "sandbox"]);
    let exporter = Exporter::start(settings(&file, folder.path(), "exporter-1", "2")).await;
    let scrape = exporter.until_refreshed().await;
    assert!(scrape.count("clients", &["org=\"production\""]) > 0);
    assert!(scrape.samples.keys().all(|series| !series.contains("org=\"sandbox\"")), "it belongs to the other shard");
    assert_eq!(scrape.count("exporter_shard_info", &["index=\"1\"", "total=\"2\""]), 1);
    assert_eq!(exporter.get("/-/ready").await.0, 200);
    exporter.stop().await;
    assert!(folder.path().join("production.state.json").exists());
    assert!(!folder.path().join("sandbox.state.json").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_without_organisations_is_healthy_ready_and_serves_every_page() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().expect("a folder"));
    let file = file(folder.path(), &simulator, &["production"]);
    let exporter = Exporter::start(settings(&file, folder.path(), "0", "2")).await;
    let scrape = exporter.scrape().await;
    assert_eq!(scrape.own("build_info"), Some(1.0));
    assert_eq!(scrape.own("state_persistent"), Some(1.0), "nothing can be lost");
    assert_eq!(scrape.own("config_last_reload_successful"), Some(1.0));
    assert!(scrape.samples.keys().all(|series| !series.contains("org=\"production\"")));
    for path in ["/-/healthy", "/-/ready", "/", "/clients", "/findings", "/api/v1/report"] {
        let (status, body) = exporter.get(path).await;
        assert!(status == 200 || status == 404, "{path}: {status} {body}");
        assert!(status == 200 || path == "/api/v1/report" || path == "/clients", "{path}: {status} {body}");
    }
    assert_eq!(simulator.organisation().requests().len(), 0, "it calls nobody");
    exporter.stop().await;
    assert!(!folder.path().join("production.state.json").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_adds_and_removes_only_organisations_of_the_own_shard() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().expect("a folder"));
    let path = file(folder.path(), &simulator, &["production"]);
    let exporter = Exporter::start(settings(&path, folder.path(), "0", "2")).await;
    file(folder.path(), &simulator, &["production", "sandbox", "test"]);
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let scrape = exporter.until("its organisation", |scrape| scrape.count("clients", &["org=\"sandbox\""]) > 0).await;
    assert!(
        scrape.samples.keys().all(|series| !series.contains("org=\"test\"") && !series.contains("org=\"production\""))
    );
    file(folder.path(), &simulator, &["production", "test"]);
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let scrape = exporter.scrape().await;
    assert_eq!((scrape.count("clients", &[]), scrape.own("state_persistent")), (0, Some(1.0)));
    assert_eq!(exporter.get("/-/ready").await.0, 200);
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_of_the_configuration_shows_the_organisations_of_each_shard() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().expect("a folder"));
    let file = file(folder.path(), &simulator, &["production", "sandbox", "test"]);
    let check = |flags: &[&str]| {
        let mut command = program();
        command.args(["config", "check", "--config.file", &file, "--state.dir="]).args(flags);
        let output = command.output().expect("it runs");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let expected = "the configuration is valid: 3 organisations\nshard 0: 0 organisations\nshard 1: 2 organisations: production, test\n\
                    shard 2: 1 organisation: sandbox\n";
    for flags in [&["--shard.total=3"][..], &["--shard.total=3", "--shard.index=0"]] {
        let (code, said, warned) = check(flags);
        assert_eq!((code, said.as_str()), (Some(0), expected), "{flags:?}");
        assert!(warned.contains("no baseline is loaded for production, sandbox, test;"), "{warned}");
    }
    for (flags, expected) in [
        (&["--shard.total=0"][..], "--shard.total: \"0\" is not a whole number from 1 to 1000"),
        (&["--shard.index=0"], "--shard.total: is not set, but --shard.index is"),
        (
            &["--shard.total=2", "--shard.index=exporter-2"],
            "--shard.index: is 2, but --shard.total is 2: the shards are 0 to 1",
        ),
        (&["--shard.total=2", "--shard.index=exporter"], "--shard.index: \"exporter\" is neither a number nor"),
    ] {
        let (code, _, said) = check(flags);
        assert!(code == Some(2) && said.starts_with(&format!("error: {expected}")), "{flags:?}: {said}");
    }
}
