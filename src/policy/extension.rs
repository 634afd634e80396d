//! The lists of scopes that settings add to the policy, without a file.
//!
//! Not where they come from (`config`).

use super::{DangerousPattern, Expectation, NamePattern, Policy, Selector};
use crate::domain::Severity;

/// What the settings add to the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extension {
    /// Scopes that every client must hold.
    pub required_scopes: Vec<String>,
    /// Patterns of dangerous scopes.
    pub dangerous_scopes: Vec<String>,
}

impl Extension {
    /// Lays the lists over a policy. A pattern that the policy has already keeps its severity and reason.
    pub(super) fn lay(&self, policy: &mut Policy) {
        for text in &self.dangerous_scopes {
            let pattern = NamePattern::new(text.as_str());
            if !policy.scopes.dangerous.iter().any(|known| known.pattern == pattern) {
                policy.scopes.dangerous.push(DangerousPattern {
                    pattern,
                    severity: Severity::High,
                    reason: "Named by the setting --audit.dangerous-scopes.".to_owned(),
                    allow_unmatched: true,
                });
            }
        }
        if !self.required_scopes.is_empty() {
            policy.expectations.push(Expectation {
                selector: Selector::default(),
                required_scopes: self.required_scopes.clone(),
                ..Expectation::default()
            });
        }
    }
}
