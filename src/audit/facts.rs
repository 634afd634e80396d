//! What is documented about a rule, in the order in which it is shown: by `rules explain`, in docs/rules.md and on the rule's page.

use super::Rule;

/// The name and the text of each fact.
pub fn rule_facts(rule: &Rule) -> Vec<(&'static str, String)> {
    let needs = rule.needs.iter().map(|collector| match collector.permission() {
        Some(permission) => format!("{} ({permission})", collector.label()),
        None => collector.label().to_owned(),
    });
    let needs = needs.collect::<Vec<_>>().join(", ");
    let mut facts = vec![
        ("Severity", rule_severity(rule)),
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

/// The severity of a rule, and when it is another one.
pub fn rule_severity(rule: &Rule) -> String {
    match rule.severity_note {
        "" => rule.severity.to_string(),
        note => format!("{}; {note}", rule.severity),
    }
}
