//! A scope or a permission that can be approved individually.

use std::sync::Arc;

/// A scope, or a permission that a role grants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    /// A scope, by its id.
    Scope(Arc<str>),
    /// A permission, as `domain:entity:action`; a segment may be `*`.
    Permission(Arc<str>),
}

impl Privilege {
    /// The scope or permission, without its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Scope(name) | Self::Permission(name) => name,
        }
    }
}
