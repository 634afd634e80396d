//! One page of a listing: its records, the size of the list, and the pointer to the next page.
//!
//! `paging` follows the pointer, and `convert` reads the records.

#![expect(clippy::struct_field_names, reason = "the names are the platform's")]

use std::collections::BTreeMap;
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
    pub(super) page_size: Option<u64>,
    /// The address of the next page.
    pub(super) next_uri: Option<String>,
    /// A cursor or an address, in the format of older guides.
    pub(super) next_page: Option<String>,
    /// The cursor `cursors.after`.
    pub(super) after: Option<String>,
    /// Whether a pointer is null or empty. That states that no page follows; an absent pointer may have been removed on the way.
    pub(super) ends: bool,
    /// Whether the page states that more records follow.
    pub(super) has_more: bool,
    /// The name of a field that is needed to decide whether the list is complete, but whose value cannot be read.
    pub(super) unreadable: Option<&'static str>,
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
                let mut read: BTreeMap<&'static str, Value> = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    match known_name(&name) {
                        Some("entities") => {
                            if entities.replace(map.next_value()?).is_some() {
                                return Err(A::Error::custom("a page with two lists"));
                            }
                        }
                        Some(name) => {
                            let value = map.next_value()?;
                            match read.get(name) {
                                None => {
                                    page.take(name, &value);
                                    read.insert(name, value);
                                }
                                Some(earlier) if *earlier == value => {}
                                // The two contradict each other, so neither can be trusted.
                                Some(_) => page.unreadable = Some(name),
                            }
                        }
                        None => {
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

/// The name under which a field of a page is read; `None` if it does not matter.
fn known_name(name: &str) -> Option<&'static str> {
    Some(match folded(name).as_str() {
        "entities" | "scopes" | "clients" => "entities",
        "total" | "totalcount" => "total",
        "pagecount" | "totalpages" => "pageCount",
        "pagenumber" => "pageNumber",
        "pagesize" => "pageSize",
        "nexturi" => "nextUri",
        "nextpage" | "next" => "nextPage",
        "lasturi" => "lastUri",
        "hasmore" => "hasMore",
        "cursors" => "cursors",
        _ => return None,
    })
}

impl Page<'_> {
    fn take(&mut self, name: &'static str, value: &Value) {
        match name {
            "total" => self.total = self.count(name, value),
            "pageCount" => self.page_count = self.count(name, value).max(self.page_count),
            // The number of the request decides, but a number that cannot be read shows that the page cannot be trusted.
            "pageNumber" => {
                self.count(name, value);
            }
            "pageSize" => self.page_size = self.count(name, value),
            "nextUri" => self.next_uri = self.address(value),
            "nextPage" => self.next_page = self.pointer(name, value),
            // The platform's address of the last page contains its number (reference, section 3).
            "lastUri" => {
                let address = self.pointer(name, value);
                self.page_count = address.as_deref().and_then(page_number).max(self.page_count);
            }
            "hasMore" => match value {
                Value::Bool(more) => self.has_more = *more,
                Value::Null => {}
                _ => self.unreadable = Some(name),
            },
            _ => match value {
                Value::Null => self.ends = true,
                Value::Object(cursors) => {
                    self.after = cursors.get("after").and_then(|after| self.pointer(name, after));
                }
                _ => self.unreadable = Some(name),
            },
        }
    }

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
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::String(_) | Value::Null => {
                self.ends |= name != "lastUri";
                None
            }
            _ => {
                self.unreadable = Some(name);
                None
            }
        }
    }
}

/// The parameter `pageNumber` of an address.
fn page_number(address: &str) -> Option<u64> {
    let (_, query) = address.split_once('?')?;
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    parameters.find(|(name, _)| name == "pageNumber").and_then(|(_, number)| number.parse().ok())
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
            (r#""hasMore": "x""#, "hasMore"),
            (r#""lastUri": []"#, "lastUri"),
            (r#""total": 60, "total": 25"#, "total"),
            (r#""total": 60, "TOTAL": null"#, "total"),
            (r#""totalCount": 60, "total": 25"#, "total"),
            (r#""nextUri": "/x", "next_uri": null"#, "nextUri"),
            (r#""cursors": {"after": "x"}, "cursors": null"#, "cursors"),
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
    fn the_size_is_found_in_every_form() {
        for (field, total, pages) in [
            (r#""total": 60, "total": 60"#, Some(60), None),
            (r#""totalCount": 60"#, Some(60), None),
            (r#""totalPages": 3"#, None, Some(3)),
            (r#""lastUri": "/api/v2/oauth/clients?pageSize=25&pageNumber=3""#, None, Some(3)),
            (r#""pageCount": 0, "lastUri": "/x?pageNumber=3""#, None, Some(3)),
            (r#""lastUri": "/x?pageNumber=3", "pageCount": 4"#, None, Some(4)),
            (r#""lastUri": "/x""#, None, None),
        ] {
            let body = format!(r#"{{"entities": [], {field}}}"#);
            let page = page(&body);
            assert_eq!((page.total, page.page_count, page.unreadable), (total, pages, None), "{field}");
        }
    }

    #[test]
    fn a_body_without_exactly_one_list_is_refused() {
        for body in ["{}", r#"{"entities": null}"#, r#"{"entities": [], "clients": []}"#, "[]", "null"] {
            assert!(serde_json::from_str::<Page<'_>>(body).is_err(), "{body}");
        }
    }
}
