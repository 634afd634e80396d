//! The texts of the alerts: annotations are complete, and the runbooks, metrics, queries and commands that they name exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::rules::{self, FILES};
use super::tools::{PROMTOOLS, must};
use crate::support::program;

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
        let runbook = told("runbook_url");
        assert!(runbook.ends_with(&format!("{{{{ end }}}}/runbooks/{alert}")), "{alert}: {runbook}");
        assert!(runbook.contains("genesyscloud_oauth_exporter_web_info{external_url!=''}"), "{alert}: {runbook}");
        let dashboard = told("dashboard_url");
        let (uid, selected) = dashboard.split_once('?').unwrap_or((&dashboard, ""));
        let known = uid.strip_prefix("/d/").is_some_and(|uid| DASHBOARDS.contains(&uid));
        assert!(known, "{alert}: {dashboard} is not one of the dashboards");
        for (label, variable) in [("org", "org"), ("client_id", "client")] {
            let is_about = told("summary").contains(&format!("$labels.{label}"))
                || told("description").contains(&format!("$labels.{label}"));
            let is_selected = selected.contains(&format!("var-{variable}={{{{ $labels.{label} | urlquery }}}}"));
            assert_eq!(is_about, is_selected, "{alert}: {dashboard}");
        }
        let client = told("client_url");
        assert_eq!(client.ends_with("/clients/{{ $labels.client_id | urlquery }}"), told("severity") == "critical");
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

/// A scrape configuration in a file of the repository: the lines after `job_name: genesyscloud-oauth` that belong to the job.
fn scrape_jobs(text: &str) -> Vec<String> {
    let job = |start: usize| {
        let lines: Vec<&str> = text[start..].lines().collect();
        let end = lines.iter().skip(1).position(|line| line.contains("```") || line.contains("- job_name:"));
        lines[..end.map_or(lines.len(), |end| end + 1)].join("\n")
    };
    text.match_indices("job_name: genesyscloud-oauth").map(|(start, _)| job(start)).collect()
}

/// Without it, a label `org` of the target replaces the exporter's.
#[test]
fn every_scrape_configuration_keeps_the_labels_of_the_exporter() {
    let mut files = vec!["README.md".into()];
    let mut folders: Vec<PathBuf> = ["docs", "examples", "deploy"].map(PathBuf::from).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let kind = path.extension().and_then(|kind| kind.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if kind.is_some_and(|kind| ["md", "yml", "yaml"].contains(&kind)) {
                files.push(path);
            }
        }
    }
    let mut found = 0;
    for path in files {
        let text = fs::read_to_string(&path).expect("UTF-8");
        for job in scrape_jobs(&text) {
            found += 1;
            assert!(
                job.contains("\n    honor_labels: true") || job.contains("\n       honor_labels: true"),
                "{path:?}: {job}"
            );
        }
        for monitor in text.split("\nkind: ServiceMonitor").skip(1) {
            found += 1;
            assert!(monitor.contains("honorLabels: true"), "{path:?}");
        }
    }
    assert!(found >= 4, "README, getting started, the example, and the ServiceMonitor: {found}");
    assert!(read("docs/alerts.md").contains("`honor_labels: true`"), "the condition is documented");
}

/// An organisation that no exporter reports any more, and another exporter.
const INPUT: &str = "      - {series: 'genesyscloud_oauth_org_info{org=\"prod\",instance=\"b\"}', values: '1 stale'}\n      \
                     - {series: 'genesyscloud_oauth_exporter_build_info{instance=\"a\"}', values: '1x60'}\n";

/// The rule in docs/alerts.md that removes an organisation ends its alert.
#[test]
fn the_documented_way_to_remove_an_organisation_ends_its_alert() {
    let document = read("docs/alerts.md");
    let (_, rest) = document.split_once("```yaml\ngroups:\n").expect("a rule file");
    let (rule, _) = rest.split_once("```").expect("closed");
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writable");
    write("removed.yml", &format!("groups:\n{rule}"));
    write("health.yml", &read("alerts/health.yml"));
    let test = |rule_files: &str, expected: &str| {
        format!(
            "rule_files: [{rule_files}]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n\
             {INPUT}    promql_expr_test:\n      - expr: count(ALERTS{{alertname='GenesysOAuthOrgVanished', \
             alertstate='firing', org='prod'}})\n        eval_time: 50m\n        exp_samples: {expected}\n"
        )
    };
    write("before.yml", &test("health.yml", "[{labels: '{}', value: 1}]"));
    write("after.yml", &test("health.yml, removed.yml", "[]"));
    for promtool in PROMTOOLS {
        must(promtool, ["check".into(), "rules".into(), folder.path().join("removed.yml")]);
        for name in ["before.yml", "after.yml"] {
            must(promtool, ["test".into(), "rules".into(), folder.path().join(name)]);
        }
    }
}
