//! Why each rule fired for a client, or did not.
//!
//! Not a judgement of its own: it reads a [`Report`] and the rules' metadata.

use super::rules::UNRESOLVED_ROLE;
use super::{AppliesTo, Finding, Report, Rule, RuleOutcome, RuleState, unresolved_roles};
use crate::domain::{Client, Collector, GrantType, RoleId, Snapshot};
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
    let outcome = |of_rule: &RuleOutcome| {
        let rule = of_rule.rule;
        let unread = match &of_rule.state {
            RuleState::Disabled => return Outcome::Off,
            RuleState::NotBuilt(reason) => return Outcome::NotEvaluated((*reason).to_owned()),
            RuleState::NotApplicable(reason) => return Outcome::NotApplicable((*reason).to_owned()),
            RuleState::NotEvaluated { reason, .. } => Some(reason.clone()),
            RuleState::Evaluated => unknown_roles(snapshot, rule, client),
        };
        let found: Vec<&Finding> = report.findings_of(&client.id).filter(|finding| finding.rule == rule).collect();
        if !found.is_empty() {
            Outcome::Found(found)
        } else if !judges(rule, snapshot, policy, client) {
            Outcome::NotApplicable(why_not(rule, client.grant_type))
        } else {
            unread.map_or(Outcome::Clean, Outcome::NotEvaluated)
        }
    };
    report.outcomes.iter().map(|of_rule| (of_rule.rule, outcome(of_rule))).collect()
}

fn judges(rule: &Rule, snapshot: &Snapshot, policy: &Policy, client: &Client) -> bool {
    match rule.applies_to {
        AppliesTo::Baseline => true,
        AppliesTo::Own => snapshot.own_client.as_ref() == Some(&client.id),
        of_grant => of_grant.covers(client.grant_type, policy.scopes.judge),
    }
}

/// Why a rule that reads roles found nothing, where the client has one of which nobody knows what it permits.
fn unknown_roles(snapshot: &Snapshot, rule: &Rule, client: &Client) -> Option<String> {
    let judges_contents = rule.slug != UNRESOLVED_ROLE && rule.needs.contains(&Collector::Roles);
    let unknown = unresolved_roles(snapshot, client).into_iter().filter(|_| judges_contents);
    let unknown: Vec<&str> = unknown.map(RoleId::as_str).collect();
    (!unknown.is_empty()).then(|| format!("nobody knows what these of its roles permit: {}", unknown.join(", ")))
}

fn why_not(rule: &Rule, grant: GrantType) -> String {
    let whom = rule.applies_to.describe();
    match rule.applies_to {
        AppliesTo::Own | AppliesTo::Organisation => format!("it judges {whom}"),
        _ => format!("it judges {whom}, and this one's grant type is {}", grant.label()),
    }
}
