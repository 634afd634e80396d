//! The loop of one organisation.
//!
//! It never gives up and never panics: a failure is published, and the next refresh comes in its time.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::fetch::{Failure, Fetched, fetch};
use super::metrics::{Metrics, Outcome};
use super::{Config, Judge, schedule};
use crate::audit::Verdict;
use crate::domain::{CollectorStatus, Timestamp};
use crate::genesys::Platform;
use crate::publish::Judged;

/// Refreshes one organisation until it is told to stop.
#[derive(Debug)]
pub struct Worker {
    platform: Platform,
    config: Config,
    judge: Arc<Judge>,
    metrics: Metrics,
    last_success: Option<Timestamp>,
    failures: u64,
    withdrawn: bool,
}

impl Worker {
    /// A worker; serves at once what the state file kept.
    pub fn new(platform: Platform, config: Config, judge: Arc<Judge>, metrics: Metrics) -> Self {
        metrics.begin_at_zero(&platform.config().org);
        let now = Timestamp::from(SystemTime::now());
        let last_success = judge.restore(now, config.stale_after);
        if let Some(taken_at) = last_success {
            let age = now.since(taken_at).as_secs();
            info!(age_seconds = age, "serving the data of the state file until the first refresh");
        }
        let withdrawn = last_success.is_some_and(|taken_at| now.since(taken_at) >= config.stale_after);
        Self { platform, config, judge, metrics, last_success, failures: 0, withdrawn }
    }

    /// The loop. Ends only when `shutdown` does.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        loop {
            let started = Instant::now();
            let now = Timestamp::from(SystemTime::now());
            let mut collectors = Vec::new();
            let outcome = tokio::select! {
                outcome = self.fetch(now, &mut collectors) => outcome,
                () = &mut shutdown => {
                    self.metrics.ended(&self.platform.config().org, Outcome::Cancelled, started.elapsed());
                    return;
                }
            };
            // What was fetched is judged, published and kept, even if the process is to end meanwhile.
            let asked = match outcome {
                Ok(fetched) => {
                    self.succeeded(fetched, now, collectors, started).await;
                    None
                }
                Err(failure) => {
                    self.failed(&failure, now, collectors, started).await;
                    failure.wait()
                }
            };
            let next = Instant::now() + schedule::pause(self.config.interval, started.elapsed(), asked);
            tokio::select! {
                () = self.wait_until(next) => {}
                () = &mut shutdown => return,
            }
        }
    }

    /// Waits for the next refresh; data that grows too old on the way is withdrawn at its time.
    async fn wait_until(&mut self, next: Instant) {
        if let Some(taken_at) = self.last_success.filter(|_| !self.withdrawn) {
            let age = Timestamp::from(SystemTime::now()).since(taken_at);
            let too_old = Instant::now() + self.config.stale_after.saturating_sub(age);
            if too_old < next {
                tokio::time::sleep_until(too_old).await;
                self.withdraw().await;
            }
        }
        tokio::time::sleep_until(next).await;
    }

    async fn withdraw(&mut self) {
        self.withdrawn = true;
        warn!("the data is too old and is withdrawn");
        let judge = Arc::clone(&self.judge);
        blocking(move || judge.fail(true, |_| {})).await;
    }

    /// Everything of the organisation. Nothing is lost where this is cut.
    async fn fetch(&self, now: Timestamp, collectors: &mut Vec<CollectorStatus>) -> Result<Fetched, Failure> {
        let previous = self.judge.last_snapshot();
        fetch(&self.platform, &self.config, previous.as_deref(), now, collectors).await
    }

    async fn succeeded(
        &mut self,
        fetched: Fetched,
        now: Timestamp,
        collectors: Vec<CollectorStatus>,
        started: Instant,
    ) {
        let (duplicates, rejected) = (fetched.duplicates, fetched.rejected);
        self.failures = 0;
        self.withdrawn = false;
        self.last_success = Some(now);
        let judge = Arc::clone(&self.judge);
        let judged = blocking(move || {
            judge.accept(fetched, now, |freshness| {
                freshness.last_attempt = Some(now);
                freshness.last_success = Some(now);
                freshness.last_successful = true;
                freshness.consecutive_failures = 0;
                freshness.failure = None;
                freshness.collectors = collectors;
                freshness.withdrawn = false;
            })
        })
        .await;
        let org = &self.platform.config().org;
        self.metrics.ended(org, Outcome::Success, started.elapsed());
        if let Some(judged) = judged {
            log_figures(&judged, duplicates, rejected, started.elapsed());
        }
    }

    async fn failed(&mut self, failure: &Failure, now: Timestamp, collectors: Vec<CollectorStatus>, started: Instant) {
        self.failures += 1;
        let failures = self.failures;
        let org = self.platform.config().org.clone();
        self.metrics.ended(&org, Outcome::Error, started.elapsed());
        let age = self.last_success.map(|taken_at| now.since(taken_at));
        let wait_seconds = failure.wait().map(|wait| wait.as_secs());
        error!(
            %failure,
            consecutive_failures = failures,
            data_age_seconds = age.map(|age| age.as_secs()),
            wait_seconds,
            "refresh failed; the last complete data stays"
        );
        let withdraw = !self.withdrawn && age.is_some_and(|age| age >= self.config.stale_after);
        if withdraw {
            warn!("the data is too old and is withdrawn");
        }
        self.withdrawn |= withdraw;
        let (judge, failure) = (Arc::clone(&self.judge), failure.to_string());
        blocking(move || {
            judge.fail(withdraw, |freshness| {
                freshness.last_attempt = Some(now);
                freshness.last_successful = false;
                freshness.consecutive_failures = failures;
                freshness.failure = Some(failure);
                // A collector that did not run keeps what is known of it.
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

/// Runs on a thread that may take its time. `None` where the work panicked, which is said.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => Some(value),
        Err(failure) => {
            error!(%failure, "judging or publishing ended early");
            None
        }
    }
}

fn log_figures(judged: &Judged, duplicates: usize, rejected: usize, took: Duration) {
    let verdicts = &judged.report.verdicts;
    let flagged = verdicts.iter().filter(|verdict| matches!(verdict.verdict, Verdict::Flagged(_))).count();
    let not_evaluated = verdicts.iter().filter(|verdict| matches!(verdict.verdict, Verdict::NotEvaluated(_))).count();
    info!(
        org_id = %judged.snapshot.organisation.id,
        clients = verdicts.len(),
        flagged,
        not_evaluated,
        findings = judged.report.findings.len(),
        duplicates,
        rejected,
        seconds = format_args!("{:.3}", took.as_secs_f64()),
        "refresh complete"
    );
}
