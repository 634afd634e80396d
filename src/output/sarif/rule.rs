//! The SARIF descriptor of a rule, with its help text.

use serde_json::{Value, json};

use crate::audit::{Confidence, Rule};
use crate::domain::Severity;

/// With the page of the rule as its help, if there is one.
pub(super) fn descriptor(rule: &Rule, link: Option<String>) -> Value {
    let Rule { slug, title, why, traps, remediation, severity, confidence, .. } = rule;
    let text = format!("{why}\n\nNot a finding: {traps}\n\nWhat to do: {remediation}");
    let markdown = format!("{why}\n\n**Not a finding:** {traps}\n\n**What to do:** {remediation}");
    let mut descriptor = json!({
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
    });
    if let Some(link) = link {
        descriptor["helpUri"] = link.into();
    }
    descriptor
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

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub documents these limits in "SARIF support for code scanning".
    #[test]
    fn no_rule_has_a_text_that_code_scanning_rejects() {
        for rule in crate::audit::rules::all() {
            let descriptor = descriptor(rule, None);
            let text = |name: &str| descriptor[name]["text"].as_str().map_or(0, |text| text.chars().count());
            assert!((1..=1024).contains(&text("shortDescription")), "{}", rule.slug);
            assert!((1..=1024).contains(&text("fullDescription")), "{}", rule.slug);
            assert!(text("help") > 1 && rule.slug.len() <= 255, "{}", rule.slug);
        }
    }
}
