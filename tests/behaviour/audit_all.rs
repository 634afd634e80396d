//! `audit` over all organisations of a configuration file: each by its own policy, baseline and state, and one that cannot be read never
//! counts as passed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Fault, Options, Simulator};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{program, text, until};

/// Simulated organisations, and a folder with the files of their configuration.
pub(crate) struct Fleet {
    pub(crate) simulators: Vec<Simulator>,
    folder: TempDir,
}

impl Fleet {
    pub(crate) async fn start(number: u64) -> Self {
        let mut simulators = Vec::new();
        for seed in 0..number {
            let simulator = Simulator::start(Options { seed, ..Options::default() }).await.expect("loopback");
            simulator.organisation().set_rate_limit(1_000_000);
            simulators.push(simulator);
        }
        let fleet = Self { simulators, folder: tempfile::tempdir().expect("a folder") };
        fleet.write("secret", DEFAULT_CLIENT_SECRET);
        fleet
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("writable");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes the configuration: a label, the number of its simulator and further lines for each organisation.
    pub(crate) fn configure(&self, organisations: &[(&str, usize, &str)]) {
        let mut all = String::from(
            "[defaults]\nclient_secret_file = \"secret\"\nretry_base = \"1ms\"\nrequests_per_minute = 3000\nburst = 3000\n",
        );
        for (org, simulator, more) in organisations {
            let url = self.simulators[*simulator].url();
            let head = ["[[organisation]]\norg = \"", org, "\"\nclient_id = \"", DEFAULT_CLIENT_ID, "\"\n"].concat();
            all += &[head, ["api_url = \"", &url, "\"\nlogin_url = \"", &url, "\"\n", more, "\n"].concat()].concat();
        }
        self.write("all.toml", &all);
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(self.folder.path()).arg(arguments[0]).arg("--config.file=all.toml").args(&arguments[1..]);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(&[&["audit", "--format=json"], arguments].concat());
        let report = serde_json::from_slice(&output.stdout);
        (output.status.code(), report.unwrap_or_else(|_| panic!("{arguments:?}: {}", text(&output.stderr))))
    }
}

fn labels(report: &Value) -> Vec<&str> {
    let organisations = report["organisations"].as_array().expect("organisations");
    organisations.iter().map(|one| one["org"].as_str().expect("a label")).collect()
}

fn open(organisation: &Value) -> usize {
    let findings = organisation["findings"].as_array().expect("findings");
    findings.iter().filter(|finding| finding["status"] == "open").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_shows_every_organisation_and_one_that_cannot_be_read_does_not_pass() {
    let fleet = Fleet::start(3).await;
    fleet.configure(&[
        ("eu|1", 0, ""),
        ("down", 1, ""),
        ("no secret", 2, "client_secret_file = \"missing\""),
        ("us", 2, ""),
    ]);
    fleet.simulators[1].organisation().set_fault(Fault::ServerError(503));
    let formats = ["table", "json", "csv", "inventory", "sarif", "markdown", "prometheus"];
    let outputs: Vec<String> = formats.iter().map(|format| format!("--output={format}=r.{format}")).collect();
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let output = fleet.run(&[&["audit", "--fail-on=never", "--format=markdown"], outputs.as_slice()].concat());
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("organisation no secret: "), "{}", text(&output.stderr));
    let [table, json, csv, inventory, sarif, markdown, prometheus] =
        formats.map(|format| fleet.read(&format!("r.{format}")));
    for report in [&table, &json, &csv, &inventory, &sarif, &markdown, &prometheus] {
        assert!(!report.contains(DEFAULT_CLIENT_SECRET));
    }

    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(labels(&report), ["eu|1", "down", "no secret", "us"], "in the order of the file");
    assert_eq!((&report["complete"], &report["exit_code"]), (&false.into(), &3.into()));
    let complete = report["organisations"].as_array().expect("four").iter().map(|one| one["complete"] == true);
    assert_eq!(complete.collect::<Vec<_>>(), [true, false, false, true]);
    let failure = report["organisations"][2]["failure"].as_str().expect("why");
    assert!(failure.contains("missing"), "the file is named: {failure}");

    assert!(table.contains("\nOrganisation down\nNOT AUDITED: ") && table.contains("(org us, "), "{table}");
    assert!(table.ends_with("4 organisations: 2 audited, 0 incomplete, 2 not audited.\n"), "{table}");
    assert!(markdown.starts_with("## OAuth clients\n\n4 organisations: 2 audited, 0 incomplete, 2 not audited.\n"));
    assert!(markdown.contains("\n| `eu\\|1` | flagged |") && markdown.contains("\n| `down` | NOT AUDITED |"));
    for (org, status) in [("down", "not_audited"), ("no secret", "not_audited"), ("us", "open")] {
        let has = |line: &str| line.starts_with(&format!("{org},")) && line.contains(&format!(",{status},"));
        assert!(csv.lines().any(has), "{org}: {csv}");
    }
    assert!(inventory.lines().any(|line| line.starts_with("down,,,")), "{inventory}");
    assert!(prometheus.contains("org=\"eu|1\"") && prometheus.contains("org=\"us\""));
    assert!(!prometheus.contains("org=\"down\"") && !prometheus.contains("org=\"no secret\""));
    let log: Value = serde_json::from_str(&sarif).expect("JSON");
    let runs = log["runs"].as_array().expect("runs");
    let ids: BTreeSet<&str> = runs.iter().filter_map(|run| run["automationDetails"]["id"].as_str()).collect();
    assert_eq!(ids.len(), 4, "a category for each: {ids:?}");
    let successful = runs.iter().map(|run| run["invocations"][0]["executionSuccessful"] == true);
    assert_eq!(successful.collect::<Vec<_>>(), [true, false, false, true]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check-sarif");
    let validated = Command::new(script).arg(fleet.path("r.sarif")).output().expect("it runs");
    assert!(validated.status.success(), "{}{}", text(&validated.stdout), text(&validated.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_organisation_is_evaluated_by_its_own_policy_and_baseline_and_results_point_into_them() {
    let fleet = Fleet::start(3).await;
    fleet.write("strict.toml", "[defaults]\nfail_on = \"info\"\n");
    fleet.write("lax.toml", "[rules]\ndangerous-scope = { enabled = false }\n[defaults]\nfail_on = \"critical\"\n");
    let strict = "policy_file = \"strict.toml\"\nbaseline_file = \"one.json\"";
    fleet.configure(&[("one", 0, strict), ("two", 1, "policy_file = \"lax.toml\""), ("three", 2, "")]);
    let approved = ["baseline", "approve", "--all", "--by=Kim", "--reason=OPS-1", "--org=one"];
    let created = fleet.run(&["baseline", "init", "--by=Kim", "--reason=OPS-1", "--org=one"]);
    assert_eq!(created.status.code(), Some(0), "{}", text(&created.stderr));
    assert_eq!(fleet.run(&approved).status.code(), Some(0));
    let (code, report) = fleet.json(&["--output=sarif=r.sarif"]);
    assert_eq!(code, Some(1), "the worst of all");
    let [one, two, three] = [0, 1, 2].map(|number| &report["organisations"][number]);
    let count = |organisation: &Value, rule: &str, status: &str| {
        let findings = organisation["findings"].as_array().expect("findings");
        findings.iter().filter(|finding| finding["rule"] == rule && finding["status"] == status).count()
    };
    assert!(count(one, "dangerous-scope", "approved") > 0 && count(one, "dangerous-scope", "open") == 0);
    assert_eq!(count(two, "dangerous-scope", "open"), 0, "its policy switches the rule off");
    assert!(count(three, "dangerous-scope", "open") > 0);
    let log: Value = serde_json::from_str(&fleet.read("r.sarif")).expect("JSON");
    let places = |number: usize| {
        let results = log["runs"][number]["results"].as_array().expect("results");
        let uri = |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].to_string();
        results.iter().map(uri).collect::<BTreeSet<_>>()
    };
    assert_eq!(places(0), ["\"one.json\"", "\"strict.toml\""].map(str::to_owned).into());
    assert_eq!(places(1), ["\"lax.toml\"".to_owned()].into());
    assert_eq!(places(2), ["\"genesyscloud-oauth-clients\"".to_owned()].into());

    let (code, report) = fleet.json(&["--org=two", "--fail-on=never"]);
    assert_eq!((code, labels(&report)), (Some(0), vec!["two"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_new_findings_are_found_by_the_organisation_and_not_by_its_label() {
    let fleet = Fleet::start(2).await;
    fleet.configure(&[("one", 0, ""), ("two", 1, "")]);
    let (code, report) = fleet.json(&["--snapshot-out=before.json", "--fail-on=never"]);
    assert_eq!(code, Some(0));
    let clients = report["organisations"][1]["clients"].as_array().expect("clients");
    let clean = clients.iter().find(|client| client["status"] == "COMPLIANT" && client["grant_type"] == "code");
    let id = clean.expect("one")["client_id"].as_str().expect("an id").to_owned();
    assert!(fleet.simulators[1].organisation().grant_scope(&id, "scim"));
    // Other labels and another order.
    fleet.configure(&[("second", 1, ""), ("first", 0, "")]);
    let (code, report) = fleet.json(&["--only-new", "--previous=before.json"]);
    assert_eq!(code, Some(1));
    assert_eq!([0, 1].map(|number| open(&report["organisations"][number])), [1, 0]);

    // Each state file is that of its organisation.
    for (org, part) in [("first", "one"), ("second", "two")] {
        let (only, file) = (format!("--org={part}"), format!("--snapshot-out={org}.state.json"));
        let label = ["audit", "--snapshot-in=before.json", "--fail-on=never", &only, &file];
        fleet.configure(&[("one", 0, ""), ("two", 1, "")]);
        assert_eq!(fleet.run(&label).status.code(), Some(0), "{org}");
    }
    fleet.configure(&[("second", 1, ""), ("first", 0, "")]);
    let (code, report) = fleet.json(&["--only-new"]);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!([0, 1].map(|number| open(&report["organisations"][number])), [1, 0]);

    // Without its state file, nothing is compared; with one that cannot be read, it is not audited.
    fleet.write("second.state.json", "{");
    let (code, report) = fleet.json(&["--only-new"]);
    assert_eq!(code, Some(3));
    assert!(report["organisations"][0]["failure"].as_str().is_some_and(|why| why.contains("second.state.json")));
    assert_eq!((open(&report["organisations"][1]), &report["organisations"][1]["complete"]), (0, &true.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_several_organisations_is_audited_without_secrets_by_the_policy_of_each() {
    let fleet = Fleet::start(2).await;
    fleet.configure(&[("one", 0, ""), ("two", 1, "")]);
    assert_eq!(fleet.json(&["--snapshot-out=all.json", "--fail-on=never"]).0, Some(0));
    fleet.write("off.toml", "[rules]\ndangerous-scope = { enabled = false }\n");
    let without_secret = "client_secret_env = \"NOT_SET\"\npolicy_file = \"off.toml\"";
    fleet.configure(&[("one", 0, without_secret), ("two", 1, "client_secret_env = \"NOT_SET\"")]);
    let (code, report) = fleet.json(&["--snapshot-in=all.json"]);
    assert_eq!(code, Some(1));
    let rules = |organisation: &Value| {
        let findings = organisation["findings"].as_array().expect("findings");
        findings.iter().filter(|finding| finding["rule"] == "dangerous-scope").count()
    };
    for organisation in report["organisations"].as_array().expect("two") {
        assert_eq!(rules(organisation) == 0, organisation["org"] == "one");
    }
    let (_, report) = fleet.json(&["--snapshot-in=all.json", "--org=two"]);
    assert_eq!(labels(&report), ["two"]);
    fleet.configure(&[("two", 1, ""), ("three", 1, "")]);
    let output = fleet.run(&["audit", "--snapshot-in=all.json", "--org=three"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("has no organisation \"three\""), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organisations_that_hang_end_at_their_own_deadline_and_the_others_are_reported() {
    let fleet = Fleet::start(3).await;
    let hanging = "deadline = \"1s\"";
    let labels = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    // The nine that hang occupy every place of those that are read at the same time.
    let mut organisations: Vec<(&str, usize, &str)> = labels.iter().map(|label| (*label, 0, hanging)).collect();
    organisations.extend([("good", 1, ""), ("better", 2, "")]);
    fleet.configure(&organisations);
    fleet.simulators[0].organisation().set_fault(Fault::Hang);
    let (code, report) = fleet.json(&[]);
    assert_eq!(code, Some(3));
    let organisations = report["organisations"].as_array().expect("twelve");
    let failed = organisations.iter().filter(|one| one["failure"].as_str().is_some_and(|why| why.contains("1 s")));
    assert_eq!(failed.count(), labels.len());
    assert!(organisations[10..].iter().all(|one| one["complete"] == true && open(one) > 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_leads_to_an_organisation_again_is_not_audited_again() {
    let fleet = Fleet::start(2).await;
    fleet.configure(&[("one", 0, ""), ("again", 0, ""), ("two", 1, "")]);
    let (code, report) = fleet.json(&["--fail-on=never", "--snapshot-out=all.json"]);
    assert_eq!(code, Some(3), "the configuration is wrong, so the audit is not complete");
    let failure = report["organisations"][1]["failure"].as_str().expect("why");
    assert!(failure.ends_with("is audited as one already; remove one of the two"), "{failure}");
    assert_eq!(
        [0, 2].map(|number| &report["organisations"][number]["complete"]),
        [&true, &true].map(|_| &Value::Bool(true))
    );
    let output = fleet.run(&["audit", "--snapshot-in=all.json", "--fail-on=never"]);
    assert_eq!(output.status.code(), Some(0), "each organisation is in the file once: {}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_baseline_of_another_organisation_fails_only_the_organisation_that_names_it() {
    let fleet = Fleet::start(2).await;
    fleet.configure(&[("one", 0, "baseline_file = \"one.json\""), ("two", 1, "")]);
    let created = fleet.run(&["baseline", "init", "--by=Kim", "--reason=OPS-1", "--org=one"]);
    assert_eq!(created.status.code(), Some(0), "{}", text(&created.stderr));
    let named = "baseline_file = \"one.json\"";
    fleet.configure(&[("one", 0, named), ("two", 1, named)]);
    let (code, report) = fleet.json(&["--fail-on=never"]);
    assert_eq!(code, Some(3));
    let failure = report["organisations"][1]["failure"].as_str().expect("why");
    assert!(failure.contains("one.json: the baseline is for organisation ") && failure.contains("baseline_file"));
    assert_eq!(report["organisations"][0]["complete"], true);
    fleet.configure(&[("two", 1, named)]);
    let output = fleet.run(&["audit"]);
    assert_eq!(output.status.code(), Some(2), "as with a single organisation: {}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_that_is_interrupted_changes_no_report_of_an_earlier_one() {
    let fleet = Fleet::start(2).await;
    fleet.configure(&[("one", 0, ""), ("hangs", 1, "deadline = \"1h\"")]);
    fleet.simulators[1].organisation().set_fault(Fault::Hang);
    fleet.write("r.json", "earlier");
    let mut audit = fleet.command(&["audit", "--output=json=r.json", "--snapshot-out=s.json"]);
    let mut audit = audit.stdout(Stdio::piped()).spawn().expect("it starts");
    let asked = |number: usize| fleet.simulators[number].organisation().request_count("/");
    until("requests to both", || std::future::ready((asked(0) > 5 && asked(1) > 0).then_some(()))).await;
    let kill = Command::new("kill").args(["-INT", &audit.id().to_string()]).status();
    assert!(kill.expect("kill is installed").success());
    let status = until("the end", || std::future::ready(audit.try_wait().expect("it can be waited for"))).await;
    assert_eq!(status.signal(), Some(2), "as a shell expects after Ctrl-C");
    assert_eq!(fleet.read("r.json"), "earlier");
    assert!(!fleet.path("s.json").exists());
}
