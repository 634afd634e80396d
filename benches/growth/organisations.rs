//! Several organisations of 500 clients in one process, each with its own pipeline, published together.

use std::env;
use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use genesyscloud_oauth_exporter::audit::rules;
use genesyscloud_oauth_exporter::domain::{Client, Freshness, OrgId, Records, ScopeTable, Snapshot, Timestamp};
use genesyscloud_oauth_exporter::exposition::{self, Encoding, Format, Own, ReloadStatus};
use genesyscloud_oauth_exporter::fixtures::{self, TAKEN_AT};
use genesyscloud_oauth_exporter::genesys::offline::Offline;
use genesyscloud_oauth_exporter::genesys::{self, AuthStyle, Limits, PacingConfig, RetryConfig};
use genesyscloud_oauth_exporter::metric::Registry;
use genesyscloud_oauth_exporter::policy::Policy;
use genesyscloud_oauth_exporter::publish::{Published, Publisher, Reader, ServedOrganisation, channel};
use genesyscloud_oauth_exporter::refresh::{Fetched, InForce, Listing, Pipeline};
use genesyscloud_oauth_exporter::secret::{SecretSource, SecretString};
use genesyscloud_oauth_exporter::store::{self, Store};

use crate::world::World;

const CLIENTS: usize = 500;
const ROUNDS: u64 = 15;

pub(crate) const HEADS: [&str; 9] = [
    "organisations",
    "resident",
    "bytes in use, per client",
    "page, gzip",
    "refresh of one, unchanged",
    "refresh of one, all clients change",
    "of which joining and swapping",
    "scrape, gzip",
    "scrape, plain",
];

/// The pipelines of the organisations, and what they publish.
struct Process {
    organisations: Vec<Running>,
    publisher: Publisher,
    published: Reader,
    now: i64,
}

struct Running {
    /// Keeps what it knows of the last list, as the reader of the platform does.
    reader: Offline,
    pipeline: Pipeline,
}

pub(crate) fn row(number: usize) -> Vec<String> {
    let before = crate::used();
    let mut process = Process::new(number);
    // Twice, because the first refresh of the same data advances the ledger.
    for version in [0, 0] {
        for organisation in 0..number {
            process.refresh(organisation, version);
        }
    }
    let (resident, used) = (resident(), crate::used() - before);
    let unchanged = median(|_| process.refresh(0, 0));
    let changed = median(|round| process.refresh(0, 1 + round));
    let swap = process.swap();
    let own = Own::new(Registry::default());
    let published = process.published.current();
    let gzip = median(|_| timed(|| scrape(&published, &own, Encoding::Gzip)));
    let plain = median(|_| timed(|| scrape(&published, &own, Encoding::Identity)));
    vec![
        number.to_string(),
        format!("{:.1} MiB", mebibytes(resident)),
        format!("{} B", used / number / CLIENTS),
        format!("{:.2} MiB", mebibytes(scrape(&published, &own, Encoding::Gzip))),
        milliseconds(unchanged),
        milliseconds(changed),
        milliseconds(swap),
        milliseconds(gzip),
        milliseconds(plain),
    ]
}

impl Process {
    fn new(number: usize) -> Self {
        let names: Vec<String> = (0..number).map(|n| format!("organisation-{n:03}")).collect();
        let served = names.iter().map(|name| ServedOrganisation::new(name.clone(), Freshness::default()));
        let reload = ReloadStatus { last_successful: true, last_success: TAKEN_AT, web_config_rejected: false };
        let (publisher, reader) = channel(served.collect(), reload, exposition::Config::default());
        // Without a file: the writer is another thread, and a state file of all organisations is not the matter here.
        let metrics = store::Metrics::register(&Registry::default()).expect("free names");
        let store = Arc::new(Store::open(None, None, &metrics).expect("no file"));
        let policy = Arc::new(Policy::built_in(&rules::slugs()).expect("it is valid"));
        let in_force = Arc::new(ArcSwap::from_pointee(InForce { policy, baseline: None }));
        let running = |name: String| {
            let platform = platform(name);
            let pipeline = Pipeline::new(&platform, Arc::clone(&in_force), publisher.clone(), Arc::clone(&store));
            Running { reader: Offline::default(), pipeline }
        };
        let organisations = names.into_iter().map(running).collect();
        Self { organisations, publisher, published: reader, now: TAKEN_AT.seconds() }
    }

    /// How long it takes to read, evaluate and publish this version of an organisation. Making its JSON is not counted.
    fn refresh(&mut self, index: usize, version: u64) -> Duration {
        let world = made(index, version);
        self.now += 300;
        let now = Timestamp::from_seconds(self.now);
        let Running { reader, pipeline } = &mut self.organisations[index];
        let began = Instant::now();
        let snapshot = snapshot(index, world.read_by(reader), now);
        let own = fixtures::client("own").alone().id;
        let listing = Listing { total: None, distinct: snapshot.clients.len(), own, own_listed: true };
        let fetched = Fetched { snapshot, listing, calls: Vec::new(), duplicates: 0 };
        pipeline.accept(fetched, now, |freshness| freshness.refreshes.success += 1);
        began.elapsed()
    }

    /// How long it takes to publish another page of the first organisation beside the pages of the others.
    fn swap(&self) -> Duration {
        let first = self.published.current().organisations[0].clone();
        let evaluated = first.evaluated.expect("data");
        let pages = [(); 2].map(|()| self.publisher.render(&first.org, &evaluated));
        median(|round| {
            let page = Arc::clone(&pages[usize::from(round % 2 == 0)]);
            timed(|| self.publisher.update(|organisations, _| organisations[0].serve(Arc::clone(&evaluated), page)))
        })
    }
}

/// Prints the JSON of an organisation, one page on each line.
pub(crate) fn print(index: &str, version: &str) {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let world = World::of(number(index) as u64 + 1, CLIENTS, number(version));
    let mut output = std::io::stdout().lock();
    for page in world.pages {
        output.write_all(&page).and_then(|()| output.write_all(b"\n")).expect("a reader");
    }
}

/// The same from another process: making JSON here would leave holes in the memory that is measured.
fn made(index: usize, version: u64) -> World {
    let mut command = Command::new(env::current_exe().expect("a program"));
    let output = command.args(["world", &index.to_string(), &version.to_string()]).output().expect("a process");
    assert!(output.status.success(), "the organisation {index} was not made");
    let pages = output.stdout.split(|byte| *byte == b'\n').filter(|page| !page.is_empty()).map(<[u8]>::to_vec);
    World { number: CLIENTS, pages: pages.collect() }
}

/// The roles are built for each refresh, which takes the same time for every number of organisations.
fn snapshot(index: usize, listed: (Records<Client>, ScopeTable), taken_at: Timestamp) -> Snapshot {
    let mut snapshot = World::with_roles(listed);
    snapshot.organisation.id = OrgId::new(format!("id-{index}"));
    snapshot.taken_at = taken_at;
    snapshot
}

/// The bytes of a scrape, dropped as a server drops what it sent.
fn scrape(published: &Published, own: &Own, encoding: Encoding) -> usize {
    let now = tokio::time::Instant::now();
    let body = exposition::scrape(&published.audited, &published.status, (own, now), Format::Text, encoding);
    body.map(|piece| black_box(piece.expect("sound streams")).len()).sum()
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    black_box(work());
    began.elapsed()
}

/// The first round is a warm-up.
fn median(mut round: impl FnMut(u64) -> Duration) -> Duration {
    let mut rounds: Vec<Duration> = (0..=ROUNDS).map(&mut round).skip(1).collect();
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

fn mebibytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0
}

/// Resident bytes of this process.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// Nothing is called.
fn platform(org: String) -> genesys::Config {
    let url: url::Url = "http://127.0.0.1:9/".parse().expect("a URL");
    genesys::Config {
        client_id: format!("client-of-{org}"),
        org,
        client_secret: SecretSource::Value(SecretString::from("made-up")),
        api_url: url.clone(),
        login_url: url,
        proxy: None,
        authorities: genesys::Authorities::default(),
        region: "made up".to_owned(),
        auth_style: AuthStyle::Basic,
        token_scope: None,
        clients_path: "/api/v2/oauth/clients".to_owned(),
        retry: RetryConfig { attempts: 1, base: Duration::from_secs(1), max_retry_after: Duration::from_secs(1) },
        pacing: PacingConfig { per_minute: 300, burst: 1 },
        limits: Limits {
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            attempt_deadline: Duration::from_secs(1),
            max_body_bytes: 1 << 20,
            max_pages: 1,
        },
    }
}
