//! A list of the platform's records, clients or roles: every listed id has a record, and each record states its gaps.
//!
//! Whether the list itself is complete is checked before a [`Records`] is created.

use std::iter::Map;
use std::slice;
use std::sync::Arc;

use super::{Gaps, Timestamp};

/// A record of a list of the platform: a client or a role.
pub trait Record: Clone {
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

/// The records of a list, sorted by id, one for each id. Cheap to clone, and lists share the records that are equal in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records<R>(Arc<[Arc<R>]>);

impl<R: Record> Records<R> {
    /// The record with this id.
    pub fn find(&self, id: &R::Id) -> Option<&R> {
        self.position(id).and_then(|position| self.get(position))
    }

    /// The index of the record with this id; `None` if the list has no such record.
    pub fn position(&self, id: &R::Id) -> Option<usize> {
        self.0.binary_search_by(|record| record.id().cmp(id)).ok()
    }

    /// Whether the list has a record with this id.
    pub fn contains(&self, id: &R::Id) -> bool {
        self.position(id).is_some()
    }

    /// The records whose id another list does not have.
    pub fn missing_in<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a R> {
        let mut others = other.0.iter().peekable();
        let mut is_listed = move |record: &&Arc<R>| {
            while others.next_if(|other| !Arc::ptr_eq(other, record) && other.id() < record.id()).is_some() {}
            others.peek().is_some_and(|other| Arc::ptr_eq(other, record) || other.id() == record.id())
        };
        let records = if Arc::ptr_eq(&self.0, &other.0) { &[] } else { &*self.0 };
        records.iter().filter(move |record| !is_listed(record)).map(|record| &**record)
    }

    /// The records that could not be read in full.
    pub fn partial(&self) -> impl Iterator<Item = &R> {
        self.iter().filter(|record| !record.gaps().is_empty())
    }

    /// Fills the gaps with the last known values, which were read at `read_at`.
    ///
    /// A filled field is still a gap, because its value is old.
    pub fn fill_gaps(&mut self, read_at: Timestamp, mut last_known: impl FnMut(&R::Id) -> Option<R>) {
        let fill = |record: &Arc<R>| {
            let last_known = (!record.gaps().is_empty()).then(|| last_known(record.id())).flatten();
            last_known.map_or_else(
                || Arc::clone(record),
                |last_known| {
                    let mut filled = R::clone(record);
                    filled.fill(last_known, read_at);
                    Arc::new(filled)
                },
            )
        };
        if self.partial().next().is_some() {
            self.0 = self.0.iter().map(fill).collect();
        }
    }
}

impl<R: Record + PartialEq> Records<R> {
    /// Replaces every record that is equal in an earlier list by that record, so that it is in memory once.
    pub fn share_with(&mut self, earlier: &Self) {
        if Arc::ptr_eq(&self.0, &earlier.0) {
            return;
        }
        let mut known = earlier.0.iter().peekable();
        let share = |record: &Arc<R>| {
            while known.next_if(|known| !Arc::ptr_eq(known, record) && known.id() < record.id()).is_some() {}
            let equal = known.peek().filter(|known| Arc::ptr_eq(known, record) || **known == record);
            Arc::clone(equal.copied().unwrap_or(record))
        };
        let shared: Vec<Arc<R>> = self.0.iter().map(share).collect();
        let same = shared.len() == earlier.len() && shared.iter().zip(&*earlier.0).all(|(a, b)| Arc::ptr_eq(a, b));
        self.0 = if same { Arc::clone(&earlier.0) } else { shared.into() };
    }
}

impl<R> Records<R> {
    /// The number of records.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The records, sorted by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &R> + Clone {
        self.0.iter().map(|record| &**record)
    }

    /// The records, sorted by id, to be shared.
    pub fn shared(&self) -> &[Arc<R>] {
        &self.0
    }

    /// The record at this index.
    pub fn get(&self, position: usize) -> Option<&R> {
        self.0.get(position).map(|record| &**record)
    }
}

impl<R: Record> FromIterator<Arc<R>> for Records<R> {
    /// Sorts by id. If several records have the same id, the first is kept; lists with contradicting records are refused earlier.
    fn from_iter<I: IntoIterator<Item = Arc<R>>>(records: I) -> Self {
        let mut records: Vec<Arc<R>> = records.into_iter().collect();
        records.sort_by(|a, b| a.id().cmp(b.id()));
        records.dedup_by(|a, b| a.id() == b.id());
        Self(records.into())
    }
}

impl<R: Record> FromIterator<R> for Records<R> {
    /// Sorts by id, like the collection of shared records.
    fn from_iter<I: IntoIterator<Item = R>>(records: I) -> Self {
        records.into_iter().map(Arc::new).collect()
    }
}

impl<R> Default for Records<R> {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl<'a, R> IntoIterator for &'a Records<R> {
    type Item = &'a R;
    type IntoIter = Map<slice::Iter<'a, Arc<R>>, fn(&'a Arc<R>) -> &'a R>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|record| &**record)
    }
}

#[cfg(any(test, feature = "fixtures"))]
impl<R: Record> Records<R> {
    /// Adds a record, and replaces a record with the same id. For tests.
    pub fn insert(&mut self, record: R) {
        self.retain(|known| known.id() != record.id());
        *self = self.0.iter().cloned().chain([Arc::new(record)]).collect();
    }

    /// Keeps the records for which `keep` returns true. For tests.
    pub fn retain(&mut self, mut keep: impl FnMut(&R) -> bool) {
        self.0 = self.0.iter().filter(|record| keep(record)).cloned().collect();
    }

    /// The records, to be changed in place. For tests, which must not change an id.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut R> {
        Arc::make_mut(&mut self.0).iter_mut().map(Arc::make_mut)
    }
}

#[cfg(any(test, feature = "fixtures"))]
impl<R: Clone> std::ops::Index<usize> for Records<R> {
    type Output = R;

    fn index(&self, position: usize) -> &R {
        &self.0[position]
    }
}

/// Lets tests change single records in place. They must not change an id.
#[cfg(any(test, feature = "fixtures"))]
impl<R: Clone> std::ops::IndexMut<usize> for Records<R> {
    fn index_mut(&mut self, position: usize) -> &mut R {
        Arc::make_mut(&mut Arc::make_mut(&mut self.0)[position])
    }
}
