//! The dashboards as JSON, their panels and their queries, and the selectors in `PromQL`.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// The files in `dashboards/`, by name.
pub(crate) fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir("dashboards").expect("a folder").map(|entry| entry.expect("an entry").path());
    // The folder also has the kustomization for Kubernetes.
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    assert_eq!(files.len(), 4, "{files:?}");
    files
}

pub(crate) fn all() -> Vec<Value> {
    let read = |file: PathBuf| fs::read_to_string(file).expect("UTF-8");
    files().into_iter().map(|file| serde_json::from_str(&read(file)).expect("JSON")).collect()
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Every panel, rows included. The panels of a closed row are inside it.
pub(crate) fn with_rows(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(dashboard, "panels").iter().flat_map(|panel| std::iter::once(panel).chain(list(panel, "panels")))
}

/// The panels with content: all except the rows.
pub(crate) fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    with_rows(dashboard).filter(|panel| text(panel, "type") != "row")
}

/// One query, with its place in the dashboard.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// `uid / panel / A`, for people.
    pub(crate) place: String,
    pub(crate) expr: String,
    pub(crate) instant: bool,
}

/// The queries of a panel; their places do not contain the dashboard.
pub(crate) fn queries_of(panel: &Value) -> impl Iterator<Item = Query> {
    list(panel, "targets").iter().map(move |target| Query {
        place: format!("{} / {}", text(panel, "title"), text(target, "refId")),
        expr: text(target, "expr").to_owned(),
        instant: target["instant"] == true,
    })
}

/// The queries of the panels and of the annotations.
pub(crate) fn queries(dashboard: &Value) -> Vec<Query> {
    let uid = text(dashboard, "uid");
    let of_panels = panels(dashboard)
        .flat_map(queries_of)
        .map(|query| Query { place: format!("{uid} / {}", query.place), ..query });
    let of_annotations = list(&dashboard["annotations"], "list").iter().map(|annotation| Query {
        place: format!("{uid} / annotation {}", text(annotation, "name")),
        expr: text(&annotation["target"], "expr").to_owned(),
        instant: false,
    });
    of_panels.chain(of_annotations).collect()
}

/// A selector in `PromQL`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selector<'a> {
    pub(crate) family: &'a str,
    /// The text between the braces; empty without braces.
    pub(crate) labels: &'a str,
    /// The text before it.
    pub(crate) before: &'a str,
    /// The range after it, without brackets.
    pub(crate) range: Option<&'a str>,
}

/// Every selector of a family of the exporter, of the process, or of Prometheus itself.
pub(crate) fn selectors(expr: &str) -> Vec<Selector<'_>> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = expr[at..].find(name).map(|offset| at + offset) {
        let end = expr[start..].find(|c| !name(c)).map_or(expr.len(), |length| start + length);
        let family = &expr[start..end];
        let (labels, after) = match expr[end..].strip_prefix('{') {
            Some(rest) => rest.split_once('}').expect("closed"),
            None => ("", &expr[end..]),
        };
        at = if labels.is_empty() { end } else { end + labels.len() + 2 };
        let ours = ["genesyscloud_oauth_", "process_"].iter().any(|prefix| family.starts_with(prefix));
        if ours || ["up", "ALERTS"].contains(&family) {
            let range = after.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(range, _)| range);
            found.push(Selector { family, labels, before: &expr[..start], range });
        }
    }
    found
}

#[test]
fn selectors_are_found_with_their_labels_and_ranges() {
    let found = selectors("sum by (job) (rate(process_cpu_seconds_total{job=~\"$job\"}[5m])) / process_max_fds");
    let seen: Vec<_> = found.iter().map(|s| (s.family, s.labels, s.range)).collect();
    assert_eq!(seen, [("process_cpu_seconds_total", "job=~\"$job\"", Some("5m")), ("process_max_fds", "", None)]);
    assert_eq!(found[0].before, "sum by (job) (rate(");
}
