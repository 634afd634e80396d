//! The texts of the alerts: annotations are complete, and the runbooks, metrics, queries and commands that they name exist.

use std::collections::BTreeSet;
use std::fs;

use super::rules::{self, FILES};
use super::tools::must;
use crate::support::program;

/// A placeholder for the address of this repository; docs/alerts.md says how to replace it.
const REPOSITORY: &str = "https://example.com/genesyscloud-oauth-exporter";
const DASHBOARDS: [&str; 4] =
    ["genesys-oauth-overview", "genesys-oauth-clients", "genesys-oauth-changes", "genesys-oauth-exporter"];

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The paths of all runbooks.
fn runbooks() -> Vec<String> {
    let entries = fs::read_dir("docs/runbooks").expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    names.map(|name| format!("docs/runbooks/{name}")).collect()
}

#[test]
fn every_alert_says_what_it_is_and_links_to_a_runbook_and_a_dashboard() {
    for rule in rules::all() {
        let (alert, told) = (&rule.alert, |key: &str| rule.inner.get(key).cloned().unwrap_or_default());
        assert!(!told("summary").is_empty() && !told("description").is_empty(), "{alert}");
        assert_eq!(told("runbook_url"), format!("{REPOSITORY}/docs/runbooks/{alert}.md"));
        let dashboard = told("dashboard_url");
        let known = dashboard.strip_prefix("/d/").is_some_and(|uid| DASHBOARDS.contains(&uid));
        assert!(known, "{alert}: {dashboard} is not one of the dashboards");
        for key in ["summary", "description"] {
            let named = told(key).contains("label \"client_name\" }}{{ else }}{{ $labels.client_id }}");
            assert!(named || told("severity") != "critical", "{alert}: {key} does not name the client");
        }
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts: BTreeSet<String> =
        rules::all().into_iter().map(|rule| format!("docs/runbooks/{}.md", rule.alert)).collect();
    assert_eq!(runbooks().into_iter().collect::<BTreeSet<_>>(), alerts);
    for path in alerts {
        let text = read(&path);
        let alert = path.trim_start_matches("docs/runbooks/").trim_end_matches(".md");
        assert!(text.starts_with(&format!("# {alert}\n")), "{path}");
        let sections: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections[..3], ["Look", "Act", "Silence"], "{path}");
        assert!(sections[3].starts_with("When it is "), "{path}");
    }
}

/// The metrics that a text names.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("genesyscloud_oauth_")).collect()
}

#[test]
fn every_metric_that_is_named_exists() {
    let documented = read("docs/metrics.md");
    let known = metrics(&documented);
    let tests = rules::test_files().into_iter().map(|name| format!("alerts/tests/{name}"));
    let files =
        FILES.map(str::to_owned).into_iter().chain(runbooks()).chain(tests).chain(["docs/alerts.md".to_owned()]);
    for path in files {
        let text = read(&path);
        let unknown: Vec<_> = metrics(&text).difference(&known).copied().collect();
        assert!(unknown.is_empty(), "{path} names {unknown:?}, which docs/metrics.md does not have");
    }
}

#[test]
fn every_query_of_a_runbook_is_one() {
    let mut recorded = String::from("groups:\n  - name: runbooks\n    rules:\n");
    for path in runbooks() {
        for block in read(&path).split("```promql\n").skip(1) {
            for query in block.lines().map(str::trim).take_while(|line| *line != "```") {
                recorded.push_str("      - record: query\n        expr: ");
                recorded.push_str(&serde_json::Value::from(query).to_string());
                recorded.push('\n');
            }
        }
    }
    assert!(recorded.contains("expr"), "there are queries");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("queries.yml");
    fs::write(&file, recorded).expect("writable");
    must("promtool", ["check".as_ref(), "rules".as_ref(), file.as_os_str()]);
}

#[test]
fn every_command_of_a_runbook_exists_with_its_flags() {
    const PROGRAM: &str = "genesyscloud-oauth-exporter ";
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let commands: BTreeSet<String> = runbooks().iter().flat_map(|path| quoted(&read(path))).collect();
    let commands: Vec<&str> = commands.iter().filter_map(|text| text.strip_prefix(PROGRAM)).collect();
    assert!(commands.len() > 5, "there are commands");
    for command in commands {
        let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
        // `rules explain drift-KIND`: the reader replaces words in capitals.
        let words = command.split_whitespace().take_while(is_word);
        let output = program().args(words).arg("--help").output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{command}");
        let help = String::from_utf8_lossy(&output.stdout);
        for flag in command.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{command}: there is no {flag}");
        }
    }
}

#[test]
fn the_example_of_prometheus_is_valid_and_loads_every_rule_file() {
    let path = "examples/monitoring/prometheus.yml";
    must("promtool", ["check", "config", path]);
    let text = read(path);
    for file in FILES {
        assert!(text.contains(&format!("- ../../{file}\n")), "{path} does not load {file}");
    }
    let down = rules::all().into_iter().find(|rule| rule.alert == "GenesysOAuthExporterDown").expect("it is there");
    let (_, job) = text.split_once("job_name: ").expect("a job");
    let job = job.lines().next().unwrap_or_default();
    assert!(down.expr.contains(&format!("up{{job=\"{job}\"}}")), "{job} is not the job of {}", down.alert);
}
