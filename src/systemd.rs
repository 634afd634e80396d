//! Notifies systemd (`sd_notify(3)`) of readiness, reloads and the stop, with a status line, and resets the watchdog.
//!
//! Does nothing if `$NOTIFY_SOCKET` is not set. Not the signals that systemd sends (`signals`).
//!
//! The exporter is ready once it listens, with the data of the state file, and not once it has new data. The metrics
//! report an outage of the platform, and a start that waited for data would fail during one. `/-/ready` is for load
//! balancers and says whether there is data.
//!
//! There is no socket activation: the port needs no privilege, and Prometheus repeats a scrape that a restart interrupts
//! after a minute.

use std::future::Future;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tracing::{error, warn};

use crate::audit::Verdict;
use crate::liveness::Liveness;
use crate::publish::{Published, Reader, ServedOrganisation};
use crate::text::{counted, shortened, utc, visible};

/// Longest status line, in characters. systemd ignores messages of more than 4096 bytes; a character has up to 4 bytes.
const LONGEST_STATUS: usize = 900;
/// How long a notification waits for room in the socket. At boot the service manager may be busy; one that hangs must not block the
/// exporter.
const LONGEST_SEND: Duration = Duration::from_millis(500);

/// Reports that the exporter is ready: it listens, and serves what is published.
///
/// This does not wait for the first refresh. If it did, the service could not start while the platform is down; the metrics
/// report that the platform is down.
pub fn ready(published: &Published) {
    notify(&[NotifyState::Ready, NotifyState::Status(&status(published))]);
}

/// Reports that a reload has begun. The caller reports its end with [`ready`].
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => {
            warn!(%error, "cannot notify the service manager of the reload: the monotonic clock cannot be read");
        }
    }
}

/// Reports that the exporter is stopping.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Updates the status line after each refresh, and resets the watchdog while all tasks get on. Ends with `shutdown`.
pub async fn run(mut reader: Reader, liveness: Liveness, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    // systemd never sends zero; `interval` would panic.
    let mut watchdog = sd_notify::watchdog_enabled().filter(|time| !time.is_zero()).map(|time| every(time / 2));
    let mut last = String::new();
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            () = tick(&mut watchdog) => {
                if lives(&liveness) {
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

/// Whether every task gets on, as `/-/healthy` reports it. Logs what does not, because the service manager will end the process.
fn lives(liveness: &Liveness) -> bool {
    let stuck = liveness.stuck(Instant::now());
    for task in &stuck {
        error!(%task, "the watchdog is not reset, because a task has ended or is stuck");
    }
    stuck.is_empty()
}

fn every(time: Duration) -> Interval {
    let mut interval = tokio::time::interval(time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Waits for the next tick; forever if there is no interval.
async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Sends a notification. A failure is only logged: the exporter works without the service manager.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = send(states) {
        warn!(%error, "cannot notify the service manager; check $NOTIFY_SOCKET");
    }
}

/// `sd_notify::notify`, but with a time limit, and with abstract sockets.
fn send(states: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let message = states.iter().fold(String::new(), |message, state| message + &state.to_string() + "\n");
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(LONGEST_SEND))?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}

/// The status line that `systemctl status` shows, about every organisation.
///
/// A failure quotes the platform. Line breaks in it are made visible, because systemd reads each line as a notification.
fn status(published: &Published) -> String {
    let mut parts: Vec<String> = published.organisations.iter().map(organisation).collect();
    if parts.is_empty() {
        parts.push("no organisation belongs to this shard".to_owned());
    }
    if !published.reload.last_successful {
        parts.push("the last reload failed, so the previous configuration, policy and baseline stay in use".to_owned());
    }
    if published.reload.web_config_rejected {
        parts.push("the web configuration file cannot be used, so its previous content stays in use".to_owned());
    }
    shortened(&visible(&parts.join("; ")), LONGEST_STATUS).into_owned()
}

fn organisation(organisation: &ServedOrganisation) -> String {
    let freshness = &organisation.freshness;
    let data = match &organisation.evaluated {
        Some(evaluated) => {
            let flagged =
                evaluated.report.verdicts().filter(|verdict| matches!(verdict.verdict, Verdict::Flagged(_))).count();
            let clients = counted(evaluated.snapshot.clients.len(), "client");
            format!("{clients}, {flagged} flagged, read at {}", utc(evaluated.snapshot.taken_at))
        }
        None if freshness.withdrawn => "the data is withdrawn because it is too old".to_owned(),
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
        let organisation = ServedOrganisation::new("emea".to_owned(), freshness);
        let reload =
            ReloadStatus { last_successful, last_success: Timestamp::from_seconds(0), web_config_rejected: false };
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
    fn the_status_line_shows_data_and_failures() {
        for (freshness, reloaded, expected) in [
            (Freshness::default(), true, "emea: no data; the first refresh is under way"),
            (failed("HTTP 500"), true, "emea: no data; 2 failures in a row: HTTP 500"),
            (
                Freshness { withdrawn: true, ..failed("HTTP 500") },
                false,
                "emea: the data is withdrawn because it is too old; 2 failures in a row: HTTP 500; the last reload failed, so the \
                 previous configuration, policy and baseline stay in use",
            ),
        ] {
            assert_eq!(status_of(freshness, reloaded), expected);
        }
    }

    #[test]
    fn a_quoted_failure_stays_one_line_within_the_limit() {
        let status = status_of(failed("oh\nMAINPID=1\nWATCHDOG=trigger"), true);
        assert!(!status.contains('\n') && status.contains("[U+000A]MAINPID=1"), "{status}");
        let status = status_of(failed(&"\u{1f980}".repeat(5_000)), true);
        assert!(format!("READY=1\nSTATUS={status}\n").len() <= 4096, "{}", status.len());
        assert!(status.ends_with('…'));
    }

    #[test]
    fn the_watchdog_is_not_reset_once_a_task_has_ended() {
        let liveness = Liveness::default();
        let latch = liveness.latch("refresh of emea");
        assert!(lives(&liveness));
        drop(latch);
        assert!(!lives(&liveness));
    }
}
