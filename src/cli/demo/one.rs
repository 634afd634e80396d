//! `demo` with one organisation, which is configured by flags.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior};
use tracing::info;

use super::introduction;
use crate::cli::console::{complain, say};
use crate::cli::exit::FAILURE;
use crate::cli::prepare::{Runs, prepare, refuse};
use crate::cli::{baseline, serve};
use crate::config::{Gathered, OrganisationSettings, Settings};
use crate::domain::Timestamp;
use crate::secret::SecretString;
use crate::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, SimulatedOrganisation, Simulator};

/// How often the demo applies the changes that are due.
const DRIFT_EVERY: Duration = Duration::from_secs(1);

/// Runs the exporter against a simulated organisation that changes over time.
pub(super) async fn run(gathered: &Gathered) -> u8 {
    let now = Timestamp::from(SystemTime::now()).seconds();
    let simulator = match Simulator::start(Options { now, ..Options::default() }).await {
        Ok(simulator) => simulator,
        Err(error) => {
            complain(format_args!("the simulated organisation cannot be started: {error}"));
            return FAILURE;
        }
    };
    let settings = simulator.url().parse().map_err(|_| Vec::new()).and_then(|url| {
        let secret = SecretString::from(DEFAULT_CLIENT_SECRET);
        Settings::for_simulated(gathered, url, DEFAULT_CLIENT_ID.to_owned(), secret)
    });
    let code = match settings {
        Ok(settings) => match prepare(&settings, Runs::UntilStopped) {
            Ok(()) => watch(settings, simulator.organisation()).await,
            Err(code) => code,
        },
        Err(errors) => refuse(&errors),
    };
    simulator.stop().await;
    code
}

/// Runs the exporter. Unless a baseline is named, the organisation's first state is approved, so that later changes are
/// unapproved.
async fn watch(mut settings: Settings, organisation: SimulatedOrganisation) -> u8 {
    let mut kept = Vec::new();
    for watched in &mut settings.organisations {
        match approved_as_found(watched).await {
            Ok(path) => kept.extend(path),
            Err(mistake) => {
                complain(format_args!("the baseline of the simulated organisation cannot be created: {mistake}"));
                return FAILURE;
            }
        }
    }
    let clients = organisation.truth().clients;
    // Standard output may be a pipe that nobody reads.
    let introduce = move |address, scheme| {
        drop(tokio::task::spawn_blocking(move || introduce(address, scheme, clients)));
    };
    let code = serve::run(settings, introduce, drift(organisation)).await;
    for path in kept {
        if let Err(error) = std::fs::remove_file(path) {
            info!(%error, "cannot remove the baseline file of the demo");
        }
    }
    code
}

/// Approves everything that the organisation has, unless it has a baseline. Returns the file that was created for it.
async fn approved_as_found(watched: &mut OrganisationSettings) -> Result<Option<PathBuf>, String> {
    if watched.watch.files.baseline.is_some() {
        return Ok(None);
    }
    let approved = baseline::as_found(watched).await?;
    let path = std::env::temp_dir().join(format!("genesyscloud-oauth-exporter-demo-{}.json", std::process::id()));
    let created = baseline::create(&path, &approved);
    watched.watch.in_force.baseline = Some(Arc::new(approved));
    match created {
        Ok(()) => {
            watched.watch.files.baseline = Some(path.clone());
            Ok(Some(path))
        }
        Err(error) => {
            // The file system of a container may be read-only.
            info!(%error, "cannot write the baseline of the demo; it applies until the next reload");
            Ok(None)
        }
    }
}

fn introduce(address: SocketAddr, scheme: &str, clients: usize) {
    say(format_args!(
        "The exporter watches a simulated organisation with {clients} OAuth clients, all of them approved."
    ));
    say(
        "The organisation changes over time: after one minute a client gains a dangerous scope that nobody approved. Later",
    );
    say("another client loses one, and the API limits the rate of requests.\n");
    introduction::introduce("status page", address, scheme);
}

/// Applies the changes of the simulated organisation as time passes. Never returns.
async fn drift(organisation: SimulatedOrganisation) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(DRIFT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        for change in organisation.advance_to(started.elapsed()) {
            info!(at_seconds = change.at.as_secs(), change = change.sentence, "the simulated organisation changed");
        }
    }
}
