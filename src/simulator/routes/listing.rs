//! Lists in pages, with the platform's generic fields (reference 3.1).

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::simulator::reply::Reply;
use crate::simulator::request::Incoming;

/// The page size if the request has none (reference 5.1).
const DEFAULT_PAGE_SIZE: usize = 25;

/// The page of a list that `pageSize` and `pageNumber` select, or 400 if they are invalid.
pub(super) fn page(all: &[Value], request: &Incoming, correlation: &str) -> Reply {
    let number = |name, default| match request.parameter(name) {
        None => Some(default),
        Some(text) => text.parse::<usize>().ok().filter(|number| *number > 0),
    };
    let (Some(size), Some(number)) = (number("pageSize", DEFAULT_PAGE_SIZE), number("pageNumber", 1)) else {
        return Reply::error(400, "bad.request", "pageSize and pageNumber must be positive numbers.", correlation);
    };
    Reply::json(numbered(all, size, number, &request.path, |number| {
        let others = request.query.iter().filter(|(key, _)| key != "pageNumber" && key != "pageSize");
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("pageSize", &size.to_string()).append_pair("pageNumber", &number.to_string());
        query.extend_pairs(others);
        query.finish()
    }))
}

/// One page of a list. `query` returns the query string for a page number.
pub(super) fn numbered(
    all: &[Value],
    size: usize,
    number: usize,
    path: &str,
    query: impl Fn(usize) -> String,
) -> Value {
    let count = all.len().div_ceil(size);
    let start = number.saturating_sub(1).saturating_mul(size).min(all.len());
    let end = start.saturating_add(size).min(all.len());
    let uri = |number: usize| json!(format!("{path}?{}", query(number)));
    let mut listing = json!({
        "entities": all[start..end],
        "pageSize": size,
        "pageNumber": number,
        "total": all.len(),
        "pageCount": count,
        "firstUri": uri(1),
        "lastUri": uri(count.max(1)),
        "selfUri": uri(number),
    });
    if number < count {
        listing["nextUri"] = uri(number + 1);
    }
    if number > 1 {
        listing["previousUri"] = uri(number - 1);
    }
    listing
}
