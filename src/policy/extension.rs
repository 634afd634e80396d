//! Scopes that settings add to the policy without a policy file.
//!
//! `config` reads these settings.

use super::{DangerousPattern, Expectation, NamePattern, Policy, Selector};
use crate::domain::Severity;

/// Scopes that settings add to the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extension {
    /// Scopes that every client must hold.
    pub required_scopes: Vec<String>,
    /// Patterns of dangerous scopes, with the severity high.
    pub dangerous_scopes: Vec<String>,
}

impl Extension {
    /// Adds the scopes to a policy. A pattern that the policy already has keeps its severity and reason.
    pub(super) fn add_to(&self, policy: &mut Policy) {
        for text in &self.dangerous_scopes {
            let pattern = NamePattern::new(text.as_str());
            if !policy.scopes.dangerous.iter().any(|known| known.pattern == pattern) {
                policy.scopes.dangerous.push(DangerousPattern {
                    pattern,
                    severity: Severity::High,
                    reason: "Listed in the setting --audit.dangerous-scopes.".into(),
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
