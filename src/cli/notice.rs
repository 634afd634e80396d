//! A line on stderr if the files of the settings take long to read. No log is possible before the settings are known.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::console::complain;

/// How long reading may take before a notice is printed.
const LONGEST: Duration = Duration::from_secs(10);

/// Reads settings, and prints a notice if that takes more than ten seconds.
pub(super) fn patiently<T>(read: impl FnOnce() -> T) -> T {
    let _ends = after(LONGEST, || {
        complain(
            "reading the files of the settings takes very long (environment file, policy, baseline, certificates or secret); the disk or \
             the network file system of one of them does not answer",
        );
    });
    read()
}

/// Calls `notice` after this time, unless the returned value is dropped before.
fn after(longest: Duration, notice: impl FnOnce() + Send + 'static) -> Sender<()> {
    let (end, ended) = channel();
    // Without the thread there is only no notice.
    let _ = thread::Builder::new().name("notice".to_owned()).spawn(move || {
        if ended.recv_timeout(longest) == Err(RecvTimeoutError::Timeout) {
            notice();
        }
    });
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slow_work_is_reported() {
        let (report, reported) = channel();
        let again = report.clone();
        drop(after(Duration::MAX, move || report.send("too early").expect("it listens")));
        let slow = after(Duration::ZERO, move || again.send("slow").expect("it listens"));
        assert_eq!(reported.iter().collect::<Vec<_>>(), ["slow"]);
        drop(slow);
    }
}
