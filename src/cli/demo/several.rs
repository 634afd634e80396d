//! `demo` with several organisations, which are configured by a file as with `--config.file`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::files::Folder;
use super::introduction;
use super::story::{Cast, Story};
use crate::baseline::Baseline;
use crate::cli::console::{complain, say};
use crate::cli::exit::{FAILURE, USAGE};
use crate::cli::prepare::{Runs, prepare, refuse};
use crate::cli::{baseline, serve};
use crate::config::{self, ConfigError, Divided, Gathered, OrganisationSettings, Settings};
use crate::domain::Timestamp;
use crate::simulator::{DEFAULT_CLIENT_SECRET, Options, SimulatedOrganisation, Simulator};

/// How often the organisations are changed.
const ADVANCE_EVERY: Duration = Duration::from_secs(1);
/// Organisations up to which each is refreshed as often as the only one of the demo.
const FEW: u16 = 20;
/// Stories that are printed.
const TOLD: usize = 8;

/// Runs the exporter. `given` are the settings that were given as flags.
pub(super) async fn run(number: u16, given: &[(String, String)]) -> u8 {
    let mut divided = config::divided(given, config::environment());
    if divided.keys.contains_key("baseline_file") {
        complain("demo --organisations makes a baseline for each organisation; leave --baseline.file out");
        return USAGE;
    }
    let interval = if number <= FEW { "5s" } else { "30s" };
    divided.keys.entry("interval").or_insert_with(|| interval.to_owned());
    let casts = Cast::all(number);
    let simulators = match start(&casts).await {
        Ok(simulators) => simulators,
        Err(error) => {
            complain(format_args!("the simulated organisations cannot be started: {error}"));
            return FAILURE;
        }
    };
    let code = configured(&casts, &simulators, divided).await;
    for simulator in simulators {
        simulator.stop().await;
    }
    code
}

async fn start(casts: &[Cast]) -> std::io::Result<Vec<Simulator>> {
    let now = Timestamp::from(SystemTime::now()).seconds();
    let among = u16::try_from(casts.len()).unwrap_or(u16::MAX);
    let mut simulators = Vec::new();
    for cast in casts {
        let options = Options {
            seed: 1 + u64::from(cast.number),
            name: cast.name(),
            clients: cast.clients(among),
            now,
            client_id: cast.client_id(),
            client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            ..Options::default()
        };
        simulators.push(Simulator::start(options).await?);
    }
    Ok(simulators)
}

/// Writes the files, approves what the organisations have, and serves.
async fn configured(casts: &[Cast], simulators: &[Simulator], divided: Divided) -> u8 {
    let folder = match Folder::create() {
        Ok(folder) => folder,
        Err(error) => {
            let within = std::env::temp_dir();
            complain(format_args!(
                "the files of the demo cannot be written in {}: {error}; set TMPDIR to a folder that can be written",
                within.display()
            ));
            return FAILURE;
        }
    };
    let organisations: Vec<(Cast, String)> =
        casts.iter().zip(simulators).map(|(cast, simulator)| (*cast, simulator.url())).collect();
    let Divided { mut flags, environment, keys } = divided;
    flags.push(("config.file".to_owned(), folder.config().to_string_lossy().into_owned()));
    if !flags.iter().any(|(flag, _)| flag == "state.dir") {
        flags.push(("state.dir".to_owned(), String::new()));
    }
    let gathered = Arc::new(config::read(&flags, environment));
    if let Err(mistake) = approve(&folder, &keys, &organisations, &gathered).await {
        return mistake.complain();
    }
    let settings = match Settings::to_serve(&gathered) {
        Ok(settings) => settings,
        Err(errors) => return refuse(&errors),
    };
    if let Err(code) = prepare(&settings, Runs::UntilStopped) {
        return code;
    }
    let running: Vec<(Cast, SimulatedOrganisation)> =
        casts.iter().zip(simulators).map(|(cast, simulator)| (*cast, simulator.organisation())).collect();
    for (cast, organisation) in &running {
        cast.begin(organisation);
    }
    let clients = running.iter().map(|(_, organisation)| organisation.truth().clients).sum::<usize>();
    let (casts, path) = (casts.to_vec(), folder.config());
    // Standard output may be a pipe that nobody reads.
    let introduce = move |address, scheme| {
        let text = path.display().to_string();
        drop(tokio::task::spawn_blocking(move || introduce(&casts, clients, &text, (address, scheme))));
    };
    serve::run(settings, introduce, advance(running)).await
}

/// Why the baselines could not be made.
enum Mistake {
    Settings(Vec<ConfigError>),
    Other(String),
}

impl From<Vec<ConfigError>> for Mistake {
    fn from(errors: Vec<ConfigError>) -> Self {
        Self::Settings(errors)
    }
}

impl Mistake {
    fn complain(&self) -> u8 {
        match self {
            Self::Settings(errors) => refuse(errors),
            Self::Other(mistake) => {
                complain(format_args!("the baselines of the simulated organisations cannot be created: {mistake}"));
                FAILURE
            }
        }
    }
}

/// Approves what each organisation has, so that later changes are unapproved, and writes the configuration file.
async fn approve(
    folder: &Folder,
    keys: &BTreeMap<&'static str, String>,
    organisations: &[(Cast, String)],
    gathered: &Arc<Gathered>,
) -> Result<(), Mistake> {
    let other = |error: std::io::Error| Mistake::Other(format!("{}: {error}", folder.path().display()));
    folder.configure(keys, organisations, |_| false).map_err(other)?;
    let settings = Settings::to_serve(gathered)?;
    let mut reading: JoinSet<Result<(Cast, Baseline), String>> = JoinSet::new();
    for ((cast, _), watched) in organisations.iter().zip(settings.organisations) {
        if cast.has_baseline() {
            let (cast, watched): (Cast, OrganisationSettings) = (*cast, watched);
            reading.spawn(async move { Ok((cast, baseline::as_found(&watched).await?)) });
        }
    }
    while let Some(read) = reading.join_next().await {
        let read = read.map_err(|error| Mistake::Other(error.to_string()))?;
        let (cast, approved) = read.map_err(Mistake::Other)?;
        folder.approve(cast, &approved).map_err(other)?;
    }
    folder.configure(keys, organisations, Cast::has_baseline).map_err(other)
}

fn introduce(casts: &[Cast], clients: usize, config: &str, (address, scheme): (SocketAddr, &str)) {
    let number = casts.len();
    say(format_args!("The exporter watches {number} simulated organisations with {clients} OAuth clients.\n"));
    let stories: Vec<(String, &str)> = casts.iter().filter_map(|cast| Some((cast.label(), cast.told()?))).collect();
    let widest = stories.iter().take(TOLD).map(|(label, _)| label.len()).max().unwrap_or_default();
    for (label, story) in stories.iter().take(TOLD) {
        say(format_args!("  {label:<widest$}  {story}"));
    }
    let failing = casts.iter().filter(|cast| cast.told().is_some()).count().saturating_sub(TOLD);
    if failing > 0 {
        say(format_args!("  {failing} others are slow or fail"));
    }
    let healthy = casts.iter().filter(|cast| cast.story == Story::Healthy).count();
    if healthy > 0 {
        say(format_args!("  {healthy} are healthy"));
    }
    say("\nThe index of the organisations lists the worst first; the label of each leads to its page.\n");
    say(format_args!("  configuration {config}"));
    introduction::introduce("index", address, scheme);
}

/// Changes the organisations as time passes. Never returns.
async fn advance(organisations: Vec<(Cast, SimulatedOrganisation)>) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(ADVANCE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        for (cast, organisation) in &organisations {
            cast.advance(organisation, started.elapsed());
        }
    }
}
