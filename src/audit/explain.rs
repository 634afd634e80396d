//! Why each rule fired for a client, or did not.
//!
//! Not a judgement of its own: it reads a [`Report`] and the rules' metadata.

use super::rules;
use super::{Finding, Report, Rule, Status};
use crate::domain::{Client, GrantType, Snapshot};
use crate::policy::Policy;

/// What became of one rule for one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It found these, open, exempt or approved.
    Found(Vec<&'a Finding>),
    /// It judged, and found nothing.
    Clean,
    /// It does not judge this client; the sentence says why.
    NotApplicable(String),
    /// Its input could not be read; the sentence says which.
    NotEvaluated(String),
    /// The policy has switched it off.
    Off,
}

/// The outcome of every rule for a client, in the order of the rules.
pub fn explain<'a>(
    snapshot: &Snapshot,
    policy: &Policy,
    report: &'a Report,
    client: &'a Client,
) -> Vec<(&'static Rule, Outcome<'a>)> {
    let outcome = |rule: &'static Rule| {
        let found: Vec<&Finding> = report.findings_of(&client.id).filter(|finding| finding.rule == rule).collect();
        if !rules::enabled(policy).any(|enabled| enabled == rule) {
            Outcome::Off
        } else if found.iter().any(|finding| finding.status != Status::NotEvaluated) {
            Outcome::Found(found)
        } else if let Some(unread) = found.first() {
            Outcome::NotEvaluated(unread.reason.clone())
        } else if !rule.applies_to.covers(client.grant_type, policy.scopes.judge) {
            Outcome::NotApplicable(why_not(rule, client.grant_type))
        } else if let Some(why) = rule.needs.iter().find_map(|collector| unread(snapshot, *collector)) {
            Outcome::NotEvaluated(why)
        } else {
            Outcome::Clean
        }
    };
    rules::ALL.iter().copied().map(|rule| (rule, outcome(rule))).collect()
}

fn unread(snapshot: &Snapshot, collector: crate::domain::Collector) -> Option<String> {
    let why = snapshot.not_read(collector)?;
    let cure = why.missing_permission.as_ref().map(|permission| format!("; grant {permission}")).unwrap_or_default();
    Some(format!("{} were not read: {}{cure}", collector.label(), why.message))
}

fn why_not(rule: &Rule, grant: GrantType) -> String {
    format!("it judges {}, and this one's grant type is {}", rule.applies_to.describe(), grant.label())
}
