//! `serve` and `demo`: run the exporter.
//!
//! Not how its parts are wired together (`app`).

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{error, info, warn};

use super::announce::announce;
use super::console::{complain, say};
use super::exit::{CLEAN, FAILURE};
use super::prepare::{Runs, prepare, refuse};
use super::{baseline, healthcheck};
use crate::app::App;
use crate::config::{Gathered, OrganisationSettings, Settings};
use crate::domain::Timestamp;
use crate::secret::SecretString;
use crate::signals::StopSignals;
use crate::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, SimulatedOrganisation, Simulator};

/// How long the start may take before the log says so.
const SLOW_START: Duration = Duration::from_secs(10);

/// How often the demo applies the changes that are due.
const DRIFT_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn serve(settings: Settings) -> u8 {
    announce(&settings);
    run(settings, |_, _| {}, std::future::pending()).await
}

/// Runs the exporter against a simulated organisation that changes over time.
pub(super) async fn demo(gathered: &Gathered) -> u8 {
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
    let code = run(settings, introduce, drift(organisation)).await;
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

/// Runs the exporter until a signal stops it. `beside` runs alongside and must not end.
async fn run(
    settings: Settings,
    started: impl FnOnce(SocketAddr, &'static str),
    beside: impl Future<Output = ()>,
) -> u8 {
    let (mut stop, app) = match start(settings).await {
        Ok(Some(started)) => started,
        Ok(None) => return CLEAN,
        Err(error) => {
            complain(format_args!("{error:#}"));
            return FAILURE;
        }
    };
    started(app.address(), app.web().scheme());
    let shutdown = async { info!(signal = stop.recv().await.as_str(), "shutting down") };
    let outcome = tokio::select! {
        outcome = app.run(shutdown) => outcome,
        () = beside => Ok(()),
    };
    match outcome {
        Ok(()) => CLEAN,
        Err(error) => {
            error!(error = format_args!("{error:#}"), "the exporter stops because of an error");
            FAILURE
        }
    }
}

/// Builds the exporter. `None` if a signal stopped it meanwhile.
async fn start(settings: Settings) -> anyhow::Result<Option<(StopSignals, App)>> {
    let mut stop = StopSignals::listen().context("cannot install handlers for SIGTERM and SIGINT")?;
    // Reading and evaluating saved data blocks. The disk may hang, and then this thread is abandoned.
    let runtime = Handle::current();
    let building = tokio::task::spawn_blocking(move || runtime.block_on(App::build(settings)));
    let mut building = pin!(building);
    loop {
        tokio::select! {
            biased;
            reason = stop.recv() => {
                info!(signal = reason.as_str(), "stopped before the start was complete");
                return Ok(None);
            }
            app = &mut building => return Ok(Some((stop, app??))),
            () = tokio::time::sleep(SLOW_START) => warn!(
                "the start takes very long; if the state file is not huge, the disk or the network file system that it is on does not answer"
            ),
        }
    }
}

fn introduce(address: SocketAddr, scheme: &str, clients: usize) {
    let url = format!("{scheme}://{}", healthcheck::reachable(address));
    say(format_args!(
        "The exporter watches a simulated organisation with {clients} OAuth clients, all of them approved."
    ));
    say(
        "The organisation changes over time: after one minute a client gains a dangerous scope that nobody approved. Later",
    );
    say("another client loses one, and the API limits the rate of requests.\n");
    say(format_args!("  status page   {url}/"));
    say(format_args!("  metrics       {url}/metrics"));
    say(format_args!("  report        {url}/api/v1/report\n"));
    if !address.ip().to_canonical().is_loopback() {
        say(
            "The details of the page and the report are served only on loopback; --web.expose-report serves them on any \
             address.\n",
        );
    }
    say("Stop it with Ctrl-C.");
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
