//! `serve` and `demo`: the exporter itself.
//!
//! How it is put together is `app`'s.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior};
use tracing::{error, info};

use super::{CLEAN, FAILURE, baseline, complain, healthcheck, prepare, refuse, say};
use crate::app::App;
use crate::config::{Gathered, Settings};
use crate::domain::Timestamp;
use crate::secret::SecretString;
use crate::signals;
use crate::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, SimulatedOrganisation, Simulator};

/// How often the simulated organisation looks whether it is time for a change.
const DRIFT_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn serve(settings: Settings) -> u8 {
    run(settings, |_| {}, std::future::pending()).await
}

/// The exporter against a simulated organisation, which changes while it runs.
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
        Ok(settings) => match prepare(&settings) {
            Ok(()) => watch(settings, simulator.organisation()).await,
            Err(code) => code,
        },
        Err(errors) => refuse(&errors),
    };
    simulator.stop().await;
    code
}

/// Watches the organisation, approved as it is unless a baseline is named: what changes is what nobody approved.
async fn watch(mut settings: Settings, organisation: SimulatedOrganisation) -> u8 {
    let mut kept = None;
    if settings.files.baseline.is_none() {
        let approved = match baseline::as_found(&settings).await {
            Ok(approved) => approved,
            Err(mistake) => {
                complain(format_args!("the simulated organisation cannot be approved: {mistake}"));
                return FAILURE;
            }
        };
        let path = std::env::temp_dir().join(format!("genesyscloud-oauth-exporter-demo-{}.json", std::process::id()));
        match baseline::create(&path, &approved) {
            Ok(()) => {
                settings.files.baseline = Some(path.clone());
                kept = Some(path);
            }
            // In a container nothing may be writable.
            Err(error) => info!(%error, "the demo's baseline is in no file, and lasts until a reload"),
        }
        settings.in_force.baseline = Some(approved);
    }
    let clients = organisation.truth().clients;
    let code = run(settings, |address| introduce(address, clients), drift(organisation)).await;
    if let Some(Err(error)) = kept.map(std::fs::remove_file) {
        info!(%error, "the demo's baseline could not be removed");
    }
    code
}

/// Runs the exporter until it is told to stop. `beside` runs with it and does not end.
async fn run(settings: Settings, started: impl FnOnce(SocketAddr), beside: impl Future<Output = ()>) -> u8 {
    // Spawned, so that a signal is caught from now on and not only once somebody waits for it.
    let signal = tokio::spawn(signals::signal());
    let app = match App::build(settings).await {
        Ok(app) => app,
        Err(error) => {
            complain(format_args!("{error:#}"));
            return FAILURE;
        }
    };
    started(app.address());
    let shutdown = async {
        match signal.await {
            Ok(Ok(reason)) => info!(signal = reason.as_str(), "asked to stop"),
            Ok(Err(error)) => error!(%error, "signals cannot be listened to"),
            Err(failure) => error!(%failure, "waiting for signals ended early"),
        }
    };
    let outcome = tokio::select! {
        outcome = app.run(shutdown) => outcome,
        () = beside => Ok(()),
    };
    match outcome {
        Ok(()) => CLEAN,
        Err(error) => {
            error!(error = format_args!("{error:#}"), "the exporter ends");
            FAILURE
        }
    }
}

fn introduce(address: SocketAddr, clients: usize) {
    let url = format!("http://{}", healthcheck::reachable(address));
    say(format_args!("A simulated organisation with {clients} OAuth clients. It changes while you watch:"));
    say(
        "what is there now is approved; after a minute a client gains a dangerous scope that nobody approved, another loses",
    );
    say("one, and rate limits come and go.\n");
    say(format_args!("  status page   {url}/"));
    say(format_args!("  metrics       {url}/metrics"));
    say(format_args!("  report        {url}/api/v1/report\n"));
    if !address.ip().is_loopback() {
        say(
            "Details of the page and the report are closed on other than loopback addresses; --web.expose-report opens them.\n",
        );
    }
    say("Stop it with Ctrl-C.");
}

/// Lets the simulated organisation change in its time. Does not end.
async fn drift(organisation: SimulatedOrganisation) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(DRIFT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        for change in organisation.advance_to(started.elapsed()) {
            info!(at_seconds = change.at.as_secs(), change = change.sentence, "the simulated organisation changes");
        }
    }
}
