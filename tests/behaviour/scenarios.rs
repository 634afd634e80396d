//! What goes wrong on the way to the platform, each time in the real program: its metrics, log, readiness and calls say the same.
//!
//! `refresh` and `platform` have more faults, and test the messages. Certificates are in `tls`.

#![allow(clippy::float_cmp, reason = "the figures are small and whole")]

use std::net::SocketAddr;

use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_SECRET, Endpoint, Fault, PLANTED_SECRET, RetryAfter, Simulator,
};
use serde_json::json;
use tokio::net::UnixDatagram;

use crate::blocking::{get, until_scraped};
use crate::signals::Running;
use crate::soak::peers::client;
use crate::support::{Scrape, program_for, simulator, until};

const TOKEN: &str = "/oauth/token";
const CLIENTS: &str = "/api/v2/oauth/clients";
const ROLES: &str = "/api/v2/authorization/roles";

/// A fault, and how the exporter shows it.
struct Scenario {
    fault: Fault,
    endpoint: Endpoint,
    /// A part of the message.
    says: &'static str,
    /// A series that counts the fault: the family without its prefix, and a label.
    counts: (&'static str, &'static str),
    /// The path, and how often it is called in one refresh.
    calls: (&'static str, usize),
    /// Whether the next refresh follows soon and succeeds, once the fault is over.
    recovers: bool,
}

fn scenario(fault: Fault, endpoint: Endpoint, says: &'static str) -> Scenario {
    let (counts, path) = match endpoint {
        Endpoint::Token => (("exporter_token_fetches_total", "outcome=\"rejected\""), TOKEN),
        _ => (("exporter_collector_success", "collector=\"clients\""), CLIENTS),
    };
    Scenario { fault, endpoint, says, counts, calls: (path, 1), recovers: true }
}

fn scenarios() -> Vec<Scenario> {
    let says = |status| Fault::Says { status, header: ("x-a", "b".to_owned()), body: "{}".to_owned() };
    let fetches = |outcome| ("exporter_token_fetches_total", outcome);
    let forbidden = Fault::Forbidden { permission: "oauth:client:view".to_owned() };
    vec![
        // A wrong secret is tried once a minute.
        Scenario {
            counts: fetches("outcome=\"invalid_client\""),
            recovers: false,
            ..scenario(Fault::InvalidClient(401), Endpoint::Token, "GENESYSCLOUD_REGION")
        },
        Scenario {
            counts: fetches("outcome=\"rate_limited\""),
            calls: (TOKEN, 4),
            ..scenario(Fault::TokenRateLimited, Endpoint::Token, "token: rate limited")
        },
        scenario(says(403), Endpoint::Token, "refused with HTTP 403"),
        scenario(says(431), Endpoint::Token, "refused with HTTP 431"),
        Scenario { calls: (CLIENTS, 2), ..scenario(Fault::Unauthorized, Endpoint::Clients, "refuses a new token") },
        scenario(forbidden, Endpoint::Clients, "the role of this client lacks oauth:client:view"),
        scenario(says(431), Endpoint::Clients, "clients: HTTP 431"),
        Scenario { calls: (CLIENTS, 4), ..scenario(Fault::ServerError(503), Endpoint::Clients, "clients: HTTP 503") },
        // The platform asks for an hour of silence, and gets it: the pause is cut only by `stale-after`.
        Scenario {
            recovers: false,
            ..scenario(
                Fault::RateLimited(RetryAfter::Seconds(31_536_000)),
                Endpoint::Clients,
                "the platform asks to wait",
            )
        },
        scenario(Fault::Garbage, Endpoint::Clients, "cannot be read at line"),
        scenario(Fault::HtmlInsteadOfJson, Endpoint::Clients, "HTML, not JSON"),
        scenario(Fault::MissingEntities, Endpoint::Clients, "cannot be read"),
        scenario(Fault::TruncatedList(64), Endpoint::Clients, "there are 67 clients, but sent 3"),
        scenario(Fault::EmptyList, Endpoint::Clients, "empty list"),
        scenario(Fault::WithoutSelf, Endpoint::Clients, "lacks the exporter's own client"),
        scenario(Fault::LoopingNextUri, Endpoint::Clients, "form a loop"),
    ]
}

/// The exporter as a process, and its address.
async fn exporter(simulator: &Simulator, interval: &str) -> (Running, SocketAddr) {
    let mut command = program_for(&simulator.url());
    command.args(["--web.listen-address=127.0.0.1:0", "--genesys.retry-base=1ms", "--refresh.interval", interval]);
    let exporter = Running::start(command, tempfile::tempdir().expect("a folder"));
    let address = exporter.address().await.parse().expect("an address");
    (exporter, address)
}

fn failures(scrape: &Scrape) -> f64 {
    scrape.sum("exporter_refreshes_total", &["outcome=\"error\""])
}

fn is_fresh(scrape: &Scrape) -> bool {
    scrape.own("last_refresh_successful") == Some(1.0)
}

/// Each line of the log is one event, and no line has a secret or a character that controls a terminal.
pub(crate) fn assert_log_is_clean(log: &str) {
    for line in log.lines() {
        assert!(line.starts_with("ts=") && line.contains(" level="), "{line}");
        assert!(!line.chars().any(char::is_control), "{line}");
        for secret in [DEFAULT_CLIENT_SECRET, PLANTED_SECRET, "Bearer", "Basic "] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

/// The lines about failed refreshes.
fn failed_lines(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("msg=\"refresh failed\"")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_shows_alike_in_metrics_log_and_readiness_and_ends_with_its_cause() {
    for scenario in scenarios() {
        let name = format!("{:?} at {:?}", scenario.fault, scenario.endpoint);
        let simulator = simulator().await;
        let organisation = simulator.organisation();
        organisation.set_fault(scenario.fault.at(scenario.endpoint));
        let (mut exporter, address) = exporter(&simulator, "1s").await;
        let scrape = until_scraped(address, &name, |scrape| failures(scrape) >= 1.0).await;
        let (failed, calls) = (failures(&scrape), organisation.request_count(scenario.calls.0));
        assert!(calls >= scenario.calls.1, "{name}: {calls} calls");
        if failed == 1.0 && !scenario.recovers {
            assert_eq!(calls, scenario.calls.1, "{name}");
        }
        assert_eq!(scrape.own("last_refresh_successful"), Some(0.0), "{name}");
        assert_eq!(scrape.own("last_refresh_success_timestamp_seconds"), Some(0.0), "{name}");
        assert_eq!(
            scrape.count("clients", &[]) + scrape.count("org_info", &[]),
            0,
            "{name}: no data is not zero clients"
        );
        let (family, label) = scenario.counts;
        let counted = scrape.sum(family, &[label]);
        assert_eq!(scrape.count(family, &[label]), 1, "{name}");
        assert_eq!(counted > 0.0, family.ends_with("_total"), "{name}: {family} {counted}");
        let (status, why) = get(address, "/-/ready").await.expect("an answer");
        assert!(status == 503 && why.contains(scenario.says), "{name}: {status} {why}");
        assert_eq!(get(address, "/-/healthy").await.map(|(status, _)| status), Some(200), "{name}");
        let log = exporter.log();
        let lines = failed_lines(&log);
        assert!(lines.first().is_some_and(|line| line.contains(scenario.says)), "{name}: {log}");
        assert!(lines.iter().all(|line| line.contains("level=error") && line.contains("data=\"none yet\"")), "{log}");

        organisation.clear_faults();
        if scenario.recovers {
            let scrape = until_scraped(address, &name, is_fresh).await;
            assert_eq!(scrape.own("consecutive_refresh_failures"), Some(0.0), "{name}");
            assert_eq!(get(address, "/-/ready").await.map(|(status, _)| status), Some(200), "{name}");
            exporter.until_logged("refresh complete").await;
        }
        exporter.send("-TERM");
        assert_eq!(exporter.ended().await.code(), Some(0), "{name}");
        assert_log_is_clean(&exporter.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_is_lost_is_reported_and_the_last_data_stays_until_it_is_back() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let (exporter, address) = exporter(&simulator, "1s").await;
    let before = until_scraped(address, "a refresh", is_fresh).await;
    let calls = organisation.request_count(ROLES);
    organisation.set_fault(Fault::NotFound.at(Endpoint::Roles));
    let lost = until_scraped(address, "a failure", |scrape| failures(scrape) >= 1.0).await;
    assert!(organisation.request_count(ROLES) > calls);
    assert_eq!(lost.own("last_refresh_successful"), Some(0.0));
    assert_eq!(lost.sum("exporter_collector_success", &["collector=\"roles\""]), 0.0);
    for family in
        ["clients", "client_info", "client_findings", "client_dangerous_permission_first_seen_timestamp_seconds"]
    {
        assert_eq!(lost.sum(family, &[]), before.sum(family, &[]), "{family}");
        assert_eq!(lost.count(family, &[]), before.count(family, &[]), "{family}");
    }
    assert_eq!(get(address, "/-/ready").await.map(|(status, _)| status), Some(200), "there is data");
    let log = exporter.log();
    let line = *failed_lines(&log).first().expect("a line");
    assert!(line.contains("data=\"the last complete data is still served\"") && line.contains("roles"), "{line}");
    organisation.clear_faults();
    let back = until_scraped(address, "recovery", is_fresh).await;
    assert_eq!(back.sum("exporter_collector_success", &["collector=\"roles\""]), 1.0);
    assert_eq!(back.own("consecutive_refresh_failures"), Some(0.0));
    assert_log_is_clean(&exporter.log());
}

/// Anybody who can edit a client chooses its name.
fn hostile_names() -> Vec<String> {
    vec![
        "x\nts=2026-01-01T00:00:00Z level=error msg=forged".to_owned(),
        "x\r\nMAINPID=1\r\nREADY=1".to_owned(),
        "\u{1b}[2J\u{9b}31m\u{7}\u{0}".to_owned(),
        "\u{202e}gnp.exe\u{2066}\u{61c}\u{200f}\u{e0041}".to_owned(),
        "a\u{2028}b\u{2029}c\u{85}d".to_owned(),
        "\"} 1\nforged_metric{a=\"b".to_owned(),
        "name\\".to_owned(),
        "é".repeat(100_000),
        "\u{feff}".repeat(300),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_chosen_by_others_stay_one_line_in_log_metrics_page_report_and_service_status() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let names = hostile_names();
    let ids: Vec<String> = names
        .iter()
        .map(|name| {
            organisation.add_client(json!({
                "name": name, "description": name, "authorizedGrantType": "CODE", "scope": ["oauth", name],
                "roleDivisions": [], "state": "active", "registeredRedirectUri": ["https://a.example/"],
            }))
        })
        .collect();
    organisation.set_fault(Fault::Field("/organization/name", Some(json!(names.concat()))).at(Endpoint::TokenInfo));
    let folder = tempfile::tempdir().expect("a folder");
    let manager = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    let mut command = program_for(&simulator.url());
    command.args(["--web.listen-address=127.0.0.1:0", "--genesys.retry-base=1ms", "--log.level=debug"]);
    command.args(["--refresh.interval=1s"]).env("NOTIFY_SOCKET", folder.path().join("notify"));
    let exporter = Running::start(command, folder);
    let address = exporter.address().await.parse().expect("an address");
    until_scraped(address, "a refresh", is_fresh).await;
    // A failure quotes what the platform says.
    let body = json!({ "message": names.concat(), "code": names[0], "status": 403 }).to_string();
    organisation.set_fault(Fault::Says { status: 403, header: ("x-a", "b".to_owned()), body }.at(Endpoint::Clients));
    until_scraped(address, "a failure", |scrape| failures(scrape) >= 1.0).await;

    let (_, metrics) = get(address, "/metrics").await.expect("an answer");
    let parsed = crate::soak::parser::parse(&metrics, false).expect("valid text");
    assert_eq!(parsed.samples("forged_metric").len(), 0);
    for id in &ids {
        assert_eq!(Scrape::parse(&metrics).count("client_info", &[&format!("client_id=\"{id}\"")]), 1);
    }
    assert!(metrics.lines().all(|line| line.len() < 16 << 10), "a label is bounded");
    let treacherous = |text: &str| text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{2028}', '\u{61c}', '\u{0}']);
    let mut pages = vec!["/".to_owned()];
    pages.extend(ids.iter().map(|id| format!("/clients/{id}")));
    for path in pages {
        let (status, page) = get(address, &path).await.expect("an answer");
        assert!(status == 200 && !treacherous(&page), "{path}: {status}");
    }
    // In chunks, which `get` does not join.
    let report = client(false).get(format!("http://{address}/api/v1/report")).send().await.expect("an answer");
    let report = report.text().await.expect("a body");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert!(report.is_object());
    let status = || async {
        let mut buffer = vec![0; 65_536];
        let length = manager.recv(&mut buffer).await.ok()?;
        let message = String::from_utf8(buffer[..length].to_vec()).expect("UTF-8");
        assert!(message.len() <= 4096 && !treacherous(&message), "{message}");
        assert!(!message.lines().any(|line| line.starts_with("MAINPID") || line.starts_with("ts=")), "{message}");
        message.contains("in a row").then_some(())
    };
    until("the status of the failure", status).await;
    let log = exporter.log();
    assert_log_is_clean(&log);
    assert!(!treacherous(&log) && log.lines().all(|line| line.len() < 16 << 10), "{log}");
}
