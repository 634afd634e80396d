//! The grants that somebody approved.
//!
//! No baseline is not an empty baseline: where none is loaded, nothing is asked to be approved.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ClientId;

/// Approved grants, by client id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baseline {
    /// The scopes that each client may hold.
    pub scopes: BTreeMap<ClientId, BTreeSet<String>>,
}

impl Baseline {
    /// Whether that client may hold that scope.
    pub fn approves_scope(&self, client: &ClientId, scope: &str) -> bool {
        self.scopes.get(client).is_some_and(|scopes| scopes.contains(scope))
    }
}
