//! The distinct scope names of a snapshot, each stored once.
//!
//! The scopes that the platform knows are in the registry, which is a separate input.

use std::collections::HashMap;
use std::sync::Arc;

/// The position of a scope's name in the snapshot's [`ScopeTable`]. Meaningless in another snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeIndex(u32);

impl ScopeIndex {
    /// The position in the table. Other tables with one entry for each scope use the same position.
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

/// The distinct scope names of a snapshot. A client stores four bytes for each scope, and a pattern is matched once for each name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeTable(Arc<Table>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Table {
    names: Vec<Arc<str>>,
    positions: HashMap<Arc<str>, ScopeIndex>,
}

impl ScopeTable {
    /// The index of this name, which is added if it is new.
    pub fn intern(&mut self, name: &str) -> ScopeIndex {
        if let Some(index) = self.0.positions.get(name) {
            return *index;
        }
        // The size of a response body is limited to far fewer than 2^32 bytes, so the number of names fits.
        let index = ScopeIndex(u32::try_from(self.0.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        let table = Arc::make_mut(&mut self.0);
        table.names.push(Arc::clone(&name));
        table.positions.insert(name, index);
        index
    }

    /// The index of this name; `None` if no client holds the scope.
    pub fn find(&self, name: &str) -> Option<ScopeIndex> {
        self.0.positions.get(name).copied()
    }

    /// The name at this index; empty if the index is not in this table.
    pub fn name(&self, index: ScopeIndex) -> &str {
        self.0.names.get(index.position()).map_or("", |name| name)
    }

    /// Every name with its index, in order of first use.
    pub fn iter(&self) -> impl Iterator<Item = (ScopeIndex, &str)> {
        (0..).map(ScopeIndex).zip(self.0.names.iter().map(|name| &**name))
    }

    /// Whether this table begins with all names of another one, so that their indices are the same.
    pub fn continues(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.names.starts_with(&other.0.names)
    }

    /// The number of distinct names.
    pub fn len(&self) -> usize {
        self.0.names.len()
    }

    /// Whether no client holds any scope.
    pub fn is_empty(&self) -> bool {
        self.0.names.is_empty()
    }
}
