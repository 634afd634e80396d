//! Runs every query of every panel, variable and annotation on a real Prometheus that scrapes a pair of exporters while their
//! organisation changes: each query has data, and the columns that the panels refer to exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use genesyscloud_oauth_exporter::simulator::{Options, SimulatedOrganisation, Simulator};
use serde_json::{Value, json};

use super::exporters::{self, demo, exporter};
use super::model::{Query, all, list, panels, queries, queries_of, text};
use crate::programs::{Prometheus, turn};
use crate::support::{program_for, until};

/// A client that acts for a user. It gains `oauth` in the first change of the simulated organisation.
const CLIENT: &str = "CRM screen pop";

/// Queries that may be empty, and why.
const EMPTY: [(&str, &str); 3] = [
    ("genesys-oauth-clients / Approval over Time / B", "a client has scopes or permissions, not both"),
    ("genesys-oauth-clients / Findings by Severity / C", "this client has no finding of severity medium"),
    ("genesys-oauth-clients / Findings by Severity / D", "this client has no finding of severity low"),
];

/// Columns and series that a panel refers to and that do not exist, and why.
const ABSENT: [(&str, &str); 3] = [
    ("genesys-oauth-changes / Findings by Status / override not_evaluated", "the exporter may read everything here"),
    ("genesys-oauth-clients / Findings by Severity / override medium", "this client has no such finding"),
    ("genesys-oauth-clients / Findings by Severity / override low", "this client has no such finding"),
];

pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// An organisation whose grants are approved, with an exemption that has an end, and which then changes.
struct World {
    simulator: Simulator,
    folder: tempfile::TempDir,
}

impl World {
    async fn found() -> Self {
        // Clients that are created from now on are new in the time range.
        #[allow(clippy::cast_possible_truncation, reason = "seconds of this century")]
        let options = Options { now: now() as i64, ..Options::default() };
        let simulator = Simulator::start(options).await.expect("loopback");
        simulator.organisation().set_rate_limit(1_000_000);
        Self { simulator, folder: tempfile::tempdir().expect("a folder") }
    }

    fn organisation(&self) -> SimulatedOrganisation {
        self.simulator.organisation()
    }

    /// The files of policy and baseline.
    fn approve(&self) -> (std::path::PathBuf, std::path::PathBuf) {
        let [policy, baseline] = ["policy.toml", "baseline.json"].map(|name| self.folder.path().join(name));
        let expires = jiff::Timestamp::now() + Duration::from_hours(24 * 90);
        let exemption = format!(
            "[[exemption]]\nid = \"legacy-ivr\"\nrule = \"password-grant\"\nclient = \"*\"\nowner = \"ops@example.com\"\n\
             reason = \"It moves in spring.\"\nexpires = {}\n",
            expires.strftime("%Y-%m-%d")
        );
        fs::write(&policy, exemption).expect("writable");
        let mut init = program_for(&self.simulator.url());
        init.args(["baseline", "init", "--by", "Kim", "--reason", "OPS-1", "--baseline.file"]).arg(&baseline);
        init.arg("--policy.file").arg(&policy);
        assert!(init.status().expect("it runs").success());
        (policy, baseline)
    }

    /// The first changes, and a scheduled deletion of the selected client.
    fn change(&self) {
        let organisation = self.organisation();
        let changes = organisation.advance_to(Duration::from_mins(10));
        assert!(changes.len() > 5, "{changes:?}");
        assert!(organisation.schedule_deletion(CLIENT, Some(organisation.now() + 86_400)));
    }
}

/// A text with Grafana's variables, as Grafana would send it.
fn interpolate(expr: &str, variables: &BTreeMap<&str, String>) -> String {
    let mut text = expr.to_owned();
    // The longest name first: $__rate_interval begins with the names of others.
    for (name, value) in variables.iter().rev() {
        text = text.replace(&format!("${name}"), value);
    }
    assert!(!text.replace("\"$1\"", "").contains('$'), "a variable is left: {text}");
    text
}

/// Grafana combines the selected values of a variable into one regular expression.
fn any_of(values: &[String]) -> String {
    let escaped: Vec<_> = values.iter().map(|value| value.replace('.', "\\\\.")).collect();
    if escaped.len() == 1 { escaped[0].clone() } else { format!("({})", escaped.join("|")) }
}

/// What Grafana sends for All: the variable's own value for it, or all options.
fn all_of(variable: &Value, offered: &[String]) -> String {
    variable["allValue"].as_str().map_or_else(|| any_of(offered), str::to_owned)
}

/// The options of a variable: `label_values(selector, label)`, or the series of `query_result(expr)`.
async fn offered(prometheus: &Prometheus, query: &str, variables: &BTreeMap<&str, String>) -> Vec<String> {
    let query = interpolate(query, variables);
    let inner = |name: &str| query.strip_prefix(name).and_then(|rest| rest.strip_suffix(')'));
    if let Some(expr) = inner("query_result(") {
        let data = prometheus.get("/query", &[("query", expr)]).await.expect("a query");
        return list(&data, "result").iter().map(|series| text(&series["metric"], "client_id").to_owned()).collect();
    }
    let (selector, label) = inner("label_values(").and_then(|rest| rest.rsplit_once(", ")).expect("label_values");
    let (start, end) = (format!("{:.3}", now() - 3600.0), format!("{:.3}", now()));
    let range = [("match[]", selector), ("start", &start), ("end", &end)];
    let data = prometheus.get(&format!("/label/{label}/values"), &range).await.expect("values");
    data.as_array().expect("a list").iter().map(|value| value.as_str().expect("a text").to_owned()).collect()
}

/// The result of a query, as `matrix` or `vector`.
pub(crate) async fn ask(prometheus: &Prometheus, query: &Query, variables: &BTreeMap<&str, String>, at: f64) -> Value {
    let expr = interpolate(&query.expr, variables);
    let (start, end) = (format!("{:.3}", at - 120.0), format!("{at:.3}"));
    let answer = if query.instant {
        prometheus.get("/query", &[("query", &expr), ("time", &end)]).await
    } else {
        prometheus.get("/query_range", &[("query", &expr), ("start", &start), ("end", &end), ("step", "1")]).await
    };
    answer.unwrap_or_else(|error| panic!("{}: {error}\n{expr}", query.place))
}

/// Whether the result contains a number: a quantile of no samples is a series as well.
pub(crate) fn has_data(result: &Value) -> bool {
    let number = |sample: &Value| sample[1].as_str().is_some_and(|text| text != "NaN");
    list(result, "result").iter().any(|series| number(&series["value"]) || list(series, "values").iter().any(number))
}

/// Selects All in every variable, and the existing clients.
async fn choose(
    prometheus: &Prometheus,
    dashboards: &[Value],
    replicas: usize,
) -> (BTreeMap<&'static str, String>, Vec<String>) {
    let mut chosen =
        BTreeMap::from([("__rate_interval", "4s".to_owned()), ("__from", format!("{:.0}", (now() - 3600.0) * 1000.0))]);
    // As with several organisations, so that each column is there.
    chosen.insert("hide_org", String::new());
    let variables: Vec<&Value> = dashboards.iter().flat_map(|d| list(&d["templating"], "list")).collect();
    let named = |name: &str| *variables.iter().find(|variable| text(variable, "name") == name).expect(name);
    let query = |name: &str| text(&named(name)["query"], "query");
    for name in ["job", "instance", "org"] {
        let values = offered(prometheus, query(name), &chosen).await;
        assert_eq!(values.len(), if name == "instance" { replicas } else { 1 }, "{name}: {values:?}");
        chosen.insert(name, all_of(named(name), &values));
    }
    let clients = offered(prometheus, query("client"), &chosen).await;
    (chosen, clients)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_has_data_and_every_column_is_there() {
    let _turn = turn().await;
    let world = World::found().await;
    let (policy, baseline) = world.approve();
    let flags = [("--policy.file", policy.as_path()), ("--baseline.file", baseline.as_path())];
    let pair = ["a", "b"].map(|name| exporter(&world.simulator, world.folder.path(), name, &flags));
    let prometheus = exporters::prometheus(world.folder.path(), &pair.each_ref().map(|(_, address)| address.clone()));
    let until_count = async |expr: &str, expected: &str| {
        until(&format!("{expr} is {expected}"), || async {
            let data = prometheus.get("/query", &[("query", expr)]).await.ok()?;
            (data["result"][0]["value"][1] == expected).then_some(())
        })
        .await;
    };
    until_count("count(genesyscloud_oauth_baseline_loaded == 1)", "2").await;
    world.change();
    let client = world.organisation().client_id(CLIENT).expect("it is there");
    let unapproved =
        format!("count(genesyscloud_oauth_client_dangerous_scope_unapproved{{client_id='{client}'}} == 1)");
    until_count(&unapproved, "2").await;

    let dashboards = all();
    let (variables, clients) = choose(&prometheus, &dashboards, 2).await;
    assert!(clients.contains(&client));
    let variables = variables.into_iter().chain([("client", client)]).collect();

    let allowed: BTreeSet<&str> = EMPTY.iter().map(|(place, _)| *place).collect();
    let results = until_all_have_data(&prometheus, &dashboards, &variables, &allowed).await;
    let clients = world.organisation().truth().clients.to_string();
    let counted = &results["genesys-oauth-overview / Clients / A"]["result"][0]["value"][1];
    assert_eq!(counted, clients.as_str(), "the pair exports one organisation");
    let file = world.folder.path().join("results.json");
    fs::write(&file, json!(results).to_string()).expect("writable");
    assert_columns(&file);

    // Without the names of the clients, the panels that show them lack a column.
    let nameless = json!(results).to_string().replace("\"client_name\":", "\"name\":");
    fs::write(&file, nameless).expect("writable");
    let said = missing_columns(&file);
    assert!(said.contains("genesys-oauth-overview / Unapproved Grants by Client / column client_name"), "{said}");

    assert_eq!(figure(&results["genesys-oauth-exporter / Replicas Up / A"]), Some("2"), "Prometheus itself is none");
    one_organisation_has_no_column(&prometheus, &dashboards, &variables).await;
    drop(pair);
    until_count("sum(up{job=\"genesyscloud-oauth\"})", "0").await;
    // Selected again, as in a dashboard that is opened now.
    let (chosen, _) = choose(&prometheus, &dashboards, 2).await;
    let variables = chosen.into_iter().chain([("client", variables["client"].clone())]).collect();
    let told = figures(&prometheus, &dashboards, &variables).await;
    // An open page does not resolve because the exporter is down.
    let expected = ["genesys-oauth-exporter / Replicas Up / A", "genesys-oauth-overview / Firing Alerts / A"];
    assert_eq!(told.keys().collect::<Vec<_>>(), expected, "with the exporter down nothing else is known");
    assert_eq!(figure(&told[expected[0]]), Some("0"));
    for query in dashboards.iter().flat_map(queries).filter(|query| query.expr.ends_with(" or vector(NaN)")) {
        let result = ask(&prometheus, &query, &variables, now()).await;
        let last = list(&result["result"][0], "values").last().expect("a sample for each step");
        assert_eq!(last[1], "NaN", "{}: a figure with a sparkline shows its last value", query.place);
    }
}

/// The value of `hide_org` for the one organisation, and the label that it removes from the tables.
async fn one_organisation_has_no_column(
    prometheus: &Prometheus,
    dashboards: &[Value],
    variables: &BTreeMap<&'static str, String>,
) {
    let of_dashboard = list(&dashboards[0]["templating"], "list");
    let variable = of_dashboard.iter().find(|variable| text(variable, "name") == "hide_org").expect("it is there");
    let query = interpolate(text(&variable["query"], "query"), variables);
    let expr = query.strip_prefix("query_result(").and_then(|rest| rest.strip_suffix(')')).expect("query_result");
    let data = prometheus.get("/query", &[("query", expr)]).await.expect("a query");
    assert_eq!(data["result"][0]["metric"], json!({ "hide": ".+" }));
    let mut variables = variables.clone();
    variables.insert("hide_org", ".+".to_owned());
    let hidden: Vec<Query> = dashboards.iter().flat_map(queries).filter(|q| q.expr.contains("$hide_org")).collect();
    assert!(hidden.len() > 5, "{hidden:?}");
    for query in hidden {
        let result = ask(prometheus, &query, &variables, now()).await;
        assert!(list(&result, "result").iter().all(|row| row["metric"]["org"].is_null()), "{}: {result}", query.place);
    }
}

/// The single value of a result.
pub(crate) fn figure(result: &Value) -> Option<&str> {
    result["result"][0]["value"][1].as_str()
}

/// The current values of the panels that have a value.
async fn figures(
    prometheus: &Prometheus,
    dashboards: &[Value],
    variables: &BTreeMap<&str, String>,
) -> BTreeMap<String, Value> {
    let mut told = BTreeMap::new();
    for query in dashboards.iter().flat_map(queries).filter(|query| query.instant) {
        let result = ask(prometheus, &query, variables, now()).await;
        if has_data(&result) {
            told.insert(query.place, result);
        }
    }
    told
}

/// Repeats the queries until all have data, except those that may be empty, which must be empty.
async fn until_all_have_data(
    prometheus: &Prometheus,
    dashboards: &[Value],
    variables: &BTreeMap<&str, String>,
    allowed: &BTreeSet<&str>,
) -> BTreeMap<String, Value> {
    let queries: Vec<Query> = dashboards.iter().flat_map(queries).collect();
    let places: BTreeSet<&str> = queries.iter().map(|query| query.place.as_str()).collect();
    assert_eq!(places.len(), queries.len(), "two panels of one dashboard have the same title");
    let last = std::sync::Mutex::new(Vec::new());
    let asking = until("every query has data", || async {
        let mut results = BTreeMap::new();
        // One time for all queries, as in Grafana, which merges rows with the same time.
        let at = now();
        for query in &queries {
            results.insert(query.place.clone(), ask(prometheus, query, variables, at).await);
        }
        let empty = results.iter().filter(|(_, result)| !has_data(result)).map(|(place, _)| place.clone());
        let wrong: Vec<String> = empty.filter(|place| !allowed.contains(place.as_str())).collect();
        let good = wrong.is_empty();
        *last.lock().expect("nobody panics with it") = wrong;
        good.then_some(results)
    });
    let limited = tokio::time::timeout(Duration::from_secs(50), asking).await;
    let results = limited.unwrap_or_else(|_| panic!("no data: {:#?}", last.lock().expect("nobody panics with it")));
    let stale: Vec<_> = allowed.iter().filter(|place| results.get(**place).is_none_or(has_data)).collect();
    assert!(stale.is_empty(), "these have data, and need no excuse: {stale:?}");
    results
}

/// Fields that the panels' transformations, overrides, orders and links refer to and that are not in their results, according to
/// Grafana's own code. One line for each.
fn missing_columns(results: &Path) -> String {
    let output = Command::new("node").arg("scripts/dashboards/columns.mjs").arg(results).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn assert_columns(results: &Path) {
    let said = missing_columns(results);
    let missing: BTreeSet<&str> = said.lines().collect();
    let excused: BTreeSet<&str> = ABSENT.iter().map(|(place, _)| *place).collect();
    let wrong: Vec<_> = missing.difference(&excused).collect();
    let stale: Vec<_> = excused.difference(&missing).collect();
    assert!(wrong.is_empty() && stale.is_empty(), "not there: {wrong:#?}\nthere, and excused: {stale:#?}");
}

/// A panel without data says what that means, instead of Grafana's default text.
fn says_why(panel: &Value) -> bool {
    !["", "No data"].contains(&text(&panel["fieldConfig"]["defaults"], "noValue"))
}

/// Shortly after the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_demo_each_panel_shows_something_or_says_why_not() {
    let _turn = turn().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (_demo, address) = demo(folder.path());
    let prometheus = exporters::prometheus(folder.path(), &[address]);
    until("the demo has data", || async {
        let data = prometheus.get("/query", &[("query", "genesyscloud_oauth_org_info")]).await.ok()?;
        (!list(&data, "result").is_empty()).then_some(())
    })
    .await;
    let dashboards = all();
    let (variables, clients) = choose(&prometheus, &dashboards, 1).await;
    let variables = variables.into_iter().chain([("client", clients[0].clone())]).collect();
    let silent = std::sync::Mutex::new(Vec::new());
    let asking = until("each panel shows something", || async {
        let at = now();
        let mut found = Vec::new();
        for panel in dashboards.iter().flat_map(panels).filter(|panel| !says_why(panel)) {
            let mut shows = false;
            for query in queries_of(panel) {
                shows |= has_data(&ask(&prometheus, &query, &variables, at).await);
            }
            if !shows {
                found.push(text(panel, "title").to_owned());
            }
        }
        let good = found.is_empty();
        *silent.lock().expect("nobody panics with it") = found;
        good.then_some(())
    });
    let limited = tokio::time::timeout(Duration::from_secs(50), asking).await;
    limited.unwrap_or_else(|_| panic!("these show nothing: {:#?}", silent.lock().expect("nobody panics with it")));
}
