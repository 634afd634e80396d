//! One page per new grant, and one resolution: the simulated organisation, the program, the real Prometheus and Alertmanager,
//! and a webhook that counts the notifications.
//!
//! The tests wait for conditions. Before they check that no further page was sent, both servers have evaluated the alerts several
//! more times.

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault, SimulatedOrganisation, Simulator};
use tempfile::TempDir;

use crate::paged::{Monitoring, Page};
use crate::programs::{Program, free_port, turn};
use crate::support::{program_for, simulator};

const NAME: &str = "CRM screen pop";
const SCOPE_PAGE: &str = "GenesysOAuthDangerousScopeUnapproved";
const PERMISSION_PAGE: &str = "GenesysOAuthDangerousPermissionUnapproved";

struct World {
    simulator: Simulator,
    folder: TempDir,
    ports: [u16; 2],
    exporters: [Option<Program>; 2],
    monitoring: Monitoring,
    with_baseline: bool,
}

impl World {
    async fn start(with_baseline: bool) -> Self {
        let simulator = simulator().await;
        let folder = tempfile::tempdir().expect("a folder");
        let ports = [free_port(), free_port()];
        let monitoring = Monitoring::start(folder.path(), &ports).await;
        let exporters = [None, None];
        let mut world = Self { simulator, folder, ports, exporters, monitoring, with_baseline };
        if with_baseline {
            world.command(&["baseline", "init", "--by", "Kim", "--reason", "the first day"]);
        }
        world.start_exporter(0).await;
        world.until("max(genesyscloud_oauth_org_info)").await;
        world
    }

    fn organisation(&self) -> SimulatedOrganisation {
        self.simulator.organisation()
    }

    fn baseline(&self) -> String {
        format!("--baseline.file={}", self.folder.path().join("baseline.json").display())
    }

    fn command(&self, arguments: &[&str]) {
        let output = program_for(&self.simulator.url()).args(arguments).arg(self.baseline()).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn has(&self, exporter: usize) -> String {
        format!("instance=\"127.0.0.1:{}\"", self.ports[exporter])
    }

    /// Starts one of the pair, each with its own state file, and waits until Prometheus has scraped its first refresh.
    async fn start_exporter(&mut self, exporter: usize) {
        let state = self.folder.path().join(format!("state-{exporter}.json"));
        let mut program = program_for(&self.simulator.url());
        program
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.ports[exporter]))
            .arg(format!("--state.file={}", state.display()))
            .args(["--refresh.interval=1s", "--refresh.stale-after=4s", "--genesys.retry-base=10ms"])
            .args(["--genesys.requests-per-minute=3000", "--genesys.burst=1000"]);
        if self.with_baseline {
            program.arg(self.baseline());
        }
        self.exporters[exporter] = Some(Program::start(&mut program));
        let refreshed =
            format!("genesyscloud_oauth_exporter_refreshes_total{{{},outcome=\"success\"}} > 0", self.has(exporter));
        self.until(&refreshed).await;
    }

    async fn stop_exporter(&mut self, exporter: usize) {
        self.exporters[exporter].take().expect("it runs").stop();
        self.until(&format!("up{{{}}} == 0", self.has(exporter))).await;
    }

    /// Waits until a query of Prometheus has a sample.
    async fn until(&self, query: &str) {
        self.monitoring.prometheus.until(query).await;
    }

    async fn until_paged(&self, times: usize) -> Vec<Page> {
        self.monitoring.until_paged(times).await
    }

    async fn assert_quiet(&self, after: &str) {
        self.monitoring.assert_quiet(after).await;
    }

    /// Approves, and reloads every exporter.
    fn approve(&self, client: &str, what: &[&str]) {
        let arguments = [&["baseline", "approve", client][..], what, &["--by", "Kim", "--reason", "OPS-7"]].concat();
        self.command(&arguments);
        self.exporters.iter().flatten().for_each(|exporter| exporter.signal("HUP"));
    }

    /// Whether a notification names the client and contains these words.
    fn assert_told(&self, client: &str, words: &[&str]) {
        let all = self.monitoring.receiver.all();
        let of_client = all.iter().rfind(|notification| Page::of(notification).client == client).expect("a page");
        let told = of_client.body["alerts"][0]["annotations"].to_string();
        assert!(words.iter().all(|word| told.contains(word)), "{told} lacks one of {words:?}");
    }
}

/// With a baseline, which contains the approved grants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_baseline_a_new_grant_pages_once_and_resolves_once() {
    let _turn = turn().await;
    let mut world = World::start(true).await;
    let client = world.organisation().client_id(NAME).expect("it is in the demo organisation");
    world.until("max(genesyscloud_oauth_baseline_loaded) == 1").await;
    world.assert_quiet("an organisation that is approved unchanged").await;

    assert!(world.organisation().grant_scope(NAME, "oauth"));
    let mut expected = vec![Page::new("firing", SCOPE_PAGE, &client, &["oauth"])];
    assert_eq!(world.until_paged(1).await, expected);
    world.assert_told(&client, &[NAME, "oauth", &client]);
    world.assert_quiet("a grant that stays").await;

    world.stop_exporter(0).await;
    world.assert_quiet("an exporter that is down").await;
    world.start_exporter(0).await;
    world.assert_quiet("an exporter that restarted").await;

    world.organisation().set_fault(Fault::ServerError(503));
    world.until("genesyscloud_oauth_exporter_last_refresh_successful == 0").await;
    world.assert_quiet("a refresh that failed").await;
    world.until("absent(genesyscloud_oauth_org_info)").await;
    world.assert_quiet("data that was withdrawn").await;
    world.organisation().clear_faults();
    world.until("genesyscloud_oauth_org_info").await;
    world.assert_quiet("a platform that came back").await;

    world.monitoring.prometheus.restart();
    world.until(&format!("ALERTS{{alertname=\"{SCOPE_PAGE}\",alertstate=\"firing\"}}")).await;
    world.assert_quiet("a Prometheus that restarted").await;

    assert!(world.organisation().rename(NAME, "Another name"));
    world.until("genesyscloud_oauth_client_info{client_name=\"Another name\"}").await;
    world.assert_quiet("a rename").await;

    world.start_exporter(1).await;
    world.assert_quiet("a second exporter").await;
    world.stop_exporter(0).await;
    world.assert_quiet("the first of the pair that died").await;

    // Now a role, while one of the pair is down.
    let other = world.organisation().client_id("ServiceNow ticket sync").expect("it is in the demo organisation");
    let permission = "authorization:grant:add";
    assert!(world.organisation().grant_permission("ServiceNow connector", permission));
    expected.push(Page::new("firing", PERMISSION_PAGE, &other, &[permission]));
    assert_eq!(world.until_paged(2).await, expected);
    world.assert_told(&other, &["ServiceNow ticket sync", permission, &other]);
    world.start_exporter(0).await;
    world.assert_quiet("the first of the pair that came back").await;
    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    world.organisation().set_fault(forbidden.at(Endpoint::Roles));
    world.until("min(genesyscloud_oauth_exporter_last_refresh_successful) == 0").await;
    world.until("max(genesyscloud_oauth_exporter_collector_supported{collector=\"roles\"}) == 0").await;
    world.until("min(genesyscloud_oauth_exporter_last_refresh_successful) == 1").await;
    world.assert_quiet("roles that cannot be read any more").await;
    world.organisation().clear_faults();
    world.until("min(genesyscloud_oauth_exporter_collector_supported{collector=\"roles\"}) == 1").await;
    world.assert_quiet("roles that can be read again").await;

    world.approve(&client, &["--scope", "oauth"]);
    expected.push(Page::new("resolved", SCOPE_PAGE, &client, &["oauth"]));
    assert_eq!(world.until_paged(3).await, expected);
    assert!(world.organisation().revoke_permission("ServiceNow connector", permission));
    expected.push(Page::new("resolved", PERMISSION_PAGE, &other, &[permission]));
    assert_eq!(world.until_paged(4).await, expected);
    world.assert_quiet("all that is settled").await;
}

/// Without a baseline: a new grant pages because of the time at which it was first seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_baseline_a_new_grant_pages_once_by_its_first_seen_time() {
    const NEW: &str = "GenesysOAuthDangerousScopeNew";
    let _turn = turn().await;
    let mut world = World::start(false).await;
    let client = world.organisation().client_id(NAME).expect("it is in the demo organisation");
    world.assert_quiet("grants of the very first refresh").await;

    assert!(world.organisation().grant_scope(NAME, "oauth"));
    let mut expected = vec![Page::new("firing", NEW, &client, &["oauth"])];
    assert_eq!(world.until_paged(1).await, expected);
    world.assert_told(&client, &[NAME, "oauth", &client]);
    world.stop_exporter(0).await;
    world.start_exporter(0).await;
    world.assert_quiet("an exporter that restarted").await;
    assert!(world.organisation().rename(NAME, "Another name"));
    world.until("genesyscloud_oauth_client_info{client_name=\"Another name\"}").await;
    world.start_exporter(1).await;
    world.assert_quiet("a rename and a second exporter").await;

    assert!(world.organisation().revoke_scope("Another name", "oauth"));
    expected.push(Page::new("resolved", NEW, &client, &["oauth"]));
    assert_eq!(world.until_paged(2).await, expected);
    assert!(world.organisation().grant_scope("Another name", "oauth"));
    expected.push(Page::new("firing", NEW, &client, &["oauth"]));
    assert_eq!(world.until_paged(3).await, expected);
    world.assert_quiet("what was removed and granted again").await;
}
