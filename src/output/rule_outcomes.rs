//! Counts how many rules were evaluated, and groups the others by the reason.

use std::collections::BTreeMap;

use crate::audit::{Report, RuleOutcome, RuleState};
use crate::domain::Collector;

use crate::text::counted;

#[derive(Debug)]
pub(super) struct RuleOutcomes<'a>(&'a Report);

impl<'a> RuleOutcomes<'a> {
    pub(super) const fn of(report: &'a Report) -> Self {
        Self(report)
    }

    fn count(&self, is: impl Fn(&RuleState) -> bool) -> usize {
        self.0.outcomes.iter().filter(|outcome| is(&outcome.state)).count()
    }

    /// E.g. `56 rules: 44 evaluated, 1 not evaluated, 10 not applicable, 1 switched off.`
    pub(super) fn sentence(&self) -> String {
        format!(
            "{}: {} evaluated, {} not evaluated, {} not applicable, {} switched off.",
            counted(self.0.outcomes.len(), "rule"),
            self.count(|state| *state == RuleState::Evaluated),
            self.count(|state| matches!(state, RuleState::NotEvaluated { .. } | RuleState::NotBuilt(_))),
            self.count(|state| matches!(state, RuleState::NotApplicable(_))),
            self.count(|state| *state == RuleState::Disabled),
        )
    }

    /// The rules that were not evaluated because this input could not be read.
    pub(super) fn without(&self, input: Collector) -> Vec<&'static str> {
        let lacks =
            |of: &&RuleOutcome| matches!(of.state, RuleState::NotEvaluated { .. }) && of.rule.needs.contains(&input);
        self.0.outcomes.iter().filter(lacks).map(|of| of.rule.slug).collect()
    }

    /// The rules that were not evaluated although every input was read, by state and reason: the rule is not built, or it does
    /// not apply.
    pub(super) fn idle(&self) -> BTreeMap<(&'static str, &'static str), Vec<&'static str>> {
        let mut idle: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for RuleOutcome { rule, state } in &self.0.outcomes {
            if let RuleState::NotBuilt(why) | RuleState::NotApplicable(why) = state {
                idle.entry((state.label(), *why)).or_default().push(rule.slug);
            }
        }
        idle
    }
}
