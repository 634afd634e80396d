//! Who connects to the exporter in a soak: honest scrapers of every kind, and peers that are slow, silent or gone.
//!
//! The honest ones check every answer. No answer to them may fail.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_SECRET, PLANTED_SECRET, SimulatedOrganisation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::allowed::Allowed;
use super::invariants::{Broken, History, one_scrape};
use super::parser::{Exposition, parse};

/// Time between two scrapes of one scraper, so that the exporter has some of the processor too.
const PACE: Duration = Duration::from_millis(100);
/// More violations than these show nothing new.
const MOST: usize = 20;

/// What all peers share with the test.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) address: SocketAddr,
    pub(super) organisation: SimulatedOrganisation,
    pub(super) allowed: Allowed,
    /// Odd while a file is reloaded.
    pub(super) epoch: AtomicU64,
    pub(super) scrapes: AtomicU64,
    pub(super) other_answers: AtomicU64,
    pub(super) stop: CancellationToken,
    violations: Mutex<Vec<String>>,
}

/// How a scraper scrapes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) openmetrics: bool,
    pub(super) gzip: bool,
    pub(super) keep_alive: bool,
}

impl Watch {
    pub(super) fn new(address: SocketAddr, organisation: SimulatedOrganisation, allowed: Allowed) -> Arc<Self> {
        let (stop, zero) = (CancellationToken::new(), AtomicU64::default);
        let (epoch, scrapes, other_answers) = (zero(), zero(), zero());
        Arc::new(Self {
            address,
            organisation,
            allowed,
            epoch,
            scrapes,
            other_answers,
            stop,
            violations: Mutex::default(),
        })
    }

    pub(super) fn violated(&self, rule: String) {
        let mut violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        if violations.len() < MOST {
            violations.push(rule);
        }
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks that a text shows no secret and no token that is valid now.
    pub(super) fn no_secret(&self, place: &str, text: &str) {
        let tokens = self.organisation.live_tokens();
        let secrets = tokens.iter().map(String::as_str).chain([PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "Bearer "]);
        if secrets.into_iter().any(|secret| text.contains(secret)) {
            self.violated(format!("a secret in {place}"));
        }
    }

    /// Checks a scrape off the async workers, which also run the platform.
    async fn check(self: &Arc<Self>, text: String, style: Style, history: History, epochs: (u64, u64)) -> History {
        let watch = Arc::clone(self);
        let checked = tokio::task::spawn_blocking(move || watch.check_now(&text, style, history, epochs));
        checked.await.expect("it does not panic")
    }

    fn check_now(&self, text: &str, style: Style, mut history: History, epochs: (u64, u64)) -> History {
        self.no_secret("a scrape", text);
        let mut broken = Broken::default();
        match parse(text, style.openmetrics) {
            Ok(scrape) => {
                one_scrape(&scrape, !style.openmetrics, &mut broken);
                let (before, after) = epochs;
                // During a reload, each scrape has an epoch of its own.
                let epoch = if before == after && before % 2 == 0 {
                    before
                } else {
                    u64::MAX - self.scrapes.load(Ordering::Relaxed)
                };
                history.follows(scrape, epoch, &mut broken);
            }
            Err(rule) => broken.0.push(rule),
        }
        self.scrapes.fetch_add(1, Ordering::Relaxed);
        for rule in broken.0 {
            self.violated(format!("{style:?}: {rule}"));
        }
        history
    }
}

fn pace() -> Interval {
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

pub(crate) fn client(keep_alive: bool) -> reqwest::Client {
    // reqwest wants one even for plain HTTP. Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let idle = usize::from(keep_alive);
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(idle).build().expect("a client")
}

/// Scrapes and checks until the soak ends.
pub(super) async fn scraper(watch: Arc<Watch>, style: Style) {
    let (http, mut pace) = (client(style.keep_alive), pace());
    let mut history = History::new(watch.allowed.clone());
    while !watch.stop.is_cancelled() {
        pace.tick().await;
        let before = watch.epoch.load(Ordering::SeqCst);
        let mut answer = scrape(&http, watch.address, style).await;
        if style.keep_alive && answer.is_err() {
            // As Prometheus does: the exporter may close a connection that was idle just as the next request is sent on it.
            answer = scrape(&http, watch.address, style).await;
        }
        match answer {
            Ok(text) => {
                let epochs = (before, watch.epoch.load(Ordering::SeqCst));
                history = watch.check(text, style, history, epochs).await;
            }
            Err(cause) => watch.violated(format!("{style:?}: a scrape failed: {cause}")),
        }
    }
}

async fn scrape(http: &reqwest::Client, address: SocketAddr, style: Style) -> Result<String, String> {
    let accept =
        if style.openmetrics { "application/openmetrics-text; version=1.0.0" } else { "text/plain; version=0.0.4" };
    let encoding = if style.gzip { "gzip" } else { "identity" };
    let request =
        http.get(format!("http://{address}/metrics")).header("accept", accept).header("accept-encoding", encoding);
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    if response.status() != 200 {
        return Err(format!("status {}", response.status()));
    }
    let zipped = response.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip");
    if zipped != style.gzip {
        return Err("the encoding is not the one that was asked for".to_owned());
    }
    let body = response.bytes().await.map_err(|error| format!("{error:?}"))?;
    let mut text = String::new();
    if zipped {
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).map_err(|error| error.to_string())?;
    } else {
        text.push_str(std::str::from_utf8(&body).map_err(|error| error.to_string())?);
    }
    Ok(text)
}

/// A scrape of the driver of the soak itself.
pub(super) async fn look(watch: &Watch, http: &reqwest::Client) -> Exposition {
    let style = Style { openmetrics: false, gzip: false, keep_alive: false };
    let text = scrape(http, watch.address, style).await.expect("a scrape");
    parse(&text, false).expect("valid text")
}

/// Asks for health, readiness, the page and the report, again and again. Each answers 200.
pub(super) async fn visitor(watch: Arc<Watch>) {
    let (http, mut pace) = (client(false), pace());
    let paths = ["/-/healthy", "/-/ready", "/", "/-/healthy", "/api/v1/report", "/?q=a"];
    for path in paths.iter().cycle() {
        if watch.stop.is_cancelled() {
            return;
        }
        pace.tick().await;
        let answer = async {
            let response = http.get(format!("http://{}{path}", watch.address)).send().await?;
            let status = response.status().as_u16();
            response.text().await.map(|text| (status, text))
        };
        match answer.await {
            Ok((200, text)) => {
                watch.no_secret(path, &text);
                if path.ends_with("report") && serde_json::from_str::<serde_json::Value>(&text).is_err() {
                    watch.violated("the report is not JSON".to_owned());
                }
            }
            Ok((status, text)) => watch.violated(format!("{path} answers {status}: {text}")),
            Err(cause) => watch.violated(format!("{path} does not answer: {cause:?}")),
        }
        watch.other_answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads a scrape in small pieces. The exporter may cut it off, but what it sends in full must be right.
pub(super) async fn slow_reader(watch: Arc<Watch>) {
    let style = Style { openmetrics: false, gzip: false, keep_alive: false };
    let mut history = History::new(watch.allowed.clone());
    while !watch.stop.is_cancelled() {
        let before = watch.epoch.load(Ordering::SeqCst);
        let Ok(mut stream) = TcpStream::connect(watch.address).await else { continue };
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let (mut answer, mut piece, mut pace) = (Vec::new(), [0; 16_384], pace());
        let mut whole = stream.write_all(request.as_bytes()).await.is_ok();
        while whole && !watch.stop.is_cancelled() {
            pace.tick().await;
            match stream.read(&mut piece).await {
                Ok(0) => break,
                Ok(length) => answer.extend_from_slice(&piece[..length]),
                Err(_) => whole = false,
            }
        }
        let answer = String::from_utf8(answer).unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").filter(|(head, body)| {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            head.starts_with("HTTP/1.1 200") && length == Some(body.len())
        });
        if let Some((_, body)) = body {
            let epochs = (before, watch.epoch.load(Ordering::SeqCst));
            history = watch.check(body.to_owned(), style, history, epochs).await;
        }
    }
}

/// Connects, asks, and leaves: before the answer, within it, or in the middle of the question.
pub(super) async fn quitter(watch: Arc<Watch>, mut random: fastrand::Rng) {
    let mut pace = pace();
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    while !watch.stop.is_cancelled() {
        pace.tick().await;
        let Ok(mut stream) = TcpStream::connect(watch.address).await else { continue };
        // The exporter may close the connection first.
        let _ = stream.write_all(&request[..random.usize(..=request.len())]).await;
        if random.bool() {
            let _ = tokio::time::timeout(PACE, stream.read(&mut [0; 100])).await;
        }
    }
}

/// Holds a connection with half a question until the exporter closes it, then opens the next.
pub(super) async fn silent(watch: Arc<Watch>) {
    let mut buffer = [0; 100];
    while !watch.stop.is_cancelled() {
        let Ok(mut stream) = TcpStream::connect(watch.address).await else { continue };
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHo").await;
        tokio::select! {
            _ = stream.read(&mut buffer) => {}
            () = watch.stop.cancelled() => {}
        }
    }
}
