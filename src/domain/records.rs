//! A list of the platform's records, clients or roles: every listed id has a record, and each record states its gaps.
//!
//! Whether the list itself is complete is checked before a [`Records`] is created.

use std::ops::Deref;

use super::{Gaps, Timestamp};

/// A record of a list of the platform: a client or a role.
pub trait Record {
    /// The type of the record's id.
    type Id: Ord;
    /// The fields that can have a gap.
    type Field: Copy + Ord;

    /// The id of the record.
    fn id(&self) -> &Self::Id;

    /// The fields that could not be read in full.
    fn gaps(&self) -> &Gaps<Self::Field>;

    /// Fills every unread field from the last known record, which was read at `read_at`.
    fn fill(&mut self, last_known: Self, read_at: Timestamp);
}

/// The records of a list, sorted by id, one for each id. Dereferences to a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records<R>(Vec<R>);

impl<R: Record> Records<R> {
    /// The record with this id.
    pub fn find(&self, id: &R::Id) -> Option<&R> {
        self.position(id).and_then(|position| self.0.get(position))
    }

    /// The index of the record with this id; `None` if the list has no such record.
    pub fn position(&self, id: &R::Id) -> Option<usize> {
        self.0.binary_search_by(|record| record.id().cmp(id)).ok()
    }

    /// Whether the list has a record with this id.
    pub fn contains(&self, id: &R::Id) -> bool {
        self.position(id).is_some()
    }

    /// The records that could not be read in full.
    pub fn partial(&self) -> impl Iterator<Item = &R> {
        self.0.iter().filter(|record| !record.gaps().is_empty())
    }

    /// Fills the gaps with the last known values, which were read at `read_at`.
    ///
    /// A filled field is still a gap, because its value is old.
    pub fn fill_gaps(&mut self, read_at: Timestamp, mut last_known: impl FnMut(&R::Id) -> Option<R>) {
        for record in self.0.iter_mut().filter(|record| !record.gaps().is_empty()) {
            if let Some(last_known) = last_known(record.id()) {
                record.fill(last_known, read_at);
            }
        }
    }
}

impl<R: Record> FromIterator<R> for Records<R> {
    /// Sorts by id. If several records have the same id, the first is kept; lists with contradicting records are refused earlier.
    fn from_iter<I: IntoIterator<Item = R>>(records: I) -> Self {
        let mut records: Vec<R> = records.into_iter().collect();
        records.sort_by(|a, b| a.id().cmp(b.id()));
        records.dedup_by(|a, b| a.id() == b.id());
        Self(records)
    }
}

impl<R> Default for Records<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R> Deref for Records<R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        &self.0
    }
}

impl<'a, R> IntoIterator for &'a Records<R> {
    type Item = &'a R;
    type IntoIter = std::slice::Iter<'a, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(any(test, feature = "fixtures"))]
impl<R: Record> Records<R> {
    /// Adds a record, and replaces a record with the same id. For tests.
    pub fn insert(&mut self, record: R) {
        self.0.retain(|known| known.id() != record.id());
        self.0.push(record);
        self.0.sort_by(|a, b| a.id().cmp(b.id()));
    }

    /// Keeps the records for which `keep` returns true. For tests.
    pub fn retain(&mut self, keep: impl FnMut(&R) -> bool) {
        self.0.retain(keep);
    }
}

/// Lets tests change single records in place. They must not change an id.
#[cfg(any(test, feature = "fixtures"))]
impl<R> std::ops::DerefMut for Records<R> {
    fn deref_mut(&mut self) -> &mut [R] {
        &mut self.0
    }
}
