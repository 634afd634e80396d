//! Two shards become three: no page starts, and none ends, because an organisation moved.
//!
//! With a volume for each shard and baselines, the shards restart one after the other, as the pods of a `StatefulSet` do. With one
//! directory for all, all stop before the first starts, and not even first-seen times are lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use genesyscloud_oauth_exporter::config::shard_of;
use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, SimulatedOrganisation, Simulator,
};
use tempfile::TempDir;

use crate::paged::{Monitoring, Page};
use crate::programs::{Program, free_port, turn};
use crate::support::program;

const NAME: &str = "CRM screen pop";
/// With two shards, the first has `moving` and `first`; with three, the last has `moving`.
const ORGS: [&str; 3] = ["sandbox", "production", "one"];
const MOVING: usize = 0;
const SECOND: usize = 1;

struct World {
    folder: TempDir,
    simulators: Vec<Simulator>,
    ports: [u16; 3],
    shards: [Option<Program>; 3],
    monitoring: Monitoring,
    /// Whether all shards have one directory.
    is_shared: bool,
}

impl World {
    async fn start(with_baselines: bool, is_shared: bool) -> Self {
        assert_eq!(ORGS.map(|org| [shard_of(org, 2), shard_of(org, 3)]), [[0, 2], [1, 1], [0, 0]]);
        let folder = tempfile::tempdir().expect("a folder");
        let ports = [free_port(), free_port(), free_port()];
        let monitoring = Monitoring::start(folder.path(), &ports).await;
        let secret = folder.path().join("secret");
        fs::write(&secret, DEFAULT_CLIENT_SECRET).expect("writable");
        fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).expect("ours");
        let mut file = format!(
            "[defaults]\ninterval = \"1s\"\nclient_id = \"{DEFAULT_CLIENT_ID}\"\nclient_secret_file = \"secret\"\n\
             retry_base = \"10ms\"\nrequests_per_minute = 3000\nburst = 1000\n"
        );
        let mut simulators = Vec::new();
        for (seed, org) in (0..).zip(ORGS) {
            let simulator = Simulator::start(Options { seed, ..Options::default() }).await.expect("loopback");
            simulator.organisation().set_rate_limit(1_000_000);
            let url = simulator.url();
            file += &["[[organisation]]\norg = \"", org, "\"\napi_url = \"", &url, "\"\nlogin_url = \"", &url, "\"\n"]
                .concat();
            if with_baselines {
                file += &["baseline_file = \"", org, ".json\"\n"].concat();
            }
            simulators.push(simulator);
        }
        fs::write(folder.path().join("organisations.toml"), file).expect("writable");
        let mut world = Self { folder, simulators, ports, shards: [None, None, None], monitoring, is_shared };
        if with_baselines {
            for org in ORGS {
                world.command(&["baseline", "init", "--org", org, "--by", "Kim", "--reason", "the first day"]);
            }
        }
        world.start_shard(0, 2).await;
        world.start_shard(1, 2).await;
        world.monitoring.prometheus.until("count(genesyscloud_oauth_org_info) == 3").await;
        world
    }

    fn organisation(&self, org: usize) -> SimulatedOrganisation {
        self.simulators[org].organisation()
    }

    fn client(&self, org: usize, name: &str) -> String {
        self.organisation(org).client_id(name).expect("it is in the demo organisation")
    }

    fn config(&self) -> String {
        format!("--config.file={}", self.folder.path().join("organisations.toml").display())
    }

    fn command(&self, arguments: &[&str]) {
        let output = program().args(arguments).arg(self.config()).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Stops the shard if it runs, starts it as one of `total`, and waits until each of its organisations was scraped.
    async fn start_shard(&mut self, shard: usize, total: u32) {
        self.stop_shard(shard).await;
        let state = self.folder.path().join(if self.is_shared { "state".to_owned() } else { format!("state-{shard}") });
        fs::create_dir_all(&state).expect("a folder");
        let mut program = program();
        program.args([
            self.config(),
            format!("--web.listen-address=127.0.0.1:{}", self.ports[shard]),
            format!("--state.dir={}", state.display()),
            format!("--shard.index=exporter-{shard}"),
            format!("--shard.total={total}"),
        ]);
        self.shards[shard] = Some(Program::start(&mut program));
        for org in ORGS.into_iter().filter(|org| shard_of(org, total) as usize == shard) {
            let instance = format!("instance=\"127.0.0.1:{}\"", self.ports[shard]);
            let refreshed = format!(
                "genesyscloud_oauth_exporter_refreshes_total{{{instance},org=\"{org}\",outcome=\"success\"}} > 0"
            );
            self.monitoring.prometheus.until(&refreshed).await;
        }
    }

    async fn stop_shard(&mut self, shard: usize) {
        if let Some(program) = self.shards[shard].take() {
            program.stop();
            self.monitoring.prometheus.until(&format!("up{{instance=\"127.0.0.1:{}\"}} == 0", self.ports[shard])).await;
        }
    }

    /// Two grants that page: in the organisation that moves, and in one that stays.
    async fn grant_in_two(&self, alert: &str) -> Vec<Page> {
        let mut expected = Vec::new();
        for org in [MOVING, SECOND] {
            assert!(self.organisation(org).grant_scope(NAME, "oauth"));
            expected.push(Page::new("firing", alert, &self.client(org, NAME), &["oauth"]));
            assert_eq!(self.monitoring.until_paged(expected.len()).await, expected);
        }
        self.monitoring.assert_quiet("grants that stay").await;
        expected
    }

    /// The organisation moved, and only the new shard reports it.
    async fn assert_moved(&self) {
        let instances =
            format!("genesyscloud_oauth_org_info{{org=\"{}\",instance=\"127.0.0.1:{}\"}}", ORGS[MOVING], self.ports[2]);
        self.monitoring.prometheus.until(&instances).await;
        self.monitoring.prometheus.until("count(genesyscloud_oauth_org_info) == 3").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_baselines_a_third_shard_with_its_own_volume_starts_and_ends_no_page() {
    const PAGE: &str = "GenesysOAuthDangerousScopeUnapproved";
    let _turn = turn().await;
    let mut world = World::start(true, false).await;
    let mut expected = world.grant_in_two(PAGE).await;

    // The new pod first, then the others from the last to the first. For a while, two shards watch the organisation that moves.
    world.start_shard(2, 3).await;
    world.monitoring.assert_quiet("a third shard").await;
    world.start_shard(1, 3).await;
    world.start_shard(0, 3).await;
    world.assert_moved().await;
    world.monitoring.assert_quiet("a reshard").await;

    // The new shard pages for what is new, and ends what is settled.
    let other = world.client(MOVING, "ServiceNow ticket sync");
    assert!(world.organisation(MOVING).grant_permission("ServiceNow connector", "authorization:grant:add"));
    expected.push(Page::new(
        "firing",
        "GenesysOAuthDangerousPermissionUnapproved",
        &other,
        &["authorization:grant:add"],
    ));
    assert_eq!(world.monitoring.until_paged(3).await, expected);
    let client = world.client(MOVING, NAME);
    world.command(&[
        "baseline",
        "approve",
        &client,
        "--org",
        ORGS[MOVING],
        "--scope",
        "oauth",
        "--by",
        "Kim",
        "--reason",
        "OPS-7",
    ]);
    world.shards.iter().flatten().for_each(|shard| shard.signal("HUP"));
    expected.push(Page::new("resolved", PAGE, &client, &["oauth"]));
    assert_eq!(world.monitoring.until_paged(4).await, expected);
    world.monitoring.assert_quiet("all that is settled").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_baselines_a_third_shard_on_a_shared_directory_starts_and_ends_no_page() {
    const PAGE: &str = "GenesysOAuthDangerousScopeNew";
    let _turn = turn().await;
    let mut world = World::start(false, true).await;
    let mut expected = world.grant_in_two(PAGE).await;

    for shard in [0, 1] {
        world.stop_shard(shard).await;
    }
    // While no shard runs, the organisation that moves gains another grant. It is new for the shard that takes over.
    let other = world.client(MOVING, "ServiceNow ticket sync");
    assert!(world.organisation(MOVING).grant_permission("ServiceNow connector", "authorization:grant:add"));
    world.monitoring.assert_quiet("no shard").await;
    for shard in [0, 1, 2] {
        world.start_shard(shard, 3).await;
    }
    world.assert_moved().await;
    expected.push(Page::new("firing", "GenesysOAuthDangerousPermissionNew", &other, &["authorization:grant:add"]));
    assert_eq!(world.monitoring.until_paged(3).await, expected);
    world.monitoring.assert_quiet("a reshard").await;

    assert!(world.organisation(MOVING).revoke_scope(NAME, "oauth"));
    expected.push(Page::new("resolved", PAGE, &world.client(MOVING, NAME), &["oauth"]));
    assert_eq!(world.monitoring.until_paged(4).await, expected);
}
