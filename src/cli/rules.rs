//! `rules`: lists and explains the rules of the audit.
//!
//! Not their evaluation (`crate::audit`).

use std::fmt::Write as _;

use super::console::{complain, say};
use super::exit::{CLEAN, USAGE};
use crate::audit::Rule;
use crate::audit::rules;

/// Prints each rule on one line.
pub(super) fn list() -> u8 {
    let width = rules::all().map(|rule| rule.slug.len()).max().unwrap_or_default();
    for rule in rules::all() {
        say(format_args!("{:width$}  {:8}  {}", rule.slug, rule.severity, rule.title));
    }
    CLEAN
}

/// Prints everything that is documented about one rule.
pub(super) fn explain(slug: &str) -> u8 {
    let Some(rule) = rules::find(&slug.to_ascii_lowercase()) else {
        let near = nearest(slug).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        complain(format_args!("there is no rule {slug:?}; {near}`rules list` shows all rules"));
        return USAGE;
    };
    say(format_args!("{}: {}\n", rule.slug, rule.title));
    for (name, text) in facts(rule) {
        say(format_args!("{name:12} {text}"));
    }
    CLEAN
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
            severity(rule),
            rule.applies_to.describe(),
            rule.title,
            slug = rule.slug
        );
    }
    for rule in rules::all() {
        let _ = writeln!(text, "\n## {}\n\n{}.\n", rule.slug, rule.title);
        for (name, fact) in facts(rule) {
            let _ = writeln!(text, "- **{name}**: {}", fact.replace('*', "\\*"));
        }
    }
    text
}

fn facts(rule: &Rule) -> Vec<(&'static str, String)> {
    let needs = rule.needs.iter().map(|collector| match collector.permission() {
        Some(permission) => format!("{} ({permission})", collector.label()),
        None => collector.label().to_owned(),
    });
    let needs = needs.collect::<Vec<_>>().join(", ");
    let mut facts = vec![
        ("Severity", severity(rule)),
        ("Confidence", rule.confidence.label().to_owned()),
        ("Applies to", rule.applies_to.describe().to_owned()),
        ("Reads", if needs.is_empty() { "the policy".to_owned() } else { needs }),
        ("Why", rule.why.to_owned()),
        ("Notes", rule.traps.to_owned()),
        ("Remediation", rule.remediation.to_owned()),
        ("Reference", rule.reference.to_owned()),
    ];
    facts.extend(rule.not_built.map(|why| ("Evaluated", format!("not yet: {why}"))));
    facts
}

fn severity(rule: &Rule) -> String {
    match rule.severity_note {
        "" => rule.severity.to_string(),
        note => format!("{}; {note}", rule.severity),
    }
}

/// The slug closest to what was typed, if it is close enough.
fn nearest(typed: &str) -> Option<&'static str> {
    let nearest = rules::all().map(|rule| (distance(typed, rule.slug), rule.slug)).min()?;
    (nearest.0 <= nearest.1.len() / 2).then_some(nearest.1)
}

/// The Levenshtein distance of two texts, in characters.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row.first().copied().unwrap_or_default();
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, other) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(letter != *other)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_slug_finds_the_nearest_rule_and_nonsense_finds_none() {
        for (typed, expected) in [
            ("dangerous-scop", Some("dangerous-scope")),
            ("admin_role", Some("admin-role")),
            ("wildcard-permissions", Some("wildcard-permission")),
            ("xyzzyxyzzyxyzzy", None),
        ] {
            assert_eq!(nearest(typed), expected, "{typed}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!((distance("", "abc"), distance("abc", "")), (3, 3));
    }

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
