//! What a pipeline publishes after any sequence of refreshes is what an evaluation and a ledger made from everything give.
//!
//! So a refresh that skips what did not change skips nothing else. That an evaluation of a part equals one of everything is tested in
//! `src/audit/tests/incremental.rs`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use genesyscloud_oauth_exporter::domain::{Client, Freshness, OrgId, Snapshot, Timestamp};
use genesyscloud_oauth_exporter::exposition::Own;
use genesyscloud_oauth_exporter::fixtures::{self, TAKEN_AT, policy};
use genesyscloud_oauth_exporter::ledger::{Evaluation, Event, Ledger, Sighting};
use genesyscloud_oauth_exporter::metric::Registry;
use genesyscloud_oauth_exporter::policy::Policy;
use genesyscloud_oauth_exporter::publish::{Published, Reader, ServedOrganisation, channel};
use genesyscloud_oauth_exporter::refresh::{Fetched, InForce, Listing, Pipeline};
use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault};
use genesyscloud_oauth_exporter::store::{self, Store};
use genesyscloud_oauth_exporter::{audit, exposition, genesys};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::support::{Exporter, settings, simulator};

const SCOPES: [&str; 4] = ["oauth", "users", "scim", "odd"];

/// A pipeline of one organisation with its state file in a folder.
struct Running {
    pipeline: Pipeline,
    reader: Reader,
    in_force: Arc<ArcSwap<InForce>>,
    store: Arc<Store>,
}

fn running(state: Option<PathBuf>, policy: Policy) -> Running {
    let reload = exposition::ReloadStatus { last_successful: true, last_success: TAKEN_AT, web_config_rejected: false };
    let organisation = ServedOrganisation::new("default".to_owned(), Freshness::default());
    let (publisher, reader) = channel(vec![organisation], reload, exposition::Config::default());
    let metrics = store::Metrics::register(&Registry::default()).expect("free names");
    let store = Arc::new(Store::open(state, None, &metrics).expect("a state file"));
    let in_force = Arc::new(ArcSwap::from_pointee(InForce { policy: Arc::new(policy), baseline: None }));
    let config =
        genesys::Config { org: "default".to_owned(), ..super::refresh::platform_config("http://127.0.0.1:9/") };
    let pipeline = Pipeline::new(&config, Arc::clone(&in_force), publisher, Arc::clone(&store));
    Running { pipeline, reader, in_force, store }
}

impl Running {
    fn refresh(&self, snapshot: Snapshot, now: Timestamp) -> Arc<Published> {
        let own = fixtures::client("own").alone().id;
        let listing = Listing { total: None, distinct: snapshot.clients.len(), own, own_listed: true };
        let fetched = Fetched { snapshot, listing, calls: Vec::new(), duplicates: 0 };
        self.pipeline.accept(fetched, now, |freshness| freshness.refreshes.success += 1);
        self.reader.current()
    }
}

/// The text of a scrape without the exporter's own families.
fn text(published: &Published) -> String {
    let (status, own) = (exposition::StatusPart::default(), Own::new(Registry::default()));
    let (format, encoding) = (exposition::Format::Text, exposition::Encoding::Identity);
    let body = exposition::scrape(&published.audited, &status, (&own, Instant::now()), format, encoding);
    let bytes = body.collect::<std::io::Result<Vec<_>>>().expect("sound streams").concat();
    String::from_utf8(bytes).expect("UTF-8")
}

/// What happens before a refresh.
#[derive(Debug, Clone)]
enum Step {
    Nothing,
    Client(usize, Vec<usize>),
    Role(bool),
    Time(u64),
    Policy(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let scopes = prop::collection::btree_set(0..SCOPES.len(), 0..3);
    prop_oneof![
        3 => Just(Step::Nothing),
        2 => (0..4_usize, scopes).prop_map(|(id, scopes)| Step::Client(id, scopes.into_iter().collect())),
        1 => any::<bool>().prop_map(Step::Role),
        // Up to 20 h; a removed grant is forgotten after 26 h.
        2 => (0..72_000_u64).prop_map(Step::Time),
        1 => any::<bool>().prop_map(Step::Policy),
    ]
}

fn policy_of(strict: bool) -> Policy {
    policy(if strict {
        "[scopes]\ndangerous = [{ match = \"odd\", severity = \"critical\", reason = \"x\" }]"
    } else {
        ""
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_published_is_what_everything_gives(steps in prop::collection::vec(any_step(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let folder = tempfile::tempdir().expect("a folder");
            let running = running(Some(folder.path().join("state.json")), policy_of(false));
            let mut clients = [vec![0], vec![1], vec![], vec![2, 3]];
            let (mut dangerous, mut now) = (false, TAKEN_AT);
            let mut reference: Option<(Snapshot, Ledger)> = None;
            let (mut passed, mut unchanged) = (Duration::ZERO, 0);
            for step in steps {
                match step {
                    Step::Nothing => {}
                    Step::Client(id, scopes) => clients[id] = scopes,
                    Step::Role(is_dangerous) => dangerous = is_dangerous,
                    Step::Time(seconds) => {
                        now = Timestamp::from_seconds(now.seconds() + i64::try_from(seconds).expect("a few hours"));
                        passed = Duration::from_secs(seconds);
                        tokio::time::advance(passed).await;
                    }
                    Step::Policy(strict) => {
                        let policy = Arc::new(policy_of(strict));
                        running.in_force.store(Arc::new(InForce { policy, baseline: None }));
                    }
                }
                let held = clients.iter().enumerate().map(|(id, scopes)| {
                    fixtures::client(format!("c-{id}")).scopes(scopes.iter().map(|scope| SCOPES[*scope]))
                });
                let permission: &[&str] = if dangerous { &["oauth:client:add"] } else { &[] };
                let snapshot = fixtures::snapshot()
                    .interned(&SCOPES)
                    .clients(held.chain([fixtures::client("own").role("r", "*")]))
                    .role(fixtures::role("r").permits(permission))
                    .taken_at(now)
                    .build();
                let published = running.refresh(snapshot.clone(), now);
                let evaluated = published.organisations[0].evaluated.as_ref().expect("data");

                let policy = Arc::clone(&running.in_force.load().policy);
                let report = audit::evaluate(&snapshot, &policy, None, now);
                let ledger = match &reference {
                    None => advanced(&Ledger::default(), &snapshot, &policy, &report, Event::First, now, passed),
                    Some((last, ledger)) => {
                        let before = audit::evaluate(last, &policy, None, now);
                        advanced(ledger, &snapshot, &policy, &report, Event::Refresh { before: &before }, now, passed)
                    }
                };
                passed = Duration::ZERO;
                unchanged += u64::from(reference.as_ref().is_some_and(|(last, _)| last.has_data_of(&snapshot)));
                prop_assert_eq!(published.organisations[0].freshness.refreshes.unchanged, unchanged);
                prop_assert_eq!(&*evaluated.snapshot, &snapshot);
                prop_assert_eq!(evaluated.report.evaluated_at, now);
                prop_assert!(evaluated.report.findings().eq(report.findings()));
                prop_assert!(evaluated.report.verdicts().eq(report.verdicts()));
                prop_assert_eq!(&*evaluated.ledger, &ledger);
                let audited = exposition::Audited { org: "default", snapshot: &snapshot, report: &report, ledger: &ledger };
                let expected = exposition::text(&[audited], &exposition::Config::default());
                prop_assert_eq!(text(&published), String::from_utf8(expected).expect("UTF-8"));
                reference = Some((snapshot, ledger));
            }
            // What was saved is what was published last.
            let (snapshot, ledger) = reference.expect("one step at least");
            running.store.close();
            let again = self::running(Some(folder.path().join("state.json")), policy_of(false));
            let saved = again.store.of(&OrgId::new("o")).expect("it was saved");
            prop_assert_eq!(saved.snapshot.taken_at, snapshot.taken_at);
            prop_assert_eq!(held(&saved.snapshot), held(&snapshot));
            prop_assert_eq!(&*saved.ledger, &ledger);
            Ok(())
        })?;
    }
}

/// The scopes of each client by name, because their indices in a file differ.
fn held(snapshot: &Snapshot) -> Vec<(String, Vec<&str>)> {
    let scopes = |client: &Client| {
        let mut names: Vec<&str> = client.scopes.iter().map(|scope| snapshot.scopes.name(*scope)).collect();
        names.sort_unstable();
        (client.id.to_string(), names)
    };
    snapshot.clients.iter().map(scopes).collect()
}

fn advanced(
    ledger: &Ledger,
    snapshot: &Snapshot,
    policy: &Policy,
    report: &audit::Report,
    event: Event<'_>,
    now: Timestamp,
    elapsed: Duration,
) -> Ledger {
    let sighting = Sighting::of(Evaluation { snapshot, policy, report });
    ledger.advance(&sighting, event, now, elapsed)
}

#[tokio::test]
async fn a_refresh_in_which_nothing_changed_renders_nothing_and_writes_no_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let running = running(Some(path.clone()), policy_of(false));
    let snapshot = |seconds| {
        let time = Timestamp::from_seconds(TAKEN_AT.seconds() + seconds);
        (fixtures::snapshot().client(fixtures::client("c").scopes(["oauth"])).taken_at(time).build(), time)
    };
    let refresh = |seconds| {
        let (snapshot, now) = snapshot(seconds);
        let published = running.refresh(snapshot, now);
        let page = Arc::clone(published.organisations[0].page.as_ref().expect("data"));
        (page, std::fs::metadata(&path).and_then(|found| found.modified()).expect("it is saved"))
    };
    refresh(0);
    // The second refresh shows that the ledger stays unchanged.
    let (second, third) = (refresh(1), refresh(2));
    assert!(Arc::ptr_eq(&second.0, &third.0));
    assert_eq!(second.1, third.1);
    let published = running.reader.current();
    let organisation = &published.organisations[0];
    assert_eq!(organisation.freshness.refreshes.unchanged, 2);
    let evaluated = organisation.evaluated.as_ref().expect("data");
    let now = Timestamp::from_seconds(TAKEN_AT.seconds() + 2);
    assert_eq!((evaluated.snapshot.taken_at, evaluated.report.evaluated_at), (now, now));
}

/// The platform gives each answer another id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_is_refused_again_changes_nothing() {
    let simulator = simulator().await;
    let forbidden = Fault::Forbidden { permission: "authorization:division:view".to_owned() };
    simulator.organisation().set_fault(forbidden.at(Endpoint::Divisions));
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    exporter.until("unchanged refreshes", |scrape| scrape.sum("exporter_refreshes_unchanged_total", &[]) > 2.0).await;
    let (_, report) = exporter.get("/api/v1/report").await;
    assert!(report.contains("divisions: forbidden (HTTP 403)") && !report.contains("correlation id"), "{report}");
    exporter.stop().await;
}
