//! Finds the next page of a listing by `nextUri`, otherwise by `pageCount`, otherwise by a cursor, and detects loops.
//!
//! Pure: it returns the next address, and `listing` fetches it. It also refuses a list that may have been cut off.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use url::Url;

use super::page::Page;

/// The platform's default page size. The documented sizes are multiples of it (reference, sections 3 and 4). So a first page whose
/// number of records is a multiple may be the first of a longer list.
const USUAL_SIZE: u64 = 25;

/// The progress through the pages of one listing.
#[derive(Debug)]
pub(super) struct Walk {
    /// The base URL of the API, with the path prefix of a gateway.
    base: Url,
    first: Url,
    visited: HashSet<Url>,
    page: u32,
    max_pages: u32,
    /// The largest number of records that a page has stated.
    total: Option<u64>,
    /// The largest number of pages that a page has stated.
    page_count: Option<u64>,
    /// The number of records on the first page.
    first_size: u64,
    /// The number of records on all pages so far.
    received: u64,
    /// The content of every page with records.
    contents: HashSet<u64>,
}

/// Why a listing cannot be read to its end, or cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PagingError {
    #[error(
        "the next page is on another origin ({0}), and the exporter does not send its token there; check the API URL"
    )]
    ForeignOrigin(String),
    #[error("the pages of the list form a loop: page {0} has the address of an earlier page")]
    Loop(u32),
    #[error("the list has more than {0} pages; if that is expected, raise --genesys.max-pages")]
    TooManyPages(u32),
    #[error("page {0} of the list has the records of an earlier page, so the list may be incomplete")]
    Repeated(u32),
    #[error("the list has {pages} pages but only {records} records, so records are missing")]
    TooFew {
        /// The stated number of pages.
        pages: u64,
        /// The number of records that were received.
        records: u64,
    },
    #[error("the address of the next page cannot be read")]
    BadUri,
    #[error("the value of {0} in a page cannot be read, so the list may be incomplete")]
    Unreadable(&'static str),
    #[error(
        "the last page has {0} records, and more may follow, but it states neither the number of records nor the next page, so \
         the list may be cut off; check whether a gateway removes fields from the answer"
    )]
    CutOff(u64),
}

impl Walk {
    pub(super) fn new(base: &Url, first: Url, max_pages: u32) -> Self {
        Self {
            base: base.clone(),
            visited: HashSet::from([first.clone()]),
            first,
            page: 1,
            max_pages,
            total: None,
            page_count: None,
            first_size: 0,
            received: 0,
            contents: HashSet::new(),
        }
    }

    /// The largest number of records that a page has stated.
    pub(super) const fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn first(&self) -> Url {
        self.first.clone()
    }

    /// The address of the page after this one; `None` after the last. `digests` are those of the page's records.
    pub(super) fn next(&mut self, page: &Page<'_>, digests: &[u64]) -> Result<Option<Url>, PagingError> {
        if let Some(field) = page.unreadable {
            return Err(PagingError::Unreadable(field));
        }
        self.count(page, digests)?;
        let Some(next) = self.successor(page)? else { return self.end(page) };
        self.page += 1;
        if self.page > self.max_pages {
            return Err(PagingError::TooManyPages(self.max_pages));
        }
        if !self.visited.insert(next.clone()) {
            return Err(PagingError::Loop(self.page));
        }
        Ok(Some(next))
    }

    /// Counts the records of a page. Without a total, nothing else shows that a page is repeated.
    fn count(&mut self, page: &Page<'_>, digests: &[u64]) -> Result<(), PagingError> {
        let records = page.entities.len() as u64;
        self.total = self.total.max(page.total);
        // Zero pages and a record contradict each other, so that count states nothing.
        self.page_count = self.page_count.max(page.page_count.filter(|count| *count > 0 || records == 0));
        self.received = self.received.saturating_add(records);
        if self.page == 1 {
            self.first_size = records;
        }
        let mut content = DefaultHasher::new();
        digests.hash(&mut content);
        if records > 0 && !self.contents.insert(content.finish()) && self.total.is_none() {
            return Err(PagingError::Repeated(self.page));
        }
        Ok(())
    }

    /// Refuses a list that may go on after the page without a successor. If a total is stated, `refresh` compares it.
    fn end(&self, page: &Page<'_>) -> Result<Option<Url>, PagingError> {
        let records = page.entities.len() as u64;
        if page.has_more {
            return Err(PagingError::CutOff(records));
        }
        if self.total.is_some() {
            return Ok(None);
        }
        if let Some(pages) = self.page_count {
            let complete = self.received > pages.saturating_sub(1).saturating_mul(self.first_size) || pages < 2;
            return if complete { Ok(None) } else { Err(PagingError::TooFew { pages, records: self.received }) };
        }
        let asked =
            self.first.query_pairs().find(|(name, _)| name == "pageSize").and_then(|(_, size)| size.parse().ok());
        let is_full = match page.page_size.or(asked) {
            Some(size) => records >= size,
            None if self.page > 1 => records >= self.first_size,
            None => records.is_multiple_of(USUAL_SIZE),
        };
        // A pointer led to a later page, so if the platform sends an empty one there, it is the last.
        let ends = self.page > 1 && page.ends;
        if records > 0 && is_full && !ends { Err(PagingError::CutOff(records)) } else { Ok(None) }
    }

    fn successor(&self, page: &Page<'_>) -> Result<Option<Url>, PagingError> {
        if let Some(uri) = &page.next_uri {
            return self.resolve(uri).map(Some);
        }
        if let Some(count) = self.page_count.filter(|count| *count > 1) {
            // The number of the request counts: with the number in the answer, a wrong answer could skip a page.
            let number = u64::from(self.page);
            return Ok((number < count).then(|| self.with_parameter("pageNumber", &(number + 1).to_string())));
        }
        if let Some(cursor) = &page.next_page {
            let is_uri = cursor.starts_with('/') || cursor.contains("://");
            return if is_uri {
                self.resolve(cursor).map(Some)
            } else {
                Ok(Some(self.with_parameter("cursor", cursor)))
            };
        }
        Ok(page.after.as_ref().map(|after| self.with_parameter("after", after)))
    }

    /// Resolves a `nextUri` such as `/api/v2/...?pageNumber=2` below the gateway's prefix.
    fn resolve(&self, uri: &str) -> Result<Url, PagingError> {
        // The prefix can be /api too, like the start of the platform's paths. So only a path that begins with the path of the
        // first page already has the prefix.
        let below_prefix =
            uri.strip_prefix('/').filter(|_| !uri.starts_with("//") && !uri.starts_with(self.first.path()));
        let url = self.base.join(below_prefix.unwrap_or(uri)).map_err(|_| PagingError::BadUri)?;
        if url.origin() != self.base.origin() {
            return Err(PagingError::ForeignOrigin(url.origin().ascii_serialization()));
        }
        Ok(url)
    }

    fn with_parameter(&self, name: &str, value: &str) -> Url {
        let mut url = self.first.clone();
        let kept: Vec<(String, String)> =
            self.first.query_pairs().filter(|(key, _)| key != name).map(|(k, v)| (k.into(), v.into())).collect();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::known::digest;

    fn walk(base: &str, max_pages: u32) -> Walk {
        let base = Url::parse(base).expect("a URL");
        let first = base.join("api/v2/oauth/clients").expect("a URL");
        Walk::new(&base, first, max_pages)
    }

    fn next(walk: &mut Walk, body: &str) -> Result<Option<String>, PagingError> {
        let page: Page<'_> = serde_json::from_str(body).expect("a page");
        let digests: Vec<u64> = page.entities.iter().map(|raw| digest(raw)).collect();
        walk.next(&page, &digests).map(|url| url.map(|url| url.to_string()))
    }

    #[test]
    fn each_way_of_paging_finds_the_next_page() {
        for (body, expected) in [
            (r#"{"entities":[]}"#, None),
            (r#"{"entities":[],"nextUri":"","pageCount":1}"#, None),
            (r#"{"entities":[],"pageCount":1,"pageNumber":1}"#, None),
            (r#"{"entities":[],"pageCount":0}"#, None),
            (r#"{"entities":[],"nextUri":"/api/v2/oauth/clients?pageNumber=2"}"#, Some("pageNumber=2")),
            (
                r#"{"entities":[],"nextUri":"https://api.example.com/api/v2/oauth/clients?pageNumber=2"}"#,
                Some("pageNumber=2"),
            ),
            (r#"{"entities":[],"pageCount":3,"pageNumber":1}"#, Some("pageNumber=2")),
            (r#"{"entities":[],"pageCount":3}"#, Some("pageNumber=2")),
            (r#"{"entities":[],"pageCount":" 3 "}"#, Some("pageNumber=2")),
            (r#"{"entities":[],"pageCount":3.0}"#, Some("pageNumber=2")),
            (r#"{"entities":[],"nextURI":"/api/v2/oauth/clients?pageNumber=2"}"#, Some("pageNumber=2")),
            (r#"{"entities":[],"pageCount":3,"pageNumber":3}"#, Some("pageNumber=2")),
            (r#"{"entities":[],"lastUri":"/api/v2/oauth/clients?pageNumber=3"}"#, Some("pageNumber=2")),
            (r#"{"entities":[],"next":"abc"}"#, Some("cursor=abc")),
            (r#"{"entities":[],"next_page":"abc"}"#, Some("cursor=abc")),
            (r#"{"entities":[],"nextPage":"abc"}"#, Some("cursor=abc")),
            (r#"{"entities":[],"nextPage":"/api/v2/oauth/clients?cursor=x"}"#, Some("cursor=x")),
            (r#"{"entities":[],"nextPage":null,"cursors":{"after":"x y"}}"#, Some("after=x+y")),
            (r#"{"entities":[],"cursors":{"after":""}}"#, None),
        ] {
            let expected = expected.map(|query| format!("https://api.example.com/api/v2/oauth/clients?{query}"));
            assert_eq!(next(&mut walk("https://api.example.com/", 10), body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn a_full_page_without_a_total_or_a_pointer_may_be_cut_off() {
        let page =
            |records: usize, fields: &str| format!(r#"{{"entities":[{}]{fields}}}"#, vec!["{}"; records].join(","));
        for (path, records, fields, expected) in [
            ("api/v2/oauth/clients", 24, "", Ok(None)),
            ("api/v2/oauth/clients", 25, "", Err(PagingError::CutOff(25))),
            ("api/v2/oauth/clients", 100, "", Err(PagingError::CutOff(100))),
            ("api/v2/oauth/clients", 50, "", Err(PagingError::CutOff(50))),
            ("api/v2/oauth/clients", 25, r#","pageCount":0"#, Err(PagingError::CutOff(25))),
            ("api/v2/oauth/clients", 25, r#","nextUri":null"#, Err(PagingError::CutOff(25))),
            ("api/v2/oauth/clients", 3, r#","hasMore":true"#, Err(PagingError::CutOff(3))),
            ("api/v2/oauth/clients", 3, r#","hasMore":false"#, Ok(None)),
            ("api/v2/oauth/clients", 25, r#","total":25"#, Ok(None)),
            ("api/v2/oauth/clients", 25, r#","total":60"#, Ok(None)),
            ("api/v2/oauth/clients", 25, r#","pageCount":1"#, Ok(None)),
            ("api/v2/oauth/clients", 25, r#","pageSize":26"#, Ok(None)),
            ("api/v2/oauth/clients", 7, r#","pageSize":7"#, Err(PagingError::CutOff(7))),
            ("api/v2/oauth/clients", 0, r#","pageSize":0"#, Ok(None)),
            ("api/v2/authorization/roles?pageSize=50", 50, "", Err(PagingError::CutOff(50))),
            ("api/v2/authorization/roles?pageSize=50", 25, "", Ok(None)),
        ] {
            let base = Url::parse("https://api.example.com/").expect("a URL");
            let mut walk = Walk::new(&base, base.join(path).expect("a URL"), 10);
            assert_eq!(next(&mut walk, &page(records, fields)), expected, "{path} {records} {fields}");
        }
    }

    /// The second page of a list that has 25 records on its first page.
    #[test]
    fn the_last_page_must_show_that_it_is_the_last() {
        let page = |id: &str, records: usize, fields: &str| {
            format!(r#"{{"entities":[{}]{fields}}}"#, vec![id; records].join(","))
        };
        let uri = r#","nextUri":"/api/v2/oauth/clients?pageNumber=2""#;
        for (first, records, second, expected) in [
            (uri, 25, "", Err(PagingError::CutOff(25))),
            (uri, 25, r#","nextUri":null"#, Ok(None)),
            (uri, 25, r#","nextUri":"""#, Ok(None)),
            (uri, 24, "", Ok(None)),
            (uri, 0, "", Ok(None)),
            (r#","nextUri":"/api/v2/oauth/clients?pageNumber=2","total":60"#, 25, "", Ok(None)),
            (r#","pageCount":2"#, 25, "", Ok(None)),
            (r#","pageCount":2"#, 1, r#","pageCount":1"#, Ok(None)),
            (r#","pageCount":2"#, 0, "", Err(PagingError::TooFew { pages: 2, records: 25 })),
        ] {
            let mut walk = walk("https://api.example.com/", 10);
            assert!(next(&mut walk, &page("1", 25, first)).is_ok_and(|next| next.is_some()), "{first}");
            assert_eq!(next(&mut walk, &page("2", records, second)), expected, "{first} {records} {second}");
        }
        let mut repeated = walk("https://api.example.com/", 10);
        assert!(next(&mut repeated, &page("1", 25, r#","pageCount":3"#)).is_ok());
        assert_eq!(next(&mut repeated, &page("1", 25, r#","pageCount":3"#)), Err(PagingError::Repeated(2)));
    }

    #[test]
    fn the_largest_stated_size_counts() {
        let mut walk = walk("https://api.example.com/", 10);
        for (body, more) in [
            (r#"{"entities":[1],"total":3,"pageCount":3}"#, true),
            (r#"{"entities":[2],"total":1,"pageCount":1,"pageNumber":9}"#, true),
            (r#"{"entities":[3]}"#, false),
        ] {
            assert!(next(&mut walk, body).is_ok_and(|next| next.is_some() == more), "{body}");
        }
        assert_eq!(walk.total(), Some(3));
    }

    #[test]
    fn a_field_that_cannot_be_read_is_not_taken_for_absent() {
        for (field, name) in [("total", "total"), ("pageCount", "pageCount"), ("nextUri", "nextUri")] {
            let body = format!(r#"{{"entities":[],"{field}":[]}}"#);
            assert_eq!(next(&mut walk("https://api.example.com/", 10), &body), Err(PagingError::Unreadable(name)));
        }
    }

    #[test]
    fn a_prefix_that_looks_like_the_platforms_path_is_kept_too() {
        for (uri, expected) in [
            ("/api/v2/oauth/clients?pageNumber=2", "https://gw.example.com/api/api/v2/oauth/clients?pageNumber=2"),
            ("/api/api/v2/oauth/clients?pageNumber=2", "https://gw.example.com/api/api/v2/oauth/clients?pageNumber=2"),
        ] {
            let body = format!(r#"{{"entities":[],"nextUri":"{uri}"}}"#);
            assert_eq!(next(&mut walk("https://gw.example.com/api/", 10), &body), Ok(Some(expected.to_owned())));
        }
    }

    #[test]
    fn a_gateways_prefix_is_kept() {
        let body = r#"{"entities":[],"nextUri":"/api/v2/oauth/clients?pageNumber=2"}"#;
        let expected = "https://gw.example.com/genesys/api/v2/oauth/clients?pageNumber=2".to_owned();
        assert_eq!(next(&mut walk("https://gw.example.com/genesys/", 10), body), Ok(Some(expected)));
    }

    #[test]
    fn loops_other_origins_and_endless_lists_are_refused() {
        for uri in [
            "https://evil.example.com/x",
            "//evil.example.com/x",
            "http://api.example.com/x",
            "https://api.example.com:444/x",
        ] {
            let body = format!(r#"{{"entities":[],"nextUri":"{uri}"}}"#);
            let result = next(&mut walk("https://api.example.com/", 10), &body);
            assert!(matches!(result, Err(PagingError::ForeignOrigin(_))), "{uri}: {result:?}");
        }
        let looping = r#"{"entities":[],"nextUri":"/api/v2/oauth/clients"}"#;
        assert_eq!(next(&mut walk("https://api.example.com/", 10), looping), Err(PagingError::Loop(2)));
        let mut short = walk("https://api.example.com/", 2);
        let page = |n: u32| format!(r#"{{"entities":[],"pageCount":9,"pageNumber":{n}}}"#);
        assert!(next(&mut short, &page(1)).is_ok());
        assert_eq!(next(&mut short, &page(2)), Err(PagingError::TooManyPages(2)));
    }
}
