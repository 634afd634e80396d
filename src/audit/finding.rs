//! A finding of a rule, with its evidence.
//!
//! The text of the rule is in [`super::Rule`].

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::rule::Rule;
use crate::domain::{ClientId, DivisionId, Privilege, RoleId, Severity};
use crate::text::SharedText;

/// Label, in the details of a finding, of a dangerous scope that a difference from the baseline adds.
pub(super) const DANGEROUS_SCOPE_DETAIL: &str = "dangerous_scope";
/// Label, in the details of a finding, of a dangerous permission that a difference from the baseline adds.
pub(super) const DANGEROUS_PERMISSION_DETAIL: &str = "dangerous_permission";

/// A problem that a rule found. Dereferences to what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The client; `None` for a finding on the organisation.
    pub client: Option<ClientId>,
    about: Arc<About>,
}

/// What a finding is about, without the client: in memory once for all clients with the same finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct About {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The severity under this policy.
    pub severity: Severity,
    /// Whether the finding counts, and if not, why.
    pub status: Status,
    /// The evidence for the finding.
    pub evidence: Evidence,
    /// The pattern of the policy that matched; `None` if the rule uses no pattern.
    pub pattern: Option<SharedText>,
    /// Why the finding matters, from the policy or the rule.
    pub reason: SharedText,
    /// The id of the exemption that covers the finding; `None` if no exemption does.
    pub exemption: Option<SharedText>,
    /// The dangerous scope or permission that the finding is about; only for findings of `dangerous-scope` and
    /// `dangerous-permission`.
    pub dangerous: Option<DangerousPrivilege>,
    /// The findings that this one replaces because they are not listed, all with its rule, client, severity and status. Empty for
    /// any other finding.
    pub unlisted: Box<[Fingerprint]>,
}

impl Deref for Finding {
    type Target = About;

    fn deref(&self) -> &About {
        &self.about
    }
}

/// A scope or permission that the policy calls dangerous, as one client holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DangerousPrivilege {
    /// The scope or permission.
    pub privilege: Privilege,
    /// The role that grants the permission; `None` for a scope.
    pub role: Option<RoleId>,
    /// The values of the metrics' label: the scope, or each pattern of the policy that matches the permission, in lower case.
    pub labels: Arc<[SharedText]>,
}

impl Finding {
    pub(super) const fn new(client: Option<ClientId>, about: Arc<About>) -> Self {
        Self { client, about }
    }

    /// What the finding is about, to be changed. For tests.
    #[cfg(any(test, feature = "fixtures"))]
    pub fn about_mut(&mut self) -> &mut About {
        Arc::make_mut(&mut self.about)
    }

    /// Identifies this finding over time, even if the client is renamed: a hash of only rule, client id, evidence kind and key.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let client = self.client.as_ref().map_or("", ClientId::as_str);
        for part in [self.rule.slug, client, self.evidence.kind.label(), self.evidence.key.as_str()] {
            // Without the lengths, ("ab", "c") and ("a", "bc") would have the same hash.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Fingerprint(bytes)
    }

    /// The number of findings that this one counts as.
    pub fn count(&self) -> usize {
        self.unlisted.len().max(1)
    }

    /// The fingerprints of the findings that this one counts as.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        if self.unlisted.is_empty() { vec![self.fingerprint()] } else { self.unlisted.to_vec() }
    }
}

impl About {
    /// The order of the findings on one client.
    pub(super) fn sort_key(&self) -> (&str, bool, &str, &str) {
        (self.rule.slug, !self.unlisted.is_empty(), &self.evidence.key, &self.evidence.text)
    }
}

/// Whether a finding counts, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The finding counts.
    Open,
    /// An exemption of the policy covers the finding.
    Exempt,
    /// The baseline approves the finding.
    Approved,
    /// The rule could not be evaluated, because one of its inputs could not be read.
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

/// The evidence for a finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// What the evidence is about.
    pub kind: Kind,
    /// Identifies the evidence within its kind and client: an id, a scope, a permission, a URI. Never a name that people can
    /// change.
    pub key: SharedText,
    /// The evidence as a sentence without a subject and a full stop, e.g. `holds the scope oauth`.
    pub text: SharedText,
    /// Further details: a label such as `role` or `division`, and its value.
    pub details: Vec<(&'static str, SharedText)>,
    /// The permission, if the evidence is one.
    pub permission: Option<Box<GrantedPermission>>,
}

/// A permission that a role grants in a division.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GrantedPermission {
    /// `domain:entity:action` as in the role, or the name of a general permission such as `admin`.
    pub name: SharedText,
    /// The role that grants it.
    pub role: RoleId,
    /// The division in which the client holds it; `None` if the platform does not say which.
    pub division: Option<DivisionId>,
    /// Whether the platform limits it by a condition.
    pub conditional: bool,
}

/// What the evidence of a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The client as a whole; the key is empty.
    Client,
    /// A scope that the client holds.
    Scope,
    /// A scope that the client should hold.
    MissingScope,
    /// A combination of scopes; the key is its text in the policy.
    Scopes,
    /// The grant type.
    GrantType,
    /// A role.
    Role,
    /// A permission that a role grants in a division; the key contains the permission, the role id and the division id.
    Permission,
    /// A permission that a role should grant.
    MissingPermission,
    /// A division.
    Division,
    /// A redirect URI.
    RedirectUri,
    /// A token validity; the key is empty, so a changed value is still the same finding.
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
    /// A field of a record that could not be read, or that contains a secret.
    Field,
    /// Further findings of the rule on the client, which are not listed.
    More,
}

impl Kind {
    /// The value in reports.
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
            Self::More => "more",
        }
    }
}

impl Evidence {
    /// Evidence without details.
    pub fn new(kind: Kind, key: impl AsRef<str>, text: impl Into<SharedText>) -> Self {
        Self {
            kind,
            key: Arc::<str>::from(key.as_ref()).into(),
            text: text.into(),
            details: Vec::new(),
            permission: None,
        }
    }

    /// Evidence that the client holds a scope.
    pub fn scope(scope: &str) -> Self {
        Self::new(Kind::Scope, scope, format!("holds the scope {scope}"))
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The permanent id of a finding: the first 128 bits of a SHA-256 hash, displayed in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
