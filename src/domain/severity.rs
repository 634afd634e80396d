//! The severity of a finding.
//!
//! Each rule has a default severity, which the policy can change.

use std::fmt;
use std::str::FromStr;

/// Severities in ascending order, so that "at or above" is `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; no action is needed.
    Info,
    /// Bad practice without a direct risk.
    Low,
    /// Must be fixed, but only in working hours.
    Medium,
    /// Dangerous, and must be fixed soon.
    High,
    /// Gives an attacker control of the organisation or its data.
    Critical,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The value of the label `severity`, and of severities in policies and reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// The text is not one of the five severities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a severity; use critical, high, medium, low or info")]
pub struct UnknownSeverity;

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|severity| severity.label() == word).ok_or(UnknownSeverity)
    }
}
