//! The commands that check, approve and print for all organisations of a configuration file: `config check`, `doctor`, `baseline init`,
//! `policy check` and `alerts`; and what `serve` refuses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault};
use serde_json::Value;

use crate::audit_all::Fleet;
use crate::soak::peers::client;
use crate::support::{Scrape, text, until};

/// A program that ends with the test, also if that fails.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Ten organisations of one simulator; `more` adds lines to those of these numbers.
fn ten(fleet: &Fleet, more: &[(usize, &str)]) {
    let labels = ["o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9"];
    let lines = |number: usize| more.iter().find(|(of, _)| *of == number).map_or("", |(_, lines)| lines);
    let all: Vec<(&str, usize, &str)> =
        labels.iter().enumerate().map(|(number, org)| (*org, 0, lines(number))).collect();
    fleet.configure(&all);
}

/// The line of the file with this text, counted from 1.
fn line_of(fleet: &Fleet, part: &str) -> usize {
    fleet.read("all.toml").lines().position(|line| line.contains(part)).expect("it is there") + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn config_check_reports_each_mistake_of_each_organisation_with_its_line() {
    let fleet = Fleet::start(1).await;
    fleet.write("bad.toml", "[scopes]\ndangeros = []\n[[exemption]]\nid = \"x\"\n");
    fleet.write("empty", " \n");
    ten(
        &fleet,
        &[
            (1, "baseline_file = \"none-1.json\""),
            (3, "client_secret_file = \"gone\""),
            (4, "policy_file = \"bad.toml\""),
            (6, "client_secret_file = \"empty\""),
            (8, "interval = \"soon\"\nstale_after = \"1s\""),
        ],
    );
    let output = fleet.run(&["config", "check"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    for (part, says) in [
        ("\"gone\"", "client_secret_file: names a file that does not exist"),
        ("\"empty\"", "client_secret_file: empty is empty"),
        ("\"bad.toml\"", "policy_file: policy file bad.toml, line 2"),
        ("\"soon\"", "interval: "),
    ] {
        let expected = format!("error: all.toml line {}: {says}", line_of(&fleet, part));
        assert!(errors.contains(&expected), "{expected}\n{errors}");
    }
    assert!(!errors.contains("hunter") && !errors.contains("GENESYSCLOUD"), "{errors}");

    // Each alone: `--org` checks one, and the mistakes of the others do not count.
    for (org, code) in [("o0", 0), ("o1", 0), ("o3", 2), ("o4", 2), ("o6", 2), ("o8", 2)] {
        let output = fleet.run(&["config", "check", &format!("--org={org}")]);
        assert_eq!(output.status.code(), Some(code), "{org}: {}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn config_check_warns_of_each_missing_baseline_and_refuses_a_missing_state_directory() {
    let fleet = Fleet::start(1).await;
    ten(&fleet, &[(1, "baseline_file = \"none-1.json\""), (5, "baseline_file = \"none-5.json\"")]);
    let output = fleet.run(&["config", "check"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    for (org, name) in [("o1", "none-1.json"), ("o5", "none-5.json")] {
        let line = line_of(&fleet, name);
        let expected =
            format!("warning: organisation {org}, all.toml line {line}: baseline_file: there is no file {name}");
        assert!(errors.contains(&expected), "{expected}\n{errors}");
    }
    assert_eq!(errors.matches("warning:").count(), 2, "{errors}");
    assert_eq!(text(&output.stdout), "the configuration is valid: 10 organisations\n");
    let output = fleet.run(&["config", "check", "--state.dir=no/such"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    assert_eq!(errors.matches("--state.dir: the directory no/such does not exist").count(), 1, "once: {errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_is_in_the_file_twice_is_reported_with_both_lines() {
    let fleet = Fleet::start(1).await;
    fleet.configure(&[("same", 0, ""), ("other", 0, ""), (" same ", 0, "")]);
    let lines: Vec<usize> = fleet
        .read("all.toml")
        .lines()
        .enumerate()
        .filter(|(_, line)| *line == "[[organisation]]")
        .map(|(at, _)| at + 1)
        .collect();
    for arguments in
        [&["config", "check"][..], &["audit"], &["doctor"], &["serve"], &["alerts"], &["audit", "--org=other"]]
    {
        let output = fleet.run(arguments);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        let expected = format!("all.toml line {}: the organisation", lines[2]);
        assert!(errors.contains(&expected) && errors.contains(&format!("is in line {} already", lines[0])), "{errors}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_for_one_organisation_needs_no_secret_of_another() {
    let fleet = Fleet::start(1).await;
    let variable = "client_secret_env = \"NOT_SET\"";
    fleet.configure(&[
        ("one", 0, "baseline_file = \"one.json\""),
        ("two", 0, "client_secret_file = \"gone\""),
        ("three", 0, variable),
    ]);
    for arguments in [
        &["config", "check"][..],
        &["doctor"],
        &["audit", "--fail-on=never"],
        &["baseline", "init", "--by=Kim", "--reason=OPS-1"],
        &["policy", "check", "--live"],
    ] {
        let output = fleet.run(&[arguments, &["--org=one"]].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}{}", text(&output.stderr), text(&output.stdout));
    }
    // These call nobody.
    for arguments in [&["alerts"][..], &["policy", "check"], &["baseline", "show", "--org=one"]] {
        let output = fleet.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    }
    let output = fleet.run(&["config", "check"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    let line = line_of(&fleet, "NOT_SET");
    assert!(errors.contains(&format!("line {line}: client_secret_env: the environment has no variable")), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_compares_ten_organisations_with_the_worst_first() {
    let fleet = Fleet::start(1).await;
    ten(&fleet, &[(3, "client_secret_file = \"gone\""), (7, "clients_path = \"/api/v2/nothing\"")]);
    let roles = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    fleet.simulators[0].organisation().set_fault(roles.at(Endpoint::Roles));
    let output = fleet.run(&["doctor"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}{}", text(&output.stderr));
    for number in 0..10 {
        assert!(said.contains(&format!("organisation o{number}, region ")), "{said}");
    }
    let lines: Vec<&str> = said.lines().rev().take(11).collect();
    assert_eq!(lines[0], "10 organisations: 0 ok, 8 with warnings, 2 failed");
    assert!(lines[10].starts_with("FAIL  o3  ") && lines[10].contains("token: "), "{said}");
    assert!(lines[9].starts_with("FAIL  o7  ") && lines[9].contains("clients: "), "{said}");
    assert!(lines[1..9].iter().all(|line| line.starts_with("   !  o") && line.contains("roles: ")), "{said}");
    let output = fleet.run(&["doctor", "--format=json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let orgs: Vec<&str> =
        document["organisations"].as_array().expect("ten").iter().filter_map(|one| one["org"].as_str()).collect();
    assert_eq!(orgs, ["o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9"], "in the order of the file");
    fleet.simulators[0].organisation().clear_faults();
    let output = fleet.run(&["doctor", "--org=o4"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!text(&output.stdout).contains("organisations"), "nothing to compare: {}", text(&output.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baseline_init_creates_every_missing_baseline_and_reports_each() {
    let fleet = Fleet::start(3).await;
    let file = |name: &str| format!("baseline_file = \"{name}\"");
    let (one, two, three, down) = (file("one.json"), file("two.json"), file("three.json"), file("down.json"));
    fleet.configure(&[("one", 0, &one), ("two", 1, &two), ("three", 2, &three), ("none", 2, "")]);
    let init = ["baseline", "init", "--by=Kim", "--reason=OPS-1"];
    assert_eq!(fleet.run(&[&init[..], &["--org=one"]].concat()).status.code(), Some(0));
    let before = fs::metadata(fleet.path("one.json")).and_then(|file| file.modified()).expect("written");
    fleet.simulators[2].organisation().set_fault(Fault::ServerError(503));
    let output = fleet.run(&init);
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "the worst of all: {said}{errors}");
    assert!(said.contains("one.json: the file of organisation one exists; not changed\n"), "{said}");
    assert!(said.contains("two.json: approved ") && fleet.path("two.json").exists(), "{said}");
    assert!(errors.contains("error: organisation three: ") && !fleet.path("three.json").exists(), "{errors}");
    assert!(errors.contains("error: organisation none: no baseline file is named; set baseline_file\n"), "{errors}");
    assert_eq!(fs::metadata(fleet.path("one.json")).and_then(|file| file.modified()).expect("it stays"), before);

    // Again, once the cause is gone: only what is missing is written.
    fleet.simulators[2].organisation().clear_faults();
    fleet.configure(&[("one", 0, &one), ("two", 1, &two), ("three", 2, &three)]);
    assert_eq!(fleet.run(&init).status.code(), Some(0));
    assert!(fleet.path("three.json").exists());

    // A baseline covers one organisation.
    fleet.configure(&[("one", 0, &down), ("two", 1, &down)]);
    let output = fleet.run(&init);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("it is also that of organisation two") && !fleet.path("down.json").exists(), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policy_check_reads_the_policy_of_each_organisation_once() {
    let fleet = Fleet::start(1).await;
    fleet.write("a.toml", "[org]\n");
    fleet.write("b.toml", "[scopes]\ndangeros = []\n");
    ten(&fleet, &[(1, "policy_file = \"a.toml\""), (2, "policy_file = \"a.toml\""), (3, "policy_file = \"b.toml\"")]);
    let output = fleet.run(&["policy", "check"]);
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{said}{errors}");
    assert_eq!(said.matches("the built-in policy is valid").count(), 1, "{said}");
    assert_eq!(said.matches("a.toml is valid").count(), 1, "{said}");
    assert!(errors.contains("b.toml, line 2"), "{errors}");
    assert_eq!(fleet.run(&["policy", "check", "--org=o1"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_alerts_remember_for_as_long_as_the_organisation_with_the_longest_times_needs() {
    let fleet = Fleet::start(1).await;
    let short = "stale_after = \"30m\"\ninterval = \"1m\"";
    fleet.configure(&[
        ("short", 0, short),
        ("stale", 0, "stale_after = \"72h\"\ninterval = \"5m\""),
        ("slow", 0, "stale_after = \"24h\"\ninterval = \"2h\""),
    ]);
    let output = fleet.run(&["alerts"]);
    let rules = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(rules.contains("for --refresh.interval 2h, --refresh.stale-after 72h "), "{rules}");
    assert!(rules.contains("[74h]") && !rules.contains("[26h]"), "the longest --refresh.stale-after and two hours");
    assert!(rules.contains("[6h]"), "three of the longest intervals");
    let output = fleet.run(&["alerts", "--org=short"]);
    assert!(text(&output.stdout).contains("--refresh.stale-after 30m"), "{}", text(&output.stdout));
    // A mistake in one of the times is reported with its line.
    fleet.configure(&[("short", 0, short), ("bad", 0, "stale_after = \"1m\"")]);
    let output = fleet.run(&["alerts"]);
    assert_eq!(output.status.code(), Some(2));
    let line = line_of(&fleet, "\"1m\"\n".trim_end());
    assert!(text(&output.stderr).contains("stale_after: "), "line {line}: {}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_does_not_start_if_another_process_has_one_of_three_state_files() {
    let fleet = Fleet::start(3).await;
    fleet.configure(&[("two", 1, "")]);
    let state = format!("--state.dir={}", fleet.path("").display());
    let mut first = fleet.command(&["serve", "--web.listen-address=127.0.0.1:0", &state]);
    let first = Started(first.stderr(Stdio::null()).spawn().expect("it starts"));
    until("its lock", || std::future::ready(fleet.path("two.state.json").exists().then_some(()))).await;
    fleet.configure(&[("one", 0, ""), ("two", 1, ""), ("three", 2, "")]);
    let output = fleet.run(&["serve", "--web.listen-address=127.0.0.1:0", &state]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{errors}");
    assert!(errors.contains("two.state.json belongs to another running exporter"), "{errors}");
    assert!(errors.contains("stop that exporter") && errors.contains("--state.dir"), "{errors}");
    // One-off commands only read the file.
    assert_eq!(fleet.run(&["audit", "--fail-on=never", &state]).status.code(), Some(0));
    drop(first);
}

/// The limit of the size of a file acts as a full disk does: the small lock files can be written, and the state files cannot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_organisations_are_served_although_the_disk_of_their_state_files_is_full() {
    let fleet = Fleet::start(3).await;
    let often = "interval = \"1s\"";
    fleet.configure(&[("one", 0, often), ("two", 1, often), ("three", 2, often)]);
    let exporter = fleet.command(&["serve", "--web.listen-address=127.0.0.1:0"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"]).arg(exporter.get_program());
    limited.args(exporter.get_args()).env_clear().current_dir(fleet.path(""));
    limited.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut exporter = Started(limited.spawn().expect("it starts"));
    let mut log = BufReader::new(exporter.0.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let address = log.find_map(|line| Some(line.split_once("address=")?.1.split(' ').next()?.to_owned()));
    let address = address.expect("it listens");
    // Nobody reading the log is another test.
    let reader = std::thread::spawn(move || log.filter(|line| line.contains("File too large")).count());
    let http = client(false);
    let url = format!("http://{address}/metrics");
    let scraped = async || {
        let text = http.get(&url).send().await.ok()?.text().await.ok()?;
        let scrape = Scrape::parse(&text);
        let fresh = scrape.sum("exporter_last_refresh_successful", &[]);
        let failed = scrape.sum("exporter_state_writes_total", &["outcome=\"error\""]);
        Some(scrape).filter(|_| fresh > 2.5 && failed > 2.5)
    };
    let scrape = until("three fresh organisations and three failed writes", scraped).await;
    assert_eq!(scrape.own("state_persistent"), Some(0.0), "an alert fires on it");
    for org in ["org=\"one\"", "org=\"two\"", "org=\"three\""] {
        assert!(scrape.count("clients", &[org]) > 0, "{org}");
    }
    let kill = Command::new("kill").arg(exporter.0.id().to_string()).status();
    assert!(kill.expect("kill is installed").success());
    let status = until("the end", || std::future::ready(exporter.0.try_wait().expect("it can be waited for"))).await;
    assert_eq!(status.code(), Some(0));
    assert!(reader.join().expect("it reads") >= 3, "the log names the cause for each");
}
