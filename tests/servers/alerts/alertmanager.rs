//! The example configuration of Alertmanager is valid, and routes each alert correctly.

use std::fs;

use super::rules;
use super::tools::must;

const EXAMPLE: &str = "alerts/alertmanager.example.yml";
/// How long Alertmanager remembers what it sent, by default.
const RETENTION_HOURS: u64 = 120;

fn example() -> String {
    fs::read_to_string(EXAMPLE).expect("the example")
}

/// The text after `key:` on each line that has it, without a list's dash.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
}

#[test]
fn the_example_is_valid() {
    must("amtool", ["check-config", EXAMPLE]);
}

/// The example must stay valid if a user removes the comment signs.
#[test]
fn the_other_receivers_that_it_shows_are_valid() {
    let text = example();
    let (head, shown) = text.split_once("for example by:\n").expect("what is shown");
    let shown = shown.lines().map_while(|line| line.strip_prefix("  # "));
    let shown: Vec<String> = shown.map(|line| format!("  {line}")).collect();
    assert!(shown.iter().any(|line| line.contains("slack_configs")), "{shown:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("alertmanager.yml");
    let route = "route: { receiver: shown }\nreceivers:\n  - name: shown\n";
    fs::write(&file, format!("{route}{}\n", shown.join("\n"))).expect("writable");
    must("amtool", ["check-config".as_ref(), file.as_os_str()]);
    assert!(head.contains("receivers:"));
}

/// The monitoring example uses the same file that is checked here.
#[test]
fn the_example_of_monitoring_uses_this_file() {
    let same = |path: &str| fs::canonicalize(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(same("examples/monitoring/alertmanager.yml"), same(EXAMPLE));
}

#[test]
fn what_pages_goes_to_security_and_the_rest_to_health() {
    for rule in rules::all() {
        let receiver = if rule.inner["severity"] == "critical" { "security" } else { "health" };
        let labels = [
            format!("alertname={}", rule.alert),
            format!("severity={}", rule.inner["severity"]),
            "org=acme".to_owned(),
            "client_id=c1".to_owned(),
        ];
        let asked = ["config", "routes", "test", "--config.file", EXAMPLE, "--verify.receivers", receiver];
        must("amtool", asked.into_iter().chain(labels.iter().map(String::as_str)));
    }
}

#[test]
fn each_client_is_a_page_and_each_reminder_comes_before_alertmanager_forgets() {
    let text = example();
    let security = text.split("receiver: security").nth(1).expect("the route");
    assert!(security.trim_start().starts_with("group_by: [alertname, org, client_id]"), "{security}");
    let reminders = values(&text, "repeat_interval");
    assert_eq!(values(security, "repeat_interval").first(), Some(&"72h"));
    for reminder in reminders {
        let hours: u64 = reminder.trim_end_matches('h').parse().expect("hours");
        assert!(hours < RETENTION_HOURS, "Alertmanager forgets after {RETENTION_HOURS} h, and this is {reminder}");
    }
}

#[test]
fn only_a_stale_audit_is_inhibited_and_only_by_its_token() {
    let text = example();
    assert_eq!(values(&text, "source_matchers"), ["[alertname=\"GenesysOAuthTokenFailing\"]"]);
    assert_eq!(values(&text, "target_matchers"), ["[alertname=\"GenesysOAuthAuditStale\"]"]);
    assert_eq!(values(&text, "equal"), ["[org]"]);
}

#[test]
fn receivers_hold_no_secrets() {
    for line in example().lines().filter(|line| !line.trim_start().starts_with('#')) {
        for word in ["routing_key", "service_key", "api_url", "password", "credentials", "token"] {
            assert!(!line.contains(word), "a placeholder needs none: {line}");
        }
        assert!(!line.contains("url:") || line.contains("http://127.0.0.1:"), "{line}");
    }
}
