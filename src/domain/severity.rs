//! How bad a finding is.
//!
//! Which severity a rule has is the policy's business.

use std::fmt;
use std::str::FromStr;

/// Severities in ascending order, so that "at or above" is `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Untidy.
    Low,
    /// To be mended in working hours.
    Medium,
    /// Dangerous.
    High,
    /// Gives control of the organisation or its data.
    Critical,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The value of the label `severity`, and the word in policies and reports.
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

/// The word is none of the five severities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a severity; use critical, high, medium, low or info")]
pub struct UnknownSeverity;

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|severity| severity.label() == word).ok_or(UnknownSeverity)
    }
}
