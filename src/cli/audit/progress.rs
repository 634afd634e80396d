//! One line on a terminal while an audit takes its time; nothing where stderr is a file or a pipe.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::output::visible;

/// A shorter audit shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(250);
/// Carriage return, and ANSI's "erase in line".
const CLEAR: &str = "\r\u{1b}[2K";

/// Awaits the work, and meanwhile tells how many requests were sent.
pub(super) async fn shown<T>(org: &str, requests: impl Fn() -> u64, work: impl Future<Output = T>) -> T {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() { told(org, requests, work, &mut stderr).await } else { work.await }
}

async fn told<T>(org: &str, requests: impl Fn() -> u64, work: impl Future<Output = T>, terminal: &mut impl Write) -> T {
    let mut work = std::pin::pin!(work);
    let started = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval_at(started + PATIENCE, EVERY);
    let mut shown = false;
    loop {
        tokio::select! {
            biased;
            outcome = &mut work => {
                if shown {
                    // A terminal that is gone is no reason to fail.
                    let _ = terminal.write_all(CLEAR.as_bytes()).and_then(|()| terminal.flush());
                }
                return outcome;
            }
            _ = ticks.tick() => {
                shown = true;
                let line = line(org, requests(), started.elapsed());
                let _ = write!(terminal, "{CLEAR}{line}").and_then(|()| terminal.flush());
            }
        }
    }
}

fn line(org: &str, requests: u64, elapsed: Duration) -> String {
    format!("auditing {}: {requests} requests in {} s", visible(org), elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_audit_tells_how_far_it_is_and_leaves_nothing_behind() {
        let (end, ended) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            tokio::time::timeout(Duration::from_millis(1_600), std::future::pending::<()>()).await.unwrap_err();
            end.send(7).expect("awaited");
        });
        let mut terminal = Vec::new();
        let outcome = told("default", || 12, ended, &mut terminal).await;
        assert_eq!(outcome, Ok(7));
        let text = String::from_utf8(terminal).expect("UTF-8");
        assert_eq!(text.matches("auditing default: 12 requests in 1 s").count(), 3, "{text:?}");
        assert!(text.ends_with(CLEAR));
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_one_shows_nothing() {
        let mut terminal = Vec::new();
        told("default", || 12, async {}, &mut terminal).await;
        assert_eq!(terminal, b"");
    }
}
