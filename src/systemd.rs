//! What the service manager is told (`sd_notify(3)`): ready, reloading, stopping, how the refreshes fare, and that the process lives.
//!
//! Says nothing where `$NOTIFY_SOCKET` is not set. Not the signals that the manager sends (`signals`).

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior};
use tracing::warn;

use crate::audit::Verdict;
use crate::publish::{Published, Reader, ServedOrganisation};
use crate::server::Liveness;
use crate::text::{counted, shortened, utc, visible};

/// systemd ignores a message of more than 4096 bytes; a character has 4 at the most.
const LONGEST_STATUS: usize = 900;

/// It listens, and what is published is served.
///
/// The first refresh is not awaited: the metrics are served while the platform is away, and say so. A start that hung on it
/// would be a start that fails in an outage.
pub fn ready(published: &Published) {
    tell(&[NotifyState::Ready, NotifyState::Status(&status(published))]);
}

/// Policy and baseline are read again; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "the service manager cannot be told of a reload: there is no clock"),
    }
}

/// The process stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells of each refresh, and feeds the watchdog for as long as the tasks live, until it is told to stop.
pub async fn run(mut reader: Reader, liveness: Liveness, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    // Zero, which systemd does not send, would have no interval.
    let mut food = sd_notify::watchdog_enabled().filter(|time| !time.is_zero()).map(|time| every(time / 2));
    let mut told = String::new();
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            () = tick(&mut food) => {
                if lives(&liveness) {
                    tell(&[NotifyState::Watchdog]);
                }
            }
            () = reader.changed() => {
                let now = status(&reader.current());
                if now != told {
                    tell(&[NotifyState::Status(&now)]);
                    told = now;
                }
            }
        }
    }
}

/// As `/-/healthy` says it.
fn lives(liveness: &Liveness) -> bool {
    liveness.dead().next().is_none()
}

fn every(time: Duration) -> Interval {
    let mut interval = tokio::time::interval(time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// The next tick; never where there is no interval.
async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Nobody who does not hear it is a reason to stop.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "the service manager cannot be told; is $NOTIFY_SOCKET right?");
    }
}

/// One line for people on every organisation, as `systemctl status` shows it.
///
/// A failure quotes the platform: a line break in it would be a message of its own to the service manager.
fn status(published: &Published) -> String {
    let mut parts: Vec<String> = published.organisations.iter().map(organisation).collect();
    if !published.reload.last_successful {
        parts.push("the last reload failed, what was in force stays".to_owned());
    }
    shortened(&visible(&parts.join("; ")), LONGEST_STATUS).into_owned()
}

fn organisation(organisation: &ServedOrganisation) -> String {
    let freshness = &organisation.freshness;
    let data = match &organisation.judged {
        Some(judged) => {
            let verdicts = &judged.report.verdicts;
            let flagged = verdicts.iter().filter(|verdict| matches!(verdict.verdict, Verdict::Flagged(_))).count();
            let clients = counted(verdicts.len(), "client");
            format!("{clients}, {flagged} flagged, read at {}", utc(judged.snapshot.taken_at))
        }
        None if freshness.withdrawn => "the data is too old and withdrawn".to_owned(),
        None => "no data".to_owned(),
    };
    let org = &organisation.org;
    match &freshness.failure {
        Some(failure) => {
            let failures = counted(freshness.consecutive_failures, "failure");
            format!("{org}: {data}; {failures} in a row: {failure}")
        }
        None if freshness.last_attempt.is_none() => format!("{org}: {data}; the first refresh is under way"),
        None => format!("{org}: {data}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Freshness, Timestamp};
    use crate::exposition::{self, ReloadStatus};
    use crate::publish;

    fn status_of(freshness: Freshness, last_successful: bool) -> String {
        let organisation = ServedOrganisation { org: "emea".to_owned(), freshness, judged: None };
        let reload = ReloadStatus { last_successful, last_success: Timestamp::from_seconds(0) };
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
    fn the_status_says_what_there_is_and_what_is_not() {
        for (freshness, reloaded, expected) in [
            (Freshness::default(), true, "emea: no data; the first refresh is under way"),
            (failed("HTTP 500"), true, "emea: no data; 2 failures in a row: HTTP 500"),
            (
                Freshness { withdrawn: true, ..failed("HTTP 500") },
                false,
                "emea: the data is too old and withdrawn; 2 failures in a row: HTTP 500; the last reload failed, what was in \
                 force stays",
            ),
        ] {
            assert_eq!(status_of(freshness, reloaded), expected);
        }
    }

    #[test]
    fn what_the_platform_says_is_one_line_that_the_service_manager_takes() {
        let status = status_of(failed("oh\nMAINPID=1\nWATCHDOG=trigger"), true);
        assert!(!status.contains('\n') && status.contains("[U+000A]MAINPID=1"), "{status}");
        let status = status_of(failed(&"\u{1f980}".repeat(5_000)), true);
        assert!(format!("READY=1\nSTATUS={status}\n").len() <= 4096, "{}", status.len());
        assert!(status.ends_with('…'));
    }

    #[test]
    fn a_process_with_a_dead_task_does_not_live() {
        let mut liveness = Liveness::default();
        let latch = liveness.latch("refresh of emea");
        assert!(lives(&liveness));
        drop(latch);
        assert!(!lives(&liveness));
    }
}
