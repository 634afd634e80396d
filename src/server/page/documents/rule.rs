//! The page of a rule: the same facts as `rules explain` and docs/rules.md.

use askama::Template;

use super::super::frame::Frame;
use super::entry::Entry;
use crate::audit::{Rule, rule_facts};

pub(super) fn entry(rule: &'static Rule) -> Entry {
    let severity = rule.severity.label();
    Entry {
        name: rule.slug.to_owned(),
        severity: severity.to_owned(),
        tone: severity,
        summary: format!("{}. {}", rule.title, rule.why),
    }
}

pub(super) fn page(rule: &'static Rule, frame: Frame<'_>) -> askama::Result<String> {
    let facts = rule_facts(rule);
    Page { frame, slug: rule.slug, title: rule.title, severity: rule.severity.label(), facts }.render()
}

#[derive(Template)]
#[template(path = "rule.html")]
struct Page<'a> {
    frame: Frame<'a>,
    slug: &'static str,
    title: &'static str,
    severity: &'static str,
    facts: Vec<(&'static str, String)>,
}
