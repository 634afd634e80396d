//! A refusal or an error as a page for people, with a way back. Programs get the same text without markup.

use askama::Template;
use hyper::StatusCode;

use super::style;
use super::words::Moment;
use crate::domain::Timestamp;

/// Renders the page for a request to this path, which is answered with this status and this text.
pub(in crate::server) fn page(
    status: StatusCode,
    text: &str,
    path: &str,
    now: Timestamp,
    telemetry_path: &str,
) -> askama::Result<String> {
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not shown here",
        StatusCode::BAD_REQUEST => "The address cannot be understood",
        StatusCode::METHOD_NOT_ALLOWED => "Not possible",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        _ => "Something went wrong",
    };
    Page {
        style: style::STYLE,
        icon: &style::icon_uri(),
        version: env!("CARGO_PKG_VERSION"),
        now: Moment::new(now, now),
        root: &root(path),
        telemetry_path: telemetry_path.trim_start_matches('/'),
        has_report: false,
        title,
        status: status.as_u16(),
        lines: text.trim().lines().collect(),
    }
    .render()
}

/// The relative address of the status page, as seen from a path: the exporter may be below a path of a reverse proxy.
pub(super) fn root(path: &str) -> String {
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        depth => "../".repeat(depth - 1),
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    style: &'static str,
    icon: &'a str,
    version: &'static str,
    now: Moment,
    root: &'a str,
    telemetry_path: &'a str,
    has_report: bool,
    title: &'static str,
    status: u16,
    lines: Vec<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_relative_to_the_path() {
        for (path, expected) in
            [("/", "./"), ("/x", "./"), ("/clients/", "../"), ("/clients/a", "../"), ("/a/b/c", "../../"), ("", "./")]
        {
            let base = url::Url::parse(&format!("https://proxy.example/oauth{path}")).expect("a URL");
            let back = base.join(&root(path)).expect("a relative address");
            assert_eq!(root(path), expected, "{path}");
            if path.starts_with('/') {
                assert_eq!(back.as_str(), "https://proxy.example/oauth/", "{path}");
            }
        }
    }
}
