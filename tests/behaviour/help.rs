//! Help and advice of the real program: formats for programs, what is shown first, and "did you mean".

use std::fs;
use std::process::Output;

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault, Simulator};
use serde_json::Value;

use crate::support::{QUICK_RETRIES, program, program_for, simulator, text};

fn against(simulator: &Simulator, arguments: &[&str]) -> Output {
    program_for(&simulator.url()).envs([QUICK_RETRIES]).args(arguments).output().expect("it runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", text(&output.stderr)))
}

#[test]
fn a_mistyped_name_is_answered_with_the_nearest_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "[scopes]\nexakt = true\n[rules.dangerous-scop]\nenabled = true\n").expect("writable");
    let policy = policy.to_str().expect("UTF-8");
    for (arguments, hints) in [
        (&["rules", "explain", "Dangerous_Scop"][..], &["did you mean dangerous-scope?"][..]),
        (&["policy", "check", "--policy.file", policy], &["did you mean dangerous-scope?", "unknown key \"exakt\""]),
        (&["config", "check"], &["did you mean eu-west-1?"]),
        (&["audti"], &["'audit'"]),
        (&["audit", "--fail-om=high"], &["'--fail-on'"]),
        (&["audit", "--format=jsno"], &["'json'"]),
    ] {
        let output = program().env("GENESYSCLOUD_REGION", "eu-west1").args(arguments).output().expect("it runs");
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        for hint in hints {
            assert!(errors.contains(hint), "{arguments:?}: {errors}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistyped_client_is_answered_with_similar_ones() {
    let simulator = simulator().await;
    for typed in ["postman tests", "Postman test", "Postman"] {
        let output = against(&simulator, &["policy", "explain", typed]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("did you mean \"Postman tests\" ("), "{}", text(&output.stderr));
    }
}

#[test]
fn the_rules_are_available_as_json() {
    let list = json(&program().args(["rules", "list", "--format=json"]).output().expect("it runs"));
    assert_eq!(list["schema_version"], 1);
    let rules = list["rules"].as_array().expect("rules");
    let lines = text(&program().args(["rules", "list"]).output().expect("it runs").stdout);
    assert_eq!(rules.len(), lines.lines().count());
    let one =
        json(&program().args(["rules", "explain", "dangerous-scope", "--format=json"]).output().expect("it runs"));
    assert_eq!((&one["rule"], &one["severity"]), (&"dangerous-scope".into(), &"high".into()));
    for field in ["title", "why", "notes", "remediation", "applies_to", "confidence", "reference"] {
        assert!(one[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        assert!(rules.iter().all(|rule| rule[field].is_string()), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_explanation_shows_what_fired_first_and_the_rest_with_all() {
    let simulator = simulator().await;
    let explain = |more: &[&str]| against(&simulator, &[&["policy", "explain", "Postman tests"], more].concat());
    let short = text(&explain(&[]).stdout);
    let all = text(&explain(&["--all"]).stdout);
    let rules = |printed: &str| -> Vec<String> {
        let lines = printed.lines().skip(2).filter(|line| !line.is_empty() && !line.starts_with(' '));
        lines.map(str::to_owned).collect()
    };
    let (last, fired) = rules(&short).split_last().map(|(last, fired)| (last.clone(), fired.to_vec())).expect("lines");
    assert!(last.contains(" found nothing: ") && last.ends_with("; --all lists them"), "{short}");
    assert!(fired.iter().all(|line| line.contains(" open") || line.contains("not evaluated: ")), "{short}");
    let kind = |line: &String| {
        ["  not evaluated", "  clean", "  not applicable", "  switched off"].iter().position(|kind| line.contains(kind))
    };
    assert!(rules(&all).iter().map(kind).is_sorted(), "{all}");
    assert!(rules(&all).len() > 50 && !all.contains("--all"), "{all}");

    let document = json(&explain(&["--format=json"]));
    let client = &document["clients"][0];
    assert_eq!((&client["client_name"], &client["org"]), (&"Postman tests".into(), &"default".into()));
    let explained = client["rules"].as_array().expect("rules");
    assert_eq!(explained.len(), rules(&all).len(), "the document contains every rule");
    assert_eq!(explained[0]["result"], "found");
    assert_eq!(explained[0]["findings"][0]["status"], "open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_difference_from_the_baseline_is_available_as_json() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let file = file.to_str().expect("UTF-8");
    let baseline =
        |arguments: &[&str]| against(&simulator, &[&["baseline"], arguments, &["--baseline.file", file]].concat());
    assert_eq!(baseline(&["init", "--by=Kim", "--reason=OPS-1"]).status.code(), Some(0));
    let none = baseline(&["diff", "--format=json"]);
    assert_eq!(none.status.code(), Some(0));
    assert_eq!((&json(&none)["drift"], &json(&none)["clients"]), (&0.into(), &serde_json::json!([])));

    let report = json(&against(&simulator, &["audit", "--format=json"]));
    let clients = report["organisations"][0]["clients"].as_array().expect("clients");
    let clean = clients.iter().find(|client| client["status"] == "COMPLIANT" && client["grant_type"] == "code");
    let id = clean.expect("one")["client_id"].as_str().expect("an id").to_owned();
    simulator.organisation().grant_scope(&id, "scim");
    let gained = baseline(&["diff", "--format=json"]);
    assert_eq!(gained.status.code(), Some(1));
    let document = json(&gained);
    assert_eq!(
        (&document["schema_version"], &document["exit_code"], &document["drift"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(document["clients"][0]["client_id"], *id);
    let difference = serde_json::json!({"kind": "scope_added", "scope": "scim", "dangerous": true, "drift": true});
    assert_eq!(document["clients"][0]["differences"], serde_json::json!([difference]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_has_a_format_for_programs_and_a_strict_exit_code() {
    let simulator = simulator().await;
    let well = json(&against(&simulator, &["doctor", "--format=json"]));
    assert_eq!((&well["schema_version"], &well["exit_code"]), (&1.into(), &0.into()));
    let checks = well["organisations"][0]["checks"].as_array().expect("checks");
    let names: Vec<&str> = checks.iter().filter_map(|check| check["check"].as_str()).collect();
    assert!(["token", "clients", "roles"].iter().all(|name| names.contains(name)), "{names:?}");

    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    simulator.organisation().set_fault(forbidden.at(Endpoint::Roles));
    for (arguments, code) in
        [(&["doctor"][..], 0), (&["doctor", "--strict"], 3), (&["doctor", "--strict", "--format=json"], 3)]
    {
        assert_eq!(against(&simulator, arguments).status.code(), Some(code), "{arguments:?}");
    }
    let odd = json(&against(&simulator, &["doctor", "--format=json", "--strict"]));
    assert_eq!(odd["exit_code"], 3);
    let checks = odd["organisations"][0]["checks"].as_array().expect("checks");
    let roles = checks.iter().find(|check| check["check"] == "roles").expect("roles");
    assert_eq!(roles["outcome"], "warning");
    assert!(roles["advice"].as_str().is_some_and(|advice| advice.contains("add authorization:role:view")), "{roles}");
}

/// Windows editors write a byte order mark, which is invisible.
#[test]
fn a_byte_order_mark_in_a_file_that_people_write_is_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, content: &str| fs::write(path(name), format!("\u{feff}{content}")).expect("writable");
    write("policy.toml", "[org]\n");
    write("secret", "a-secret\r\n");
    write("exporter.env", "GENESYSCLOUD_REGION=eu-west-1\nGENESYSCLOUD_OAUTHCLIENT_ID=id\n");
    let approved = serde_json::json!({"at": "2026-01-01T00:00:00Z", "by": "Kim", "reason": "OPS-1"});
    let baseline = serde_json::json!({"version": 1, "organisation": "o", "approved": approved, "clients": {}});
    write("baseline.json", &baseline.to_string());
    let output = program()
        .current_dir(folder.path())
        .args([
            "--env-file=exporter.env",
            "--policy.file=policy.toml",
            "--baseline.file=baseline.json",
            "config",
            "check",
        ])
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", path("secret"))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}
