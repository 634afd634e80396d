//! The outcome of each rule in one evaluation: evaluated, not evaluated and why, not applicable, or switched off.
//!
//! A rule whose input could not be read leaves findings with the status `not_evaluated` on the organisation, one for each such
//! input, so that their number does not grow with the number of clients. Which clients are not evaluated is in their verdicts.

use super::finding::{Evidence, Finding, Kind, Status};
use super::gaps::describe_input_gap;
use super::rule::{Rule, is_enabled};
use super::rules::{Context, ENTRIES, Entry};
use crate::domain::{Collector, InputGap};

/// A rule and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: &'static Rule,
    /// The outcome.
    pub state: RuleState,
}

/// The outcome of a rule in one evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleState {
    /// It ran with all its inputs.
    Evaluated,
    /// An input that it needs could not be read: it did not run, or evaluated only part of what it is about.
    NotEvaluated {
        /// The inputs, each with why.
        reason: String,
        /// The permission that the exporter's client lacks, where that is the cause.
        missing_permission: Option<String>,
    },
    /// This version of the exporter cannot evaluate it. That is not a failure.
    NotBuilt(&'static str),
    /// This organisation has nothing to which it applies.
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

    /// Whether a strict audit fails because of it.
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::NotEvaluated { .. })
    }
}

/// Runs every rule.
pub(super) fn run(context: &Context<'_>, findings: &mut Vec<Finding>) -> Vec<RuleOutcome> {
    let outcome = |entry: &Entry| RuleOutcome { rule: entry.rule, state: run_one(context, entry, findings) };
    ENTRIES.iter().map(outcome).collect()
}

fn run_one(context: &Context<'_>, entry: &Entry, findings: &mut Vec<Finding>) -> RuleState {
    let rule = entry.rule;
    if !is_enabled(rule, context.policy) {
        return RuleState::Disabled;
    }
    if let Some(reason) = rule.not_built {
        return RuleState::NotBuilt(reason);
    }
    if let Some(reason) = (entry.does_not_apply)(context) {
        return RuleState::NotApplicable(reason);
    }
    let gaps: Vec<(Collector, &InputGap)> =
        rule.needs.iter().filter_map(|collector| Some((*collector, context.snapshot.gap(*collector)?))).collect();
    if !gaps.is_empty() && !rule.runs_without_all_inputs {
        return not_evaluated(context, rule, &gaps, findings);
    }
    (entry.check)(context, findings);
    if gaps.is_empty() { RuleState::Evaluated } else { not_evaluated(context, rule, &gaps, findings) }
}

fn not_evaluated(
    context: &Context<'_>,
    rule: &'static Rule,
    gaps: &[(Collector, &InputGap)],
    findings: &mut Vec<Finding>,
) -> RuleState {
    let mut reasons = Vec::new();
    for (collector, gap) in gaps {
        let reason = describe_input_gap(*collector, gap);
        let mut evidence = Evidence::new(Kind::Input, collector.label(), format!("not evaluated: {reason}"));
        evidence.details.extend(gap.missing_permission.clone().map(|permission| ("missing_permission", permission)));
        findings.push(Finding {
            status: Status::NotEvaluated,
            ..context.finding_on_organisation(rule, rule.severity, evidence)
        });
        reasons.push(reason);
    }
    RuleState::NotEvaluated {
        reason: reasons.join("; "),
        missing_permission: gaps.iter().find_map(|(_, gap)| gap.missing_permission.clone()),
    }
}
