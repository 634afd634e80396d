//! One page of a listing: its records, the size of the list, and the pointer to the next page.
//!
//! `paging` follows the pointer, and `convert` reads the records.

#![expect(clippy::struct_field_names, reason = "the names are the platform's")]

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::integer;

/// A page of any listing. Field names are read without case, `_` and `-`: `nextUri`, `nextURI`, `next_uri`.
#[derive(Debug, Default)]
pub(super) struct Page<'a> {
    pub(super) entities: Vec<&'a RawValue>,
    pub(super) total: Option<u64>,
    pub(super) page_count: Option<u64>,
    pub(super) page_number: Option<u64>,
    pub(super) page_size: Option<u64>,
    /// The address of the next page.
    pub(super) next_uri: Option<String>,
    /// A cursor or an address, in the format of older guides.
    pub(super) next_page: Option<String>,
    /// The cursor `cursors.after`.
    pub(super) after: Option<String>,
    /// The name of a field that is needed to decide whether the list is complete, but whose value cannot be read.
    pub(super) unreadable: Option<&'static str>,
}

impl Page<'_> {
    /// Whether the page states the number of records or pages.
    pub(super) fn states_the_size(&self) -> bool {
        self.total.is_some() || self.page_count.is_some()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Page<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadPage;

        impl<'de> Visitor<'de> for ReadPage {
            type Value = Page<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a page of a listing")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<'de>, A::Error> {
                let mut page = Page::default();
                let mut entities = None;
                while let Some(name) = map.next_key::<String>()? {
                    match folded(&name).as_str() {
                        "entities" | "scopes" | "clients" => {
                            if entities.replace(map.next_value()?).is_some() {
                                return Err(A::Error::custom("a page with two lists"));
                            }
                        }
                        "total" => page.total = page.count("total", &map.next_value()?),
                        "pagecount" => page.page_count = page.count("pageCount", &map.next_value()?),
                        "pagenumber" => page.page_number = page.count("pageNumber", &map.next_value()?),
                        "pagesize" => page.page_size = page.count("pageSize", &map.next_value()?),
                        "nexturi" => page.next_uri = page.address(&map.next_value()?),
                        "nextpage" => page.next_page = page.pointer("nextPage", &map.next_value()?),
                        "cursors" => match map.next_value::<Value>()? {
                            Value::Null => {}
                            Value::Object(cursors) => {
                                page.after = cursors.get("after").and_then(|after| page.pointer("cursors", after));
                            }
                            _ => page.unreadable = Some("cursors"),
                        },
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                page.entities = entities.ok_or_else(|| A::Error::missing_field("entities"))?;
                Ok(page)
            }
        }

        deserializer.deserialize_map(ReadPage)
    }
}

impl Page<'_> {
    /// Reads a count. A value that is not a count must not look like an absent one, so it makes the page unreadable.
    fn count(&mut self, name: &'static str, value: &Value) -> Option<u64> {
        let count = integer(value).and_then(|number| u64::try_from(number).ok());
        if count.is_none() && !value.is_null() {
            self.unreadable = Some(name);
        }
        count
    }

    fn address(&mut self, value: &Value) -> Option<String> {
        if value.is_number() {
            self.unreadable = Some("nextUri");
            return None;
        }
        self.pointer("nextUri", value)
    }

    /// A cursor. Some APIs count with numbers.
    fn pointer(&mut self, name: &'static str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null => None,
            _ => {
                self.unreadable = Some(name);
                None
            }
        }
    }
}

/// The name of a field in lower case, without `_` and `-`.
fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(json: &str) -> Page<'_> {
        serde_json::from_str(json).expect("a page")
    }

    #[test]
    fn a_count_is_read_in_any_notation_and_an_unreadable_count_is_not_taken_for_absent() {
        for (value, total, unreadable) in [
            ("60", Some(60), None),
            ("60.0", Some(60), None),
            ("\"60\"", Some(60), None),
            ("\" 60 \"", Some(60), None),
            ("0", Some(0), None),
            ("null", None, None),
            ("-1", None, Some("total")),
            ("60.5", None, Some("total")),
            ("\"sixty\"", None, Some("total")),
            ("\"\"", None, Some("total")),
            ("true", None, Some("total")),
            ("[60]", None, Some("total")),
            ("{}", None, Some("total")),
        ] {
            let body = format!(r#"{{"entities": [], "total": {value}}}"#);
            let page = page(&body);
            assert_eq!((page.total, page.unreadable), (total, unreadable), "{value}");
        }
    }

    #[test]
    fn every_field_that_decides_whether_the_list_is_complete_is_checked() {
        for (field, name) in [
            (r#""pageCount": "x""#, "pageCount"),
            (r#""pageNumber": -1"#, "pageNumber"),
            (r#""pageSize": []"#, "pageSize"),
            (r#""nextUri": false"#, "nextUri"),
            (r#""nextUri": 2"#, "nextUri"),
            (r#""nextPage": {}"#, "nextPage"),
            (r#""cursors": [1]"#, "cursors"),
            (r#""cursors": "x""#, "cursors"),
            (r#""cursors": {"after": {}}"#, "cursors"),
        ] {
            let body = format!(r#"{{"entities": [], {field}}}"#);
            assert_eq!(page(&body).unreadable, Some(name), "{field}");
        }
    }

    #[test]
    fn pointers_are_found_in_every_spelling() {
        for name in ["nextUri", "nextURI", "next_uri", "NextUri", "NEXTURI", "next-uri"] {
            let body = format!(r#"{{"entities": [], "{name}": "/x"}}"#);
            assert_eq!(page(&body).next_uri.as_deref(), Some("/x"), "{name}");
        }
        assert_eq!(page(r#"{"Entities": [], "page_count": 2}"#).page_count, Some(2));
        assert_eq!(page(r#"{"entities": [], "next_page": 7}"#).next_page.as_deref(), Some("7"));
        assert_eq!(page(r#"{"entities": [], "cursors": {"after": "x"}}"#).after.as_deref(), Some("x"));
        assert_eq!(page(r#"{"entities": [], "nextUri": "", "cursors": null}"#).next_uri, None);
    }

    #[test]
    fn a_body_without_exactly_one_list_is_refused() {
        for body in ["{}", r#"{"entities": null}"#, r#"{"entities": [], "clients": []}"#, "[]", "null"] {
            assert!(serde_json::from_str::<Page<'_>>(body).is_err(), "{body}");
        }
    }
}
