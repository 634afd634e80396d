//! The task that reads the web configuration file and its certificates again, after SIGHUP and from time to time.
//!
//! Not what the file means (`server`).

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tracing::{Instrument as _, info_span, warn};

use crate::blocking::Turn;
use crate::liveness::{Latch, Liveness};
use crate::publish::{Publisher, Reader};
use crate::server::WebConfig;
use crate::signals::{ReloadSignals, reload_signals};

/// How often the files are read. A new certificate is in force after this time, and after twice this time an error is reported.
const EVERY: Duration = Duration::from_secs(2);
/// How long reading them may take. The disk may hang.
const LIMIT: Duration = Duration::from_secs(20);

/// What the task needs.
#[derive(Debug)]
pub(super) struct Watch {
    config: Arc<WebConfig>,
    publisher: Publisher,
    reader: Reader,
    /// `None` without a file: then there is nothing to read.
    latch: Option<Latch>,
    signals: ReloadSignals,
}

impl Watch {
    pub(super) fn new(
        config: Arc<WebConfig>,
        (publisher, reader): (Publisher, Reader),
        liveness: &Liveness,
    ) -> io::Result<Self> {
        let latch = config.has_file().then(|| liveness.latch("web configuration"));
        Ok(Self { config, publisher, reader, latch, signals: reload_signals()? })
    }

    pub(super) fn config(&self) -> &WebConfig {
        &self.config
    }

    /// Whether there is anything to do.
    pub(super) fn is_needed(&self) -> bool {
        self.latch.is_some()
    }

    /// Runs until `stop`.
    pub(super) async fn run(mut self, stop: impl Future<Output = ()>) {
        let latch = self.latch.take();
        let watching = self.watch(stop).instrument(info_span!("web configuration"));
        match latch {
            Some(latch) => latch.beat_during(watching).await,
            None => watching.await,
        }
    }

    async fn watch(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut turn = Turn::default();
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let requested = tokio::select! {
                () = &mut stop => return,
                true = self.signals.recv() => true,
                _ = ticks.tick() => false,
            };
            let (config, publisher, reader) = (Arc::clone(&self.config), self.publisher.clone(), self.reader.clone());
            let refresh = move || {
                // A mistake is in the log already.
                let _ = config.refresh(requested);
                let rejected = !config.is_usable();
                if reader.current().reload.web_config_rejected != rejected {
                    publisher.update(|_, reload| reload.web_config_rejected = rejected);
                }
            };
            tokio::select! {
                () = &mut stop => return,
                ended = turn.take(LIMIT, refresh) => if ended.is_err() {
                    warn!("the web configuration file is not read, because its disk does not answer; the previous settings stay in force");
                }
            }
        }
    }
}
