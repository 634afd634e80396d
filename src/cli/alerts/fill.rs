//! Fills the templates of the rule files with the facts of one exporter.
//!
//! A template is a rule file with placeholders, `@name@`. A value is escaped where it is made, and inserted unchanged.

use serde_json::Value;

use super::annotations;
use super::args::{AlertsArgs, RuleFile};
use super::span::Span;
use crate::config::AlertSettings;

const SECURITY: &str = include_str!("../../../templates/alerts/security.yml");
const HEALTH: &str = include_str!("../../../templates/alerts/health.yml");

/// What the rules depend on.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    args: &'a AlertsArgs,
    settings: &'a AlertSettings,
    memory: Span,
}

impl<'a> Facts<'a> {
    pub(super) fn new(args: &'a AlertsArgs, settings: &'a AlertSettings) -> Self {
        Self { args, settings, memory: Span::memory(settings.stale_after) }
    }

    /// The rule file for these facts.
    pub(super) fn file(&self, file: RuleFile) -> String {
        let template = match file {
            RuleFile::Security => SECURITY,
            RuleFile::Health => HEALTH,
        };
        let mut text = String::with_capacity(2 * template.len());
        let mut alert = "";
        for line in template.lines() {
            alert = line.trim().strip_prefix("- alert: ").unwrap_or(alert);
            let filled = self.line(line, alert);
            // A placeholder alone on its line takes the line with it if its value is empty.
            if filled.trim().is_empty() && !line.is_empty() {
                continue;
            }
            text.push_str(filled.trim_end());
            text.push('\n');
        }
        text
    }

    /// The line with its values. Further lines of a value have the same indentation.
    fn line(&self, line: &str, alert: &str) -> String {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let mut filled = String::with_capacity(line.len());
        for (place, part) in line.split('@').enumerate() {
            if place % 2 == 0 {
                filled.push_str(part);
            } else {
                filled.push_str(&self.value(part, alert).replace('\n', &format!("\n{indentation}")));
            }
        }
        filled
    }

    fn value(&self, name: &str, alert: &str) -> String {
        let AlertSettings { stale_after, interval, external_url } = self.settings;
        let external_url = external_url.as_deref();
        match name {
            "memory" => self.memory.promql(),
            "memory as text" => self.memory.words(),
            "stale after" => Span::of(*stale_after).promql(),
            "interval" => Span::of(*interval).promql(),
            "rate window" => Span::rate_window(*interval).promql(),
            "token window" => Span::token_window(*interval).promql(),
            "token window as text" => Span::token_window(*interval).words(),
            "job" => quoted(&self.args.job),
            "labels" => self.labels(),
            "runbook" => annotations::runbook(alert, self.args.runbooks.as_deref(), external_url, self.memory),
            "client link" => annotations::client_link(external_url, self.memory),
            "links note" => annotations::links_note(external_url, self.memory),
            "dashboards" => self.args.dashboards.clone().unwrap_or_default(),
            "client name" => annotations::client_name(self.memory),
            "grant type" => annotations::grant_type(self.memory),
            "reason scope" => annotations::reason("scope", self.memory),
            "reason permission" => annotations::reason("permission", self.memory),
            "first seen scope" => annotations::first_seen("scope"),
            "first seen permission" => annotations::first_seen("permission"),
            "last change" => annotations::LAST_CHANGE.to_owned(),
            // A test fills both templates and finds it.
            unknown => format!("@{unknown}@"),
        }
    }

    /// The labels to add, one on each line. Prometheus expands templates in values, so braces are written as a template.
    fn labels(&self) -> String {
        let line = |(name, value): &(String, String)| {
            let value = value.replace("{{", "{{ `{{` }}");
            format!("{name}: {}", quoted(&value))
        };
        self.args.labels.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A text in double quotes. The escapes of JSON are also those of YAML and `PromQL`.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn args() -> AlertsArgs {
        AlertsArgs {
            file: None,
            directory: None,
            job: "genesyscloud-oauth".to_owned(),
            labels: Vec::new(),
            runbooks: None,
            dashboards: None,
        }
    }

    fn settings() -> AlertSettings {
        let (stale_after, interval) = (Duration::from_hours(24), Duration::from_mins(5));
        AlertSettings { stale_after, interval, external_url: None }
    }

    #[test]
    fn every_placeholder_has_a_value() {
        let (args, settings) = (args(), settings());
        for file in RuleFile::ALL {
            let text = Facts::new(&args, &settings).file(file);
            assert!(!text.contains('@'), "{text}");
            assert!(text.lines().all(|line| line == line.trim_end()), "no line ends with a space");
        }
    }

    /// The files that are installed with the package and that the other tests of the alerts read.
    #[test]
    fn the_files_in_alerts_are_the_output_with_the_defaults() {
        let (args, settings) = (args(), settings());
        for file in RuleFile::ALL {
            let path = format!("alerts/{}", file.name());
            let installed = std::fs::read_to_string(&path).expect("a rule file");
            assert!(Facts::new(&args, &settings).file(file) == installed, "{path} differs; run scripts/generate");
        }
    }

    #[test]
    fn a_job_and_labels_with_any_characters_are_quoted() {
        let job = "a \"b\" \\ {{ c }}: # @memory@".to_owned();
        let labels =
            vec![("team".to_owned(), "it's \"ours\" {{ $value }}".to_owned()), ("x".to_owned(), "@job@".to_owned())];
        let (args, settings) = (AlertsArgs { job, labels, ..args() }, settings());
        let text = Facts::new(&args, &settings).file(RuleFile::Health);
        assert!(text.contains("max(up{job=\"a \\\"b\\\" \\\\ {{ c }}: # @memory@\"}) == 0\n"), "{text}");
        let expected = "          severity: warning\n          team: \"it's \\\"ours\\\" {{ `{{` }} $value }}\"\n          x: \"@job@\"\n        annotations:\n";
        assert_eq!(text.matches(expected).count(), text.matches("severity: warning").count());
    }

    #[test]
    fn links_lead_to_the_external_url_or_to_the_bases_that_are_given() {
        let runbook = |runbooks: Option<&str>, external_url: Option<&str>| {
            let args = AlertsArgs { runbooks: runbooks.map(str::to_owned), ..args() };
            let settings = AlertSettings { external_url: external_url.map(str::to_owned), ..settings() };
            let text = Facts::new(&args, &settings).file(RuleFile::Security);
            let line = text.lines().find_map(|line| line.trim().strip_prefix("runbook_url: ")).map(str::to_owned);
            (line.expect("a runbook"), text.contains("web_info"))
        };
        let name = "GenesysOAuthDangerousScopeUnapproved";
        let ours = "https://oauth.example.net/x";
        assert_eq!(runbook(None, None), (">-".to_owned(), true));
        assert_eq!(runbook(None, Some(ours)), (format!("{ours}/runbooks/{name}"), false));
        let wiki = "https://wiki.example.net/runbooks";
        assert_eq!(runbook(Some(wiki), Some(ours)), (format!("{wiki}/{name}"), false));
        let repository = "https://git.example.net/docs/runbooks/ALERT.md";
        assert_eq!(runbook(Some(repository), None), (repository.replace("ALERT", name), true));
        let args = AlertsArgs { dashboards: Some("https://grafana.example.net".to_owned()), ..args() };
        let text = Facts::new(&args, &settings()).file(RuleFile::Security);
        assert!(text.contains("dashboard_url: https://grafana.example.net/d/genesys-oauth-clients?var-org="), "{text}");
    }
}
