//! The platform's ids. A name never identifies a record.
//!
//! Display names are in the records, next to the ids.

use std::fmt;
use std::sync::Arc;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Cheap to clone. Ids are compared byte for byte.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// An id from the platform's text, unchanged.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// The id's text, for a value that keeps it: a clone of the id, not of its characters.
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
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
    /// Whether the id is `*`, which stands for all divisions, present and future.
    pub fn is_all(&self) -> bool {
        self.as_str() == "*"
    }
}
