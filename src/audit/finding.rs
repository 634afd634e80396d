//! One thing that a rule found, with its proof.
//!
//! Not the rule's own text: that is [`super::Rule`].

use std::fmt;

use sha2::{Digest, Sha256};

use super::Rule;
use crate::domain::{ClientId, Severity};

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static Rule,
    /// Whose client; `None` for a finding on the organisation.
    pub client: Option<ClientId>,
    /// How bad it is under this policy.
    pub severity: Severity,
    /// Whether it counts.
    pub status: Status,
    /// What proves it.
    pub evidence: Evidence,
    /// The policy's pattern that matched, where one did.
    pub pattern: Option<String>,
    /// Why it matters, in the words of the policy or the rule.
    pub reason: String,
}

impl Finding {
    /// Identifies this finding over time and renames: a hash of rule, client id and evidence key, and of nothing else.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let client = self.client.as_ref().map_or("", ClientId::as_str);
        let (kind, key) = self.evidence.key();
        for part in [self.rule.slug, client, kind, key] {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Fingerprint(bytes)
    }

    pub(super) fn sort_key(&self) -> (Option<&ClientId>, &str, &str) {
        (self.client.as_ref(), self.rule.slug, self.evidence.key().1)
    }
}

/// Whether a finding counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It counts.
    Open,
    /// An exemption of the policy covers it.
    Exempt,
    /// The baseline approves it.
    Approved,
    /// The rule's input could not be read.
    NotEvaluated,
}

impl Status {
    /// Every status, in the order of the metrics' documentation.
    pub const ALL: [Self; 4] = [Self::Open, Self::Exempt, Self::Approved, Self::NotEvaluated];

    /// The value of the label `status`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Exempt => "exempt",
            Self::Approved => "approved",
            Self::NotEvaluated => "not_evaluated",
        }
    }
}

/// What proves a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A scope that the client holds.
    Scope(String),
    /// A scope that the client should hold.
    MissingScope(String),
}

impl Evidence {
    /// Its kind, and the text that identifies it within kind and client.
    pub fn key(&self) -> (&'static str, &str) {
        match self {
            Self::Scope(scope) => ("scope", scope),
            Self::MissingScope(scope) => ("missing_scope", scope),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => write!(f, "holds the scope {scope}"),
            Self::MissingScope(scope) => write!(f, "lacks the scope {scope}"),
        }
    }
}

/// A finding's identity: the first 128 bits of a SHA-256, in hexadecimal when displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
