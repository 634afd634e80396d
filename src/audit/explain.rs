//! Why each rule fired for a client, or did not.
//!
//! It only reads a [`Report`] and the rules' metadata; the evaluation has already run.

use super::clock::Clock;
use super::finding::Finding;
use super::gaps::not_evaluated;
use super::report::Report;
use super::role_gaps::is_hidden_from;
use super::rule::{AppliesTo, Rule};
use super::state::{RuleOutcome, RuleState};
use crate::domain::{Client, GrantType, Snapshot};
use crate::policy::Policy;

/// The result of one rule for one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleResult<'a> {
    /// The rule found these, open, exempt or approved.
    Found(Vec<&'a Finding>),
    /// The rule ran and found nothing.
    Clean,
    /// The rule does not apply to this client; the text says why.
    NotApplicable(String),
    /// Data that the rule needs could not be read; the text says which.
    NotEvaluated(String),
    /// The policy disables the rule.
    Off,
}

/// The result of every rule for a client, in the order of the rules.
pub fn explain<'a>(
    snapshot: &Snapshot,
    policy: &Policy,
    report: &'a Report,
    client: &'a Client,
) -> Vec<(&'static Rule, RuleResult<'a>)> {
    let result = |of_rule: &RuleOutcome| {
        let rule = of_rule.rule;
        let gap = match &of_rule.state {
            RuleState::Disabled => return RuleResult::Off,
            RuleState::NotBuilt(reason) => return RuleResult::NotEvaluated((*reason).to_owned()),
            RuleState::NotApplicable(reason) => return RuleResult::NotApplicable((*reason).to_owned()),
            RuleState::NotEvaluated { reason, .. } => Some(reason.clone()),
            RuleState::Evaluated if is_hidden_from(rule, snapshot, client) => {
                not_evaluated(snapshot, policy, client, &Clock::new(report.evaluated_at))
            }
            RuleState::Evaluated => None,
        };
        let found: Vec<&Finding> =
            report.findings_of(&client.id).iter().filter(|finding| finding.rule == rule).collect();
        if !found.is_empty() {
            RuleResult::Found(found)
        } else if !applies(rule, snapshot, policy, client) {
            RuleResult::NotApplicable(why_not(rule, client.grant_type))
        } else {
            gap.map_or(RuleResult::Clean, RuleResult::NotEvaluated)
        }
    };
    report.outcomes.iter().map(|of_rule| (of_rule.rule, result(of_rule))).collect()
}

fn applies(rule: &Rule, snapshot: &Snapshot, policy: &Policy, client: &Client) -> bool {
    match rule.applies_to {
        AppliesTo::Baseline => true,
        AppliesTo::Own => snapshot.own_client.as_ref() == Some(&client.id),
        of_grant => of_grant.covers(client.grant_type, policy.scopes.judge),
    }
}

fn why_not(rule: &Rule, grant: GrantType) -> String {
    let whom = rule.applies_to.describe();
    match rule.applies_to {
        AppliesTo::Own | AppliesTo::Organisation => format!("it applies to {whom}"),
        _ => format!("it applies to {whom}; the grant type of this client is {}", grant.label()),
    }
}
