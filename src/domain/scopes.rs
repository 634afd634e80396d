//! The distinct scope names of a snapshot, each stored once.
//!
//! Which scopes the platform knows is the registry, an input of its own.

use std::collections::HashMap;
use std::sync::Arc;

/// The position of a scope's name in the snapshot's [`ScopeTable`]. Meaningless in another snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeIndex(u32);

impl ScopeIndex {
    /// The position in the table, for per-scope tables of the same length.
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

/// The distinct scope names of a snapshot, so that a client holds four bytes a scope and a pattern is matched once a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeTable {
    names: Vec<Arc<str>>,
    positions: HashMap<Arc<str>, ScopeIndex>,
}

impl ScopeTable {
    /// The index of that name, new or known.
    pub fn intern(&mut self, name: &str) -> ScopeIndex {
        if let Some(index) = self.positions.get(name) {
            return *index;
        }
        // A body is bounded to far fewer than 2^32 bytes, so that the names cannot be more than fit.
        let index = ScopeIndex(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.positions.insert(name, index);
        index
    }

    /// The index of a name that some client holds.
    pub fn find(&self, name: &str) -> Option<ScopeIndex> {
        self.positions.get(name).copied()
    }

    /// The name at that index; empty for an index of another table.
    pub fn name(&self, index: ScopeIndex) -> &str {
        self.names.get(index.position()).map_or("", |name| name)
    }

    /// Every name with its index, in order of first use.
    pub fn iter(&self) -> impl Iterator<Item = (ScopeIndex, &str)> {
        (0..).map(ScopeIndex).zip(self.names.iter().map(|name| &**name))
    }

    /// How many distinct names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no client holds any scope.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
