//! `serve`: runs the exporter, also for `demo`.
//!
//! Not how its parts are wired together (`app`).

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Handle;
use tracing::{error, info, warn};

use super::announce::announce;
use super::console::complain;
use super::exit::{CLEAN, FAILURE};
use crate::app::App;
use crate::config::Settings;
use crate::signals::StopSignals;

/// How long the start may take before the log says so.
const SLOW_START: Duration = Duration::from_secs(10);

pub(super) async fn serve(settings: Settings) -> u8 {
    announce(&settings);
    run(settings, |_, _| {}, std::future::pending()).await
}

/// Runs the exporter until a signal stops it. `beside` runs alongside and must not end.
pub(super) async fn run(
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
