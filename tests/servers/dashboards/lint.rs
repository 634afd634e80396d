//! The rules of the linter for monitoring mixins, and the project's rules for the layout.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::families::{documented, family_of};
use super::model::{all, list, panels, queries, selectors, text, with_rows};

const COLUMNS: u64 = 24;

/// Counters that are shown without a rate, and why.
const PLAIN_COUNTERS: &[(&str, &str)] = &[(
    "genesyscloud_oauth_exporter_state_damaged_total",
    "counts before the first scrape, so that it never increases",
)];

/// The four dashboards, with their rows in order.
const ROWS: [(&str, &[&str]); 4] = [
    ("genesys-oauth-changes", &["New grants", "Drift by kind", "History", "Approvals and exemptions"]),
    ("genesys-oauth-clients", &["Identity", "Scopes and permissions", "Findings", "Inventory"]),
    ("genesys-oauth-exporter", &["Freshness", "Token and API", "Process"]),
    ("genesys-oauth-overview", &["State", "Needs attention", "Composition", "Trend"]),
];

/// The problems of a dashboard.
fn problems(dashboard: &Value) -> Vec<String> {
    let mut found = about_the_whole(dashboard);
    found.extend(about_variables(dashboard));
    found.extend(about_the_grid(dashboard));
    for panel in panels(dashboard) {
        found.extend(about_a_panel(panel).into_iter().map(|problem| format!("{}: {problem}", text(panel, "title"))));
    }
    for query in queries(dashboard) {
        found.extend(about_a_query(&query.expr).into_iter().map(|problem| format!("{}: {problem}", query.place)));
    }
    found
}

fn about_the_whole(dashboard: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut must = |good: bool, what: &str| {
        if !good {
            found.push(what.to_owned());
        }
    };
    let rows = list(dashboard, "panels").iter().filter(|panel| text(panel, "type") == "row");
    let rows: Vec<_> = rows.map(|row| text(row, "title")).collect();
    let named = ROWS.iter().any(|(uid, names)| *uid == text(dashboard, "uid") && **names == *rows);
    must(named, "uid or rows are not those of the design");
    must(dashboard["schemaVersion"] == 39, "schemaVersion is not 39");
    must(dashboard["editable"] == false, "it is editable, though the next provisioning would undo what was edited");
    must(dashboard.get("id").is_none(), "an id of one Grafana is in it");
    must(!text(dashboard, "title").is_empty() && !text(dashboard, "description").is_empty(), "title or description");
    let known = |link: &Value| ROWS.iter().any(|(uid, _)| text(link, "url") == format!("/d/{uid}"));
    let keeps = |link: &Value| link["keepTime"] == true && link["includeVars"] == true;
    must(
        list(dashboard, "links").iter().all(|link| known(link) && keeps(link)),
        "links to the others keep time and variables",
    );
    let annotations: Vec<_> = list(&dashboard["annotations"], "list").iter().map(|a| text(a, "name")).collect();
    let expected = ["New dangerous scope", "New dangerous permission"];
    must(annotations.starts_with(&expected), "annotations");
    found
}

fn about_variables(dashboard: &Value) -> Vec<String> {
    let variables = list(&dashboard["templating"], "list");
    let named = |name: &str| variables.iter().find(|variable| text(variable, "name") == name).unwrap_or(&Value::Null);
    let mut found = Vec::new();
    let datasource = named("datasource");
    if text(datasource, "type") != "datasource"
        || text(datasource, "query") != "prometheus"
        || text(datasource, "label") != "Data source"
    {
        found.push("no variable for the data source with the label Data source".to_owned());
    }
    // Every target has a job and an instance; the exporter adds the label org.
    let ours = json!(".+");
    for (name, label, value) in
        [("job", "Job", &Value::Null), ("instance", "Instance", &Value::Null), ("org", "Organisation", &ours)]
    {
        let variable = named(name);
        let all = variable["multi"] == true && variable["includeAll"] == true && variable["allValue"] == *value;
        if !all || text(variable, "label") != label {
            found.push(format!("variable {name}: not multi, without All, or without its label"));
        }
    }
    for variable in variables.iter().filter(|variable| text(variable, "type") == "query") {
        if variable["refresh"] != 2 || variable["datasource"]["uid"] != "${datasource}" {
            found.push(format!(
                "variable {}: not asked again when the time changes, or of another source",
                text(variable, "name")
            ));
        }
    }
    let client = named("client");
    let wanted = text(dashboard, "uid") == "genesys-oauth-clients";
    if wanted != client.is_object() || (wanted && !text(client, "regex").contains("(?<text>")) {
        found.push("the view of clients, and only it, finds a client by its name".to_owned());
    }
    found
}

fn about_the_grid(dashboard: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    let mut cells = BTreeSet::new();
    let mut bottom = 0;
    for panel in with_rows(dashboard) {
        let title = text(panel, "title");
        if !ids.insert(panel["id"].as_u64()) || panel["id"].is_null() {
            found.push(format!("{title}: its id is missing or taken"));
        }
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap_or_default());
        if w == 0 || h == 0 || x + w > COLUMNS {
            found.push(format!("{title}: outside of the grid"));
        }
        bottom = bottom.max(y + h);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            if !cells.insert(cell) {
                found.push(format!("{title}: over another panel"));
                break;
            }
        }
    }
    if u64::try_from(cells.len()).ok() != Some(bottom * COLUMNS) {
        found.push("gaps in the grid".to_owned());
    }
    found
}

/// Words that stay in lower case in a title.
const SMALL: [&str; 12] = ["a", "and", "at", "by", "for", "in", "is", "of", "over", "the", "to", "with"];

fn about_a_panel(panel: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let title = text(panel, "title");
    let capital = |(at, word): (usize, &str)| {
        (at > 0 && SMALL.contains(&word)) || word.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    if title.is_empty() || !title.split(' ').enumerate().all(capital) {
        found.push("its title is not in title case".to_owned());
    }
    let description = text(panel, "description");
    if description.len() < 20 || !description.ends_with('.') {
        found.push("no description".to_owned());
    }
    if panel["datasource"]["uid"] != "${datasource}" {
        found.push("not of the data source that is chosen".to_owned());
    }
    let defaults = &panel["fieldConfig"]["defaults"];
    if text(defaults, "unit").is_empty() {
        found.push("no unit".to_owned());
    }
    // An empty result does not show whether there are no cases or no data.
    let empty = &defaults["noValue"];
    if !empty.is_null() && !text(defaults, "noValue").to_lowercase().contains("no data") {
        found.push(format!("gives an all-clear where there is no data: {empty}"));
    }
    let targets = list(panel, "targets");
    if targets.is_empty() || targets.iter().any(|target| target["datasource"] != panel["datasource"]) {
        found.push("no query, or one of another source".to_owned());
    }
    // Withdrawn series must not be shown any longer; a range query would return their last value. look.rs has rules for sparklines.
    let spark = panel["options"]["graphMode"] == "area";
    let figure = ["stat", "gauge", "bargauge", "piechart", "table"].contains(&text(panel, "type"));
    let at_a_glance = figure && !spark;
    let now = |target: &Value| target["instant"] == true && target["range"] == false;
    if targets.iter().any(|target| now(target) != at_a_glance) {
        found.push("figures are of now, lines are over time".to_owned());
    }
    if !figure {
        let legend = &panel["options"]["legend"];
        let explicit =
            |target: &Value| !text(target, "legendFormat").is_empty() && text(target, "legendFormat") != "__auto";
        let legible = legend["showLegend"] == true || text(panel, "type") == "state-timeline";
        if !legible || !targets.iter().all(explicit) {
            found.push("no legend, or one that Grafana makes up".to_owned());
        }
    }
    found
}

/// The innermost aggregation around the text that follows: its name, its labels, and the text before it.
fn aggregation(before: &str) -> Option<(&str, &str, &str)> {
    let before = before.trim_end().strip_suffix('(')?.trim_end();
    let (before, labels) = match before.strip_suffix(')') {
        Some(rest) => rest.rsplit_once('(').map(|(by, labels)| (by.trim_end(), labels))?,
        None => (before, ""),
    };
    let before = if labels.is_empty() { before } else { before.strip_suffix("by")?.trim_end() };
    let start = before.rfind(|c: char| !c.is_ascii_lowercase() && c != '_').map_or(0, |at| at + 1);
    Some((&before[start..], labels, &before[..start]))
}

fn about_a_query(expr: &str) -> Vec<String> {
    let families = documented();
    let mut found = Vec::new();
    if selectors(expr).is_empty() {
        found.push("no family is selected".to_owned());
    }
    for selector in selectors(expr) {
        let family = family_of(selector.family);
        let bound = |label: &str| selector.labels.contains(&format!("{label}=~\"${label}\""));
        // Alerts carry the labels of their own expressions only.
        if family != "ALERTS" && !(bound("job") && bound("instance")) {
            found.push(format!("{family} is not bound to job and instance"));
        }
        let documented = families.get(family);
        if documented.is_some_and(|family| family.has_org) && !bound("org") {
            found.push(format!("{family} is not bound to org"));
        }
        let counter = documented.map_or_else(|| family.ends_with("_total"), |family| family.is_counter);
        let rated = ["rate(", "increase("].iter().any(|function| selector.before.ends_with(function));
        let plain = PLAIN_COUNTERS.iter().any(|(name, _)| *name == family);
        if counter != rated && !plain {
            found.push(format!("{family}: rate or increase belong to counters, and to all of them"));
        }
        if rated != selector.range.is_some() || selector.range.is_some_and(|range| range != "$__rate_interval") {
            found.push(format!("{family}: the range is not $__rate_interval"));
        }
        // Two replicas export the same organisation.
        let audited = family.starts_with("genesyscloud_oauth_") && !family.starts_with("genesyscloud_oauth_exporter_");
        let inner = aggregation(selector.before);
        let outer = inner.and_then(|(_, _, before)| aggregation(before));
        if audited && inner.is_some_and(|(name, labels, _)| name == "sum" && !labels.contains("instance")) {
            found.push(format!("{family} is added up over replicas"));
        }
        let is = |aggregation: Option<(&str, &str, &str)>, wanted| aggregation.is_some_and(|(name, ..)| name == wanted);
        if audited && is(inner, "max") && is(outer, "sum") {
            found.push(format!("{family} is counted twice while two replicas export different labels"));
        }
        // As in the alert.
        let collectors = ["collector_supported", "collector_success"].iter().any(|end| family.ends_with(end));
        if collectors && !is(inner, "min") {
            found.push(format!("{family} is not that of the replica that is worst off"));
        }
    }
    found
}

#[test]
fn the_dashboards_keep_the_rules() {
    for dashboard in all() {
        let found = problems(&dashboard);
        assert!(found.is_empty(), "{}:\n{}", text(&dashboard, "uid"), found.join("\n"));
    }
}

/// The text in the overview, its replacement, and the problem that must be reported.
fn damages() -> Vec<(&'static str, Value, &'static str)> {
    let replica = "genesyscloud_oauth_clients{job=~\"$job\"}";
    vec![
        ("/uid", json!("x"), "uid or rows"),
        ("/panels/0/title", json!("Status"), "uid or rows"),
        ("/schemaVersion", json!(36), "schemaVersion"),
        ("/editable", json!(true), "editable"),
        ("/links/0/keepTime", json!(false), "keep time"),
        ("/annotations/list/0/name", json!("x"), "annotations"),
        ("/templating/list/1/label", json!("Datasource"), "Data source"),
        ("/templating/list/2/multi", json!(false), "variable job"),
        (
            "/templating/list/2",
            json!({ "name": "job", "label": "Job", "multi": true, "includeAll": true, "allValue": ".+" }),
            "variable job",
        ),
        ("/templating/list/0/allValue", json!(".*"), "variable org"),
        ("/templating/list/3/refresh", json!(1), "variable instance: not asked again"),
        ("/panels/2/id", json!(2), "Flagged: its id"),
        ("/panels/6/gridPos/w", json!(5), "Coverage: outside of the grid"),
        ("/panels/1/gridPos/w", json!(5), "Flagged: over another panel"),
        ("/panels/1/gridPos/w", json!(3), "gaps in the grid"),
        ("/panels/1/title", json!("All clients"), "title case"),
        ("/panels/1/description", json!(""), "Clients: no description"),
        ("/panels/1/datasource/uid", json!("prometheus"), "Clients: not of the data source"),
        ("/panels/1/fieldConfig/defaults/unit", json!(""), "Clients: no unit"),
        ("/panels/4/fieldConfig/defaults/noValue", json!("None"), "Unapproved Grants: gives an all-clear"),
        ("/panels/1/targets", json!([]), "Clients: no query"),
        ("/panels/1/targets/0/instant", json!(false), "Clients: figures are of now"),
        ("/panels/19/targets/0/legendFormat", json!("__auto"), "Clients by Verdict: no legend"),
        ("/panels/1/targets/0/expr", json!("vector(1)"), "no family is selected"),
        ("/panels/1/targets/0/expr", json!(format!("max({replica})")), "not bound to job and instance"),
        ("/panels/1/targets/0/expr", json!(format!("max({replica})")), "not bound to org"),
        ("/panels/1/targets/0/expr", json!(format!("sum ({replica})")), "added up over replicas"),
        ("/panels/1/targets/0/expr", json!(format!("sum by (state) ({replica})")), "added up over replicas"),
        ("/panels/1/targets/0/expr", json!(format!("sum(max by (org, state) ({replica}))")), "counted twice"),
        (
            "/panels/1/targets/0/expr",
            json!("max by (org) (genesyscloud_oauth_exporter_collector_supported{job=~\"$job\"})"),
            "not that of the replica that is worst off",
        ),
        (
            "/panels/1/targets/0/expr",
            json!("rate(process_cpu_seconds_total{job=~\"$job\"}[5m])"),
            "not $__rate_interval",
        ),
        ("/panels/1/targets/0/expr", json!("process_cpu_seconds_total{job=~\"$job\"}"), "rate or increase belong"),
    ]
}

#[test]
fn each_rule_can_be_broken() {
    let overview = all().pop().expect("the overview is the last by name");
    for (path, value, expected) in damages() {
        let mut dashboard = overview.clone();
        *dashboard.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        let found = problems(&dashboard);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{path}: expected {expected}, got {found:?}");
    }
}
