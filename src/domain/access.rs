//! Roles, the permissions behind them, and divisions.
//!
//! Not who holds them: that is a client's [`super::RoleGrant`].

use std::fmt;

use super::{DivisionId, Gap, Gaps, Record, RoleField, RoleId, Timestamp};

/// A role and what it permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role's identity.
    pub id: RoleId,
    /// What people call it; localised, editable.
    pub name: String,
    /// The platform's internal id of a default role, e.g. `admin` or `employee`.
    pub default_role: Option<String>,
    /// Whether the role comes with the platform; some such roles have no `default_role`.
    pub is_default: bool,
    /// Legacy permissions without segments, e.g. `admin`.
    pub general: Box<[String]>,
    /// What its permission policies grant, sorted, without duplicates.
    pub permissions: Box<[Permission]>,
    /// The fields that could not be read, or not in full.
    pub gaps: Gaps<RoleField>,
}

impl Role {
    /// Whether what the role permits is known, be it in part or from an earlier record.
    pub fn is_known(&self) -> bool {
        self.gaps.of(RoleField::Contents) != Some(Gap::Unread)
    }
}

impl Record for Role {
    type Id = RoleId;
    type Field = RoleField;

    fn id(&self) -> &RoleId {
        &self.id
    }

    fn gaps(&self) -> &Gaps<RoleField> {
        &self.gaps
    }

    fn fill(&mut self, last_known: Self, read_at: Timestamp) {
        for field in self.gaps.fill(&last_known.gaps, read_at) {
            match field {
                RoleField::Name => self.name.clone_from(&last_known.name),
                RoleField::Default => {
                    self.is_default = last_known.is_default;
                    self.default_role.clone_from(&last_known.default_role);
                }
                RoleField::Contents => {
                    self.general.clone_from(&last_known.general);
                    self.permissions.clone_from(&last_known.permissions);
                }
            }
        }
    }
}

/// One `domain:entity:action` that a role grants. Any segment may be `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// E.g. `oauth`.
    pub domain: Box<str>,
    /// E.g. `client`.
    pub entity: Box<str>,
    /// E.g. `view`. `all` and `admin` are literal actions, not wildcards.
    pub action: Box<str>,
    /// Whether the platform narrows the grant by a condition on the resource.
    pub conditional: bool,
}

impl Permission {
    /// Reads `domain:entity:action`; `None` where it has not exactly three segments.
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = text.split(':');
        let (domain, entity, action) = (segments.next()?, segments.next()?, segments.next()?);
        let whole = segments.next().is_none();
        let permission =
            Self { domain: domain.into(), entity: entity.into(), action: action.into(), conditional: false };
        whole.then_some(permission)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.domain, self.entity, self.action)
    }
}

/// A division of the organisation, in which roles are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// The division's identity.
    pub id: DivisionId,
    /// What people call it.
    pub name: String,
    /// Whether it is the organisation's home division.
    pub home: bool,
}
