//! A secret that somebody wrote into a client is in no output of the program, not even if a file of an earlier version has it.

#![allow(
    clippy::expect_used,
    clippy::float_cmp,
    reason = "a test that cannot be set up has failed; the figures are small integers"
)]

use std::fs;
use std::path::Path;

use genesyscloud_oauth_exporter::simulator::{Options, Simulator};
use serde_json::json;

use crate::signals::Running;
use crate::support::{Exporter, QUICK_RETRIES, program, program_for, settings, simulator, text, until};

const SECRET: &str = "Zq7Secret9Zq7";
/// A client of the demo organisation, whose addresses and texts get the secret in these tests.
const CLIENT: &str = "CRM screen pop";
/// The addresses that differ from each other only in the secret, and how often the secret is in all of them.
const ADDRESSES: [&str; 3] = [
    "https://joe:Zq7Secret9Zq7@a.example/cb",
    "https://a.example/cb?x=1;%63lient_secret=Zq7Secret9Zq7#token=Zq7Secret9Zq7",
    "https://a.example/cb?x=1;%63lient_secret=Zq7OtherSecret9Zq7#token=Zq7Secret9Zq7",
];

/// An organisation in which a client with a dangerous scope has secrets in its addresses, its name and its description.
async fn with_secrets() -> Simulator {
    let simulator = simulator().await;
    let changed = simulator.organisation().edit_client(CLIENT, |client| {
        client["registeredRedirectUri"] = json!(ADDRESSES);
        client["description"] = json!("password=Zq7Secret9Zq7");
        client["name"] = json!("CRM token=Zq7Secret9Zq7");
        client["scope"] = json!(["oauth", "users:readonly"]);
    });
    assert!(changed);
    simulator
}

fn assert_hidden(what: &str, shown: &str) {
    assert!(!shown.contains("Zq7") && !shown.contains("Secret9"), "{what}: {shown}");
}

/// Puts the secrets back into a file, as an earlier version wrote it.
fn unmask(file: &Path) {
    let masked = fs::read_to_string(file).expect("written");
    let plain = masked.replace("[masked]", SECRET).replace("[masked 2]", "Zq7OtherSecret9Zq7");
    assert!(plain.matches("Zq7").count() > 5, "the file has the masked addresses: {masked}");
    fs::write(file, plain).expect("writable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_has_a_secret_that_an_earlier_version_saved() {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let mut online = program_for(&simulator.url());
    online.envs([QUICK_RETRIES]).current_dir(folder.path()).args(["audit", "--snapshot-out=now.json"]);
    assert!(online.output().expect("it runs").status.code() < Some(2));
    let saved = fs::read_to_string(file("now.json")).expect("written");
    let uris = format!(
        r#""redirect_uris":["https://joe:{SECRET}@a.example/cb","https://a.example/cb?x=1;%63lient_secret={SECRET}#token={SECRET}","#
    );
    let saved = saved.replace(r#""redirect_uris":[""#, &format!("{uris}\""));
    let saved = saved.replace(r#""description":"#, r#""description":"password=Zq7Secret9Zq7","was":"#);
    assert!(saved.matches(SECRET).count() > 5, "the file has the secret");
    fs::write(file("old.json"), saved).expect("written");
    let outputs = ["json=r.json", "csv=r.csv", "sarif=r.sarif", "markdown=r.md"];
    for (arguments, code) in [
        (vec!["audit", "--snapshot-in=old.json", "--snapshot-out=new.json"], Some(1)),
        (vec!["audit", "--snapshot-in=old.json", "--only-new", "--previous=now.json"], Some(1)),
    ] {
        let mut command = program();
        command.current_dir(folder.path()).args(arguments).args(outputs.map(|output| format!("--output={output}")));
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), code, "{}", text(&output.stderr));
        let mut shown = vec![text(&output.stdout), text(&output.stderr)];
        for name in ["r.json", "r.csv", "r.sarif", "r.md"] {
            let report = fs::read_to_string(file(name)).expect("written");
            assert!(report.contains("exposed-secret"), "{name} reports that there is a secret");
            shown.push(report);
        }
        if let Ok(snapshot) = fs::read_to_string(file("new.json")) {
            shown.push(snapshot);
        }
        for part in ["Zq7", "Secret9"] {
            assert!(shown.iter().all(|shown| !shown.contains(part)), "{part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_no_scrape_and_no_log_line_has_a_secret_of_a_client() {
    let simulator = with_secrets().await;
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.json");
    let mut command = program_for(&simulator.url());
    command.envs([QUICK_RETRIES]).args(["--web.listen-address=127.0.0.1:0", "--log.level=trace", "--state.file"]);
    // For `reqwest::get`. Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running = Running::start(
        {
            command.arg(&state);
            command
        },
        folder,
    );
    let address = running.address().await;
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{address}{path}")).await.expect("an answer");
        answer.text().await.expect("a body")
    };
    let client = simulator.organisation().client_id("CRM token=Zq7Secret9Zq7").expect("it is there");
    until("the first refresh is kept", || async {
        let has_client = get("/metrics").await.contains(&client);
        let saved = fs::read_to_string(&state).is_ok_and(|state| state.contains(&client));
        (has_client && saved).then_some(())
    })
    .await;
    let page = get(&format!("/clients/{client}")).await;
    assert!(page.contains("[masked 2]") && page.contains("exposed-secret"), "{page}");
    assert_hidden("the client's page", &page);
    for path in ["/", "/metrics", "/api/v1/report"] {
        let shown = get(path).await;
        assert!(shown.contains(&client), "{path} is about the client");
        assert_hidden(path, &shown);
    }
    assert_hidden("the state file", &fs::read_to_string(&state).expect("written"));
    let log = running.log();
    assert!(log.contains("target="), "the target is in each line at trace: {log}");
    assert_hidden("the log", &log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_on_the_policy_or_the_baseline_shows_a_secret_of_a_client() {
    let simulator = with_secrets().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let client = simulator.organisation().client_id("CRM token=Zq7Secret9Zq7").expect("it is there");
    let run = |arguments: &[&str]| {
        let mut command = program_for(&simulator.url());
        command.envs([QUICK_RETRIES, ("GENESYSCLOUD_OAUTH_EXPORTER_LOG_LEVEL", "trace")]).args(arguments);
        let output = command.arg("--baseline.file").arg(&file).output().expect("it runs");
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert_hidden(&arguments.join(" "), &shown);
        (output.status.code(), shown)
    };
    let by = ["--by", "Kim", "--reason", "OPS-1"];
    assert_eq!(run(&[&["baseline", "init"][..], &by].concat()).0, Some(0));
    assert_hidden("the baseline", &fs::read_to_string(&file).expect("written"));
    let (code, explained) = run(&["policy", "explain", &client]);
    assert!(code == Some(0) && explained.contains("[masked 2]"), "{explained}");
    let added = "https://a.example/new?api_key=Zq7Secret9Zq7";
    simulator.organisation().edit_client(&client, |client| {
        client["registeredRedirectUri"].as_array_mut().expect("a list").push(json!(added));
    });
    for (arguments, expected) in [(&["baseline", "diff"][..], 1), (&["baseline", "approve", &client], 0)] {
        let approval: &[&str] = if expected == 0 { &by } else { &[] };
        let (code, shown) = run(&[arguments, approval].concat());
        assert_eq!(code, Some(expected), "{shown}");
        assert!(shown.contains("https://a.example/new?api_key=[masked]"), "{shown}");
    }
    assert_hidden("the baseline", &fs::read_to_string(&file).expect("written"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_an_earlier_version_with_secrets_raise_no_drift_and_page_nobody() {
    let simulator = with_secrets().await;
    let folder = tempfile::tempdir().expect("a folder");
    let [baseline, state] = ["baseline.json", "state.json"].map(|name| folder.path().join(name));
    let run = |arguments: &[&str]| {
        let mut command = program_for(&simulator.url());
        command.envs([QUICK_RETRIES]).arg("baseline").args(arguments).arg("--baseline.file").arg(&baseline);
        command.output().expect("it runs")
    };
    assert!(run(&["init", "--by", "Kim", "--reason", "OPS-1"]).status.success());
    let flags = [&baseline, &state].map(|path| path.to_str().expect("UTF-8"));
    let flags = [("baseline.file", flags[0]), ("state.file", flags[1])];
    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    exporter.until("saved", |scrape| scrape.own("state_persistent") == Some(1.0) && state.exists()).await;
    exporter.stop().await;

    unmask(&baseline);
    unmask(&state);
    let diff = run(&["diff"]);
    assert!(diff.status.success() && diff.stdout.starts_with(b"no drift\n"), "{}", text(&diff.stdout));
    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    let restored = exporter.scrape().await;
    let refreshed = exporter.until_refreshed().await;
    for scrape in [restored, refreshed] {
        assert_eq!(scrape.sum("baseline_drift", &[]), 0.0);
        assert!(scrape.count("client_dangerous_scope_unapproved", &[]) > 0);
        for pages in ["client_dangerous_scope_unapproved", "client_dangerous_permission_unapproved"] {
            assert_eq!(scrape.sum(pages, &[]), 0.0, "{pages}");
        }
        for (series, value) in scrape.of("client_dangerous_scope_first_seen_timestamp_seconds", &[]) {
            assert_eq!(value, 0.0, "it was there before: {series}");
        }
    }
    exporter.stop().await;
}
