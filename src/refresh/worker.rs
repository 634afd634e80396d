//! The refresh loop of one organisation.
//!
//! The loop never ends because of a failure: it publishes the failure, and the next refresh starts on schedule.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::config::Config;
use super::fetch::{Attempt, Fetched, Previous, fetch};
use super::metrics::Metrics;
use super::pipeline::Pipeline;
use super::schedule;
use crate::audit::{Finding, Verdict};
use crate::domain::{CollectorStatus, Timestamp};
use crate::genesys::Platform;
use crate::liveness::Latch;
use crate::publish::Evaluated;

/// How much longer than its own limit a fetch or a pause may take before the worker counts as stuck.
const MARGIN: Duration = Duration::from_mins(1);
/// How long it may take to evaluate and publish data before the worker counts as stuck. The largest organisations take seconds.
const EVALUATION: Duration = Duration::from_mins(5);
/// After so many failures in a row, and again after as many more, the next refresh starts with a new token and new connections.
const FAILURES_BEFORE_FORGETTING: u64 = 2;
/// If only some inputs cannot be read, a permission is probably missing, and a new token rarely helps.
const FORGET_AGAIN: Duration = Duration::from_hours(1);

/// Refreshes one organisation until the process ends.
#[derive(Debug)]
pub struct Worker {
    platform: Platform,
    config: Config,
    pipeline: Arc<Pipeline>,
    metrics: Metrics,
    /// Limits how many organisations are evaluated at the same time.
    evaluations: Arc<Semaphore>,
    /// Puts the names of settings into the words in which they were given.
    words: fn(&str) -> String,
    /// When the data was taken, by the monotonic clock; `None` if there is no data.
    taken: Option<Instant>,
    last_attempt: Option<Timestamp>,
    failures: u64,
    in_part: InPart,
    withdrawn: bool,
}

/// The complete refreshes in a row in which an input could not be read.
#[derive(Debug, Clone, Copy, Default)]
struct InPart {
    number: u64,
    /// When the platform client last forgot what it knew because of them.
    forgotten: Option<Instant>,
}

impl InPart {
    /// Adds a complete refresh. Returns whether the cause could be what the platform client knows: a bad token can be refused by one
    /// endpoint only.
    fn add(&mut self, all_read: bool, now: Instant) -> bool {
        if all_read {
            *self = Self::default();
            return false;
        }
        self.number += 1;
        let due = self.forgotten.is_none_or(|forgotten| now.duration_since(forgotten) >= FORGET_AGAIN);
        let forget = self.number >= FAILURES_BEFORE_FORGETTING && due;
        if forget {
            self.forgotten = Some(now);
        }
        forget
    }
}

/// The start of one refresh.
#[derive(Debug, Clone, Copy)]
struct Refresh {
    /// By the monotonic clock, for durations and ages.
    began: Instant,
    /// By the system clock, for the metrics.
    now: Timestamp,
}

impl Worker {
    /// A worker. It immediately publishes the data of the state file, if there is any. Blocking.
    pub fn new(
        platform: Platform,
        config: Config,
        pipeline: Arc<Pipeline>,
        metrics: Metrics,
        evaluations: Arc<Semaphore>,
        words: fn(&str) -> String,
    ) -> Self {
        let org = platform.config().org.clone();
        metrics.begin_at_zero(&org);
        let now = Timestamp::from(SystemTime::now());
        let restored = pipeline.restore(now, config.stale_after);
        let age = restored.map(|taken_at| now.since(taken_at));
        let withdrawn = age.is_some_and(|age| age >= config.stale_after);
        match age.map(|age| age.as_secs()) {
            Some(age_seconds) if withdrawn => {
                warn!(org, age_seconds, "the data of the state file is too old to be served");
            }
            Some(age_seconds) => info!(org, age_seconds, "serving the data of the state file until the first refresh"),
            None => {}
        }
        if restored.is_some_and(|taken_at| taken_at > now) {
            metrics.clock_stepped_back(&org);
            warn!(
                org,
                "the data of the state file was taken in the future, because the clock was set back; its age is unknown"
            );
        }
        // If the data is from the future, its age counts from now.
        let taken = age.map(|age| Instant::now().checked_sub(age).unwrap_or_else(Instant::now));
        Self {
            platform,
            config,
            pipeline,
            metrics,
            evaluations,
            words,
            taken,
            last_attempt: None,
            failures: 0,
            in_part: InPart::default(),
            withdrawn,
        }
    }

    /// Runs the loop until `shutdown` completes. The first refresh starts after `delay`. `latch` shows that the loop gets on.
    pub async fn run(mut self, latch: Latch, delay: Duration, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        latch.due_within("waiting for the first refresh", delay + MARGIN);
        tokio::select! {
            () = self.wait_until(Instant::now() + delay) => {}
            () = &mut shutdown => return,
        }
        loop {
            let refresh = Refresh { began: Instant::now(), now: self.begin() };
            latch.due_within("the fetch", self.config.deadline + MARGIN);
            let attempt = tokio::select! {
                attempt = self.fetch(refresh.now) => attempt,
                () = &mut shutdown => {
                    self.metrics.ended(&self.platform.config().org, refresh.began.elapsed());
                    let pipeline = Arc::clone(&self.pipeline);
                    blocking(move || pipeline.fail(false, |freshness| freshness.refreshes.cancelled += 1)).await;
                    return;
                }
            };
            // Evaluate, store and publish the data even if a shutdown has been requested, unless other organisations come first. The
            // process waits for it only briefly.
            latch.due_within("evaluating and publishing data", EVALUATION);
            let asked = match attempt.outcome {
                Ok(fetched) => {
                    let turn = tokio::select! {
                        biased;
                        turn = Arc::clone(&self.evaluations).acquire_owned() => turn,
                        () = &mut shutdown => return self.metrics.ended(&self.platform.config().org, refresh.began.elapsed()),
                    };
                    self.succeeded(fetched, attempt.collectors, refresh).await;
                    drop(turn);
                    None
                }
                Err(failure) => {
                    self.failed(&(self.words)(&failure.to_string()), attempt.collectors, refresh).await;
                    self.platform.asked_wait()
                }
            };
            let pause = schedule::pause(&self.config, refresh.began.elapsed(), asked);
            let next = Instant::now() + pause;
            latch.due_within("waiting for the next refresh", pause + EVALUATION + MARGIN);
            tokio::select! {
                () = self.wait_until(next) => {}
                () = &mut shutdown => return,
            }
        }
    }

    /// The current time, for a refresh that starts. Logs and counts if the clock was set back since the last refresh.
    fn begin(&mut self) -> Timestamp {
        let now = Timestamp::from(SystemTime::now());
        if let Some(last) = self.last_attempt.filter(|last| *last > now) {
            self.metrics.clock_stepped_back(&self.platform.config().org);
            let seconds = last.seconds() - now.seconds();
            warn!(
                seconds,
                "the clock was set back; timestamps in the metrics jump back, but the age of the data stays right"
            );
        }
        self.last_attempt = Some(now);
        now
    }

    /// Fetches the data of the organisation. Cancel safe.
    async fn fetch(&mut self, now: Timestamp) -> Attempt {
        let last = self.pipeline.last_snapshot();
        let served = !self.withdrawn;
        let Self { platform, config, pipeline, taken, withdrawn, .. } = self;
        let fetching = fetch(platform, config, Previous { snapshot: last.as_deref(), served }, now);
        withdrawing(fetching, pipeline, too_old(*taken, config), withdrawn).await
    }

    /// Waits for the next refresh.
    async fn wait_until(&mut self, next: Instant) {
        let Self { config, pipeline, taken, withdrawn, .. } = self;
        withdrawing(tokio::time::sleep_until(next), pipeline, too_old(*taken, config), withdrawn).await;
    }

    async fn succeeded(&mut self, fetched: Fetched, collectors: Vec<CollectorStatus>, refresh: Refresh) {
        let Refresh { began, now } = refresh;
        if let Some(other) = self.pipeline.watched_as(&fetched.snapshot.organisation.id) {
            let id = &fetched.snapshot.organisation.id;
            let failure = format!(
                "this is the organisation {id}, which is watched as {other} already; remove one of the two from the configuration file"
            );
            // Both may have been read for the first time at the same time.
            self.withdrawn = true;
            let pipeline = Arc::clone(&self.pipeline);
            blocking(move || pipeline.fail(true, |_| {})).await;
            return self.failed(&failure, collectors, refresh).await;
        }
        let duplicates = fetched.duplicates;
        let (pipeline, statuses) = (Arc::clone(&self.pipeline), collectors.clone());
        let evaluated = blocking(move || {
            pipeline.accept(fetched, now, |freshness| {
                freshness.last_attempt = Some(now);
                freshness.last_success = Some(now);
                freshness.last_successful = true;
                freshness.consecutive_failures = 0;
                freshness.failure = None;
                freshness.collectors = statuses;
                freshness.withdrawn = false;
                freshness.refreshes.success += 1;
            })
        })
        .await;
        let Some(evaluated) = evaluated else {
            let failure = "the data could not be evaluated or published; the log says why";
            return self.failed(failure, collectors, refresh).await;
        };
        self.failures = 0;
        if self.in_part.add(collectors.iter().all(|status| status.success), Instant::now()) {
            self.platform.forget().await;
        }
        self.withdrawn = false;
        self.taken = Some(began);
        self.metrics.ended(&self.platform.config().org, began.elapsed());
        log_figures(&evaluated, duplicates, began.elapsed());
    }

    async fn failed(&mut self, failure: &str, collectors: Vec<CollectorStatus>, refresh: Refresh) {
        let Refresh { began, now } = refresh;
        self.failures += 1;
        let failures = self.failures;
        if failures.is_multiple_of(FAILURES_BEFORE_FORGETTING) {
            self.platform.forget().await;
        }
        self.metrics.ended(&self.platform.config().org, began.elapsed());
        let age = self.taken.map(|taken| taken.elapsed());
        let withdraw = !self.withdrawn && age.is_some_and(|age| age >= self.config.stale_after);
        self.withdrawn |= withdraw;
        let data = match (age, withdraw, self.withdrawn) {
            (None, ..) => "none yet",
            (Some(_), true, _) => "withdrawn now, since it is too old",
            (Some(_), false, true) => "withdrawn",
            (Some(_), false, false) => "the last complete data is still served",
        };
        error!(
            failure,
            consecutive_failures = failures,
            data,
            data_age_seconds = age.map(|age| age.as_secs()),
            next_attempt_seconds = schedule::pause(&self.config, began.elapsed(), self.platform.asked_wait()).as_secs(),
            "refresh failed"
        );
        let (pipeline, failure) = (Arc::clone(&self.pipeline), failure.to_owned());
        blocking(move || {
            pipeline.fail(withdraw, |freshness| {
                freshness.last_attempt = Some(now);
                freshness.last_successful = false;
                freshness.consecutive_failures = failures;
                freshness.failure = Some(failure);
                freshness.refreshes.error += 1;
                // A collector that did not run keeps its last status.
                for status in collectors {
                    match freshness.collectors.iter_mut().find(|known| known.collector == status.collector) {
                        Some(known) => *known = status,
                        None => freshness.collectors.push(status),
                    }
                }
                freshness.collectors.sort_by_key(|status| status.collector);
            });
        })
        .await;
    }
}

/// When the data is too old to be served; `None` if there is none.
fn too_old(taken: Option<Instant>, config: &Config) -> Option<Instant> {
    taken.map(|taken| taken + config.stale_after)
}

/// Awaits `work`, and withdraws the data meanwhile as soon as it is too old. Cancel safe if `work` is.
async fn withdrawing<T>(
    work: impl Future<Output = T>,
    pipeline: &Arc<Pipeline>,
    too_old: Option<Instant>,
    withdrawn: &mut bool,
) -> T {
    let mut work = pin!(work);
    if let Some(too_old) = too_old.filter(|_| !*withdrawn) {
        tokio::select! {
            biased;
            value = &mut work => return value,
            () = tokio::time::sleep_until(too_old) => {}
        }
        *withdrawn = true;
        warn!("the data is too old and is withdrawn");
        let pipeline = Arc::clone(pipeline);
        blocking(move || pipeline.fail(true, |_| {})).await;
    }
    work.await
}

/// Runs work on a thread that may block. Logs an error and returns `None` if the work panics.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => Some(value),
        Err(failure) => {
            error!(%failure, "evaluating or publishing data failed");
            None
        }
    }
}

fn log_figures(evaluated: &Evaluated, duplicates: usize, took: Duration) {
    let verdicts = || evaluated.report.verdicts().map(|client| &client.verdict);
    let flagged = verdicts().filter(|verdict| matches!(verdict, Verdict::Flagged(_))).count();
    let not_evaluated = verdicts().filter(|verdict| matches!(verdict, Verdict::NotEvaluated(_))).count();
    info!(
        org_id = %evaluated.snapshot.organisation.id,
        clients = evaluated.snapshot.clients.len(),
        flagged,
        not_evaluated,
        partial = evaluated.snapshot.clients.partial().count(),
        findings = evaluated.report.findings().map(Finding::count).sum::<usize>(),
        duplicates,
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "refresh complete"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_input_that_cannot_be_read_twice_in_a_row_is_a_reason_to_start_afresh_once_an_hour() {
        let mut in_part = InPart::default();
        let began = Instant::now();
        for (all_read, minutes, expected) in [
            (false, 0, false),
            (true, 5, false),
            (false, 10, false),
            (false, 15, true),
            (false, 20, false),
            (false, 74, false),
            (false, 75, true),
            (true, 80, false),
            (false, 85, false),
            (false, 90, true),
        ] {
            let now = began + Duration::from_mins(minutes);
            assert_eq!(in_part.add(all_read, now), expected, "after {minutes} min");
        }
    }
}
