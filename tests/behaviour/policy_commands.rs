//! The subcommands of `policy` as their users run them, and the settings that extend the policy.

use std::process::{Command, Output};

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault, Options, Simulator};

use crate::support::{self, QUICK_RETRIES, program_for, text};

fn program(arguments: &[&str]) -> Command {
    let mut command = support::program();
    command.args(arguments);
    command
}

fn against(simulator: &Simulator, arguments: &[&str]) -> Output {
    let mut command = program_for(&simulator.url());
    command.args(arguments).envs([QUICK_RETRIES, ("GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_RETRY_ATTEMPTS", "1")]);
    command.output().expect("it runs")
}

/// The text with each run of spaces replaced by one, because the width of the columns varies.
fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, text).expect("writable");
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

#[test]
fn check_reports_every_error_and_needs_no_credentials() {
    let output = program(&["policy", "check"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("the built-in policy is valid\n"));

    let (_folder, path) = file("[defaults]\nflag = \"high\"\n[[expect]]\nfor = \"nobody\"\nrequired = []\n");
    let output = program(&["policy", "check", "--policy.file", &path]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 4, "{errors}");
    assert!(lines.iter().all(|line| line.starts_with("error: policy file ") && line.contains(", line ")), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_live_lists_what_matches_nothing() {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let output = against(&simulator, &["policy", "check", "--live"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed} {}", text(&output.stderr));
    assert!(printed.contains("no scope matches admin:all: allowed by allow_unmatched"), "{printed}");

    let (_folder, path) =
        file("[scopes]\ndangerous = [{ match = \"user:*\", severity = \"high\", reason = \"A typo.\" }]\n");
    let output = against(&simulator, &["policy", "check", "--live", "--policy.file", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("no scope matches user:*: it has no effect"));

    simulator.organisation().set_fault(Fault::ServerError(500).at(Endpoint::Scopes));
    let output = against(&simulator, &["policy", "check", "--live"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_is_tried_and_a_client_explained() {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let output = against(&simulator, &["policy", "test-glob", "users*"]);
    let printed = text(&output.stdout);
    assert!(printed.contains("  users\n") && printed.contains("  users:readonly\n"), "{printed}");
    let output = against(&simulator, &["policy", "test-glob", "oauth:client:*"]);
    assert!(text(&output.stdout).contains("  oauth:client:view\n"), "{}", text(&output.stdout));
    assert_eq!(against(&simulator, &["policy", "test-glob", "nonsense*"]).status.code(), Some(1));
    let printed = text(&against(&simulator, &["policy", "test-glob", "authorization"]).stdout);
    assert!(printed.starts_with("1 scope\n"), "{printed}");
    let before = simulator.organisation().request_count("/");
    for (pattern, message) in [
        ("", "it is empty"),
        (" ", "white space"),
        ("a:b:c:d", "4 segments"),
        ("oauth::view", "segment 2 is empty"),
        ("users:", "segment 2 is empty"),
    ] {
        let output = against(&simulator, &["policy", "test-glob", pattern]);
        assert_eq!(output.status.code(), Some(2), "{pattern:?}");
        assert!(text(&output.stderr).contains(message), "{pattern:?}: {}", text(&output.stderr));
    }
    assert_eq!(simulator.organisation().request_count("/"), before, "before anybody was asked");

    let (_folder, path) = file(
        "[selectors.postman]\nname = \"Postman tests\"\n[[exemption]]\nid = \"tests\"\nrule = \"dangerous-scope\"\n\
         client = \"postman\"\nonly = \"recordings\"\nowner = \"qa\"\nreason = \"Until the tests move.\"\nticket = \"QA-7\"\n\
         expires = 2999-12-31\n",
    );
    let output = against(&simulator, &["policy", "explain", "Postman tests", "--all", "--policy.file", &path]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for part in [
        "Postman tests (",
        "dangerous-scope 1 exempt",
        "exempt, high: holds the scope recordings",
        "exempt by tests (owner qa, until 3000-01-01 00:00 UTC): Until the tests move. (QA-7)",
        "missing-required-scope clean",
        "exemption-unused not applicable: it applies to the organisation",
    ] {
        assert!(single_spaced(&printed).contains(part), "{part:?} in {printed}");
    }
    for line in printed.lines().skip(2).filter(|line| !line.is_empty() && !line.starts_with(' ')) {
        assert!(line.contains("  "), "there is space between the rule and its outcome: {line}");
    }
    let output = against(&simulator, &["policy", "explain", "Nobody"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no client has the id or the exact name \"Nobody\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_explanation_respects_the_baseline() {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("baseline.json").to_string_lossy().into_owned();
    let init = ["baseline", "init", "--by", "Kim", "--reason", "OPS-1", "--baseline.file", &path];
    assert_eq!(against(&simulator, &init).status.code(), Some(0));
    let output = against(&simulator, &["policy", "explain", "Postman tests", "--baseline.file", &path]);
    let printed = text(&output.stdout);
    assert!(printed.contains("  approved, high: holds the scope recordings"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_lists_extend_the_policy_without_a_file() {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let explain = ["policy", "explain", "Postman tests", "--audit.dangerous-scopes", "analytics:*,x"];
    let required = ["--audit.required-scopes=presence", "--audit.required-scopes", "analytics:readonly"];
    let output = against(&simulator, &[&explain[..], &required].concat());
    let printed = text(&output.stdout);
    assert!(printed.contains("open, high: holds the scope analytics:readonly (pattern analytics:*)"), "{printed}");
    assert!(printed.contains("open, low: lacks the scope presence"), "{printed}");
    assert!(!printed.contains("lacks the scope analytics"), "{printed}");
}
