//! Assembles the process: builds and connects all parts, and owns and awaits every task.
//!
//! It makes no decisions; `config` interprets the flags.

mod metrics;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

pub use metrics::FAMILIES;

use crate::config::Settings;
use crate::domain::{Freshness, Timestamp};
use crate::exposition;
use crate::genesys::{self, Platform};
use crate::publish::{self, Reader, ServedOrganisation};
use crate::refresh::{self, Files, InForce, Pipeline, Reloader, Worker};
use crate::server::{self, Latch, Limits, Liveness, ReloadRequests, Routes, View};
use crate::signals::{ReloadSignals, reload_signals};
use crate::store::{self, Store};
use crate::systemd;

/// The time that tasks may take to end at shutdown before they are aborted. The server's own drain is shorter.
const HARD_DEADLINE: Duration = Duration::from_secs(15);

/// A process that is ready to run: its listener is bound, and data from the state file is restored.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    address: SocketAddr,
    routes: Arc<Routes>,
    limits: Limits,
    workers: Vec<(String, Worker, Latch)>,
    reloader: Arc<Reloader>,
    requests: ReloadRequests,
    signals: ReloadSignals,
    reader: Reader,
    liveness: Liveness,
    store: Arc<Store>,
}

impl App {
    /// Builds all parts. The error message says what to change.
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        let Settings { organisations, refresh, server, exposition, state_file, files, in_force, .. } = settings;
        let signals = reload_signals().context("cannot install a handler for SIGHUP")?;
        let listener = TcpListener::bind(server.listen_address).await.with_context(|| {
            let address = server.listen_address;
            format!(
                "cannot listen on {address}; if another process uses the address, choose another one with --web.listen-address"
            )
        })?;
        let address = listener.local_addr().context("cannot read the address of the listener")?;

        let registry = Registry::new();
        metrics::register(&registry)?;
        let api_metrics = genesys::Metrics::register(&registry)?;
        let refresh_metrics = refresh::Metrics::register(&registry)?;
        let server_metrics = server::Metrics::register(&registry)?;
        let store_metrics = store::Metrics::register(&registry)?;

        in_force.log(&files);
        let reload = read_now(&in_force, &files);
        let in_force = Arc::new(ArcSwap::from_pointee(in_force));
        let store = tokio::task::spawn_blocking(move || Store::open(state_file, store_metrics)).await??;
        let store = Arc::new(store);
        let (publisher, reader) = publish::channel(unknown(&organisations, &refresh), reload, exposition);

        let mut liveness = Liveness::default();
        let mut pipelines = Vec::new();
        let mut workers = Vec::new();
        for (index, config) in organisations.into_iter().enumerate() {
            let org = config.org.clone();
            let pipeline = Pipeline::new(index, &config, Arc::clone(&in_force), publisher.clone(), Arc::clone(&store));
            let pipeline = Arc::new(pipeline);
            let platform = Platform::new(config, &api_metrics).context("cannot set up TLS")?;
            let worker = {
                let (refresh, pipeline, metrics) = (refresh.clone(), Arc::clone(&pipeline), refresh_metrics.clone());
                tokio::task::spawn_blocking(move || Worker::new(platform, refresh, pipeline, metrics)).await?
            };
            let latch = liveness.latch(format!("refresh of {org}"));
            pipelines.push(pipeline);
            workers.push((org, worker, latch));
        }
        let reloader = Arc::new(Reloader::new(files, in_force, pipelines, publisher));
        let (reload, requests) = server::reload_channel();
        let limits = Limits::new(server.max_connections);
        let view = View {
            config: server,
            bound: address,
            reader: reader.clone(),
            registry,
            metrics: server_metrics,
            liveness: liveness.clone(),
            reload,
            now: || Timestamp::from(SystemTime::now()),
        };
        let routes = Arc::new(Routes::new(view));
        Ok(Self { listener, address, routes, limits, workers, reloader, requests, signals, reader, liveness, store })
    }

    /// The address that the listener is bound to. The port is the real one if the settings say 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until `shutdown`, then stops all tasks. An error means that a task ended before `shutdown`.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        info!(address = %self.address, version = env!("CARGO_PKG_VERSION"), "listening");
        for (org, worker, latch) in self.workers {
            let stop = stop.clone();
            let refresh = async move {
                worker.run(stop.cancelled_owned()).await;
                drop(latch);
                "refresh"
            };
            tasks.spawn(refresh.instrument(info_span!("refresh", org)));
        }
        let server = {
            let stop = stop.clone();
            async move {
                server::run(self.listener, self.routes, self.limits, stop.cancelled_owned()).await;
                "server"
            }
        };
        tasks.spawn(server.instrument(info_span!("server")));
        let reload = {
            let (stop, reader) = (stop.clone(), self.reader.clone());
            async move {
                reload(self.reloader, self.requests, self.signals, reader, stop).await;
                "reload"
            }
        };
        tasks.spawn(reload.instrument(info_span!("reload")));
        systemd::ready(&self.reader.current());
        let service = {
            let stop = stop.clone();
            async move {
                systemd::run(self.reader, self.liveness, stop.cancelled_owned()).await;
                "service"
            }
        };
        tasks.spawn(service.instrument(info_span!("service")));

        let outcome = tokio::select! {
            () = shutdown => Ok(()),
            Some(ended) = tasks.join_next() => Err(match ended {
                Ok(name) => anyhow!("the task {name} ended unexpectedly"),
                Err(failure) => anyhow!("a task failed: {failure}"),
            }),
        };
        systemd::stopping();
        stop.cancel();
        let drained = tokio::time::timeout(HARD_DEADLINE, async { while tasks.join_next().await.is_some() {} }).await;
        let store = self.store;
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        if drained.is_ok() && closed.is_ok() {
            info!("stopped");
        } else {
            warn!(
                deadline_seconds = HARD_DEADLINE.as_secs(),
                "stopped; some tasks did not end in time and were aborted"
            );
        }
        outcome
    }
}

/// Reloads policy and baseline on SIGHUP or on request, one reload at a time.
async fn reload(
    reloader: Arc<Reloader>,
    mut requests: ReloadRequests,
    mut signals: ReloadSignals,
    reader: Reader,
    stop: CancellationToken,
) {
    loop {
        let request = tokio::select! {
            () = stop.cancelled() => return,
            // The server keeps the sending end for as long as it runs, so `next` does not return `None` before `stop`.
            Some(request) = requests.next() => Some(request),
            true = signals.recv() => None,
        };
        systemd::reloading();
        let reloader = Arc::clone(&reloader);
        let result = tokio::task::spawn_blocking(move || reloader.reload()).await;
        let result = result.unwrap_or_else(|failure| {
            error!(%failure, "the reload failed unexpectedly");
            Err("the reload failed unexpectedly; the log of the exporter shows the cause".to_owned())
        });
        systemd::ready(&reader.current());
        if let Some(request) = request {
            request.answer(result);
        }
    }
}

/// The state of the organisations before their first refresh.
fn unknown(organisations: &[genesys::Config], refresh: &refresh::Config) -> Vec<ServedOrganisation> {
    let freshness = Freshness { interval: refresh.interval, ..Freshness::default() };
    organisations
        .iter()
        .map(|config| ServedOrganisation { org: config.org.clone(), freshness: freshness.clone(), evaluated: None })
        .collect()
}

/// The outcome of loading the files at the start, just now. A configured baseline that is missing does not stop the start, but
/// counts as a failed load: without it, no approval is ever required.
fn read_now(in_force: &InForce, files: &Files) -> exposition::ReloadStatus {
    let last_successful = !in_force.lacks_baseline(files);
    exposition::ReloadStatus { last_successful, last_success: Timestamp::from(SystemTime::now()) }
}
