//! Patterns of permissions: three segments, which meet what a role grants.
//!
//! Not name patterns: a role's own `*` matches what a pattern names, since such a role grants it.

use std::fmt;

use super::NamePattern;
use crate::domain::Permission;

/// A pattern `domain:entity:action`; case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionPattern {
    text: String,
    segments: [NamePattern; 3],
}

impl PermissionPattern {
    /// Reads a pattern; `None` where it has not exactly three segments, none of them empty.
    pub fn new(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let segments: Vec<&str> = lower.split(':').collect();
        let [domain, entity, action] = segments.as_slice() else { return None };
        if [domain, entity, action].iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let segments = [NamePattern::new(*domain), NamePattern::new(*entity), NamePattern::new(*action)];
        Some(Self { text: text.to_owned(), segments })
    }

    /// The pattern as the policy has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether what a role grants and what the pattern names have something in common.
    pub fn meets(&self, granted: &Permission) -> bool {
        let granted = [&granted.domain, &granted.entity, &granted.action];
        self.segments
            .iter()
            .zip(granted)
            .all(|(segment, granted)| &**granted == "*" || segment.matches(&granted.to_ascii_lowercase()))
    }
}

impl fmt::Display for PermissionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
