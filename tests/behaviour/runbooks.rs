//! Every link that the program prints leads to a page of the exporter: of alerts to a runbook, of reports to a rule.
//!
//! Not whether Prometheus accepts the rules (`tests/servers/alerts`).

use std::collections::{BTreeSet, VecDeque};
use std::fs;

use serde_json::Value;
use url::Url;

use crate::served::{Options, Server, within};
use crate::support::{Exporter, program, program_for, settings, simulator, text};

const BROWSER: &str = "Host: localhost\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";

/// What `alerts` prints, or its error and exit code.
fn alerts(arguments: &[&str]) -> Result<String, (Option<i32>, String)> {
    let output = program().arg("alerts").args(arguments).output().expect("it runs");
    if output.status.success() { Ok(text(&output.stdout)) } else { Err((output.status.code(), text(&output.stderr))) }
}

/// The names of the alerts of the rules.
fn names(rules: &str) -> Vec<&str> {
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect()
}

/// Every `helpUri` and `informationUri`.
fn uris(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if ["helpUri", "help_uri", "informationUri"].contains(&key.as_str()) {
                    found.extend(value.as_str().map(str::to_owned));
                }
                uris(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| uris(item, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_link_of_an_alert_or_a_report_leads_to_a_page_of_the_exporter() {
    let simulator = simulator().await;
    let url = "https://oauth.example.net/tools";
    let exporter = Exporter::start(settings(&simulator, &[("web.external-url", url)])).await;
    let scrape = exporter.until_refreshed().await;
    assert_eq!(scrape.count("exporter_web_info", &[&format!("external_url=\"{url}\"")]), 1);

    let mut links = BTreeSet::new();
    let rules = alerts(&["--web.external-url", url]).expect("rules");
    let written = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: "));
    links.extend(written.map(str::to_owned));
    assert_eq!(links.len(), names(&rules).len(), "each alert has its own: {links:?}");
    // The rules as they are installed: the template ends with the path.
    for file in ["alerts/security.yml", "alerts/health.yml"] {
        let rules = fs::read_to_string(file).expect("a rule file");
        let paths = rules.lines().filter_map(|line| line.split_once("{{ end }}/runbooks/"));
        let paths: Vec<String> = paths.map(|(_, alert)| format!("{url}/runbooks/{alert}")).collect();
        assert_eq!(paths.len(), names(&rules).len());
        links.extend(paths);
    }
    let alerts = links.len();
    for format in ["sarif", "json", "markdown", "table"] {
        let arguments = ["audit", "--fail-on=never", "--web.external-url", url, "--format", format];
        let output = program_for(&simulator.url()).args(arguments).output().expect("it runs");
        let report = text(&output.stdout);
        let before = links.len();
        match format {
            "sarif" | "json" => uris(&serde_json::from_str(&report).expect("JSON"), &mut links),
            "markdown" => {
                links.extend(report.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
            }
            _ => links.extend(report.split_whitespace().filter(|word| word.starts_with(url)).map(str::to_owned)),
        }
        assert!(links.len() > before || format != "sarif", "{format}: {report}");
        assert!(report.contains(&format!("{url}/rules/")), "{format}");
    }
    let (_, report) = exporter.get("/api/v1/report").await;
    uris(&serde_json::from_str(&report).expect("JSON"), &mut links);
    assert!(links.len() > alerts + 50, "every rule: {links:?}");
    for link in links {
        let path = link.strip_prefix(url).unwrap_or_else(|| panic!("{link} does not lead to the exporter"));
        let path = if path.is_empty() { "/" } else { path };
        let (status, page) = exporter.get(path).await;
        assert!(status == 200 && page.contains("<h1"), "{link}: {status}");
    }
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_external_url_reports_have_no_links() {
    let simulator = simulator().await;
    for format in ["sarif", "json", "markdown", "table"] {
        let arguments = ["audit", "--fail-on=never", "--format", format];
        let report = text(&program_for(&simulator.url()).args(arguments).output().expect("it runs").stdout);
        let mut found = BTreeSet::new();
        if let Ok(value) = serde_json::from_str(&report) {
            uris(&value, &mut found);
        }
        assert!(found.is_empty() && !report.contains("/rules/"), "{format}: {found:?}");
    }
}

#[tokio::test]
async fn runbooks_and_rules_are_open_where_the_details_are_closed_and_their_links_work_below_a_path() {
    let server = Server::start(Options { bound: Some("10.0.0.7:9847"), ..Options::default() }).await;
    let home = Url::parse("https://proxy.example/tools/oauth/").expect("a URL");
    let mut open: VecDeque<Url> =
        ["runbooks/", "rules/", "runbooks", "rules"].map(|path| home.join(path).expect("a path")).into();
    let mut seen: BTreeSet<Url> = open.iter().cloned().collect();
    while let Some(url) = open.pop_front() {
        let path = url.as_str().strip_prefix(home.as_str()).unwrap_or_else(|| panic!("{url} leaves the exporter"));
        let forwarded = format!("{BROWSER}X-Forwarded-For: 192.0.2.1\r\n");
        let answer = within(server.ask_with("GET", &format!("/{path}"), &forwarded)).await;
        // There is no data, so the exporter is not ready.
        assert_eq!(answer.status, if path == "-/ready" { 503 } else { 200 }, "{path}");
        let is_document = path.starts_with("runbooks") || path.starts_with("rules");
        if is_document {
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        }
        let links = answer.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for link in links.filter(|link| is_document && !link.starts_with("data:")) {
            // The references of rules lead to the vendor.
            if link.starts_with("https://") {
                assert!(path.starts_with("rules/"), "{link} of {path}");
                continue;
            }
            assert!(!link.starts_with('/'), "{link} of {path} is not relative");
            let target = url.join(link).expect(link);
            if seen.insert(target.clone()) {
                open.push_back(target);
            }
        }
    }
    let below = |part: &str| seen.iter().filter(|url| url.path().contains(part)).count();
    assert!(below("/runbooks/") > 17 && below("/rules/") > 50, "{seen:?}");
    assert!(server.counted("document", "200").is_some_and(|count| count > 70));
}

#[tokio::test]
async fn an_unknown_name_is_a_404_that_lists_what_exists() {
    let server = Server::start(Options::default()).await;
    for (path, known) in [
        ("/runbooks/GenesysOAuthNothing", "GenesysOAuthExporterDown"),
        ("/runbooks/GenesysOAuthExporterDown/", "GenesysOAuthExporterDown"),
        ("/runbooks/genesysoauthexporterdown", "GenesysOAuthExporterDown"),
        ("/rules/nothing", "dangerous-scope"),
        ("/rules/../etc/passwd", "dangerous-scope"),
        ("/rules/%3Cscript%3E", "dangerous-scope"),
    ] {
        let page = within(server.ask_with("GET", path, BROWSER)).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert!(
            page.body.contains(&format!("/{known}\"")) && page.body.contains("There is no r"),
            "{path}: {}",
            page.body
        );
        let plain = within(server.ask("GET", path)).await;
        assert!(plain.status == 404 && plain.body.contains(&format!("\n{known}")), "{path}: {}", plain.body);
        assert!(!plain.body.contains('<'), "{path}");
    }
    assert_eq!(within(server.ask("POST", "/rules/")).await.status, 405);
    assert_eq!(within(server.ask("HEAD", "/rules/")).await.status, 200);
    let foreign = within(server.ask_with("GET", "/rules/", "Host: rebound.example.net\r\n")).await;
    assert_eq!(foreign.status, 403, "as every page on a loopback listener");
}

#[test]
fn a_bad_value_is_refused_with_exit_code_2_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().to_str().expect("UTF-8");
    for (arguments, message) in [
        (&["--job="][..], "a job has a name"),
        (&["--job", "a\nb"], "control character"),
        (&["--label=team"], "NAME=VALUE"),
        (&["--label=te am=x"], "not the name of a label"),
        (&["--label=severity=page"], "use this label themselves"),
        (&["--label=a=1", "--label=b=2", "--label=a=1"], "the label is given twice"),
        (&["--runbooks=wiki"], "is not a URL"),
        (&["--dashboards=ftp://x.example.net"], "must start with https://"),
        (&["--web.external-url=https://kim:hunter2@x.example.net"], "--web.external-url"),
        (&["--web.external-url=https://x.example.net/?a=b"], "a query"),
        (&["--refresh.interval=2d"], "--refresh.interval"),
        (&["--refresh.stale-after=1m"], "must be longer than --refresh.interval"),
        (&["everything"], "invalid value"),
    ] {
        let (code, error) = alerts(&[arguments, &["--directory", directory]].concat()).expect_err(message);
        assert!(code == Some(2) && error.contains(message), "{arguments:?}: {code:?} {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let missing = folder.path().join("missing");
    let (code, error) = alerts(&["--directory", missing.to_str().expect("UTF-8")]).expect_err("no directory");
    assert!(code == Some(4) && error.contains("cannot be written"), "{error}");
}

#[test]
fn one_file_or_both_are_printed_or_written_and_the_environment_counts() {
    let (both, security, health) = (alerts(&[]), alerts(&["security"]), alerts(&["health"]));
    let (both, security, health) = (both.expect("both"), security.expect("one"), health.expect("one"));
    assert_eq!(names(&both), [names(&security), names(&health)].concat());
    assert_eq!(both.lines().filter(|line| *line == "groups:").count(), 1, "one document");
    let folder = tempfile::tempdir().expect("a folder");
    let printed = alerts(&["--directory", folder.path().to_str().expect("UTF-8")]).expect("written");
    assert!(printed.is_empty());
    for (name, text) in [("security.yml", &security), ("health.yml", &health)] {
        assert!(*text == fs::read_to_string(folder.path().join(name)).expect("written"), "{name}");
    }
    // As the exporter reads them: variables, without credentials, and whatever the policy and the baseline are.
    let output = program()
        .env("GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_STALE_AFTER", "2d")
        .env("GENESYSCLOUD_OAUTH_EXPORTER_POLICY_FILE", "/nowhere.toml")
        .args(["alerts", "security"])
        .output();
    let rules = text(&output.expect("it runs").stdout);
    assert!(rules.contains("[50h]") && !rules.contains("[26h]"), "{rules}");
}

/// The project has no public address, so no link of its own leads to one that only looks like it.
#[test]
fn no_link_of_the_project_is_a_placeholder() {
    let mut files: Vec<std::path::PathBuf> = vec!["Cargo.toml".into(), "scripts/package".into(), "Dockerfile".into()];
    let mut folders: VecDeque<_> =
        ["alerts", "docs", "deploy", "dashboards", "examples", "templates"].map(Into::into).into();
    while let Some(folder) = folders.pop_front() {
        for entry in fs::read_dir::<std::path::PathBuf>(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push_back(path) } else { files.push(path) }
        }
    }
    assert!(files.len() > 60);
    for path in files {
        let bytes = fs::read(&path).expect("readable");
        let text = String::from_utf8_lossy(&bytes);
        for placeholder in ["//example.com", "@example.com/", "maintainers@example"] {
            assert!(!text.contains(placeholder), "{}: {placeholder}", path.display());
        }
    }
}
