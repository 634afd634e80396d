//! The whole exporter against the simulated organisation: what a scrape shows, and when.

#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the figures are small and whole"
)]

use std::fs;
use std::time::Duration;

use genesyscloud_oauth_exporter::app::App;
use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_SECRET, Endpoint, Fault, PLANTED_SECRET, RetryAfter, Unreadable,
};

use crate::support::{self, Exporter, program_for, settings, simulator, until};

const FIRST_SEEN: &str = "client_dangerous_scope_first_seen_timestamp_seconds";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrape_shows_the_true_counts() {
    let simulator = simulator().await;
    let truth = simulator.organisation().truth();
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let scrape = exporter.until_refreshed().await;
    for ((grant, state), count) in &truth.by_grant_and_state {
        let labels = [format!("grant_type=\"{}\"", grant.as_str()), format!("state=\"{}\"", state.as_str())];
        assert_eq!(scrape.sum("clients", &[&labels[0], &labels[1]]), *count as f64, "{labels:?}");
    }
    assert_eq!(scrape.count("clients", &[]), 24, "zero-filled over six grant types and four states");
    assert_eq!(scrape.sum("clients", &[]), truth.clients as f64);
    assert_eq!(scrape.sum("scopes_known", &[]), truth.scopes as f64);
    assert_eq!(scrape.count("client_info", &[]), truth.clients);
    assert_eq!(exporter.get("/-/ready").await.0, 200);
    exporter.stop().await;
}

fn kept_and_shown(scrape: &support::Scrape) -> bool {
    scrape.own("state_persistent") == Some(1.0) && scrape.own("last_refresh_successful") == Some(1.0)
}

/// The number of clients differs in each generation, and all families of a scrape must agree on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_thousand_scrapes_none_mixes_generations() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let mut settings = settings(&simulator, &[]);
    settings.refresh.interval = Duration::from_millis(1);
    let exporter = Exporter::start(settings).await;
    exporter.until_refreshed().await;
    let mut added: Vec<String> = Vec::new();
    let mut generations = std::collections::BTreeSet::new();
    let mut of_refresh = std::collections::BTreeMap::new();
    for round in 0..1_000 {
        if added.len() < 20 {
            added.push(organisation.add_client(serde_json::json!({
                "name": format!("client {round}"),
                "authorizedGrantType": "CODE",
                "scope": ["oauth", "users:readonly"],
                "roleDivisions": [],
                "state": "active",
            })));
        } else {
            for id in added.drain(..) {
                organisation.remove_client(&id);
            }
        }
        let scrape = exporter.scrape().await;
        let clients = scrape.sum("clients", &[]);
        let refreshes = scrape.sum("exporter_refreshes_total", &[]) as u64;
        let first = *of_refresh.entry(refreshes).or_insert(clients);
        assert_eq!(first, clients, "the number of refreshes belongs to the generation");
        assert_eq!(scrape.count("client_info", &[]) as f64, clients);
        assert_eq!(scrape.count("client_scopes", &[]) as f64, clients);
        assert_eq!(scrape.sum("exporter_snapshot_clients", &[]), clients);
        let verdicts = ["clients_flagged", "clients_not_evaluated", "clients_compliant"];
        assert_eq!(verdicts.iter().map(|family| scrape.sum(family, &[])).sum::<f64>(), clients);
        let dangerous = scrape.sum("dangerous_scope_occurrences", &[]);
        assert_eq!(scrape.sum("findings", &["rule=\"dangerous-scope\""]), dangerous);
        let held = scrape.sum("client_findings", &["rule=\"dangerous-scope\""]);
        assert_eq!(held, dangerous);
        generations.insert(clients as u64);
    }
    assert!(generations.len() > 3, "the organisation changed while it was scraped: {generations:?}");
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_keeps_the_last_data_and_shows_its_age() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let before = exporter.until_refreshed().await;
    organisation.set_fault(Fault::ServerError(500));
    let during = exporter
        .until("three failures", |scrape| scrape.own("consecutive_refresh_failures").is_some_and(|n| n >= 3.0))
        .await;
    assert_eq!(during.own("last_refresh_successful"), Some(0.0));
    assert_eq!(during.sum("clients", &[]), before.sum("clients", &[]));
    assert_eq!(during.count("org_info", &[]), 1);
    assert!(during.sum("exporter_refreshes_total", &["outcome=\"error\""]) >= 3.0);
    assert!(
        during.own("last_refresh_success_timestamp_seconds") <= during.own("last_refresh_attempt_timestamp_seconds")
    );
    assert_eq!(exporter.get("/-/ready").await.0, 200, "there is data to rely on");
    assert_eq!(exporter.get("/-/healthy").await.0, 200);
    organisation.clear_faults();
    let after = exporter.until_refreshed().await;
    assert_eq!(after.own("consecutive_refresh_failures"), Some(0.0));
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_first_success_there_is_no_data_and_no_readiness() {
    let simulator = simulator().await;
    simulator.organisation().set_fault(Fault::InvalidClient(400));
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let scrape = exporter
        .until("a failure", |scrape| scrape.own("consecutive_refresh_failures").is_some_and(|n| n >= 1.0))
        .await;
    assert_eq!(scrape.own("last_refresh_success_timestamp_seconds"), Some(0.0));
    assert_eq!(scrape.count("org_info", &[]), 0);
    assert_eq!(scrape.count("clients", &[]), 0, "no data is not zero clients");
    assert_eq!(scrape.sum("exporter_token_fetches_total", &["outcome=\"invalid_client\""]), 1.0);
    let (status, why) = exporter.get("/-/ready").await;
    assert!(status == 503 && why.contains("GENESYSCLOUD_REGION"), "{status} {why}");
    assert_eq!(exporter.get("/-/healthy").await.0, 200, "a restart would not help");
    assert_eq!(exporter.get("/api/v1/report").await.0, 404);
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_grows_too_old_is_withdrawn_and_comes_back() {
    let simulator = simulator().await;
    let mut settings = settings(&simulator, &[]);
    settings.refresh.stale_after = Duration::from_secs(1);
    let exporter = Exporter::start(settings).await;
    exporter.until_refreshed().await;
    simulator.organisation().set_fault(Fault::ServerError(500));
    let failing = |scrape: &support::Scrape| scrape.own("consecutive_refresh_failures").is_some_and(|n| n > 0.0);
    let stale = exporter.until("withdrawn", |scrape| scrape.count("org_info", &[]) == 0 && failing(scrape)).await;
    assert_eq!(stale.count("clients", &[]), 0);
    assert!(stale.own("last_refresh_success_timestamp_seconds").is_some_and(|time| time > 0.0));
    simulator.organisation().clear_faults();
    exporter.until("back", |scrape| scrape.count("org_info", &[]) == 1).await;
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_is_withdrawn_in_its_time_however_long_the_pause() {
    let simulator = simulator().await;
    let mut settings = settings(&simulator, &[]);
    settings.refresh.stale_after = Duration::from_secs(1);
    settings.refresh.interval = Duration::from_hours(1);
    let exporter = Exporter::start(settings).await;
    exporter.until_refreshed().await;
    exporter.until("withdrawn", |scrape| scrape.count("org_info", &[]) == 0).await;
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_is_withdrawn_in_its_time_while_a_refresh_waits_for_the_platform() {
    let simulator = simulator().await;
    let mut settings = settings(&simulator, &[]);
    settings.refresh.stale_after = Duration::from_secs(1);
    let exporter = Exporter::start(settings).await;
    exporter.until_refreshed().await;
    // The deadline of a refresh is two minutes.
    simulator.organisation().set_fault(Fault::Hang.at(Endpoint::Clients));
    let withdrawn = exporter.until("withdrawn", |scrape| scrape.count("org_info", &[]) == 0).await;
    assert_eq!(withdrawn.own("last_refresh_successful"), Some(1.0), "the refresh that hangs has not ended");
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_an_outage_serves_the_last_data_with_its_true_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.json");
    let flags = [("state.file", file.to_str().expect("UTF-8"))];
    let simulator = simulator().await;
    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    exporter.until("kept and shown", kept_and_shown).await;
    simulator.organisation().set_fault(Fault::ServerError(500));
    let before = exporter.until("an outage", |scrape| scrape.own("last_refresh_successful") == Some(0.0)).await;
    exporter.stop().await;

    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    let restored = exporter.scrape().await;
    let time = "last_refresh_success_timestamp_seconds";
    assert_eq!(restored.own(time), before.own(time));
    assert_eq!(restored.sum("clients", &[]), before.sum("clients", &[]));
    assert_eq!(restored.count("client_info", &[]), before.count("client_info", &[]));
    until("ready once it was attempted", || async { (exporter.get("/-/ready").await.0 == 200).then_some(()) }).await;
    exporter.stop().await;

    let text = fs::read_to_string(&file).expect("the state file");
    assert!(!text.contains(PLANTED_SECRET) && !text.contains(DEFAULT_CLIENT_SECRET));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_grant_is_dated_once_and_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.json");
    let flags = [("state.file", file.to_str().expect("UTF-8"))];
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let client = organisation.client_id("CRM screen pop").expect("it is in the demo organisation");
    let of_client = format!("client_id=\"{client}\"");
    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    let first = exporter.until_refreshed().await;
    assert!(first.count(FIRST_SEEN, &[]) > 10);
    assert_eq!(first.sum(FIRST_SEEN, &[]), 0.0, "grants of the very first refresh are not new");
    assert!(organisation.grant_scope("CRM screen pop", "oauth"));
    let granted = exporter.until("the grant", |scrape| scrape.sum(FIRST_SEEN, &[&of_client]) > 0.0).await;
    let time = granted.sum(FIRST_SEEN, &[&of_client]);
    assert_eq!(granted.sum(FIRST_SEEN, &[]), time, "and nothing else is new");
    exporter.stop().await;

    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    let restarted = exporter.until_refreshed().await;
    assert_eq!(restarted.sum(FIRST_SEEN, &[]), time, "after a restart, old grants are not new");
    organisation.rename("CRM screen pop", "Another name");
    exporter.until("the new name", |scrape| scrape.count("client_info", &["Another name"]) == 1).await;
    assert_eq!(exporter.scrape().await.sum(FIRST_SEEN, &[]), time, "nor does a new name");
    assert!(organisation.revoke_scope("Another name", "oauth"));
    let gone = exporter.until("gone", |scrape| scrape.sum(FIRST_SEEN, &[&of_client]) == 0.0).await;
    assert_eq!(gone.count(FIRST_SEEN, &[&of_client]), 1, "exported as 0, so that the last sample is not an old value");
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_evaluates_the_last_data_again_and_a_bad_file_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.toml");
    fs::write(&file, "").expect("writable");
    let flags = [("policy.file", file.to_str().expect("UTF-8")), ("web.enable-lifecycle", "true")];
    let simulator = simulator().await;
    let mut settings = settings(&simulator, &flags);
    settings.refresh.interval = Duration::from_hours(1);
    let exporter = Exporter::start(settings).await;
    let before = exporter.until_refreshed().await;
    let conversations = ["scope=\"conversations\""];
    assert_eq!(before.count("dangerous_scope_clients", &conversations), 0);

    let policy =
        "[scopes]\ndangerous = [{ match = \"conversations\", severity = \"high\", reason = \"We say so.\" }]\n";
    fs::write(&file, policy).expect("writable");
    assert_eq!(exporter.post("/-/reload").await, (200, "reloaded\n".to_owned()));
    let after = exporter.scrape().await;
    assert!(after.sum("dangerous_scope_clients", &conversations) > 0.0, "at once, without a refresh");
    assert_eq!(after.sum(FIRST_SEEN, &conversations), 0.0, "a new pattern makes no old grant new");
    assert!(after.count(FIRST_SEEN, &conversations) > 0);

    fs::write(&file, "[scopes]\ndangerus = []\n[defaults]\n").expect("writable");
    let (status, why) = exporter.post("/-/reload").await;
    assert!(status == 500 && why.contains("line 2, column 1"), "{status} {why}");
    let kept = exporter.scrape().await;
    assert_eq!(kept.own("config_last_reload_successful"), Some(0.0));
    assert_eq!(
        kept.sum("dangerous_scope_clients", &conversations),
        after.sum("dangerous_scope_clients", &conversations)
    );
    fs::write(&file, "").expect("writable");
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    assert_eq!(exporter.scrape().await.own("config_last_reload_successful"), Some(1.0));
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_file_that_cannot_be_written_or_read_stops_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let simulator = simulator().await;
    let missing = folder.path().join("missing").join("state.json");
    let exporter = Exporter::start(settings(&simulator, &[("state.file", missing.to_str().expect("UTF-8"))])).await;
    let scrape = exporter
        .until("a failed write", |scrape| {
            scrape.sum("exporter_state_writes_total", &["outcome=\"error\""]) > 0.0
                && scrape.own("last_refresh_successful") == Some(1.0)
        })
        .await;
    assert_eq!(scrape.own("state_persistent"), Some(0.0));
    assert_eq!(scrape.own("last_refresh_successful"), Some(1.0));
    exporter.stop().await;

    let damaged = folder.path().join("state.json");
    fs::write(&damaged, "{\"format\":1,").expect("writable");
    let exporter = Exporter::start(settings(&simulator, &[("state.file", damaged.to_str().expect("UTF-8"))])).await;
    let scrape = exporter.until("kept and shown", kept_and_shown).await;
    assert_eq!(scrape.own("state_damaged_total"), Some(1.0));
    assert_eq!(fs::read_to_string(folder.path().join("state.json.damaged-1")).expect("set aside"), "{\"format\":1,");
    exporter.stop().await;
}

/// A state file from the future, after the clock was set back: its data is served, its age is unknown, and the metrics show that at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_is_said_and_hides_no_staleness() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.json");
    let flags = [("state.file", file.to_str().expect("UTF-8"))];
    let simulator = simulator().await;
    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    exporter.until("kept and shown", kept_and_shown).await;
    exporter.stop().await;
    let mut state: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).expect("the state file")).expect("JSON");
    for organisation in state["organisations"].as_object_mut().expect("organisations").values_mut() {
        organisation["taken_at"] = 4_000_000_000_i64.into();
    }
    fs::write(&file, state.to_string()).expect("writable");
    simulator.organisation().set_fault(Fault::ServerError(500));
    let mut settings = settings(&simulator, &flags);
    settings.refresh.stale_after = Duration::from_secs(2);
    let exporter = Exporter::start(settings).await;
    let restored = exporter.scrape().await;
    assert_eq!(restored.count("org_info", &[]), 1, "nothing is lost");
    assert_eq!(restored.own("last_refresh_success_timestamp_seconds"), Some(0.0), "and nothing looks fresh");
    assert_eq!(restored.own("clock_steps_back_total"), Some(1.0));
    exporter.until("withdrawn", |scrape| scrape.count("org_info", &[]) == 0).await;
    exporter.stop().await;
}

/// Divisions cannot be read any more: the refresh fails until the data is too old, and then continues without them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_is_lost_permanently_does_not_end_the_audits() {
    let simulator = simulator().await;
    let mut settings = settings(&simulator, &[]);
    // A machine that is busy needs a while until the next refresh, which must not come after the data is too old.
    settings.refresh.stale_after = Duration::from_secs(5);
    let exporter = Exporter::start(settings).await;
    exporter.until_refreshed().await;
    simulator.organisation().set_fault(Fault::NotFound.at(Endpoint::Divisions));
    exporter.until("failing", |scrape| scrape.own("last_refresh_successful") == Some(0.0)).await;
    let without = exporter.until_refreshed().await;
    assert_eq!(without.sum("exporter_collector_supported", &["collector=\"divisions\""]), 0.0);
    exporter.stop().await;
}

/// A `Retry-After` of years ends neither the process nor the audits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absurd_wait_ends_nothing() {
    let simulator = simulator().await;
    simulator.organisation().set_fault(Fault::RateLimited(RetryAfter::Seconds(u64::MAX)));
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    exporter.until("a failure", |scrape| scrape.own("consecutive_refresh_failures").is_some_and(|n| n >= 1.0)).await;
    assert_eq!(exporter.get("/-/healthy").await.0, 200);
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_said() {
    let simulator = simulator().await;
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let address = exporter.address.to_string();
    let taken = settings(&simulator, &[]);
    let listen_addresses = vec![exporter.address];
    let server = genesyscloud_oauth_exporter::server::Config { listen_addresses, ..taken.server.clone() };
    let error = App::build(genesyscloud_oauth_exporter::config::Settings { server, ..taken }).await.expect_err("taken");
    let message = format!("{error:#}");
    assert!(message.contains(&address) && message.contains("--web.listen-address"), "{message}");
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_roles_are_not_evaluated_and_not_passed() {
    let simulator = simulator().await;
    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    simulator.organisation().set_fault(forbidden.at(Endpoint::Roles));
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let scrape = exporter.until_refreshed().await;
    assert_eq!(scrape.sum("exporter_collector_supported", &["collector=\"roles\""]), 0.0);
    assert_eq!(scrape.sum("exporter_collector_success", &["collector=\"roles\""]), 0.0);
    assert_eq!(scrape.sum("exporter_collector_supported", &["collector=\"clients\""]), 1.0);
    let credentials = scrape.sum("clients", &["grant_type=\"client_credentials\""]);
    let others = scrape.sum("clients", &[]) - credentials;
    assert!(scrape.sum("clients_compliant", &[]) < others, "nobody evaluated what their roles permit");
    assert!(scrape.sum("clients_not_evaluated", &[]) > 0.0);
    let unread = ["rule=\"dangerous-permission\"", "status=\"not_evaluated\""];
    assert_eq!(scrape.sum("findings", &unread), 1.0);
    exporter.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_any_answer_however_the_platform_fails() {
    let simulator = simulator().await;
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    exporter.until_refreshed().await;
    for fault in [
        Fault::Unauthorized,
        Fault::HtmlInsteadOfJson,
        Fault::Garbage,
        Fault::UnreadableRecord(Unreadable::WrongFieldTypes),
        Fault::NotAuthorized,
    ] {
        let failures = exporter.scrape().await.sum("exporter_refreshes_total", &[]);
        simulator.organisation().set_fault(fault);
        exporter.until("another refresh", |scrape| scrape.sum("exporter_refreshes_total", &[]) > failures + 1.0).await;
        for path in ["/metrics", "/", "/api/v1/report", "/-/ready", "/-/healthy"] {
            let (_, text) = exporter.get(path).await;
            for secret in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "Bearer "] {
                assert!(!text.contains(secret), "{path}");
            }
        }
    }
    exporter.stop().await;
}

/// An approved grant is 0, a new one 1, approved after a reload 0, and a revoked one 0 and still exported.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_baseline_a_new_grant_is_unapproved_until_it_is_approved_or_gone() {
    const UNAPPROVED: &str = "client_dangerous_scope_unapproved";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let flags = [("baseline.file", file.to_str().expect("UTF-8")), ("web.enable-lifecycle", "true")];
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let client = organisation.client_id("CRM screen pop").expect("it is in the demo organisation");
    let of_client = format!("client_id=\"{client}\"");
    let approve = async |command: &[&str]| {
        let mut arguments = vec!["baseline".to_owned()];
        arguments.extend(command.iter().map(|argument| (*argument).to_owned()));
        let output = program_for(&simulator.url())
            .args(arguments)
            .args(["--by", "Kim", "--reason", "OPS-1", "--baseline.file", file.to_str().expect("UTF-8")])
            .output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };

    let exporter = Exporter::start(settings(&simulator, &flags)).await;
    let without = exporter.until_refreshed().await;
    assert_eq!(without.sum("baseline_loaded", &[]), 0.0, "a missing file stops nothing");
    assert_eq!(without.own("config_last_reload_successful"), Some(0.0), "and is reported");
    assert_eq!(without.count(UNAPPROVED, &[]), 0, "no baseline is not an empty baseline");
    assert_eq!(without.count("baseline_drift", &[]) + without.count("baseline_timestamp_seconds", &[]), 0);

    approve(&["init"]).await;
    assert_eq!(exporter.post("/-/reload").await, (200, "reloaded\n".to_owned()));
    let approved = exporter.scrape().await;
    assert_eq!(approved.sum("baseline_loaded", &[]), 1.0);
    assert_eq!(approved.own("config_last_reload_successful"), Some(1.0));
    assert!(approved.count(UNAPPROVED, &[]) > 10 && approved.sum(UNAPPROVED, &[]) == 0.0);
    assert_eq!((approved.count("baseline_drift", &[]), approved.sum("baseline_drift", &[])), (18, 0.0));
    assert!(approved.sum("findings", &["rule=\"dangerous-scope\"", "status=\"approved\""]) > 10.0);

    assert!(organisation.grant_scope("CRM screen pop", "oauth"));
    let granted = exporter.until("unapproved", |scrape| scrape.sum(UNAPPROVED, &[&of_client]) == 1.0).await;
    assert_eq!(granted.sum("baseline_drift", &["kind=\"scope-added\"", "dangerous=\"true\""]), 1.0);
    assert_eq!(granted.sum("baseline_drift", &["dangerous=\"false\""]), 0.0);

    approve(&["approve", &client, "--scope", "oauth"]).await;
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let after = exporter.scrape().await;
    assert_eq!((after.sum(UNAPPROVED, &[]), after.sum("baseline_drift", &[])), (0.0, 0.0));

    let good = fs::read(&file).expect("readable");
    fs::write(&file, "{").expect("writable");
    let (status, why) = exporter.post("/-/reload").await;
    assert!(status == 500 && why.contains("baseline file"), "{status} {why}");
    fs::remove_file(&file).expect("removable");
    assert_eq!(exporter.post("/-/reload").await.0, 500, "a baseline that vanished is a mistake, too");
    let kept = exporter.scrape().await;
    assert_eq!(kept.own("config_last_reload_successful"), Some(0.0));
    assert_eq!((kept.sum("baseline_loaded", &[]), kept.sum(UNAPPROVED, &[])), (1.0, 0.0));
    let mut foreign: serde_json::Value = serde_json::from_slice(&good).expect("JSON");
    foreign["organisation"] = "another".into();
    fs::write(&file, foreign.to_string()).expect("writable");
    let (status, why) = exporter.post("/-/reload").await;
    assert!(status == 500 && why.contains("it belongs to the organisation another"), "{status} {why}");
    assert_eq!(exporter.scrape().await.sum("baseline_loaded", &[]), 1.0);
    fs::write(&file, good).expect("writable");

    assert!(organisation.revoke_scope("CRM screen pop", "oauth"));
    let scopes = format!("client_id=\"{client}\",scope=\"oauth\"");
    let gone = exporter
        .until("gone", |scrape| {
            scrape.sum("findings", &["rule=\"dangerous-scope\""]) < after.sum("findings", &["rule=\"dangerous-scope\""])
        })
        .await;
    assert_eq!(gone.of(UNAPPROVED, &[&scopes]).map(|(_, value)| value).collect::<Vec<_>>(), [0.0]);

    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    organisation.set_fault(forbidden.at(Endpoint::Roles));
    let failed = exporter.until("a failure", |scrape| scrape.own("last_refresh_successful") == Some(0.0)).await;
    for family in
        [UNAPPROVED, "client_dangerous_permission_unapproved", "dangerous_permission_clients", "baseline_drift"]
    {
        assert_eq!(failed.count(family, &[]), exporter.scrape().await.count(family, &[]));
        assert_eq!(failed.sum(family, &[]), gone.sum(family, &[]), "roles that fail make nothing vanish: {family}");
    }
    exporter.stop().await;
}

/// Roles cannot be read any more: first the refresh fails, then the data is withdrawn, then it is served without them. The
/// page on a permission stays open all the time, and does not fire again when they can be read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_on_a_permission_outlives_the_loss_of_the_roles() {
    const UNAPPROVED: &str = "client_dangerous_permission_unapproved";
    const SEEN: &str = "client_dangerous_permission_first_seen_timestamp_seconds";
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.json");
    let id = organisation.truth().organisation_id;
    fs::write(&file, empty_baseline(&id)).expect("writable");
    let mut settings = settings(&simulator, &[("baseline.file", file.to_str().expect("UTF-8"))]);
    settings.refresh.stale_after = Duration::from_secs(1);
    let exporter = Exporter::start(settings).await;
    let open = exporter.until("open pages", |scrape| scrape.sum(UNAPPROVED, &[]) > 1.0).await;
    let told = |scrape: &support::Scrape| -> Vec<(String, f64)> {
        [UNAPPROVED, SEEN]
            .iter()
            .flat_map(|family| scrape.of(family, &[]).map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>())
            .collect()
    };

    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    organisation.set_fault(forbidden.at(Endpoint::Roles));
    exporter.until("failing", |scrape| scrape.own("last_refresh_successful") == Some(0.0)).await;
    let succeeded = |scrape: &support::Scrape| scrape.sum("exporter_refreshes_total", &["outcome=\"success\""]);
    let before = succeeded(&exporter.scrape().await);
    // A grant counts as gone after several refreshes without it, so wait for three.
    let without = exporter.until("three refreshes", |scrape| succeeded(scrape) >= before + 3.0).await;
    assert_eq!(without.sum("exporter_collector_supported", &["collector=\"roles\""]), 0.0);
    assert_eq!(told(&without), told(&open));
    organisation.clear_faults();
    let held = organisation.client_id("SCIM Okta").expect("it is in the demo organisation");
    let of_client = format!("client_id=\"{held}\"");
    assert!(without.sum(UNAPPROVED, &[&of_client]) > 0.0);
    let again = exporter
        .until("roles", |scrape| scrape.sum("exporter_collector_supported", &["collector=\"roles\""]) == 1.0)
        .await;
    assert_eq!(told(&again), told(&open));

    // A role that leaves the list while the client still names it: its permissions are unknown.
    assert!(organisation.delete_role("SCIM provisioner"));
    let before = succeeded(&exporter.scrape().await);
    let unlisted = exporter.until("three refreshes", |scrape| succeeded(scrape) >= before + 3.0).await;
    assert_eq!(unlisted.sum(UNAPPROVED, &[&of_client]), again.sum(UNAPPROVED, &[&of_client]));
    assert!(
        organisation.remove_role("SCIM Okta", "SCIM provisioner")
            || organisation.edit_client("SCIM Okta", |client| {
                client["roleDivisions"] = serde_json::json!([]);
                client["roleIds"] = serde_json::json!([]);
            })
    );
    exporter.until("resolved", |scrape| scrape.sum(UNAPPROVED, &[&of_client]) == 0.0).await;
    exporter.stop().await;
}

/// A baseline that approves nothing, so that everything dangerous is unapproved.
fn empty_baseline(organisation: &str) -> String {
    let approval = serde_json::json!({"at": "2026-01-01T00:00:00Z", "by": "Kim", "reason": "OPS-1"});
    serde_json::json!({"version": 1, "organisation": organisation, "approved": approval, "clients": {}}).to_string()
}

/// Its last sample must not be the earlier 1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_that_the_policy_lost_is_exported_as_zero() {
    const UNAPPROVED: &str = "client_dangerous_permission_unapproved";
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (policy, baseline) = (folder.path().join("policy.toml"), folder.path().join("baseline.json"));
    let pattern = |pattern: &str| {
        let entry = format!("{{ match = \"{pattern}\", severity = \"high\", reason = \"We say so.\" }}");
        fs::write(&policy, format!("builtin = false\n[permissions]\ndangerous = [{entry}]\n")).expect("writable");
    };
    pattern("OAuth:client:*");
    fs::write(&baseline, empty_baseline(&simulator.organisation().truth().organisation_id)).expect("writable");
    let flags = [
        ("policy.file", policy.to_str().expect("UTF-8")),
        ("baseline.file", baseline.to_str().expect("UTF-8")),
        ("web.enable-lifecycle", "true"),
    ];
    let mut settings = settings(&simulator, &flags);
    settings.refresh.interval = Duration::from_hours(1);
    let exporter = Exporter::start(settings).await;
    let before = exporter.until_refreshed().await;
    let (old, new) = (["permission=\"oauth:client:*\""], ["permission=\"oauth:*:*\""]);
    let clients = before.sum(UNAPPROVED, &old);
    assert!(clients > 0.0, "the label is in lower case, however the policy spells it");
    pattern("oauth:*:*");
    assert_eq!(exporter.post("/-/reload").await.0, 200);
    let after = exporter.scrape().await;
    assert_eq!((after.count(UNAPPROVED, &old) as f64, after.sum(UNAPPROVED, &old)), (clients, 0.0));
    assert!(after.sum(UNAPPROVED, &new) >= clients);
    exporter.stop().await;
}

/// A client whose record was unreadable at the very first refresh existed before that refresh.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_could_not_be_read_at_first_is_not_new_later() {
    let simulator = simulator().await;
    let organisation = simulator.organisation();
    organisation.add_client(serde_json::json!({
        "name": "last", "authorizedGrantType": "CODE", "scope": ["oauth"], "roleDivisions": [], "state": "active",
    }));
    organisation.set_fault(Fault::UnreadableRecord(Unreadable::WrongFieldTypes).at(Endpoint::Clients));
    organisation.add_fault(Fault::Garbage.at(Endpoint::Client));
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let unread = exporter.until_refreshed().await;
    assert!(unread.sum("exporter_records_rejected_total", &["collector=\"clients\""]) > 0.0);
    let clients = organisation.truth().clients as f64;
    assert_eq!(unread.sum("clients", &[]), clients, "it is there");
    assert_eq!(unread.sum("clients_partial", &[]), 1.0, "and was not fully read");
    let verdicts = ["clients_flagged", "clients_not_evaluated", "clients_compliant"];
    assert_eq!(verdicts.map(|family| unread.sum(family, &[])).iter().sum::<f64>(), clients, "the verdicts add up");
    organisation.clear_faults();
    let read = exporter.until("the record", |scrape| scrape.sum("clients_partial", &[]) == 0.0).await;
    assert!(read.count(FIRST_SEEN, &[]) > unread.count(FIRST_SEEN, &[]), "the record must hold something dangerous");
    assert_eq!(read.sum(FIRST_SEEN, &[]), 0.0);
    exporter.stop().await;
}
