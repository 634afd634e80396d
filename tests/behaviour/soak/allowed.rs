//! What the organisation's administrators granted in a soak, and so how often a series may rise.
//!
//! A grant is announced here before the platform shows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The number of grants so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed(Arc<Mutex<Granted>>);

#[derive(Debug, Default)]
struct Granted {
    scopes: BTreeMap<(String, String), u64>,
    permissions: u64,
}

impl Allowed {
    pub(super) fn grant(&self, client: &str, scope: &str) {
        let mut granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *granted.scopes.entry((client.to_owned(), scope.to_owned())).or_default() += 1;
    }

    /// A role gained a permission: any client may hold it.
    pub(super) fn grant_permissions(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).permissions += 1;
    }

    /// How often this series may have risen since the first scrape. `scope` is `None` for a permission.
    pub(super) fn rises(&self, client: &str, scope: Option<&str>) -> u64 {
        let granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match scope {
            Some(scope) => granted.scopes.get(&(client.to_owned(), scope.to_owned())).copied().unwrap_or_default(),
            None => granted.permissions,
        }
    }
}
