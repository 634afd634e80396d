//! The outcome of each rule in one evaluation: evaluated, not evaluated and why, not applicable, or disabled.
//!
//! If an input of a rule could not be read, the organisation gets a finding with the status `not_evaluated` for that input, so the
//! number of these findings does not grow with the number of clients. The verdicts say which clients are not evaluated.

use super::finding::{Evidence, Finding, Kind, Status};
use super::gaps::describe_input_gap;
use super::rule::{Rule, is_enabled};
use super::rules::{Context, ENTRIES, Entry};
use super::sink::Sink;
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
    /// The rule ran with all its inputs.
    Evaluated,
    /// An input of the rule could not be read, so it did not run or evaluated only part of the data.
    NotEvaluated {
        /// The inputs that could not be read, each with the cause.
        reason: String,
        /// The permission that the exporter's client lacks, if that is the cause.
        missing_permission: Option<String>,
    },
    /// This version of the exporter cannot evaluate the rule. That is not a failure.
    NotBuilt(&'static str),
    /// The rule applies to nothing in this organisation.
    NotApplicable(&'static str),
    /// The policy disables the rule.
    Disabled,
}

impl RuleState {
    /// The value in reports.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Evaluated => "evaluated",
            Self::NotEvaluated { .. } | Self::NotBuilt(_) => "not_evaluated",
            Self::NotApplicable(_) => "not_applicable",
            Self::Disabled => "disabled",
        }
    }

    /// Why the rule was not evaluated; `None` if it was.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Evaluated => None,
            Self::NotEvaluated { reason, .. } => Some(reason),
            Self::NotBuilt(reason) | Self::NotApplicable(reason) => Some(reason),
            Self::Disabled => Some("the policy switched it off"),
        }
    }

    /// Whether a strict audit fails because of this outcome.
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::NotEvaluated { .. })
    }
}

/// Runs every rule.
pub(super) fn run(context: &Context<'_>, findings: &mut Sink<'_>) -> Vec<RuleOutcome> {
    let outcome = |entry: &Entry| RuleOutcome { rule: entry.rule, state: run_one(context, entry, findings) };
    ENTRIES.iter().map(outcome).collect()
}

fn run_one(context: &Context<'_>, entry: &Entry, findings: &mut Sink<'_>) -> RuleState {
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
    findings: &mut Sink<'_>,
) -> RuleState {
    let mut reasons = Vec::new();
    for (collector, gap) in gaps {
        let reason = describe_input_gap(*collector, gap);
        let mut evidence = Evidence::new(Kind::Input, collector.label(), format!("not evaluated: {reason}"));
        evidence
            .details
            .extend(gap.missing_permission.clone().map(|permission| ("missing_permission", permission.into())));
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
