//! Identities as the platform gives them; names are never identities.
//!
//! Not for display text: a name lives beside its id, in the record that has both.

use std::fmt;
use std::sync::Arc;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Cheap to clone. Compared byte for byte.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the platform's id as it is.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// An OAuth client's id, a UUID.
    ClientId
}
id! {
    /// A role's id, a UUID.
    RoleId
}
id! {
    /// A division's id: a UUID, or `*` for all divisions, present and future.
    DivisionId
}
id! {
    /// An organisation's id, a UUID.
    OrgId
}

impl DivisionId {
    /// Whether this stands for all divisions, present and future.
    pub fn is_all(&self) -> bool {
        self.as_str() == "*"
    }
}
