//! One thing that a rule found, with its proof.
//!
//! Not the rule's own text: that is [`super::Rule`].

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::rule::Rule;
use crate::domain::{ClientId, DivisionId, Power, RoleId, Severity};

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
    /// The exemption of the policy that covers it, by its id; `None` where none does.
    pub exemption: Option<String>,
    /// The dangerous scope or permission that the finding is about. Only `dangerous-scope` and `dangerous-permission` have one.
    pub dangerous: Option<Box<DangerousPrivilege>>,
}

/// A scope or permission that the policy calls dangerous, as one client holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousPrivilege {
    /// The scope or permission.
    pub power: Power,
    /// The role that grants the permission; `None` for a scope.
    pub role: Option<RoleId>,
    /// What the metrics call it: the scope, or each of the policy's patterns that match the permission, in lower case.
    pub labels: Arc<[String]>,
}

impl Finding {
    /// Identifies this finding over time and renames: a hash of rule, client id and evidence key, and of nothing else.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let client = self.client.as_ref().map_or("", ClientId::as_str);
        for part in [self.rule.slug, client, self.evidence.kind.label(), &self.evidence.key] {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Fingerprint(bytes)
    }

    pub(super) fn sort_key(&self) -> (Option<&ClientId>, &str, &str) {
        (self.client.as_ref(), self.rule.slug, &self.evidence.key)
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
pub struct Evidence {
    /// What sort of thing it is.
    pub kind: Kind,
    /// What identifies it within kind and client: an id, a scope, a permission, a URI. Never a name that people change.
    pub key: String,
    /// The proof as a sentence without a full stop, e.g. `holds the scope oauth`.
    pub text: String,
    /// What else a reader wants to know: a label such as `role` or `division`, and its value.
    pub details: Vec<(&'static str, String)>,
    /// The permission, where one is the proof.
    pub permission: Option<Box<GrantedPermission>>,
}

/// A permission as a role in a division grants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedPermission {
    /// `domain:entity:action` as the role spells it, or the word of a general permission.
    pub name: String,
    /// Which role.
    pub role: RoleId,
    /// The division in which it is held; `None` if the platform does not say which.
    pub division: Option<DivisionId>,
    /// Whether the platform narrows it by a condition.
    pub conditional: bool,
}

/// The sort of thing that proves a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The client as a whole; the key is empty.
    Client,
    /// A scope that is held.
    Scope,
    /// A scope that should be held.
    MissingScope,
    /// Several scopes together; the key is the combination's text in the policy.
    Scopes,
    /// The grant type.
    GrantType,
    /// A role.
    Role,
    /// A permission as a role in a division grants it; the key has the permission, the role's id and the division's.
    Permission,
    /// A permission that a role should grant.
    MissingPermission,
    /// A division.
    Division,
    /// A redirect URI.
    RedirectUri,
    /// A token validity; the key is empty, so that another value is the same finding.
    TokenValidity,
    /// A setting of the organisation.
    Setting,
    /// A pattern of the policy.
    Pattern,
    /// An exemption of the policy.
    Exemption,
    /// The baseline.
    Baseline,
    /// An input of the audit.
    Input,
    /// A field of a record that could not be read.
    Field,
}

impl Kind {
    /// The word in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Scope => "scope",
            Self::MissingScope => "missing_scope",
            Self::Scopes => "scopes",
            Self::GrantType => "grant_type",
            Self::Role => "role",
            Self::Permission => "permission",
            Self::MissingPermission => "missing_permission",
            Self::Division => "division",
            Self::RedirectUri => "redirect_uri",
            Self::TokenValidity => "token_validity",
            Self::Setting => "setting",
            Self::Pattern => "pattern",
            Self::Exemption => "exemption",
            Self::Baseline => "baseline",
            Self::Input => "input",
            Self::Field => "field",
        }
    }
}

impl Evidence {
    /// A proof without details.
    pub fn new(kind: Kind, key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind, key: key.into(), text: text.into(), details: Vec::new(), permission: None }
    }

    /// A scope that is held.
    pub fn scope(scope: &str) -> Self {
        Self::new(Kind::Scope, scope, format!("holds the scope {scope}"))
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
