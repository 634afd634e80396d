//! The SARIF descriptor of a rule, with its help text.

use serde_json::{Value, json};

use crate::audit::{Confidence, Rule};
use crate::domain::Severity;

pub(super) fn descriptor(rule: &Rule) -> Value {
    let Rule { slug, title, why, traps, remediation, severity, confidence, .. } = rule;
    let text = format!("{why}\n\nNot a finding: {traps}\n\nWhat to do: {remediation}");
    let markdown = format!("{why}\n\n**Not a finding:** {traps}\n\n**What to do:** {remediation}");
    json!({
        "id": slug,
        "name": pascal(slug),
        "shortDescription": {"text": title},
        "fullDescription": {"text": why},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": level(*severity)},
        "properties": {
            "tags": ["security", "oauth", "genesys-cloud"],
            "precision": match confidence { Confidence::Certain => "very-high", Confidence::Likely => "medium" },
            "security-severity": score(*severity),
        },
    })
}

/// The level of results of that severity.
pub(super) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// GitHub derives the severity from this number: above 9 is critical, from 7 high, from 4 medium.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.1",
    }
}

/// Converts `dangerous-scope` to `DangerousScope`, as SARIF 3.49.7 requires.
fn pascal(slug: &str) -> String {
    slug.split('-')
        .flat_map(|word| word.chars().enumerate().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }))
        .collect()
}
