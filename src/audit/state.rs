//! What becomes of each rule in one evaluation: evaluated, not evaluated and why, not applicable, or switched off.
//!
//! A rule whose input could not be read leaves one finding with the status `not_evaluated` on the organisation, one an
//! input: bounded whatever the number of clients. That clients are not evaluated is told by their verdicts.

use super::rules::{self, Context, Rule};
use super::{Evidence, Finding, Kind, Status};
use crate::domain::{Collector, NotRead};

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOutcome {
    /// Which rule.
    pub rule: &'static Rule,
    /// What became of it.
    pub state: RuleState,
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleState {
    /// It judged all that it is about.
    Evaluated,
    /// An input that it needs could not be read: what it is about was not judged, or in part only.
    NotEvaluated {
        /// The inputs, each with why.
        reason: String,
        /// The permission that would cure it, where that is the cause.
        missing_permission: Option<String>,
    },
    /// The exporter cannot evaluate it yet: no failure, and nothing that anybody can cure.
    NotBuilt(&'static str),
    /// There is nothing to judge in this organisation.
    NotApplicable(&'static str),
    /// The policy switched it off.
    Disabled,
}

impl RuleState {
    /// The word in reports.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Evaluated => "evaluated",
            Self::NotEvaluated { .. } | Self::NotBuilt(_) => "not_evaluated",
            Self::NotApplicable(_) => "not_applicable",
            Self::Disabled => "disabled",
        }
    }

    /// Why it was not evaluated, where it was not.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Evaluated => None,
            Self::NotEvaluated { reason, .. } => Some(reason),
            Self::NotBuilt(reason) | Self::NotApplicable(reason) => Some(reason),
            Self::Disabled => Some("the policy switched it off"),
        }
    }

    /// Whether an audit that must be whole fails by it.
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::NotEvaluated { .. })
    }
}

/// Judges by every rule, and tells what became of each.
pub(super) fn run(context: &Context<'_>, findings: &mut Vec<Finding>) -> Vec<RuleOutcome> {
    rules::ALL.iter().map(|rule| RuleOutcome { rule, state: run_one(context, rule, findings) }).collect()
}

fn run_one(context: &Context<'_>, rule: &'static Rule, findings: &mut Vec<Finding>) -> RuleState {
    if !rules::is_enabled(rule, context.policy) {
        return RuleState::Disabled;
    }
    if let Some(reason) = rule.not_built {
        return RuleState::NotBuilt(reason);
    }
    if let Some(reason) = (rule.not_applicable)(context) {
        return RuleState::NotApplicable(reason);
    }
    let unread: Vec<(Collector, &NotRead)> =
        rule.needs.iter().filter_map(|collector| Some((*collector, context.snapshot.not_read(*collector)?))).collect();
    if !unread.is_empty() && !rule.judges_in_part {
        return not_evaluated(context, rule, &unread, findings);
    }
    (rule.check)(context, findings);
    if unread.is_empty() { RuleState::Evaluated } else { not_evaluated(context, rule, &unread, findings) }
}

fn not_evaluated(
    context: &Context<'_>,
    rule: &'static Rule,
    unread: &[(Collector, &NotRead)],
    findings: &mut Vec<Finding>,
) -> RuleState {
    let mut reasons = Vec::new();
    for (collector, why) in unread {
        let reason = why_not_read(*collector, why);
        let mut evidence = Evidence::new(Kind::Input, collector.label(), format!("not evaluated: {reason}"));
        evidence.details.extend(why.missing_permission.clone().map(|permission| ("missing_permission", permission)));
        findings.push(Finding {
            status: Status::NotEvaluated,
            ..context.finding_on_organisation(rule, rule.severity, evidence)
        });
        reasons.push(reason);
    }
    RuleState::NotEvaluated {
        reason: reasons.join("; "),
        missing_permission: unread.iter().find_map(|(_, why)| why.missing_permission.clone()),
    }
}

/// Why an input was not read, with the permission that would cure it.
pub fn why_not_read(collector: Collector, why: &NotRead) -> String {
    let label = collector.label();
    // Messages of the platform's calls begin with the endpoint, which has the same name.
    let message = why.message.strip_prefix(label).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&why.message);
    match &why.missing_permission {
        Some(permission) if !message.contains(permission.as_str()) => {
            format!("{label}: {message} (missing permission: {permission})")
        }
        _ => format!("{label}: {message}"),
    }
}
