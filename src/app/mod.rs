//! Assembles the process: builds and connects all parts, and owns and awaits every task.
//!
//! It makes no decisions; `config` interprets the flags.

mod metrics;
pub mod process;
mod reload;
mod web;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

pub use metrics::FAMILIES;

use crate::config::{OrganisationSettings, Settings, Watch};
use crate::domain::{Freshness, Timestamp};
use crate::exposition::{self, Own};
use crate::genesys::{self, Platform};
use crate::liveness::{Latch, Liveness};
use crate::metric::Registry;
use crate::publish::{self, Reader, ServedOrganisation};
use crate::refresh::{self, Pipeline, Reloader, Worker};
use crate::server::{self, Limits, Listener, ReloadRequests, Routes, View, WebConfig};
use crate::signals::{ReloadSignals, reload_signals};
use crate::store::{self, Store};
use crate::{systemd, telemetry};

/// The time that tasks may take to end at shutdown before they are abandoned. With the last write of the state file, for which `store`
/// waits for 1 s, and the last lines of the log, the process ends within
/// 5 s: Docker kills it after 10 s. The server's own drain is shorter.
const STOP_LIMIT: Duration = Duration::from_millis(2_500);

/// A process that is ready to run: its listener is bound, and data from the state file is restored.
#[derive(Debug)]
pub struct App {
    listeners: Vec<Listener>,
    address: SocketAddr,
    routes: Arc<Routes>,
    limits: Limits,
    workers: Vec<(String, Worker, Latch)>,
    reloader: Arc<Reloader>,
    requests: ReloadRequests,
    signals: ReloadSignals,
    reader: Reader,
    liveness: Liveness,
    stores: Vec<Arc<Store>>,
    latches: Latches,
    web: web::Watch,
}

/// The latches of the tasks that the process has once. The workers have their own.
#[derive(Debug)]
struct Latches {
    server: Latch,
    reload: Latch,
    service: Latch,
}

impl App {
    /// Builds all parts. The error message says what to change.
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        let Settings { organisations, shard, server, external_url, exposition, .. } = settings;
        let signals = reload_signals().context("cannot install a handler for SIGHUP")?;
        let listeners = listen(&server.listen_addresses)?;
        let address = listeners.first().context("no address to listen on")?.bound();

        let registry = Registry::default();
        metrics::register(&registry, shard)?;
        let measure_process = process::register(&registry)?;
        let api_metrics = genesys::Metrics::register(&registry)?;
        let refresh_metrics = refresh::Metrics::register(&registry)?;
        let server_metrics = server::Metrics::register(&registry, external_url.as_deref())?;
        let store_metrics = store::Metrics::register(&registry)?;
        if organisations.is_empty() {
            store_metrics.nothing_to_keep();
        }
        telemetry::register(&registry)?;

        let web_config = Arc::clone(&server.web);
        let (publisher, reader) = publish::channel(unknown(&organisations), read_now(&organisations), exposition);

        let mut liveness = Liveness::default();
        let (mut stores, mut watched, mut workers) = (Vec::new(), Vec::new(), Vec::new());
        for OrganisationSettings { platform: config, watch } in organisations {
            let Watch { refresh, files, in_force, state_file } = watch;
            let org = config.org.clone();
            in_force.log(&files);
            let in_force = Arc::new(ArcSwap::from_pointee(in_force));
            let metrics = store_metrics.clone();
            let store = tokio::task::spawn_blocking(move || Store::open(state_file, metrics)).await??;
            let store = Arc::new(store);
            let pipeline = Arc::new(Pipeline::new(&config, in_force, publisher.clone(), Arc::clone(&store)));
            let platform = Platform::new(config, &api_metrics)?;
            let worker = {
                let (pipeline, metrics) = (Arc::clone(&pipeline), refresh_metrics.clone());
                tokio::task::spawn_blocking(move || Worker::new(platform, refresh, pipeline, metrics)).await?
            };
            let latch = liveness.latch(format!("refresh of {org}"));
            stores.push(store);
            watched.push((files, pipeline));
            workers.push((org, worker, latch));
        }
        let latches = Latches {
            server: liveness.latch("server"),
            reload: liveness.latch("reload"),
            service: liveness.latch("service"),
        };
        let web = web::Watch::new(web_config, (publisher.clone(), reader.clone()), &mut liveness)?;
        let reloader = Arc::new(Reloader::new(watched, publisher));
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
            workers,
            reloader,
            requests,
            signals,
            reader,
            liveness,
            stores,
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
        for (org, worker, latch) in self.workers {
            let span = info_span!("refresh", org);
            tasks
                .spawn(format!("refresh of {org}"), worker.run(latch, stop.clone().cancelled_owned()).instrument(span));
        }
        let Latches { server: latch, reload: reload_latch, service: service_latch } = self.latches;
        let serving = server::run(self.listeners, self.routes, self.limits, stop.clone().cancelled_owned());
        tasks.spawn(
            "server".to_owned(),
            async move { latch.beat_during(serving).await }.instrument(info_span!("server")),
        );
        let reloading = reload::run(
            self.reloader,
            self.requests,
            self.signals,
            self.reader.clone(),
            stop.clone().cancelled_owned(),
        );
        tasks.spawn(
            "reload".to_owned(),
            async move { reload_latch.beat_during(reloading).await }.instrument(info_span!("reload")),
        );
        systemd::ready(&self.reader.current());
        let service = systemd::run(self.reader, self.liveness, stop.clone().cancelled_owned());
        tasks.spawn(
            "service".to_owned(),
            async move { service_latch.beat_during(service).await }.instrument(info_span!("service")),
        );

        let outcome = tokio::select! {
            () = shutdown => Ok(()),
            Some(failure) = tasks.ended() => Err(failure),
        };
        systemd::stopping();
        stop.cancel();
        let unended = tasks.all_ended(STOP_LIMIT).await;
        let stores = self.stores;
        // A thread of its own: those of the runtime may all be blocked. The stores wait for their last writes for a limited time.
        let (closed, closing) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("state-close".to_owned()).spawn(move || {
            store::close_all(stores.iter().map(|store| &**store));
            closed.send(())
        });
        if let Err(failure) = thread {
            error!(%failure, "the last write of the state file is not waited for");
        }
        // An error means that the thread did not start or panicked.
        let _ = closing.await;
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

/// The tasks that run, with their names.
#[derive(Debug, Default)]
struct Tasks {
    running: JoinSet<()>,
    names: BTreeMap<tokio::task::Id, String>,
}

impl Tasks {
    fn spawn(&mut self, name: String, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the next task to end, and says which one it was; `None` if none is left. Cancel safe.
    async fn ended(&mut self) -> Option<anyhow::Error> {
        let (id, failure) = match self.running.join_next_with_id().await? {
            Ok((id, ())) => (id, None),
            Err(failure) => (failure.id(), Some(failure)),
        };
        let name = self.names.remove(&id).unwrap_or_default();
        Some(match failure {
            None => anyhow!("the task {name} ended unexpectedly"),
            Some(failure) => anyhow!("the task {name} failed: {failure}"),
        })
    }

    /// Waits for all tasks, at most this long. Returns the names of those that have not ended; they are abandoned.
    async fn all_ended(mut self, limit: Duration) -> Vec<String> {
        let all = async { while self.ended().await.is_some() {} };
        let _ = tokio::time::timeout(limit, all).await;
        self.names.into_values().collect()
    }
}

/// The state of the organisations before their first refresh.
fn unknown(organisations: &[OrganisationSettings]) -> Vec<ServedOrganisation> {
    let unknown = |OrganisationSettings { platform, watch }: &OrganisationSettings| {
        let freshness = Freshness { interval: watch.refresh.interval, ..Freshness::default() };
        ServedOrganisation::new(platform.org.clone(), freshness)
    };
    organisations.iter().map(unknown).collect()
}

/// The outcome of loading the files at the start, just now. A configured baseline that is missing does not stop the start, but
/// counts as a failed load: without it, no approval is ever required.
fn read_now(organisations: &[OrganisationSettings]) -> exposition::ReloadStatus {
    let last_successful =
        !organisations.iter().any(|OrganisationSettings { watch, .. }| watch.in_force.lacks_baseline(&watch.files));
    let last_success = Timestamp::from(SystemTime::now());
    exposition::ReloadStatus { last_successful, last_success, web_config_rejected: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_stop_waits_for_tasks_but_not_for_one_that_never_ends() {
        let mut tasks = Tasks::default();
        tasks.spawn("stuck".to_owned(), std::future::pending());
        tasks.spawn("slow".to_owned(), async {
            let _ = tokio::time::timeout(STOP_LIMIT / 2, std::future::pending::<()>()).await;
        });
        assert_eq!(tasks.all_ended(STOP_LIMIT).await, ["stuck"]);
    }

    #[tokio::test]
    async fn a_task_that_ends_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("server".to_owned(), async {});
        assert_eq!(tasks.ended().await.expect("a task").to_string(), "the task server ended unexpectedly");
        tasks.spawn("reload".to_owned(), async { panic!("a defect") });
        let failure = tasks.ended().await.expect("a task").to_string();
        assert!(failure.starts_with("the task reload failed: ") && failure.contains("a defect"), "{failure}");
        assert!(tasks.ended().await.is_none());
    }
}
