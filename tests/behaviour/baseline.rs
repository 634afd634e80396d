//! The baseline as its users meet it: the documented file, and the commands that write it.

use std::fs;
use std::path::Path;
use std::process::Output;

use genesyscloud_oauth_exporter::baseline::Baseline;
use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_SECRET, Endpoint, Fault, Options, PLANTED_SECRET, Simulator,
};

use crate::support::{QUICK_RETRIES, program, program_for};

#[test]
fn the_documented_file_is_read_and_written_unchanged() {
    let document = fs::read_to_string("docs/baseline.md").expect("it is there");
    let (_, rest) = document.split_once("```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("an end");
    let baseline = Baseline::parse(example).expect("a valid example");
    assert_eq!(baseline.to_json(), example);
    for command in ["init", "diff", "approve", "prune"] {
        assert!(document.contains(&format!("baseline {command}")), "{command}");
        let help = program().args(["baseline", command, "--help"]).output().expect("it runs");
        assert!(help.status.success(), "{command}");
    }
}

fn run(simulator: &Simulator, file: &Path, arguments: &[&str]) -> Output {
    program_for(&simulator.url())
        .envs([QUICK_RETRIES])
        .arg("baseline")
        .args(arguments)
        .arg("--baseline.file")
        .arg(file)
        .output()
        .expect("it runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_from_the_first_approval_to_the_last_client() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let organisation = simulator.organisation();
    organisation.set_rate_limit(1_000_000);
    let by = ["--by", "Kim", "--reason", "OPS-1"];
    let with = |arguments: &[&str]| [arguments, &by].concat().iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
    let go = |arguments: &[&str]| {
        let output = run(&simulator, &file, arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), format!("{out}{err}"))
    };
    let approve = |arguments: &[&str]| {
        let arguments = with(arguments);
        go(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };

    assert_eq!(go(&["diff"]).0, 2, "there is none yet");
    let (code, said) = approve(&["init"]);
    assert_eq!(code, 0, "{said}");
    let first = fs::read_to_string(&file).expect("it is there");
    let crm = organisation.client_id("CRM screen pop").expect("it is there");
    for absent in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "CRM screen pop", "createdBy"] {
        assert!(!first.contains(absent), "{absent}");
    }
    assert!(first.ends_with("}\n") && first.contains(&crm));
    assert_eq!(approve(&["init"]).0, 2, "it does not overwrite");
    let (code, said) = go(&["diff"]);
    assert!(code == 0 && said.starts_with("no drift\n"), "{said}");

    assert!(organisation.grant_scope("CRM screen pop", "oauth"));
    let (code, said) = go(&["diff"]);
    assert!(code == 1 && said.contains("+ scope oauth") && said.contains(&crm), "{code} {said}");
    let (code, said) = approve(&["approve", &crm, "--scope", "oauth", "--dry-run"]);
    assert!(code == 0 && said.contains("+ approved scope oauth"), "{code} {said}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), first, "a dry run writes nothing");
    assert_eq!(approve(&["approve", &crm]).0, 0);
    assert_eq!(go(&["diff"]).0, 0);
    let second = fs::read_to_string(&file).expect("it is there");
    let changed = second.lines().filter(|line| !first.lines().any(|old| old == *line)).count();
    assert!(changed <= 4, "small differences in review: {changed} lines");

    assert!(organisation.remove_client("CRM screen pop"));
    assert_eq!(go(&["diff"]).0, 1);
    let (code, said) = approve(&["approve", &crm]);
    assert!(code == 2 && said.contains("prune"), "{said}");
    let (code, said) = go(&["prune"]);
    assert!(code == 0 && said.contains(&format!("- client {crm}")), "{said}");
    assert_eq!(go(&["diff"]).0, 0);
    assert_eq!(approve(&["approve", "--all"]).0, 0);

    organisation.set_fault(Fault::ServerError(500).at(Endpoint::Clients));
    let before = fs::read(&file).expect("it is there");
    assert_eq!(go(&["diff"]).0, 3);
    assert_eq!(approve(&["approve", "--all"]).0, 3);
    assert_eq!(fs::read(&file).expect("it is there"), before, "what was not read is not approved");
    let mail = run(&simulator, &file, &["approve", "--all", "--by", "kim@example.com", "--reason", "x"]);
    assert_eq!(mail.status.code(), Some(2));
    let mut in_ci = program();
    let refused = in_ci.args(["baseline", "init", "--by", "Kim", "--reason", "x", "--baseline.file", "elsewhere.json"]);
    let refused =
        refused.env("CI", "true").env("GENESYSCLOUD_OAUTHCLIENT_ID", "x").env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "x");
    assert_eq!(refused.env("GENESYSCLOUD_REGION", "eu_west_1").output().expect("it runs").status.code(), Some(2));
}

#[test]
fn a_broken_baseline_ends_the_start_with_2_and_a_missing_one_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let check = || {
        let mut command = program();
        let command = command.args(["config", "check", "--baseline.file"]).arg(&file);
        for (name, value) in [("OAUTHCLIENT_ID", "x"), ("OAUTHCLIENT_SECRET", "x"), ("REGION", "eu-west-1")] {
            command.env(format!("GENESYSCLOUD_{name}"), value);
        }
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check().0, Some(0));
    fs::write(&file, "{\"version\": 1").expect("writable");
    let (code, said) = check();
    assert!(code == Some(2) && said.contains("baseline.json") && said.contains("line 1"), "{said}");
}
