//! SARIF that code scanning accepts: checked with Microsoft's validator, and for what only GitHub checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{QUICK_RETRIES, program_for, simulator, text};

fn validate(log: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check-sarif");
    Command::new(script).arg(log).output().expect("it runs")
}

/// GitHub rejects the complete log unless each result has a relative path and a line. Returns the paths.
fn paths(log: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for run in log["runs"].as_array().expect("runs") {
        let results = run["results"].as_array().expect("results");
        assert!(results.len() > 20 && results.iter().any(|result| result["properties"]["clientId"].is_null()));
        for result in results {
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap_or_else(|| panic!("no file: {result}"));
            assert!(!uri.is_empty() && !uri.starts_with(['/', '.']) && !uri.contains(':'), "{uri}");
            assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0), "{result}");
            paths.insert(uri.to_owned());
        }
    }
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn code_scanning_accepts_the_log_whatever_files_the_audit_used() {
    let simulator = simulator().await;
    let repository = tempfile::tempdir().expect("a folder");
    let root = repository.path();
    fs::create_dir_all(root.join(".git")).expect("a folder");
    fs::create_dir_all(root.join("ci/audit")).expect("folders");
    let outside = tempfile::tempdir().expect("a folder");
    for policy in [root.join("ci/policy.toml"), outside.path().join("policy.toml")] {
        fs::write(policy, "[org]\n").expect("writable");
    }
    let run = |arguments: &[&str]| {
        let mut command = program_for(&simulator.url());
        command.envs([QUICK_RETRIES]).current_dir(root.join("ci/audit")).args(arguments);
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    };
    // An organisation with one client that the baseline does not contain.
    run(&["baseline", "init", "--by=Kim", "--reason=OPS-1", "--baseline.file=baseline.json"]);
    let mut baseline: Value =
        serde_json::from_str(&fs::read_to_string(root.join("ci/audit/baseline.json")).expect("written")).expect("JSON");
    let clients = baseline["clients"].as_object_mut().expect("clients");
    let unapproved = clients.keys().next().expect("a client").clone();
    clients.remove(&unapproved);
    fs::write(root.join("ci/audit/baseline.json"), format!("{baseline:#}")).expect("writable");

    let foreign = outside.path().join("policy.toml").to_string_lossy().into_owned();
    for (flags, expected) in [
        (&[][..], &["genesyscloud-oauth-clients"][..]),
        (&["--policy.file", &foreign], &["genesyscloud-oauth-clients"]),
        (&["--policy.file=../policy.toml"], &["ci/policy.toml"]),
        (&["--web.external-url=https://oauth.example.net/x"], &["genesyscloud-oauth-clients"]),
        (&["--baseline.file=baseline.json"], &["ci/audit/baseline.json"]),
        (
            &["--baseline.file=baseline.json", "--policy.file=../policy.toml"],
            &["ci/audit/baseline.json", "ci/policy.toml"],
        ),
    ] {
        run(&[&["audit", "--output=sarif=log.sarif", "--fail-on=never"], flags].concat());
        let path = root.join("ci/audit/log.sarif");
        let log: Value = serde_json::from_str(&fs::read_to_string(&path).expect("written")).expect("JSON");
        assert_eq!(paths(&log).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{flags:?}");
        let validated = validate(&path);
        assert!(validated.status.success(), "{flags:?}: {}{}", text(&validated.stdout), text(&validated.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_validator_detects_a_damaged_log() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.sarif");
    let output = program_for(&simulator.url()).args(["audit", "--format=sarif"]).output().expect("it runs");
    let whole: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for damage in ["/runs/0/tool/driver/name", "/runs/0/tool/driver/rules/0/help", "/runs/0/results/0/message"] {
        let mut log = whole.clone();
        let (object, key) = damage.rsplit_once('/').expect("a key");
        let object = log.pointer_mut(object).and_then(Value::as_object_mut).expect("an object");
        assert!(object.remove(key).is_some(), "{damage}");
        fs::write(&path, log.to_string()).expect("writable");
        assert!(!validate(&path).status.success(), "{damage}");
    }
}
