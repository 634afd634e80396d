//! Reads the fields of one JSON record, each independently and as leniently as possible without a guess.
//!
//! The records of the platform are defined in `wire`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

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

    fn of(value: Option<&Value>, read: impl FnOnce(&Value) -> Self) -> Self {
        match value {
            None | Some(Value::Null) => Self::Absent,
            Some(value) => read(value),
        }
    }

    fn all_or_nothing(value: Option<T>) -> Self {
        value.map_or(Self::Odd, Self::Full)
    }
}

/// The fields of one record. If a name occurs twice with different values, both are kept.
///
/// A field `secret` is skipped while the record is parsed, so a client's secret is never stored.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadFields;

        impl<'de> Visitor<'de> for ReadFields {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, Value)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "secret" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let value = map.next_value::<Value>()?;
                    if !fields.iter().any(|(known, before)| *known == name && *before == value) {
                        fields.push((name, value));
                    }
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(ReadFields)
    }
}

impl Fields {
    /// The fields of a nested record; `None` if the value is not an object.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let fields = value.as_object()?.iter().filter(|(name, _)| *name != "secret");
        Some(Self(fields.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }

    fn one(&self, name: &str) -> Option<Result<&Value, ()>> {
        let mut values = self.0.iter().filter(|(of, _)| of == name).map(|(_, value)| value);
        let value = values.next()?;
        // Two values contradict each other, so neither can be trusted.
        Some(if values.next().is_some() { Err(()) } else { Ok(value) })
    }

    fn scalar<T>(&self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Read<T> {
        match self.one(name) {
            Some(Err(())) => Read::Odd,
            value => Read::of(value.and_then(Result::ok), |value| Read::all_or_nothing(read(value))),
        }
    }

    /// Reads a string.
    pub(super) fn text(&self, name: &str) -> Read<String> {
        self.scalar(name, text)
    }

    /// Reads a boolean.
    pub(super) fn flag(&self, name: &str) -> Read<bool> {
        self.scalar(name, Value::as_bool)
    }

    /// Reads an integer in any notation that [`integer`] accepts.
    pub(super) fn integer(&self, name: &str) -> Read<i64> {
        self.scalar(name, integer)
    }

    /// Reads the id of a nested reference such as `{"id": "…"}`; absent if the reference has no id.
    pub(super) fn reference(&self, name: &str) -> Read<String> {
        match self.one(name) {
            Some(Err(())) => Read::Odd,
            value => Read::of(value.and_then(Result::ok), |value| {
                Fields::of(value).map_or(Read::Odd, |reference| reference.text("id"))
            }),
        }
    }

    /// The JSON value of any type; `None` if it is absent or null.
    pub(super) fn any(&self, name: &str) -> Option<&Value> {
        self.0.iter().filter(|(of, _)| of == name).map(|(_, value)| value).find(|value| !value.is_null())
    }

    /// Reads a list. `element` reads one element, and returns with it whether it was read in full.
    ///
    /// A single value instead of a list is read as its only element, and the field counts as partial. If the field occurs twice,
    /// the elements of both lists are read, because everything that they grant is certain.
    pub(super) fn list<T>(&self, name: &str, element: impl Fn(&Value) -> Option<(T, bool)>) -> Read<Vec<T>> {
        let values: Vec<&Value> =
            self.0.iter().filter(|(of, value)| of == name && !value.is_null()).map(|(_, value)| value).collect();
        let [first, rest @ ..] = values.as_slice() else { return Read::Absent };
        let mut full = rest.is_empty();
        let mut elements = Vec::new();
        for value in std::iter::once(first).chain(rest) {
            let single = std::slice::from_ref(*value);
            let listed = value.as_array().map(Vec::as_slice);
            full &= listed.is_some();
            for value in listed.unwrap_or(single) {
                match element(value) {
                    Some((element, in_full)) => {
                        full &= in_full;
                        elements.push(element);
                    }
                    None => full = false,
                }
            }
        }
        match (full, elements.is_empty()) {
            (true, _) => Read::Full(elements),
            (false, true) => Read::Odd,
            (false, false) => Read::Partial(elements),
        }
    }

    /// Reads a list of strings. An empty string counts as an element that cannot be read.
    pub(super) fn texts(&self, name: &str) -> Read<Vec<String>> {
        self.list(name, |value| text(value).filter(|text| !text.is_empty()).map(|text| (text, true)))
    }
}

/// The string, if the value is one.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).expect("a record")
    }

    #[test]
    fn an_integer_is_accepted_in_any_notation_and_nothing_else_is() {
        for (value, expected) in [
            (json!(86400), Some(86_400)),
            (json!("86400"), Some(86_400)),
            (json!(" 86400 "), Some(86_400)),
            (json!(86400.0), Some(86_400)),
            (json!("86400.0"), Some(86_400)),
            (json!(8.64e4), Some(86_400)),
            (json!(-1), Some(-1)),
            (json!(0), Some(0)),
            (json!(60.5), None),
            (json!("60.5"), None),
            (json!("sixty"), None),
            (json!("nan"), None),
            (json!("inf"), None),
            (json!(""), None),
            (json!("6 0"), None),
            (json!(1e300), None),
            (json!(true), None),
            (json!([60]), None),
            (json!({}), None),
        ] {
            assert_eq!(integer(&value), expected, "{value}");
        }
    }

    #[test]
    fn each_field_is_read_independently() {
        let record = fields(
            r#"{"a": "x", "b": 5, "c": null, "list": ["x", null, "y"], "one": "x", "none": [null], "empty": [], "odd": {},
                "twice": ["x"], "twice": [], "ref": {"id": "u"}, "bare": "u", "blank": {}, "same": "x", "same": "x",
                "differs": "x", "differs": "y"}"#,
        );
        assert_eq!(record.text("a"), Read::Full("x".to_owned()));
        assert_eq!(record.text("b"), Read::Odd);
        assert_eq!(record.text("c"), Read::Absent);
        assert_eq!(record.text("missing"), Read::Absent);
        assert_eq!(record.text("same"), Read::Full("x".to_owned()));
        assert_eq!(record.text("differs"), Read::Odd);
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(record.texts("list"), Read::Partial(texts(&["x", "y"])));
        assert_eq!(record.texts("one"), Read::Partial(texts(&["x"])));
        assert_eq!(record.texts("none"), Read::Odd);
        assert_eq!(record.texts("empty"), Read::Full(Vec::new()));
        assert_eq!(record.texts("odd"), Read::Odd);
        assert_eq!(record.texts("c"), Read::Absent);
        assert_eq!(record.texts("twice"), Read::Partial(texts(&["x"])), "a second, empty list hides nothing");
        assert_eq!(record.reference("ref"), Read::Full("u".to_owned()));
        assert_eq!(record.reference("bare"), Read::Odd);
        assert_eq!(record.reference("blank"), Read::Absent);
    }

    #[test]
    fn a_secret_is_not_kept() {
        let record = fields(r#"{"id": "c", "secret": "s3cret", "nested": {"secret": "s3cret"}}"#);
        assert!(record.any("secret").is_none());
        let nested = Fields::of(record.any("nested").expect("an object")).expect("a record");
        assert!(nested.any("secret").is_none());
    }

    proptest! {
        /// For any number of unreadable elements: all others are read, and the list is full only if every element was read.
        #[test]
        fn no_unreadable_element_hides_another(elements in prop::collection::vec(prop_oneof![
            "[a-z]{1,8}".prop_map(|text| json!(text)), Just(json!(null)), Just(json!(5)), Just(json!({})), Just(json!([]))
        ], 0..20)) {
            let good: Vec<String> = elements.iter().filter_map(text).collect();
            let record = Fields(vec![("list".to_owned(), Value::Array(elements.clone()))]);
            let expected = match (good.len() == elements.len(), good.is_empty()) {
                (true, _) => Read::Full(good),
                (false, true) => Read::Odd,
                (false, false) => Read::Partial(good),
            };
            prop_assert_eq!(record.texts("list"), expected);
        }

        #[test]
        fn every_integer_is_read_back_from_its_text(number in -9_007_199_254_740_992_i64..=9_007_199_254_740_992) {
            prop_assert_eq!(integer(&json!(number)), Some(number));
            prop_assert_eq!(integer(&json!(format!(" {number} "))), Some(number));
            #[expect(clippy::cast_precision_loss, reason = "within the exact range")]
            let float = number as f64;
            prop_assert_eq!(integer(&json!(float)), Some(number));
        }
    }
}
