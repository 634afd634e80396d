//! Roles, the permissions that they grant, and divisions.
//!
//! Which client holds a role is in its [`super::RoleGrant`]s.

use std::fmt;

use super::{DivisionId, Gap, Gaps, Record, RoleField, RoleId, Timestamp};

/// A role and the permissions that it grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role's identity.
    pub id: RoleId,
    /// The display name. It is localised, and people can change it.
    pub name: String,
    /// The platform's internal id of a default role, e.g. `admin` or `employee`.
    pub default_role: Option<String>,
    /// Whether the role ships with the platform. Some of these roles have no `default_role`.
    pub is_default: bool,
    /// Legacy permissions without segments, e.g. `admin`.
    pub general: Box<[String]>,
    /// The permissions that its permission policies grant, sorted, without duplicates.
    pub permissions: Box<[Permission]>,
    /// The fields that could not be read in full.
    pub gaps: Gaps<RoleField>,
}

impl Role {
    /// Whether the permissions of the role are known, at least partly or from an earlier record.
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
    /// Parses `domain:entity:action`; `None` unless the text has exactly three segments.
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = text.split(':');
        let (domain, entity, action) = (segments.next()?, segments.next()?, segments.next()?);
        let is_complete = segments.next().is_none();
        let permission =
            Self { domain: domain.into(), entity: entity.into(), action: action.into(), conditional: false };
        is_complete.then_some(permission)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.domain, self.entity, self.action)
    }
}

/// A division of the organisation. Clients hold roles in divisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// The division's identity.
    pub id: DivisionId,
    /// The display name, which people can change.
    pub name: String,
    /// Whether it is the organisation's home division.
    pub home: bool,
}
