//! Reads the fields of one JSON record, each independently and as leniently as possible without a guess.
//!
//! This is a hot path: names and texts without escapes are borrowed from the answer, and a field is parsed only if it is read. The
//! records of the platform are defined in `wire`.

mod condition;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The result of reading one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read<T> {
    /// The record does not have the field, or it is null. An empty value is not absent.
    Absent,
    /// The field was read in full.
    Full(T),
    /// The field was read partly: some elements of a list, or a single value instead of a list.
    Partial(T),
    /// The record has the field, but it could not be read at all.
    Odd,
}

impl<T> Read<T> {
    /// The value, if the field was read in full or partly.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Full(value) | Self::Partial(value) => Some(value),
            Self::Absent | Self::Odd => None,
        }
    }

    /// The value, if the field was read in full or partly.
    pub(super) fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Full(value) | Self::Partial(value) => Some(value),
            Self::Absent | Self::Odd => None,
        }
    }

    /// Whether the record has the field, but it could not be read in full.
    pub(super) fn is_odd(&self) -> bool {
        matches!(self, Self::Odd | Self::Partial(_))
    }

    /// The better result of the two; `self` if both are equally good.
    pub(super) fn or_better(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Odd => 1,
            Self::Partial(_) => 2,
            Self::Full(_) => 3,
        }
    }

    fn all_or_nothing(value: Option<T>) -> Self {
        value.map_or(Self::Odd, Self::Full)
    }
}

impl<T> Read<Vec<T>> {
    /// The result for a list of which these elements were read.
    fn of_elements(elements: Vec<T>, in_full: bool) -> Self {
        match (in_full, elements.is_empty()) {
            (true, _) => Self::Full(elements),
            (false, true) => Self::Odd,
            (false, false) => Self::Partial(elements),
        }
    }

    /// The elements of both lists, which are two names of one field. They are full only if both say the same.
    pub(super) fn with_other_name(self, other: Self) -> Self
    where
        T: PartialEq,
    {
        match (self, other) {
            (Self::Absent, read) | (read, Self::Absent) => read,
            (Self::Full(one), Self::Full(other)) if one == other => Self::Full(one),
            (one, other) => {
                let elements = one.value().into_iter().chain(other.value()).flatten().collect();
                Self::of_elements(elements, false)
            }
        }
    }

    /// The better of the two lists. An element that was read in this list is certain, so it is kept even if the other list, which
    /// was read in full, does not contain it.
    pub(super) fn completed_by(self, other: Self) -> Self
    where
        T: Ord,
    {
        match (self, other) {
            (Self::Partial(known), other @ (Self::Full(_) | Self::Partial(_))) => {
                let other_in_full = matches!(other, Self::Full(_));
                let known: BTreeSet<T> = known.into_iter().collect();
                let all: BTreeSet<T> = other.value().into_iter().flatten().collect();
                let in_full = other_in_full && known.is_subset(&all);
                Self::of_elements(known.into_iter().chain(all).collect(), in_full)
            }
            (known, other) => known.or_better(other),
        }
    }
}

/// The fields of one record, each as text. A field is parsed when it is read, so a value that cannot be parsed hides no other.
///
/// The text is borrowed from the answer, which is overwritten when it is dropped, so that no secret is copied. A field whose name
/// contains `secret` is skipped, in any spelling.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadFields;

        impl<'de> Visitor<'de> for ReadFields {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(USUAL_FIELDS);
                while let Some(Name(name)) = map.next_key()? {
                    if is_secret(&name) {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(ReadFields)
    }
}

/// A client of the platform has 15 fields.
const USUAL_FIELDS: usize = 16;

/// The name of a field. Borrowed from the answer if it contains no escape.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadName;

        impl<'de> Visitor<'de> for ReadName {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(ReadName)
    }
}

/// Whether a field has a secret: `secret`, `clientSecret`, `client_secret` and so on.
fn is_secret(name: &str) -> bool {
    const SECRET: [char; 6] = ['s', 'e', 'c', 'r', 'e', 't'];
    let mut matched = 0;
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).any(|letter| {
        matched = match letter {
            letter if letter == SECRET[matched] => matched + 1,
            // No other letter of the word can begin it.
            's' => 1,
            _ => 0,
        };
        matched == SECRET.len()
    })
}

impl<'a> Fields<'a> {
    /// The fields of a nested record; `None` if the value is not an object.
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a RawValue> {
        self.0.iter().filter(move |(of, _)| of == name).map(|(_, value)| *value)
    }

    fn scalar<T>(&self, name: &str, read: impl FnOnce(&RawValue) -> Read<T>) -> Read<T> {
        let mut values = self.values(name);
        let Some(value) = values.next() else { return Read::Absent };
        if values.any(|other| other.get() != value.get()) {
            // Two values contradict each other, so neither can be trusted.
            Read::Odd
        } else if is_null(value) {
            Read::Absent
        } else {
            read(value)
        }
    }

    /// Reads a string.
    pub(super) fn text(&self, name: &str) -> Read<String> {
        self.scalar(name, |value| Read::all_or_nothing(text(value).map(Cow::into_owned)))
    }

    /// Reads a boolean.
    pub(super) fn flag(&self, name: &str) -> Read<bool> {
        self.scalar(name, |value| Read::all_or_nothing(serde_json::from_str(value.get()).ok()))
    }

    /// Reads an integer in any notation that [`integer`] accepts.
    pub(super) fn integer(&self, name: &str) -> Read<i64> {
        self.scalar(name, |value| {
            Read::all_or_nothing(serde_json::from_str(value.get()).ok().and_then(|value| integer(&value)))
        })
    }

    /// Reads the id of a nested reference such as `{"id": "…"}`; absent if the reference has no id.
    pub(super) fn reference(&self, name: &str) -> Read<String> {
        self.scalar(name, |value| Fields::of(value).map_or(Read::Odd, |reference| reference.text("id")))
    }

    /// The first value of any type; `None` if the field is absent or null.
    pub(super) fn any(&self, name: &str) -> Option<&'a RawValue> {
        self.values(name).find(|value| !is_null(value))
    }

    /// Reads a list. `element` reads one element, and returns with it whether it was read in full.
    pub(super) fn list<T>(&self, name: &str, element: impl Fn(&'a RawValue) -> Option<(T, bool)>) -> Read<Vec<T>> {
        self.flat_list(name, |value, elements| {
            let (element, in_full) = element(value)?;
            elements.push(element);
            Some(in_full)
        })
    }

    /// Reads a list. `push` reads one value of the list, adds its elements, and returns whether it was read in full; `None` if it
    /// cannot be read.
    ///
    /// A single value instead of a list is read as its only element, and the field counts as partial. If the field occurs twice
    /// with different values, the elements of both are read, because everything that they grant is certain.
    pub(super) fn flat_list<T>(
        &self,
        name: &str,
        push: impl Fn(&'a RawValue, &mut Vec<T>) -> Option<bool>,
    ) -> Read<Vec<T>> {
        let Some(first) = self.any(name) else { return Read::Absent };
        let others = self.values(name).filter(|value| value.get() != first.get());
        let (mut in_full, mut elements) = (true, Vec::new());
        for (position, value) in std::iter::once(first).chain(others).enumerate() {
            let listed = serde_json::from_str::<Vec<&'a RawValue>>(value.get()).ok();
            in_full &= position == 0 && listed.is_some();
            for value in listed.unwrap_or_else(|| vec![value]) {
                in_full &= push(value, &mut elements).unwrap_or(false);
            }
        }
        Read::of_elements(elements, in_full)
    }

    /// Reads a list of strings. An empty string counts as an element that cannot be read.
    pub(super) fn texts(&self, name: &str) -> Read<Vec<String>> {
        self.list(name, |value| text(value).filter(|text| !text.is_empty()).map(|text| (text.into_owned(), true)))
    }
}

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The string, if the value is one. Borrowed if it contains no escape.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Some(Cow::Borrowed(text)),
        _ => serde_json::from_str(json).ok(),
    }
}

/// The integer, in any unambiguous notation: `86400`, `86400.0`, `"86400"`, `" 86400 "`.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => {
            let text = text.trim();
            let looks_like_a_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            text.parse().ok().or_else(|| whole(text.parse().ok().filter(|_| looks_like_a_number)?))
        }
        _ => None,
    }
}

/// A floating-point number as an integer, if it is one. Beyond 2^53 a float does not identify an integer, and no duration or
/// count is that large.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= LARGEST).then_some(number as i64)
}

#[cfg(test)]
mod tests;
