//! A scope or a permission that can be approved individually.

/// A scope, or a permission that a role grants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    /// A scope, by its id.
    Scope(String),
    /// A permission, as `domain:entity:action`; a segment may be `*`.
    Permission(String),
}

impl Privilege {
    /// The scope or permission, without its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Scope(name) | Self::Permission(name) => name,
        }
    }
}
