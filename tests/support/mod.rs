//! An exporter and a simulated organisation in one process, and the program as a process of its own.
//!
//! Tests wait by polling a condition with a deadline. They never sleep for a fixed time.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    reason = "each test binary uses its part; a test that cannot be set up has failed"
)]

pub mod certificates;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use genesyscloud_oauth_exporter::app::App;
use genesyscloud_oauth_exporter::config::{self, Settings};
use genesyscloud_oauth_exporter::secret::SecretString;
use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, Simulator};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A deadline for events that must happen, long enough for a slow machine.
const NEVER: Duration = Duration::from_mins(3);

/// Waits until the condition returns a value.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let polling = async {
        loop {
            ticks.tick().await;
            if let Some(value) = condition().await {
                return value;
            }
        }
    };
    tokio::time::timeout(NEVER, polling).await.unwrap_or_else(|_| panic!("it never came to be: {what}"))
}

/// A simulated organisation with a rate limit that the tests do not reach.
pub async fn simulator() -> Simulator {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    simulator.organisation().set_rate_limit(1_000_000);
    simulator
}

/// The settings of an exporter for that organisation: any port, very short intervals, no state file unless asked.
pub fn settings(simulator: &Simulator, flags: &[(&str, &str)]) -> Settings {
    let mut given = vec![("web.listen-address".to_owned(), "127.0.0.1:0".to_owned())];
    given.extend(flags.iter().map(|(flag, value)| ((*flag).to_owned(), (*value).to_owned())));
    let gathered = config::read(&given, Vec::<(String, String)>::new());
    let url = simulator.url().parse().expect("a URL");
    let secret = SecretString::from(DEFAULT_CLIENT_SECRET);
    let mut settings =
        Settings::for_simulated(&gathered, url, DEFAULT_CLIENT_ID.to_owned(), secret).expect("valid settings");
    settings.organisations[0].watch.refresh.interval = Duration::from_millis(20);
    for organisation in &mut settings.organisations {
        let platform = &mut organisation.platform;
        platform.pacing.per_minute = 1_000_000;
        platform.pacing.burst = 100_000;
        platform.retry.base = Duration::from_millis(1);
    }
    settings
}

/// The program, without the environment variables of the machine.
pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_genesyscloud-oauth-exporter"));
    program.env_clear().stdin(Stdio::null());
    program
}

/// The program with the credentials and the URL of a simulated organisation.
pub fn program_for(url: &str) -> Command {
    let mut program = program();
    program
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", DEFAULT_CLIENT_ID)
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", DEFAULT_CLIENT_SECRET)
        .env("GENESYSCLOUD_API_URL", url)
        .env("GENESYSCLOUD_LOGIN_URL", url);
    program
}

/// For commands against a failing platform: the first retry follows after a millisecond.
pub const QUICK_RETRIES: (&str, &str) = ("GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_RETRY_BASE", "1ms");

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A running exporter.
pub struct Exporter {
    pub address: SocketAddr,
    pub http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Exporter {
    pub async fn start(settings: Settings) -> Self {
        let app = App::build(settings).await.expect("it starts");
        let address = app.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(app.run(async {
            let _ = stopped.await;
        }));
        // The server ends a connection after a minute, and a slow machine would meet that moment with its next request.
        // Another exporter may have installed it already. One without organisations does not.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { address, http, stop: Some(stop), task }
    }

    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.expect("it does not panic").expect("it ends without an error");
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = self.http.get(format!("http://{}{path}", self.address)).send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    }

    pub async fn post(&self, path: &str) -> (u16, String) {
        let response = self.http.post(format!("http://{}{path}", self.address)).send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    }

    pub async fn scrape(&self) -> Scrape {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200);
        Scrape::parse(&text)
    }

    /// Waits until a scrape satisfies the condition, and returns the scrape.
    pub async fn until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        until(what, || async { Some(self.scrape().await).filter(|scrape| condition(scrape)) }).await
    }

    /// Waits for the first complete refresh.
    pub async fn until_refreshed(&self) -> Scrape {
        self.until("the first complete refresh", |scrape| scrape.own("last_refresh_successful") == Some(1.0)).await
    }
}

/// The samples of one scrape: series to value.
#[derive(Debug, Clone)]
pub struct Scrape {
    pub samples: BTreeMap<String, f64>,
}

impl Scrape {
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            (series.to_owned(), value.parse().expect("a number"))
        };
        Self { samples: lines.map(sample).collect() }
    }

    /// The series of that family (its name without `genesyscloud_oauth_`) whose labels contain all of these texts.
    pub fn of<'a>(&'a self, family: &str, labels: &'a [&str]) -> impl Iterator<Item = (&'a str, f64)> {
        let name = format!("genesyscloud_oauth_{family}");
        self.samples
            .iter()
            .filter(move |(series, _)| {
                let rest = series.strip_prefix(&name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
                    && labels.iter().all(|label| series.contains(label))
            })
            .map(|(series, value)| (series.as_str(), *value))
    }

    pub fn sum(&self, family: &str, labels: &[&str]) -> f64 {
        self.of(family, labels).map(|(_, value)| value).sum()
    }

    pub fn count(&self, family: &str, labels: &[&str]) -> usize {
        self.of(family, labels).count()
    }

    /// The first series of the exporter's own family of that name.
    pub fn own(&self, family: &str) -> Option<f64> {
        self.of(&format!("exporter_{family}"), &[]).next().map(|(_, value)| value)
    }
}
