//! Typed access to the values of a table in a policy file.
//!
//! A value that is absent or has the wrong shape is `None`: `check` reports the mistake.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{NamePattern, PermissionPattern, scalar};
use crate::domain::{GrantType, Severity, Timestamp};

/// A table of a policy file; an absent table has no values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(Option<&'a DeTable<'a>>);

impl<'a> Fields<'a> {
    pub(super) fn new(table: &'a DeTable<'a>) -> Self {
        Self(Some(table))
    }

    fn found(self, key: &str) -> Option<(Range<usize>, &'a DeValue<'a>)> {
        let (_, value) = self.0?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((value.span(), value.get_ref()))
    }

    fn value(self, key: &str) -> Option<&'a DeValue<'a>> {
        self.found(key).map(|(_, value)| value)
    }

    /// The position of a value; the start of the file if there is no such value.
    pub(super) fn place(self, key: &str) -> Range<usize> {
        self.found(key).map_or(0..0, |(place, _)| place)
    }

    pub(super) fn has(self, key: &str) -> bool {
        self.value(key).is_some()
    }

    pub(super) fn switch(self, key: &str) -> Option<bool> {
        self.value(key)?.as_bool()
    }

    /// A string that is not blank.
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        scalar::text(self.value(key)?).ok()
    }

    /// A list of strings, or a single string as a list.
    pub(super) fn texts(self, key: &str) -> Option<Vec<&'a str>> {
        match self.value(key)? {
            DeValue::Array(items) => Some(items.iter().filter_map(|item| scalar::text(item.get_ref()).ok()).collect()),
            one => scalar::text(one).ok().map(|text| vec![text]),
        }
    }

    pub(super) fn owned(self, key: &str) -> Option<Vec<String>> {
        Some(self.texts(key)?.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn names(self, key: &str) -> Option<Vec<NamePattern>> {
        Some(self.texts(key)?.into_iter().map(NamePattern::new).collect())
    }

    pub(super) fn grants(self, key: &str) -> Option<Vec<GrantType>> {
        let grant = |word| GrantType::ALL.into_iter().find(|grant| grant.label() == word);
        Some(self.texts(key)?.into_iter().filter_map(grant).collect())
    }

    pub(super) fn severity(self, key: &str) -> Option<Severity> {
        self.text(key)?.parse().ok()
    }

    pub(super) fn permission(self, key: &str) -> Option<PermissionPattern> {
        PermissionPattern::new(self.text(key)?)
    }

    /// A permission pattern of three segments, or a single word for a general permission.
    pub(super) fn any_permission(self, key: &str) -> Option<PermissionPattern> {
        PermissionPattern::any(self.text(key)?)
    }

    pub(super) fn seconds(self, key: &str) -> Option<u32> {
        scalar::seconds(self.value(key)?).ok()
    }

    pub(super) fn days(self, key: &str) -> Option<u32> {
        scalar::days(self.value(key)?).ok()
    }

    pub(super) fn percent(self, key: &str) -> Option<u32> {
        scalar::percent(self.value(key)?).ok()
    }

    pub(super) fn count(self, key: &str) -> Option<usize> {
        scalar::count(self.value(key)?).ok()
    }

    pub(super) fn moment(self, key: &str) -> Option<Timestamp> {
        scalar::moment(self.value(key)?).ok()
    }

    pub(super) fn table(self, key: &str) -> Fields<'a> {
        Fields(self.value(key).and_then(DeValue::as_table))
    }

    /// The tables in a list, each with its position.
    pub(super) fn tables(self, key: &str) -> impl Iterator<Item = (Range<usize>, Fields<'a>)> {
        let items = self.value(key).and_then(DeValue::as_array).into_iter().flat_map(|items| items.iter());
        items.filter_map(|item| Some((item.span(), Fields::new(item.get_ref().as_table()?))))
    }

    /// The tables in a table, each with its name and the position of the name.
    pub(super) fn named(self, key: &str) -> impl Iterator<Item = (&'a str, Range<usize>, Fields<'a>)> {
        let tables = self.value(key).and_then(DeValue::as_table).into_iter().flatten();
        tables.filter_map(|(name, value)| {
            Some((name.get_ref().as_ref(), name.span(), Fields::new(value.get_ref().as_table()?)))
        })
    }
}
