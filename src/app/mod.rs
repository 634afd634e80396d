//! Assembles the process: builds and connects all parts, and owns and awaits every task.
//!
//! It makes no decisions; `config` interprets the flags.

mod fleet;
mod metrics;
pub mod process;
mod reload;
mod supervise;
mod tasks;
mod web;

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

pub use metrics::FAMILIES;

use self::fleet::Fleet;
use self::reload::Source;
use self::supervise::Supervisor;
use self::tasks::{STOP_LIMIT, Tasks};
use crate::config::{OrganisationSettings, Settings};
use crate::domain::Timestamp;
use crate::exposition::{self, Own};
use crate::genesys;
use crate::liveness::{Latch, Liveness};
use crate::metric::Registry;
use crate::publish::{self, Reader};
use crate::refresh;
use crate::server::{self, Limits, Listener, Routes, View, WebConfig};
use crate::signals::reload_signals;
use crate::{store, systemd, telemetry};

/// The time that the organisations may take to end and to write their state, each of which has its own limit.
const CLOSE_LIMIT: Duration = Duration::from_millis(3_700);

/// A process that is ready to run: its listener is bound, and data from the state file is restored.
#[derive(Debug)]
pub struct App {
    listeners: Vec<Listener>,
    address: SocketAddr,
    routes: Arc<Routes>,
    limits: Limits,
    supervisor: Supervisor,
    reader: Reader,
    liveness: Liveness,
    latches: Latches,
    web: web::Watch,
}

/// The latches of the tasks that the process has once. The organisations have their own.
#[derive(Debug)]
struct Latches {
    server: Latch,
    service: Latch,
}

impl App {
    /// Builds all parts. The error message says what to change.
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        let Settings { organisations, shard, again, auto_reload, server, external_url, exposition, .. } = settings;
        let signals = reload_signals().context("cannot install a handler for SIGHUP")?;
        let listeners = listen(&server.listen_addresses)?;
        let address = listeners.first().context("no address to listen on")?.bound();

        let registry = Registry::default();
        metrics::register(&registry, shard)?;
        let measure_process = process::register(&registry)?;
        let server_metrics = server::Metrics::register(&registry, external_url.as_deref())?;
        telemetry::register(&registry)?;

        let web_config = Arc::clone(&server.web);
        let (publisher, reader) = publish::channel(Vec::new(), read_now(&organisations), exposition);

        let liveness = Liveness::default();
        let shared = fleet::Shared {
            publisher: publisher.clone(),
            registry: registry.clone(),
            liveness: liveness.clone(),
            api: genesys::Metrics::register(&registry)?,
            refresh: refresh::Metrics::register(&registry)?,
            store: store::Metrics::register(&registry)?,
            evaluations: Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, NonZero::get))),
        };
        let now = Timestamp::from(SystemTime::now());
        let fleet = tokio::task::spawn_blocking(move || {
            let steps = Fleet::prepare(&shared, &[], organisations)?;
            let (fleet, _) = Fleet::new(shared).apply(steps, now);
            anyhow::Ok(fleet)
        });
        let fleet = fleet.await??;
        let latches = Latches { server: liveness.latch("server"), service: liveness.latch("service") };
        let web = web::Watch::new(web_config, (publisher, reader.clone()), &liveness)?;
        let (reload, requests) = server::reload_channel();
        let limits = Limits::new(server::connections_within_limit(server.max_connections));
        let view = View {
            config: server,
            external_url,
            reader: reader.clone(),
            own: Own::measuring(registry, process::AT_MOST_EVERY, measure_process),
            metrics: server_metrics,
            liveness: liveness.clone(),
            reload,
            now: || Timestamp::from(SystemTime::now()),
        };
        let routes = Arc::new(Routes::new(view));
        Ok(Self {
            listeners,
            address,
            routes,
            limits,
            supervisor: Supervisor {
                fleet,
                source: Arc::new(Source { file: again }),
                requests,
                signals,
                reader: reader.clone(),
                auto_reload,
            },
            reader,
            liveness,
            latches,
            web,
        })
    }

    /// The address that the listener is bound to. The port is the real one if the settings say 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The web configuration.
    pub fn web(&self) -> &WebConfig {
        self.web.config()
    }

    /// Runs until `shutdown`, then stops all tasks. An error means that a task ended before `shutdown`.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::default();
        for listener in &self.listeners {
            let (address, scheme) = (listener.bound(), self.web.config().scheme());
            info!(%address, scheme, version = env!("CARGO_PKG_VERSION"), "listening");
        }
        if self.web.is_needed() {
            tasks.spawn("web configuration".to_owned(), self.web.run(stop.clone().cancelled_owned()));
        }
        let Latches { server: latch, service: service_latch } = self.latches;
        let serving = server::run(self.listeners, self.routes, self.limits, stop.clone().cancelled_owned());
        tasks.spawn(
            "server".to_owned(),
            async move { latch.beat_during(serving).await }.instrument(info_span!("server")),
        );
        let mut organisations = tokio::spawn(self.supervisor.run(stop.clone()));
        systemd::ready(&self.reader.current());
        let service = systemd::run(self.reader, self.liveness, stop.clone().cancelled_owned());
        tasks.spawn(
            "service".to_owned(),
            async move { service_latch.beat_during(service).await }.instrument(info_span!("service")),
        );

        let outcome = tokio::select! {
            () = shutdown => Ok(()),
            Some(failure) = tasks.ended() => Err(failure),
            ended = &mut organisations => ended.context("the organisations are not watched any more").and_then(|ended| ended),
        };
        systemd::stopping();
        stop.cancel();
        let was_watching = !organisations.is_finished();
        let closing = async {
            if was_watching && tokio::time::timeout(CLOSE_LIMIT, organisations).await.is_err() {
                error!("the last write of the state files is not waited for");
            }
        };
        let (unended, ()) = tokio::join!(tasks.all_ended(STOP_LIMIT), closing);
        if unended.is_empty() {
            info!("stopped");
        } else {
            let tasks = unended.join(", ");
            warn!(
                tasks,
                limit_seconds = STOP_LIMIT.as_secs_f64(),
                "stopped; these tasks did not end in time and are abandoned"
            );
        }
        outcome
    }
}

fn listen(addresses: &[SocketAddr]) -> anyhow::Result<Vec<Listener>> {
    let listen = |address: &SocketAddr| {
        server::listen(*address).with_context(|| {
            format!(
                "cannot listen on {address}; if another process uses the address, choose another one with --web.listen-address"
            )
        })
    };
    addresses.iter().map(listen).collect()
}

/// The outcome of loading the files at the start, just now. A configured baseline that is missing does not stop the start, but
/// counts as a failed load: without it, no approval is ever required.
fn read_now(organisations: &[OrganisationSettings]) -> exposition::ReloadStatus {
    let last_success = Timestamp::from(SystemTime::now());
    exposition::ReloadStatus {
        last_successful: !fleet::lacks_baseline(organisations),
        last_success,
        web_config_rejected: false,
    }
}
