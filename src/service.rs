//! Notifies systemd (`sd_notify(3)`) that the exporter is ready, reloads or stops, of the state of the refreshes, and that the
//! tasks are running.
//!
//! It does nothing if `$NOTIFY_SOCKET` is not set.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior};
use tracing::warn;

use crate::audit::Verdict;
use crate::output::{counted, shortened, utc, visible};
use crate::publish::{Organisation, Published, Reader};
use crate::server::Liveness;

/// Maximum characters of the status. systemd ignores a message of more than 4096 bytes, and a character has up to 4.
const LONGEST_STATUS: usize = 900;

/// Reports that the exporter is ready: it listens and serves the published data.
///
/// This does not wait for the first refresh: the metrics are served while the platform is down, and show that. A start that
/// waited for the refresh would fail during an outage.
pub fn ready(published: &Published) {
    notify(&[NotifyState::Ready, NotifyState::Status(&status(published))]);
}

/// Reports that policy and baseline are being reloaded, until [`ready`] is called.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "cannot notify systemd of the reload: the clock cannot be read"),
    }
}

/// Reports that the process is stopping.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Reports the state after each refresh, and triggers the watchdog while all tasks run, until `shutdown`.
pub async fn run(mut reader: Reader, liveness: Liveness, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    // systemd does not send zero, from which no interval could be made.
    let mut watchdog = sd_notify::watchdog_enabled().filter(|time| !time.is_zero()).map(|time| every(time / 2));
    let mut last = String::new();
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            () = tick(&mut watchdog) => {
                if is_alive(&liveness) {
                    notify(&[NotifyState::Watchdog]);
                }
            }
            () = reader.changed() => {
                let now = status(&reader.current());
                if now != last {
                    notify(&[NotifyState::Status(&now)]);
                    last = now;
                }
            }
        }
    }
}

/// The same condition as for `/-/healthy`.
fn is_alive(liveness: &Liveness) -> bool {
    liveness.dead().next().is_none()
}

fn every(time: Duration) -> Interval {
    let mut interval = tokio::time::interval(time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Waits for the next tick, or forever without an interval.
async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Logs a failure, which is no reason to stop.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot notify systemd; check $NOTIFY_SOCKET");
    }
}

/// One line about every organisation, for `systemctl status`.
///
/// A failure can quote the platform. A line break in it would be a message of its own for systemd, so it is replaced.
fn status(published: &Published) -> String {
    let mut parts: Vec<String> = published.organisations.iter().map(organisation).collect();
    if !published.reload.last_successful {
        parts.push("the last reload failed; the previous policy and baseline stay in force".to_owned());
    }
    shortened(&visible(&parts.join("; ")), LONGEST_STATUS).into_owned()
}

fn organisation(organisation: &Organisation) -> String {
    let freshness = &organisation.freshness;
    let data = match &organisation.judged {
        Some(judged) => {
            let verdicts = &judged.report.verdicts;
            let flagged = verdicts.iter().filter(|verdict| matches!(verdict.verdict, Verdict::Flagged(_))).count();
            let clients = counted(verdicts.len(), "client");
            format!("{clients}, {flagged} flagged, read at {}", utc(judged.snapshot.taken_at))
        }
        None if freshness.withdrawn => "the data was too old and is withdrawn".to_owned(),
        None => "no data".to_owned(),
    };
    let org = &organisation.org;
    match &freshness.failure {
        Some(failure) => {
            let failures = counted(freshness.consecutive_failures, "failure");
            format!("{org}: {data}; {failures} in a row: {failure}")
        }
        None if freshness.last_attempt.is_none() => format!("{org}: {data}; the first refresh is running"),
        None => format!("{org}: {data}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Freshness, Timestamp};
    use crate::exposition::{self, Reload};
    use crate::publish;

    fn status_of(freshness: Freshness, last_successful: bool) -> String {
        let organisation = Organisation { org: "emea".to_owned(), freshness, judged: None };
        let reload = Reload { last_successful, last_success: Timestamp::from_seconds(0) };
        let max_client_series = exposition::Config::DEFAULT_MAX_CLIENT_SERIES;
        let config = exposition::Config { disabled_families: Vec::new(), max_client_series };
        let (_publisher, reader) = publish::channel(vec![organisation], reload, config);
        status(&reader.current())
    }

    fn failed(failure: &str) -> Freshness {
        Freshness {
            last_attempt: Some(Timestamp::from_seconds(0)),
            consecutive_failures: 2,
            failure: Some(failure.to_owned()),
            ..Freshness::default()
        }
    }

    #[test]
    fn the_status_shows_data_failures_and_reloads() {
        for (freshness, reloaded, expected) in [
            (Freshness::default(), true, "emea: no data; the first refresh is running"),
            (failed("HTTP 500"), true, "emea: no data; 2 failures in a row: HTTP 500"),
            (
                Freshness { withdrawn: true, ..failed("HTTP 500") },
                false,
                "emea: the data was too old and is withdrawn; 2 failures in a row: HTTP 500; the last reload failed; the \
                 previous policy and baseline stay in force",
            ),
        ] {
            assert_eq!(status_of(freshness, reloaded), expected);
        }
    }

    #[test]
    fn the_status_is_one_line_that_systemd_accepts() {
        let status = status_of(failed("oh\nMAINPID=1\nWATCHDOG=trigger"), true);
        assert!(!status.contains('\n') && status.contains("[U+000A]MAINPID=1"), "{status}");
        let status = status_of(failed(&"\u{1f980}".repeat(5_000)), true);
        assert!(format!("READY=1\nSTATUS={status}\n").len() <= 4096, "{}", status.len());
        assert!(status.ends_with('…'));
    }

    #[test]
    fn a_process_with_an_ended_task_is_not_alive() {
        let mut liveness = Liveness::default();
        let latch = liveness.latch("refresh of emea");
        assert!(is_alive(&liveness));
        drop(latch);
        assert!(!is_alive(&liveness));
    }
}
