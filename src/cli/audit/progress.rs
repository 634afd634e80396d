//! The progress line of a long audit, on a terminal. If stderr is a file or a pipe, nothing is written.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::text::visible;

/// Shorter audits show no progress.
const SHOW_AFTER: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(250);
/// Carriage return, and ANSI's "erase in line".
const CLEAR: &str = "\r\u{1b}[2K";

/// Awaits `work` and meanwhile shows what it does, and the time that it has taken.
pub(super) async fn shown<T>(what: impl Fn() -> String, work: impl Future<Output = T>) -> T {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() { shown_on(what, work, (SHOW_AFTER, EVERY), &mut stderr).await } else { work.await }
}

async fn shown_on<T>(
    what: impl Fn() -> String,
    work: impl Future<Output = T>,
    (show_after, every): (Duration, Duration),
    terminal: &mut impl Write,
) -> T {
    let mut work = std::pin::pin!(work);
    let started = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval_at(started + show_after, every);
    let mut shown = false;
    loop {
        tokio::select! {
            biased;
            outcome = &mut work => {
                if shown {
                    // If the terminal is gone, the audit continues without the line.
                    let _ = terminal.write_all(CLEAR.as_bytes()).and_then(|()| terminal.flush());
                }
                return outcome;
            }
            _ = ticks.tick() => {
                shown = true;
                let line = line(&what(), started.elapsed());
                let _ = write!(terminal, "{CLEAR}{line}").and_then(|()| terminal.flush());
            }
        }
    }
}

fn line(what: &str, elapsed: Duration) -> String {
    format!("auditing {} in {} s", visible(what), elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_audit_shows_its_progress_and_clears_the_line() {
        let (asked, enough) = (std::cell::Cell::new(0), tokio::sync::Notify::new());
        // The work ends at the third progress line.
        let what = || {
            asked.set(asked.get() + 1);
            if asked.get() == 3 {
                enough.notify_one();
            }
            format!("a\u{1b}b: {} requests", asked.get())
        };
        let mut terminal = Vec::new();
        let quick = (Duration::ZERO, Duration::from_millis(1));
        shown_on(what, enough.notified(), quick, &mut terminal).await;
        let text = String::from_utf8(terminal).expect("UTF-8");
        assert!(text.contains("auditing a[U+001B]b: 1 requests in 0 s\r\u{1b}[2Kauditing"), "{text:?}");
        assert!(text.contains(": 3 requests") && text.ends_with(CLEAR), "{text:?}");
    }

    #[tokio::test]
    async fn a_short_audit_shows_nothing() {
        let mut terminal = Vec::new();
        shown_on(|| "default: 12 requests".to_owned(), async {}, (SHOW_AFTER, EVERY), &mut terminal).await;
        assert_eq!(terminal, b"");
    }
}
