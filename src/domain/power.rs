//! A privilege that can be approved by itself: a scope or a permission.

/// A scope, or a permission behind a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Power {
    /// A scope, by its id.
    Scope(String),
    /// A permission, as `domain:entity:action`; a segment may be `*`.
    Permission(String),
}

impl Power {
    /// The scope or permission.
    pub fn name(&self) -> &str {
        match self {
            Self::Scope(name) | Self::Permission(name) => name,
        }
    }
}
