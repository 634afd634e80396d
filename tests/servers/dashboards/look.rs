//! Rules for how the dashboards look, found by rendering them in Grafana: colours, axes, titles, columns and the header.
//!
//! What Grafana shows without data is checked by `scripts/dashboards/empty.mjs`.

use serde_json::{Value, json};

use super::model::{all, list, panels, text};

/// The colours of severities and of grant types, on every dashboard.
const PALETTE: [(&str, &str); 11] = [
    ("critical", "red"),
    ("high", "orange"),
    ("medium", "yellow"),
    ("low", "blue"),
    ("info", "#808080"),
    ("password", "dark-red"),
    ("implicit", "dark-orange"),
    ("client_credentials", "blue"),
    ("code", "dark-blue"),
    ("saml2_bearer", "light-blue"),
    ("other", "purple"),
];
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

/// Tables that show the organisation even if only one is selected.
const ABOUT_ORGANISATIONS: [&str; 2] = ["Firing Alerts", "Organisations"];

/// Pixels of a column of the grid at a width of 1280, of a panel's frame and icons, and of a letter in a title, in tenths.
const COLUMN: u64 = 520;
const FRAME: u64 = 760;
const LETTER: u64 = 75;
/// The least width of a column without a fixed width, and of one with names that people choose or look for.
const READABLE: u64 = 130;
const NAME: u64 = 180;
const NAMES: [&str; 7] = ["Alert", "Client", "Exemption", "Grant", "Permission", "Rule", "Scope"];

/// The number of letters of a title that fit a panel.
fn letters(width: u64) -> u64 {
    (width * COLUMN - FRAME) / LETTER
}

fn problems(dashboard: &Value) -> Vec<String> {
    let mut found = about_the_header(dashboard);
    for panel in panels(dashboard) {
        let of_the_type = match text(panel, "type") {
            "state-timeline" => timeline(panel),
            "timeseries" => series(panel),
            "stat" => figure(panel),
            "table" => table(panel),
            "bargauge" => bars(panel),
            _ => Vec::new(),
        };
        let all = of_the_type.into_iter().chain(about_any(panel));
        found.extend(all.map(|problem| format!("{}: {problem}", text(panel, "title"))));
    }
    found
}

/// The names of the conditions that do not hold.
fn broken(rules: &[(bool, &str)]) -> Vec<String> {
    rules.iter().filter(|(holds, _)| !holds).map(|(_, rule)| (*rule).to_owned()).collect()
}

fn about_the_header(dashboard: &Value) -> Vec<String> {
    let names = |value: &Value, key: &str, of: &str| -> Vec<String> {
        list(value, key).iter().map(|entry| text(entry, of).to_owned()).collect()
    };
    let uid = text(dashboard, "uid");
    let marks = names(&dashboard["annotations"], "list", "name");
    let first = list(dashboard, "panels");
    let of_exporter = uid == "genesys-oauth-exporter";
    let figures = panels(dashboard).filter(|panel| text(panel, "type") == "stat");
    let unexplained = figures.filter(|panel| !panel["fieldConfig"]["defaults"]["links"][0]["url"].is_string()).count();
    broken(&[
        (
            names(dashboard, "links", "title") == ["Overview", "Clients", "Changes", "Exporter"],
            "the links of the header",
        ),
        (text(&dashboard["templating"]["list"][0], "name") == "org", "the organisation is not the first variable"),
        (marks.contains(&"Exporter restart".to_owned()) == of_exporter, "restarts are marked on another dashboard"),
        (
            list(&dashboard["annotations"], "list").iter().all(|mark| mark["hide"] == true),
            "the switches of the marks need a second line",
        ),
        (!of_exporter || text(&first[1], "title") == "Replicas Up", "the first figure is not Replicas Up"),
        (
            !of_exporter || first.iter().all(|row| (row["collapsed"] == true) == (text(row, "title") == "Process")),
            "Process, and only it, is closed",
        ),
        (
            uid != "genesys-oauth-overview" || unexplained == 0,
            "a figure of the overview does not link to its explanation",
        ),
    ])
}

fn about_any(panel: &Value) -> Vec<String> {
    let width = panel["gridPos"]["w"].as_u64().unwrap_or_default();
    let title = u64::try_from(text(panel, "title").chars().count()).unwrap_or(u64::MAX);
    let mut found = broken(&[
        (title <= letters(width), "its title is too long for its width"),
        (!panel.to_string().contains("\"reqps\""), "requests per second are fractions; per minute they are not"),
    ]);
    for (name, colour) in PALETTE {
        let overrides = list(&panel["fieldConfig"], "overrides").iter();
        for own in overrides.filter(|own| own["matcher"]["options"] == name) {
            // States and endpoints have an `other`, too.
            if own["properties"][0]["value"]["fixedColor"] != colour {
                found.push(format!("{name} has another colour than elsewhere"));
            }
        }
    }
    for result in texts(&panel["fieldConfig"]) {
        let severity = PALETTE.iter().find(|(name, _)| SEVERITIES.contains(name) && *name == text(result, "text"));
        if severity.is_some_and(|(_, colour)| *colour != text(result, "color")) {
            found.push(format!("the text {} has another colour than elsewhere", text(result, "text")));
        }
    }
    found
}

/// Every text that stands for a value, with its colour: the objects with a `text`, at any depth.
fn texts(value: &Value) -> Vec<&Value> {
    let inner: Vec<&Value> = match value {
        Value::Array(entries) => entries.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    let own = value["text"].is_string().then_some(value);
    own.into_iter().chain(inner.into_iter().flat_map(texts)).collect()
}

fn timeline(panel: &Value) -> Vec<String> {
    let defaults = &panel["fieldConfig"]["defaults"];
    broken(&[
        (defaults["color"]["mode"] == "fixed", "its colours are not those of its mappings"),
        (list(defaults, "mappings").len() > 1, "no value has a text"),
        (panel["options"]["legend"]["showLegend"] == false, "a legend repeats its texts"),
        (panel["options"]["perPage"] == 0, "it has pages"),
    ])
}

fn series(panel: &Value) -> Vec<String> {
    let defaults = &panel["fieldConfig"]["defaults"];
    let custom = &defaults["custom"];
    let stacked = custom["stacking"]["mode"] == "normal";
    let count = defaults["unit"] == "none";
    let end = match text(defaults, "unit") {
        "none" => json!(1),
        "percentunit" => json!(0.05),
        _ => Value::Null,
    };
    let legends: Vec<&str> = list(panel, "targets").iter().map(|target| text(target, "legendFormat")).collect();
    let by_severity =
        list(&panel["fieldConfig"], "overrides").iter().any(|own| own["matcher"]["options"] == "critical");
    broken(&[
        (!stacked || (custom["lineWidth"] == 0 && custom["fillOpacity"] == 70), "a stack has lines or a weak fill"),
        (custom["axisSoftMax"] == end, "the end of its axis does not fit its unit"),
        (!count || defaults["decimals"] == 0, "a count has decimals"),
        (panel["interval"].is_null() || custom["showPoints"] == "auto", "a single point is invisible"),
        (!by_severity || legends == SEVERITIES, "the severities are not one query each, the worst first"),
    ])
}

fn figure(panel: &Value) -> Vec<String> {
    let options = &panel["options"];
    let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"], "steps");
    let zero = steps.len() > 2 && steps[1] == json!({ "color": "green", "value": 0 }) && steps[2]["value"] == 1;
    let spark = options["graphMode"] != "none";
    let last = options["reduceOptions"]["calcs"] == json!(["last"]);
    let ends = list(panel, "targets").iter().all(|target| text(target, "expr").ends_with(" or vector(NaN)"));
    broken(&[
        (options["colorMode"] != "background" || zero, "a background is for values that must be zero"),
        (!spark || (last && ends), "its sparkline makes it show a value that was withdrawn"),
        (spark || !last, "it shows nothing if the last value is missing"),
        (spark || !["Flagged", "Critical"].contains(&text(panel, "title")), "it has no sparkline"),
        (!spark || (steps.len() == 1 && options["colorMode"] == "value"), "a value with a sparkline is not plain"),
    ])
}

fn table(panel: &Value) -> Vec<String> {
    let defaults = &panel["fieldConfig"]["defaults"];
    let organize = list(panel, "transformations").iter().find(|one| one["id"] == "organize");
    let headers = organize.and_then(|one| one["options"]["renameByName"].as_object()).cloned().unwrap_or_default();
    let overrides = list(&panel["fieldConfig"], "overrides");
    let property = |header: &str, id: &str| {
        let own = overrides.iter().find(|own| own["matcher"]["options"] == header)?;
        list(own, "properties").iter().find(|property| property["id"] == id).map(|property| &property["value"])
    };
    let headers: Vec<&str> = headers.values().filter_map(Value::as_str).collect();
    let least = |header: &&str| if NAMES.contains(header) { NAME } else { READABLE };
    let fixed = |header: &&str| property(header, "custom.width").and_then(Value::as_u64);
    let width = |header: &&str| fixed(header).unwrap_or_else(|| least(header));
    let room = panel["gridPos"]["w"].as_u64().unwrap_or_default() * COLUMN / 10;
    let neutral = |header: &&str| {
        let bar = property(header, "custom.cellOptions").is_some_and(|cell| cell["type"] == "gauge");
        !bar || property(header, "color").is_some_and(|colour| colour["mode"] == "fixed")
    };
    let organisation = headers.contains(&"Organisation");
    let hides = list(panel, "targets").iter().all(|target| text(target, "expr").contains("\"$hide_org\""));
    let unapproved = text(panel, "title") == "Unapproved Grants by Client";
    let newest = panel["options"]["sortBy"] == json!([{ "displayName": "Since", "desc": true }]);
    broken(&[
        (headers.iter().map(width).sum::<u64>() <= room, "its columns are cut off"),
        (
            headers.iter().filter(|header| NAMES.contains(header)).all(|name| width(name) >= NAME),
            "the column of a name is too narrow",
        ),
        (
            !unapproved || (newest && headers.contains(&"Severity") && headers.contains(&"Since")),
            "it does not show severity and since, the newest first",
        ),
        (!organisation || width(&"Organisation") <= 110, "the organisation is wide"),
        (
            !organisation || hides != ABOUT_ORGANISATIONS.contains(&text(panel, "title")),
            "a single organisation has a column",
        ),
        (headers.iter().all(neutral), "a bar that is relative to the others has the colour of a severity"),
        (!text(defaults, "noValue").is_empty(), "it does not say that it is empty"),
    ])
}

fn bars(panel: &Value) -> Vec<String> {
    broken(&[(
        panel["fieldConfig"]["defaults"]["color"]["mode"] == "fixed",
        "a bar that is relative to the others has the colour of a severity",
    )])
}

#[test]
fn the_dashboards_look_right() {
    assert_eq!(letters(3), 10, "as measured in Grafana");
    for dashboard in all() {
        let found = problems(&dashboard);
        assert!(found.is_empty(), "{}:\n{}", text(&dashboard, "uid"), found.join("\n"));
    }
}

/// The dashboard, the panel (empty: the dashboard itself), the place in it, its new value, and the problem.
fn damages() -> Vec<(&'static str, &'static str, &'static str, Value, &'static str)> {
    vec![
        ("overview", "", "/links/1/title", json!("Genesys Cloud OAuth / Clients"), "the links of the header"),
        ("overview", "", "/templating/list/0/name", json!("datasource"), "not the first variable"),
        ("overview", "", "/annotations/list/0/name", json!("Exporter restart"), "restarts are marked"),
        ("overview", "", "/annotations/list/0/hide", json!(false), "need a second line"),
        ("overview", "Coverage", "/fieldConfig/defaults/links", Value::Null, "does not link to its explanation"),
        ("overview", "Coverage", "/options/colorMode", json!("background"), "for values that must be zero"),
        ("overview", "Flagged", "/options/reduceOptions/calcs", json!(["lastNotNull"]), "a value that was withdrawn"),
        ("overview", "Flagged", "/targets/0/expr", json!("sum(x)"), "a value that was withdrawn"),
        ("overview", "Implicit Ends", "/fieldConfig/defaults/links", Value::Null, "does not link to its explanation"),
        ("overview", "Age of the Data", "/options/reduceOptions/calcs", json!(["last"]), "shows nothing if the last"),
        ("overview", "Critical", "/options/graphMode", json!("none"), "it has no sparkline"),
        ("overview", "Critical", "/options/colorMode", json!("background"), "is not plain"),
        ("overview", "Unapproved Grants by Client", "/options/sortBy/0/desc", json!(false), "the newest first"),
        (
            "overview",
            "Unapproved Grants by Client",
            "/fieldConfig/overrides/2/properties/3/value/0/options/high/color",
            json!("red"),
            "the text high has another colour",
        ),
        (
            "overview",
            "Unapproved Grants by Client",
            "/fieldConfig/overrides/4/properties/0/value",
            json!(200),
            "the organisation is wide",
        ),
        ("changes", "New Grants by Client", "/fieldConfig/overrides/0/properties/0/value", json!(400), "are cut off"),
        (
            "clients",
            "Clients",
            "/fieldConfig/overrides/0/properties/0",
            json!({ "id": "custom.width", "value": 90 }),
            "the column of a name",
        ),
        ("overview", "Clients", "/title", json!("Clients of All Organisations"), "too long for its width"),
        (
            "overview",
            "Top Rules",
            "/fieldConfig/overrides/2/properties/2/value/mode",
            json!("thresholds"),
            "a bar that",
        ),
        ("overview", "Clients by Grant Type", "/fieldConfig/defaults/color/mode", json!("thresholds"), "a bar that"),
        (
            "overview",
            "Clients by Grant Type",
            "/fieldConfig/overrides/0/properties/0/value/fixedColor",
            json!("green"),
            "another colour than elsewhere",
        ),
        ("overview", "Firing Alerts", "/fieldConfig/overrides/1/properties/1/value", json!(400), "columns are cut off"),
        (
            "overview",
            "Flagged Clients by Severity",
            "/targets/0/legendFormat",
            json!("{{severity}}"),
            "not one query each",
        ),
        ("overview", "Flagged Clients by Severity", "/fieldConfig/defaults/custom/lineWidth", json!(2), "a stack has"),
        ("overview", "Flagged Clients by Severity", "/fieldConfig/defaults/decimals", Value::Null, "has decimals"),
        ("exporter", "", "/panels/1/title", json!("Up"), "not Replicas Up"),
        ("exporter", "", "/panels/0/collapsed", json!(true), "Process, and only it"),
        ("exporter", "Collectors over Time", "/fieldConfig/defaults/color/mode", json!("thresholds"), "not those of"),
        ("exporter", "Collectors over Time", "/fieldConfig/defaults/mappings", json!([]), "no value has a text"),
        ("exporter", "Collectors over Time", "/options/legend/showLegend", json!(true), "a legend repeats"),
        ("exporter", "Collectors over Time", "/options/perPage", json!(20), "it has pages"),
        ("exporter", "Share of 429", "/fieldConfig/defaults/custom/axisSoftMax", json!(1), "the end of its axis"),
        ("exporter", "Latency", "/fieldConfig/defaults/custom", json!({ "axisSoftMax": 1 }), "the end of its axis"),
        ("exporter", "Latency", "/fieldConfig/defaults/custom/showPoints", json!("never"), "a single point"),
        ("exporter", "Latency", "/fieldConfig/defaults/unit", json!("reqps"), "requests per second"),
        ("exporter", "Collectors", "/targets/0/expr", json!("up"), "a single organisation has a column"),
        ("exporter", "Collectors", "/fieldConfig/defaults/noValue", json!(""), "it does not say"),
    ]
}

#[test]
fn each_rule_of_the_look_can_be_broken() {
    for (name, title, place, value, expected) in damages() {
        let uid = format!("genesys-oauth-{name}");
        let mut dashboard = all().into_iter().find(|dashboard| text(dashboard, "uid") == uid).expect("it is there");
        let at = list(&dashboard, "panels").iter().position(|panel| text(panel, "title") == title);
        let panel = at.map_or(String::new(), |at| format!("/panels/{at}"));
        let place = format!("{panel}{place}");
        *dashboard.pointer_mut(&place).unwrap_or_else(|| panic!("{title}: {place}")) = value;
        let found = problems(&dashboard);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{title} {place}: {expected}; got {found:?}");
    }
}
