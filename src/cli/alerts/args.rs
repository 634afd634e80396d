//! The flags of `alerts`, and which values they accept.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config;
use crate::text::is_treacherous;

/// The labels that the alerts set or keep. Another value would change what an alert is about, or where it goes.
const OWN_LABELS: [&str; 10] =
    ["alertname", "client_id", "collector", "exemption", "family", "kind", "org", "permission", "scope", "severity"];

/// The longest name or value of a label, and the longest job name, in bytes.
const LONGEST: usize = 256;

/// The flags of `alerts`.
#[derive(Debug, Clone, Args)]
pub struct AlertsArgs {
    /// Which rule file. By default both, as one file.
    #[arg(value_enum)]
    pub file: Option<RuleFile>,
    /// Write security.yml and health.yml into this directory, and print nothing.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The job of the exporter in the scrape configuration.
    #[arg(long, value_name = "NAME", default_value = "genesyscloud-oauth", value_parser = job)]
    pub job: String,
    /// A label to add to every alert, for example team=identity. Can be given several times.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Where the runbooks are, if not at the exporter. The alert's name is appended, or replaces ALERT in the URL.
    ///
    /// Without it, the links lead to the exporter: to --web.external-url, or to the one that the exporter exports.
    #[arg(long, value_name = "URL", value_parser = config::link_base)]
    pub runbooks: Option<String>,
    /// The base URL of your Grafana. Without it, the link to a dashboard is a path.
    #[arg(long, value_name = "URL", value_parser = config::link_base)]
    pub dashboards: Option<String>,
}

impl AlertsArgs {
    /// The name of a label that is given twice.
    pub(super) fn label_given_twice(&self) -> Option<&str> {
        let mut names = BTreeSet::new();
        self.labels.iter().map(|(name, _)| name.as_str()).find(|name| !names.insert(*name))
    }
}

/// The rule files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuleFile {
    /// The alerts that page.
    Security,
    /// The alerts on the health of the audit itself.
    Health,
}

impl RuleFile {
    /// Each file, in the order in which they are printed.
    pub(super) const ALL: [Self; 2] = [Self::Security, Self::Health];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Security => "security.yml",
            Self::Health => "health.yml",
        }
    }
}

fn job(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a job has a name; use the job_name of the scrape configuration".to_owned());
    }
    printable(text)?;
    Ok(text.to_owned())
}

fn label(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("there is no `=`; use NAME=VALUE, for example team=identity".to_owned());
    };
    // The data model of Prometheus. UTF-8 names need quotes, which not every receiver understands.
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    if !is_name {
        return Err(format!("{name:?} is not the name of a label; use letters, digits and _, and no digit first"));
    }
    if name.starts_with("__") {
        return Err(format!("{name}: names that start with __ are reserved for Prometheus; use another name"));
    }
    if OWN_LABELS.contains(&name) {
        return Err(format!("{name}: the alerts use this label themselves; use another name"));
    }
    if value.is_empty() {
        return Err(format!("{name}: the value is empty, and Prometheus has no labels without value; give one"));
    }
    printable(name)?;
    printable(value)?;
    Ok((name.to_owned(), value.to_owned()))
}

fn printable(text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes; use a shorter text"));
    }
    // YAML does not allow non-characters either.
    if text.contains(|c| is_treacherous(c) || u32::from(c) & 0xfffe == 0xfffe) {
        return Err("it contains a control character or an invisible one; use printable text".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_a_name_and_a_value_and_none_that_the_alerts_use() {
        for (text, name, value) in [
            ("team=identity", "team", "identity"),
            ("_x1=a=b", "_x1", "a=b"),
            ("note=a \"quoted\" {{ value }}", "note", "a \"quoted\" {{ value }}"),
        ] {
            assert_eq!(label(text), Ok((name.to_owned(), value.to_owned())));
        }
        for (text, why) in [
            ("team", "no `=`"),
            ("=x", "not the name"),
            ("1st=x", "not the name"),
            ("te-am=x", "not the name"),
            ("t\u{e9}am=x", "not the name"),
            ("__name__=x", "reserved"),
            ("severity=page", "use this label themselves"),
            ("org=other", "use this label themselves"),
            ("team=", "the value is empty"),
            ("team=a\nb", "control character"),
            ("team=\u{202e}b", "invisible"),
            ("team=\u{ffff}", "invisible"),
        ] {
            assert!(label(text).is_err_and(|error| error.contains(why)), "{text}");
        }
        assert!(label(&format!("team={}", "x".repeat(LONGEST + 1))).is_err());
    }

    #[test]
    fn a_job_is_any_visible_text() {
        for text in ["genesyscloud-oauth", "a \"b\" 'c' \\d", "kubernetes/pods: # x", "{{ job }}", "\u{fc}@x@"] {
            assert_eq!(job(text), Ok(text.to_owned()));
        }
        for text in ["", "  ", "a\tb", "a\nb", "\u{feff}a"] {
            assert!(job(text).is_err(), "{text:?}");
        }
    }

    /// A label of an alert that is not in the list could be given twice in one rule, which Prometheus refuses.
    #[test]
    fn every_label_of_an_alert_is_known() {
        for file in ["security", "health"] {
            let text = std::fs::read_to_string(format!("templates/alerts/{file}.yml")).expect("a template");
            for name in text.split("$labels.").skip(1).filter_map(|rest| rest.split([' ', '}']).next()) {
                assert!(OWN_LABELS.contains(&name), "{name}");
            }
        }
    }
}
