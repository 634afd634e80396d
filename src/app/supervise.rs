//! The task that watches the organisations: starts their workers, and reloads on SIGHUP, on request, or when a file changed.
//!
//! One reload at a time. `reload` reads, and `fleet` carries out.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::fleet::{Changes, Fleet};
use super::reload::{Prepared, Source};
use super::tasks::{STOP_LIMIT, Tasks};
use crate::blocking::{NoResult, Turn};
use crate::domain::Timestamp;
use crate::publish::Reader;
use crate::server::ReloadRequests;
use crate::signals::ReloadSignals;
use crate::systemd;

/// How long reading may take before the reload counts as failed. The disk may hang.
const LIMIT: Duration = Duration::from_mins(1);

/// The organisations with what changes them.
#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) fleet: Fleet,
    pub(super) source: Arc<Source>,
    pub(super) requests: ReloadRequests,
    pub(super) signals: ReloadSignals,
    pub(super) reader: Reader,
    /// How often the contents of the files are compared; `None` if only on request.
    pub(super) auto_reload: Option<Duration>,
}

impl Supervisor {
    /// Runs until `stop`, then ends the refreshes and writes their state. An error means that a worker ended before.
    pub(super) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let latch = self.fleet.shared().liveness.latch("reload");
        let mut tasks = Tasks::default();
        self.fleet.start_waiting(&mut tasks);
        let outcome = latch.beat_during(self.watch(&mut tasks, &stop)).await;
        self.fleet.stop();
        let unended = tasks.all_ended(STOP_LIMIT).await.join(", ");
        if !unended.is_empty() {
            warn!(tasks = unended, "these refreshes did not end in time and are abandoned");
        }
        self.fleet.close().await;
        outcome
    }

    async fn watch(&mut self, tasks: &mut Tasks, stop: &CancellationToken) -> anyhow::Result<()> {
        let (mut reads, mut comparisons) = (Turn::default(), Turn::default());
        let mut ticks = tokio::time::interval(self.auto_reload.unwrap_or(Duration::from_hours(24)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut auto = AutoReload::default();
        loop {
            let (request, is_auto) = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(failure) = tasks.ended() => return Err(failure),
                // The server keeps the sending end for as long as it runs, so `next` does not return `None` before `stop`.
                Some(request) = self.requests.next() => (Some(request), false),
                true = self.signals.recv() => (None, false),
                _ = ticks.tick(), if self.auto_reload.is_some() => {
                    let (source, watched) = (Arc::clone(&self.source), self.fleet.watched());
                    let digest = tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        digest = comparisons.take(LIMIT, move || source.digest(&watched)) => digest.ok(),
                    };
                    // A disk that does not answer is reported by the reload that somebody asks for.
                    if !digest.is_some_and(|digest| auto.is_due(digest)) {
                        continue;
                    }
                    (None, true)
                }
            };
            systemd::reloading();
            let result = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                result = self.reload(tasks, &mut reads) => result?,
            };
            if let Err(cause) = &result {
                if !is_auto || auto.is_news(cause) {
                    error!(
                        cause,
                        "the configuration file, a policy or a baseline cannot be used; the previous ones stay in force"
                    );
                }
                let publisher = self.fleet.shared().publisher.clone();
                let failed = move || publisher.update(|_, reload| reload.last_successful = false);
                // A panic is logged.
                let _ = tokio::task::spawn_blocking(failed).await;
            }
            auto.failure = result.as_ref().err().cloned();
            systemd::ready(&self.reader.current());
            if let Some(request) = request {
                request.answer(result);
            }
        }
    }

    /// Reads everything again and carries out what changed: all of it, or nothing. The outer error is a defect.
    async fn reload(&mut self, tasks: &mut Tasks, reads: &mut Turn<Prepared>) -> anyhow::Result<Result<(), String>> {
        let prepare = {
            let (shared, source, watched) =
                (self.fleet.shared().clone(), Arc::clone(&self.source), self.fleet.watched());
            move || {
                let (organisations, warnings) = source.read(&watched)?;
                let steps =
                    Fleet::prepare(&shared, &watched, organisations).map_err(|failure| format!("{failure:#}"))?;
                Ok((steps, warnings))
            }
        };
        let (steps, warnings) = match reads.take(LIMIT, prepare).await {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(cause)) => return Ok(Err(cause)),
            Err(none) => return Ok(Err(cause(none))),
        };
        for warning in warnings {
            warn!("{warning}");
        }
        self.fleet.end_changed(&steps, tasks).await;
        let empty = Fleet::new(self.fleet.shared().clone());
        let fleet = std::mem::replace(&mut self.fleet, empty);
        let now = Timestamp::from(SystemTime::now());
        let (fleet, changes) = tokio::task::spawn_blocking(move || fleet.apply(steps, now)).await?;
        self.fleet = fleet;
        self.fleet.start_waiting(tasks);
        let Changes { added, changed, removed } = changes;
        info!(added, changed, removed, "configuration, policy and baseline reloaded");
        Ok(Ok(()))
    }
}

/// When changed files are read without being asked.
#[derive(Debug, Default)]
struct AutoReload {
    /// The digest of the files that were read last.
    read: Option<u64>,
    /// The digest at the last look.
    seen: Option<u64>,
    /// Why the last reload failed.
    failure: Option<String>,
}

impl AutoReload {
    /// Whether to read the files. They must have been the same twice, because a file may be half written. After a failure they are read
    /// at each look: what was wrong may be in a file that is not looked at.
    fn is_due(&mut self, digest: u64) -> bool {
        let is_stable = self.seen.replace(digest) == Some(digest);
        let is_due = is_stable && (self.read != Some(digest) || self.failure.is_some());
        if is_due {
            self.read = Some(digest);
        }
        is_due
    }

    /// Whether this failure was not reported yet.
    fn is_news(&self, cause: &str) -> bool {
        self.failure.as_deref() != Some(cause)
    }
}

/// Why there is no result of a reload.
fn cause(none: NoResult) -> String {
    let check = "check the disk of the configuration, the policy and the baseline file";
    match none {
        NoResult::Busy => format!("an earlier reload has not ended; {check}"),
        NoResult::Late => format!("the reload took longer than {} s; {check}", LIMIT.as_secs()),
        NoResult::Panicked => "the reload failed unexpectedly; the log says why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_once_they_are_stable_and_again_while_the_last_reload_failed() {
        let mut auto = AutoReload::default();
        for (digest, failed, expected) in [
            (1, false, false),
            (1, false, true),
            (1, false, false),
            (2, false, false),
            (3, false, false),
            (3, true, true),
            (3, true, true),
            (3, false, true),
            (3, false, false),
        ] {
            assert_eq!(auto.is_due(digest), expected, "{auto:?}");
            auto.failure = failed.then(|| "a mistake".to_owned());
            assert_eq!(auto.is_news("a mistake"), !failed);
        }
    }

    #[test]
    fn a_reload_without_a_result_says_why_and_what_to_do() {
        let check = "check the disk of the configuration, the policy and the baseline file";
        for (none, expected) in [
            (NoResult::Busy, format!("an earlier reload has not ended; {check}")),
            (NoResult::Late, format!("the reload took longer than 60 s; {check}")),
            (NoResult::Panicked, "the reload failed unexpectedly; the log says why".to_owned()),
        ] {
            assert_eq!(cause(none), expected);
        }
    }
}
