//! `rules`: lists and explains the rules of the audit.
//!
//! Not their evaluation (`crate::audit`).

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::TextFormat;
use super::console::{complain, document_of, say};
use super::exit::{CLEAN, USAGE};
use crate::audit::{Rule, rule_facts, rule_severity, rules};
use crate::text::did_you_mean;

/// Of the documents of `rules`. Increased when a field is removed or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// Prints each rule on one line, or all of them as one JSON document.
pub(super) fn list(format: TextFormat) -> u8 {
    if format == TextFormat::Json {
        let rules: Vec<Value> = rules::all().map(described).collect();
        document_of(json!({"schema_version": SCHEMA_VERSION, "rules": rules}));
        return CLEAN;
    }
    let width = rules::all().map(|rule| rule.slug.len()).max().unwrap_or_default();
    for rule in rules::all() {
        say(format_args!("{:width$}  {:8}  {}", rule.slug, rule.severity, rule.title));
    }
    CLEAN
}

/// Prints everything that is documented about one rule.
pub(super) fn explain(slug: &str, format: TextFormat) -> u8 {
    let Some(rule) = rules::find(&slug.to_ascii_lowercase()) else {
        let near = did_you_mean(slug, rules::all().map(|rule| rule.slug));
        complain(format_args!("there is no rule {slug:?}{near}; `rules list` shows all rules"));
        return USAGE;
    };
    if format == TextFormat::Json {
        let mut described = described(rule);
        described["schema_version"] = SCHEMA_VERSION.into();
        document_of(described);
        return CLEAN;
    }
    say(format_args!("{}: {}\n", rule.slug, rule.title));
    for (name, text) in rule_facts(rule) {
        say(format_args!("{name:12} {text}"));
    }
    CLEAN
}

/// A rule as JSON, with the fields that [`rule_facts`] shows.
fn described(rule: &Rule) -> Value {
    let needs = rule.needs.iter().map(|input| json!({"input": input.label(), "permission": input.permission()}));
    json!({
        "rule": rule.slug,
        "title": rule.title,
        "severity": rule.severity.label(),
        "severity_note": Some(rule.severity_note).filter(|note| !note.is_empty()),
        "confidence": rule.confidence.label(),
        "applies_to": rule.applies_to.describe(),
        "inputs": needs.collect::<Vec<_>>(),
        "why": rule.why,
        "notes": rule.traps,
        "remediation": rule.remediation,
        "reference": rule.reference,
        "not_evaluated": rule.not_built,
    })
}

/// `docs/rules.md`.
pub(super) fn document() -> String {
    let mut text = String::from(
        "# Rules\n\nGenerated from the code by `genesyscloud-oauth-exporter docs rules`; do not edit.\n\n\
         A rule's slug is the value of the label `rule` and never changes. In the policy, `[rules.SLUG]` turns a rule off or \
         changes its severity. If an input of a rule could not be read, the rule is `not_evaluated`, which does not count as \
         passed.\n\n| rule | severity | applies to | finds |\n|---|---|---|---|\n",
    );
    for rule in rules::all() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| [`{slug}`](#{slug}) | {} | {} | {} |",
            rule_severity(rule),
            rule.applies_to.describe(),
            rule.title,
            slug = rule.slug
        );
    }
    for rule in rules::all() {
        let _ = writeln!(text, "\n## {}\n\n{}.\n", rule.slug, rule.title);
        for (name, fact) in rule_facts(rule) {
            let _ = writeln!(text, "- **{name}**: {}", fact.replace('*', "\\*"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_documented_and_every_slug_is_unique() {
        let slugs: std::collections::BTreeSet<_> = rules::all().map(|rule| rule.slug).collect();
        assert_eq!(slugs.len(), rules::all().len());
        for rule in rules::all() {
            let texts = [rule.title, rule.why, rule.traps, rule.remediation, rule.reference];
            assert!(texts.iter().all(|text| text.len() > 5), "{}: a text is missing", rule.slug);
            assert!(
                rule.slug.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit()),
                "{}",
                rule.slug
            );
            assert!([rule.why, rule.traps, rule.remediation].iter().all(|text| text.ends_with('.')), "{}", rule.slug);
        }
    }
}
