//! What every page has around its contents: `base.html`.

use super::query::written;
use super::style;
use super::words::Moment;
use crate::domain::Timestamp;

pub(super) struct Frame<'a> {
    pub(super) style: &'static str,
    pub(super) icon: String,
    pub(super) version: &'static str,
    pub(super) now: Moment,
    /// The relative address of the status page: the exporter may be below a path of a reverse proxy.
    pub(super) root: String,
    /// Relative to `root`.
    pub(super) telemetry_path: &'a str,
    /// Whether the findings and the report can be opened.
    pub(super) has_report: bool,
    /// What restricts findings and report to the organisation that the page is about, if it is one of several.
    pub(super) of: String,
}

impl<'a> Frame<'a> {
    /// The frame of the page at this path.
    pub(super) fn new(path: &str, telemetry_path: &'a str, has_report: bool, now: Timestamp) -> Self {
        Self {
            style: style::STYLE,
            icon: style::icon_uri(),
            version: env!("CARGO_PKG_VERSION"),
            now: Moment::new(now, now),
            root: root(path),
            telemetry_path: telemetry_path.trim_start_matches('/'),
            has_report,
            of: String::new(),
        }
    }

    /// The frame of a page about one of several organisations, or about all of them.
    pub(super) fn about(self, org: Option<&str>) -> Self {
        Self { of: org.map(|org| format!("?{}", written([("org", org)]))).unwrap_or_default(), ..self }
    }
}

/// The relative address of the status page, as seen from a path: the exporter may be below a path of a reverse proxy.
fn root(path: &str) -> String {
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        depth => "../".repeat(depth - 1),
    }
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
