//! The reports of the real program against the simulated organisation: every format and flag, files, offline.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_SECRET, Endpoint, Fault, Options, PLANTED_SECRET, Simulator,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{QUICK_RETRIES, program, program_for, text};

/// A simulated organisation, and a folder in which the program runs.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let simulator = Simulator::start(Options::default()).await.expect("loopback");
        Self { simulator, folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn audit(&self, arguments: &[&str]) -> Output {
        let mut command = program_for(&self.simulator.url());
        command.envs([QUICK_RETRIES]).current_dir(self.folder.path()).arg("audit").args(arguments);
        command.output().expect("it runs")
    }

    /// Without credentials and without an address.
    fn offline(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(self.folder.path()).arg("audit").args(arguments);
        command
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.audit(&[&["--format=json"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", text(&output.stderr)))
    }
}

fn findings(report: &Value) -> &Vec<Value> {
    report["organisations"][0]["findings"].as_array().expect("findings")
}

/// The parts of a report that do not change between two audits of the same snapshot.
fn timeless(mut report: Value) -> Value {
    for organisation in report["organisations"].as_array_mut().expect("organisations") {
        organisation["evaluated_at"].take();
        organisation["calls"].take();
    }
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_run_writes_every_format_and_they_agree() {
    let world = World::start().await;
    let mut arguments = Vec::new();
    for format in ["table", "json", "csv", "sarif", "markdown"] {
        arguments.extend(["--output".to_owned(), format!("{format}=report.{format}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = world.audit(&[&arguments[..], &["--format=markdown"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let [table, json, csv, sarif, markdown] =
        ["table", "json", "csv", "sarif", "markdown"].map(|format| world.read(&format!("report.{format}")));
    assert_eq!(text(&output.stdout), markdown, "stdout gets what --format says");
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let count = findings(&report).len();
    assert!(count > 10);
    assert!(table.contains(&format!("{count} findings: ")), "{table}");
    assert!(markdown.contains(&format!("{count} findings: ")), "{markdown}");
    assert_eq!(csv.matches("\r\n").count(), count + 1);
    let log: Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(count));
    for finding in findings(&report) {
        let fingerprint = finding["fingerprint"].as_str().expect("one");
        assert!(csv.contains(fingerprint) && sarif.contains(fingerprint), "{fingerprint}");
    }
    for report in [table, json, csv, sarif, markdown] {
        for secret in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET] {
            assert!(!report.contains(secret));
        }
    }
    assert_eq!(fs::read_dir(world.folder.path()).expect("a folder").count(), 5, "nothing is left beside them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sarif_validates_against_the_official_schema_and_points_into_the_policy() {
    let world = World::start().await;
    let open = world.json(&[]);
    let client = findings(&open).iter().find_map(|finding| finding["client_id"].as_str()).expect("an id").to_owned();
    let policy = format!("# who is who\n[selectors.known]\nid = \"{client}\"\n");
    fs::create_dir(world.path("ci")).expect("a folder");
    fs::write(world.path("ci/policy of ours.toml"), policy).expect("written");
    let output =
        world.audit(&["--output", "sarif=r.sarif", "--policy.file", "ci/policy of ours.toml", "--fail-on=never"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let log: Value = serde_json::from_str(&world.read("r.sarif")).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "ci/policy%20of%20ours.toml");
        if result["properties"]["clientId"] == client.as_str() {
            assert_eq!(place["region"]["startLine"], 3);
        } else {
            assert_eq!(place["region"]["startLine"], 1);
        }
    }
    let validate = "import json, sys, jsonschema\n\
        schema, log = (json.load(open(path, encoding='utf-8')) for path in sys.argv[1:])\n\
        checker = jsonschema.FormatChecker()\n\
        errors = list(jsonschema.Draft7Validator(schema, format_checker=checker).iter_errors(log))\n\
        print('\\n'.join(f'{e.json_path}: {e.message[:200]}' for e in errors))\n\
        sys.exit(bool(errors))";
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sarif-schema-2.1.0.json");
    let check = |log: &Path| {
        let python = Command::new("python3").args(["-c", validate]).arg(&schema).arg(log).output().expect("python3");
        let errors = text(&python.stderr);
        assert!(!errors.contains("No module named"), "python3 has no jsonschema; run: pip install jsonschema");
        (python.status.success(), text(&python.stdout) + &errors)
    };
    let (valid, errors) = check(&world.path("r.sarif"));
    assert!(valid, "{errors}");
    // The validator detects errors.
    let mut broken = log;
    broken["runs"][0]["results"][0]["level"] = "fatal".into();
    fs::write(world.path("broken.sarif"), broken.to_string()).expect("written");
    assert!(!check(&world.path("broken.sarif")).0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_evaluated_offline_with_the_same_outcome() {
    let world = World::start().await;
    let online = world.json(&["--snapshot-out", "snapshot.json"]);
    let mode = fs::metadata(world.path("snapshot.json")).expect("written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let snapshot = world.read("snapshot.json");
    for secret in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "secret\":"] {
        assert!(!snapshot.contains(secret), "{secret}");
    }
    let output = world.offline(&["--format=json", "--snapshot-in", "snapshot.json"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let offline: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(offline["organisations"][0]["calls"], serde_json::json!([]), "nobody was called");
    assert_eq!(timeless(offline), timeless(online));
    for (file, content) in [("missing.json", None), ("broken.json", Some("{\"format\":1}"))] {
        if let Some(content) = content {
            fs::write(world.path(file), content).expect("written");
        }
        let output = world.offline(&["--snapshot-in", file]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(text(&output.stderr).contains(file), "{}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incomplete_snapshot_stays_incomplete() {
    let world = World::start().await;
    world.simulator.organisation().set_fault(Fault::WithoutSelf);
    let taken = world.audit(&["--allow-incomplete", "--snapshot-out=snapshot.json"]);
    assert_eq!(taken.status.code(), Some(1), "{}", text(&taken.stderr));
    for (arguments, code) in [(&[][..], 3), (&["--allow-incomplete"], 1)] {
        let output = world.offline(&[&["--snapshot-in=snapshot.json"], arguments].concat()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stdout).contains("INCOMPLETE"), "{}", text(&output.stdout));
    }
    world.simulator.organisation().set_fault(Fault::ServerError(500));
    let failed = world.audit(&["--snapshot-out=another.json"]);
    assert_eq!(failed.status.code(), Some(3));
    assert!(!world.path("another.json").exists() && text(&failed.stderr).contains("not written"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_new_findings_are_reported_and_count() {
    let world = World::start().await;
    let all = world.audit(&["--snapshot-out=before.json", "--only-new", "--format=json"]);
    assert_eq!(all.status.code(), Some(1), "nothing to compare with: everything is new");
    assert!(text(&all.stderr).contains("no earlier snapshot"), "{}", text(&all.stderr));
    let all: Value = serde_json::from_slice(&all.stdout).expect("JSON");
    let again = world.audit(&["--only-new", "--previous=before.json", "--format=json"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
    let report: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(findings(&report).len(), 0);
    assert_eq!(report["organisations"][0]["findings_left_out"], findings(&all).len(), "left out, and said");
    assert_eq!(report["organisations"][0]["summary"], all["organisations"][0]["summary"]);

    let clean = all["organisations"][0]["clients"].as_array().expect("clients");
    let clean = clean.iter().find(|client| client["status"] == "COMPLIANT" && client["grant_type"] == "code");
    let id = clean.expect("one")["client_id"].as_str().expect("an id").to_owned();
    world.simulator.organisation().grant_scope(&id, "scim");
    let gained = world.audit(&["--only-new", "--previous=before.json", "--format=json"]);
    assert_eq!(gained.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&gained.stdout).expect("JSON");
    let new: Vec<_> = findings(&report).iter().map(|f| (&f["client_id"], &f["evidence"]["value"])).collect();
    assert_eq!(new, [(&Value::from(id), &Value::from("scim"))]);

    let policy =
        "[scopes]\ndangerous = [{ match = \"*:readonly\", severity = \"high\", reason = \"A new pattern.\" }]\n";
    fs::write(world.path("policy.toml"), policy).expect("written");
    let stricter = world.json(&["--only-new", "--previous=before.json", "--policy.file=policy.toml"]);
    assert_eq!(findings(&stricter).len(), 1, "a new pattern makes no old grant new");

    let output = world.audit(&["--only-new", "--previous=missing.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(world.audit(&["--previous=before.json"]).status.code(), Some(2), "--previous is for --only-new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_severity_is_for_the_eye_only() {
    let world = World::start().await;
    let all = findings(&world.json(&[])).len();
    let output = world.audit(&["--format=json", "--min-severity=critical", "--fail-on=high"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let reported = findings(&report);
    assert!(!reported.is_empty() && reported.len() < all);
    assert!(reported.iter().all(|finding| finding["severity"] == "critical"));
    let issues = |word: &str| report["organisations"][0]["clients"].to_string().contains(word);
    assert!(issues("(critical)") && !issues("(high)"), "the filter applies to issues too");
    let table = text(&world.audit(&["--min-severity=critical"]).stdout);
    assert!(table.contains("CRITICAL") && !table.contains("\nHIGH "), "{table}");
    assert!(table.contains("The filters of this run hide "), "{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_read_is_in_every_format_and_3_under_strict() {
    let world = World::start().await;
    assert_eq!(world.audit(&["--strict"]).status.code(), Some(1), "everything is readable: strict changes nothing");
    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    world.simulator.organisation().set_fault(forbidden.at(Endpoint::Roles));
    for format in ["table", "json", "sarif", "markdown", "csv"] {
        let output = world.audit(&["--strict", "--format", format]);
        assert_eq!(output.status.code(), Some(3), "{format}");
        assert!(text(&output.stdout).contains("authorization:role:view"), "{format}");
        assert_eq!(world.audit(&["--format", format]).status.code(), Some(1), "{format}");
    }
    let report = world.json(&[]);
    for client in report["organisations"][0]["clients"].as_array().expect("clients") {
        let by_roles = client["grant_type"] == "client_credentials";
        assert!(!by_roles || client["status"] != "COMPLIANT", "{client}");
    }
}

/// If it were ignored, everything would look approved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_baseline_of_another_organisation_is_refused() {
    let world = World::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let approved = serde_json::json!({"at": "2026-01-01T00:00:00Z", "by": "Kim", "reason": "OPS-1"});
    let baseline = serde_json::json!({"version": 1, "organisation": "another", "approved": approved, "clients": {}});
    fs::write(&file, baseline.to_string()).expect("writable");
    let output = world.audit(&["--baseline.file", file.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the baseline is for organisation another"), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_cannot_be_written_is_a_failure_that_says_where() {
    let world = World::start().await;
    let unapproved = world.audit(&["--baseline.file=none.json"]);
    assert_eq!(unapproved.status.code(), Some(1));
    assert!(text(&unapproved.stderr).contains("note: baseline file none.json: the file does not exist"));
    let output = world.audit(&["--output=json=no/such/folder.json"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("no/such/folder.json"), "{}", text(&output.stderr));
    for wrong in ["--output=report.json", "--output=yaml=x", "--min-severity=never", "--format=xml"] {
        assert_eq!(world.audit(&[wrong]).status.code(), Some(2), "{wrong}");
    }
    fs::write(world.path("r.csv"), "old").expect("written");
    world.audit(&["--output=csv=r.csv"]);
    assert!(world.read("r.csv").starts_with("org,"), "an older report is replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_reports_never_go_to_one_place() {
    let world = World::start().await;
    fs::create_dir(world.path("ci")).expect("a folder");
    for (arguments, part) in [
        (&["--output=json=r", "--output=csv=r"][..], "r"),
        (&["--output=json=r", "--output=json=./r"], "r"),
        (&["--output=json=ci/../r", "--output=csv=r"], "r"),
        (&["--output=json=r", "--snapshot-out=r"], "--snapshot-out"),
        (&["--output=csv=-"], "--format"),
        (&["--output=csv=/dev/stdout"], "--format"),
    ] {
        let output = world.audit(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("--output") && said.contains(part), "{arguments:?}: {said}");
    }
    assert_eq!(world.simulator.organisation().request_count("/"), 0, "before anybody was called");
    assert_eq!(world.audit(&["--output=json=r", "--output=csv=ci/r"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_report_reaches_stdout_and_no_colour_reaches_a_pipe() {
    let world = World::start().await;
    let output = world.audit(&["--log.level=trace", "--format=json"]);
    serde_json::from_slice::<Value>(&output.stdout).expect("one JSON document");
    let table = world.audit(&[]);
    assert!(!text(&table.stdout).contains('\u{1b}') && !text(&table.stderr).contains("\u{1b}[2K"));
}
