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
    for command in ["init", "diff", "approve", "prune", "show"] {
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
    assert!(first.contains("\"name\": \"CRM screen pop\""), "names for review");
    for absent in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "createdBy"] {
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
    assert_eq!(go(&["prune"]).0, 2, "it asks who removes the client, and why");
    let (code, said) = approve(&["prune", "--dry-run"]);
    assert!(code == 0 && said.contains("dry run"), "{said}");
    let sam = ["prune", "--by", "Sam", "--reason", "OPS-9: the CRM is gone"];
    let (code, said) = go(&sam);
    assert!(code == 0 && said.contains(&format!("- client {crm} CRM screen pop")), "{said}");
    let pruned = Baseline::parse(&fs::read_to_string(&file).expect("it is there")).expect("valid");
    assert_eq!((pruned.approval.by.as_str(), pruned.approval.reason.as_str()), ("Sam", "OPS-9: the CRM is gone"));
    let (code, said) = go(&sam);
    assert!(code == 0 && said.contains("nothing to remove"), "{said}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_is_not_drift_and_the_next_write_takes_the_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let organisation = simulator.organisation();
    organisation.set_rate_limit(1_000_000);
    let by = ["--by", "Kim", "--reason", "OPS-1"];
    let go = |arguments: &[&str]| {
        let output = run(&simulator, &file, arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(go(&[&["init"], &by[..]].concat()).0, Some(0));
    let first = fs::read_to_string(&file).expect("it is there");
    assert!(organisation.rename("CRM screen pop", "Renamed client"));
    let role = organisation.role_id("Queue admin").expect("a role");
    organisation.edit_role(&role, |role| role["name"] = "Renamed role".into());
    let (code, said) = go(&["diff"]);
    assert!(code == Some(0) && said.starts_with("no drift\n"), "{said}");
    let (code, said) = go(&[&["approve", "--all"], &by[..]].concat());
    assert!(code == Some(0) && said.contains("nothing to approve"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), first, "a rename alone is nothing to review");
    // Another client is approved, and the file has the names of now for all.
    assert!(organisation.grant_scope("Renamed client", "oauth"));
    assert_eq!(go(&[&["approve", "--all"], &by[..]].concat()).0, Some(0));
    let second = fs::read_to_string(&file).expect("it is there");
    assert!(second.contains("Renamed client") && second.contains("Renamed role") && !second.contains("CRM screen pop"));

    // Without names, as earlier versions wrote it, the file is read all the same.
    let mut old: serde_json::Value = serde_json::from_str(&second).expect("JSON");
    for client in old["clients"].as_object_mut().expect("clients").values_mut() {
        client.as_object_mut().expect("a client").remove("name");
        for role in client["roles"].as_object_mut().expect("roles").values_mut() {
            role.as_object_mut().expect("a role").retain(|key, _| key != "name" && key != "division_names");
        }
    }
    fs::write(&file, old.to_string()).expect("writable");
    assert_eq!(go(&["diff"]).0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn show_prints_what_is_approved_without_the_platform() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    simulator.organisation().set_rate_limit(1_000_000);
    let init = run(&simulator, &file, &["init", "--by", "Kim", "--reason", "OPS-1"]);
    assert_eq!(init.status.code(), Some(0), "{}", String::from_utf8_lossy(&init.stderr));
    let offline = |arguments: &[&str]| {
        let output = program().args(["baseline", "show", "--baseline.file"]).arg(&file).args(arguments).output();
        let output = output.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, table) = offline(&[]);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("last approval: ") && table.contains("by Kim: OPS-1"), "{table}");
    for (name, role) in [("Telephony edge monitor", "Telephony tools (1)"), ("CRM screen pop", "-")] {
        assert!(table.lines().any(|line| line.contains(name) && line.contains(role)), "{name} in {table}");
    }
    let (code, text) = offline(&["--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &document["schema_version"]), (Some(0), &1.into()));
    let baseline = Baseline::parse(&fs::read_to_string(&file).expect("it is there")).expect("valid");
    let clients = document["clients"].as_array().expect("clients");
    assert_eq!(clients.len(), baseline.clients.len());
    let of = |name: &str| clients.iter().find(|client| client["client_name"] == name).expect(name);
    assert!(of("CRM screen pop")["scopes"].as_array().is_some_and(|scopes| !scopes.is_empty()));
    let holder = clients.iter().flat_map(|client| client["roles"].as_array().into_iter().flatten());
    let telephony = holder.into_iter().find(|role| role["name"] == "Telephony tools").expect("the role");
    assert_eq!(telephony["permissions"][0]["dangerous"], true);
    fs::remove_file(&file).expect("removable");
    assert_eq!(offline(&[]).0, Some(2), "there is none");
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
