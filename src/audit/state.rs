//! The outcome of each rule in one evaluation: evaluated, not evaluated and why, not applicable, or disabled.
//!
//! If an input of a rule could not be read, the organisation gets a finding with the status `not_evaluated` for that input, so the
//! number of these findings does not grow with the number of clients. The verdicts say which clients are not evaluated.

use super::finding::{About, Evidence, Kind, Status};
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

/// The outcome of every rule for this organisation. A rule whose entry is returned too evaluates the organisation and its clients.
pub(super) fn outcomes(context: &Context<'_>) -> (Vec<RuleOutcome>, Vec<&'static Entry>) {
    let mut running = Vec::new();
    let outcome = |entry: &'static Entry| {
        let (state, runs) = outcome(context, entry);
        running.extend(runs.then_some(entry));
        RuleOutcome { rule: entry.rule, state }
    };
    (ENTRIES.iter().map(outcome).collect(), running)
}

/// The outcome of a rule, and whether it runs.
fn outcome(context: &Context<'_>, entry: &Entry) -> (RuleState, bool) {
    let rule = entry.rule;
    if !is_enabled(rule, context.policy) {
        return (RuleState::Disabled, false);
    }
    if let Some(reason) = rule.not_built {
        return (RuleState::NotBuilt(reason), false);
    }
    if let Some(reason) = (entry.does_not_apply)(context) {
        return (RuleState::NotApplicable(reason), false);
    }
    let gaps: Vec<(Collector, &InputGap)> = gaps(context, rule).collect();
    if gaps.is_empty() {
        return (RuleState::Evaluated, true);
    }
    let reasons: Vec<String> = gaps.iter().map(|(collector, gap)| describe_input_gap(*collector, gap)).collect();
    let missing_permission = gaps.iter().find_map(|(_, gap)| gap.missing_permission.clone());
    (RuleState::NotEvaluated { reason: reasons.join("; "), missing_permission }, rule.runs_without_all_inputs)
}

/// The inputs of a rule that could not be read.
fn gaps<'a>(context: &Context<'a>, rule: &'static Rule) -> impl Iterator<Item = (Collector, &'a InputGap)> + use<'a> {
    let snapshot = context.snapshot;
    rule.needs.iter().filter_map(|collector| Some((*collector, snapshot.gap(*collector)?)))
}

/// Adds a finding on the organisation for each input that a rule needs and that could not be read.
pub(super) fn report_gaps(context: &Context<'_>, outcomes: &[RuleOutcome], findings: &mut Sink<'_>) {
    for rule in outcomes.iter().filter(|outcome| outcome.state.is_failure()).map(|outcome| outcome.rule) {
        for (collector, gap) in gaps(context, rule) {
            let reason = describe_input_gap(collector, gap);
            let mut evidence = Evidence::new(Kind::Input, collector.label(), format!("not evaluated: {reason}"));
            evidence
                .details
                .extend(gap.missing_permission.clone().map(|permission| ("missing_permission", permission.into())));
            findings.push(About { status: Status::NotEvaluated, ..context.finding(rule, evidence) });
        }
    }
}
