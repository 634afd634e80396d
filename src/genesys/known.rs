//! The records of the last listing by the digest of their text: a record whose text did not change is not parsed again.
//!
//! This is a hot path: each record of an unchanged list costs its digest and one comparison. The digest is `SipHash` with a key that
//! only this process knows, so nobody can write two different records with one digest into an organisation.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::value::RawValue;

/// The digest of a record's text.
pub(super) fn digest(raw: &RawValue) -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEY.hash_one(raw.get())
}

/// The records of a listing in the order in which they arrived, by digest. A record without a value is always parsed.
#[derive(Debug)]
pub(super) struct Known<T>(Vec<(u64, Option<T>)>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The records of a listing that is being read.
#[derive(Debug)]
pub(super) struct Reading<'k, T> {
    known: &'k Known<T>,
    /// The positions in `known` by digest. Made when a record is not at the position at which it was.
    positions: Option<HashMap<u64, usize>>,
    read: Known<T>,
    /// Whether every record so far was at its position.
    same: bool,
}

impl<'k, T: Clone> Reading<'k, T> {
    pub(super) const fn new(known: &'k Known<T>) -> Self {
        Self { known, positions: None, read: Known(Vec::new()), same: true }
    }

    /// The value of the next record, if the last listing had a record with this digest. Then it counts as read.
    pub(super) fn find(&mut self, digest: u64) -> Option<&'k T> {
        let known = &self.known.0;
        let next = self.read.0.len();
        if let Some((at, value)) = known.get(next)
            && *at == digest
        {
            let value = value.as_ref()?;
            self.read.0.push((digest, Some(value.clone())));
            return Some(value);
        }
        self.same = false;
        let index = || known.iter().enumerate().map(|(position, (digest, _))| (*digest, position)).collect();
        let position = *self.positions.get_or_insert_with(index).get(&digest)?;
        let value = known.get(position)?.1.as_ref()?;
        self.read.0.push((digest, Some(value.clone())));
        Some(value)
    }

    /// Adds a record that was parsed. Without a value it is parsed again the next time.
    pub(super) fn push(&mut self, digest: u64, value: Option<T>) {
        self.same = false;
        self.read.0.push((digest, value));
    }

    /// The number of records so far.
    pub(super) const fn read(&self) -> usize {
        self.read.0.len()
    }

    /// Whether the listing has exactly the records of the last one, in the same order.
    pub(super) fn is_unchanged(&self) -> bool {
        self.same && self.read.0.len() == self.known.0.len()
    }

    /// The records that were read, for the next listing.
    pub(super) fn finish(self) -> Known<T> {
        self.read
    }
}

/// What is known of a listing, from the last time that it was read to its end.
#[derive(Debug, Default)]
pub(super) struct Last<T>(Mutex<Arc<T>>);

impl<T> Last<T> {
    pub(super) fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, known: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The value of a record is its digest here, and a record is parsed if it is not found.
        #[test]
        fn a_record_is_found_if_and_only_if_the_last_listing_had_it(
            lists in prop::collection::vec(prop::collection::vec((0..8_u64, prop::bool::weighted(0.8)), 0..12), 1..5),
        ) {
            let mut known = Known::<u64>::default();
            let mut before: Vec<(u64, bool)> = Vec::new();
            for list in lists {
                let mut reading = Reading::new(&known);
                let mut found_all = true;
                for (digest, kept) in &list {
                    if let Some(value) = reading.find(*digest) {
                        prop_assert_eq!(value, digest);
                        prop_assert!(before.contains(&(*digest, true)));
                    } else {
                        found_all = false;
                        reading.push(*digest, kept.then_some(*digest));
                    }
                }
                let digests = |list: &[(u64, bool)]| list.iter().map(|(digest, _)| *digest).collect::<Vec<_>>();
                prop_assert_eq!(reading.is_unchanged(), found_all && digests(&list) == digests(&before));
                known = reading.finish();
                before = known.0.iter().map(|(digest, value)| (*digest, value.is_some())).collect();
                prop_assert_eq!(digests(&before), digests(&list));
            }
        }
    }
}
