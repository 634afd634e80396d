//! The task that reloads policy and baseline on SIGHUP or on request, one reload at a time.
//!
//! Not the reload itself (`refresh::Reloader`).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use crate::blocking::{NoResult, Turn};
use crate::publish::Reader;
use crate::refresh::Reloader;
use crate::server::ReloadRequests;
use crate::signals::ReloadSignals;
use crate::systemd;

/// How long a reload may take before it counts as failed. It reads two files and evaluates the last data again; the disk may hang.
const LIMIT: Duration = Duration::from_mins(1);

/// Runs until `stop`. A reload that is under way then is abandoned.
pub(super) async fn run(
    reloader: Arc<Reloader>,
    mut requests: ReloadRequests,
    mut signals: ReloadSignals,
    reader: Reader,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let mut turn = Turn::default();
    loop {
        let request = tokio::select! {
            () = &mut stop => return,
            // The server keeps the sending end for as long as it runs, so `next` does not return `None` before `stop`.
            Some(request) = requests.next() => Some(request),
            true = signals.recv() => None,
        };
        systemd::reloading();
        let reload = {
            let reloader = Arc::clone(&reloader);
            move || reloader.reload()
        };
        let result = tokio::select! {
            () = &mut stop => return,
            result = turn.take(LIMIT, reload) => result.map_err(cause),
        };
        if let Err(cause) = &result {
            error!(cause, "the reload failed; the previous policy and baseline stay in force");
            // Blocking, and it may have to wait for the same lock as the reload that hangs.
            let reloader = Arc::clone(&reloader);
            tokio::task::spawn_blocking(move || reloader.failed());
        }
        systemd::ready(&reader.current());
        if let Some(request) = request {
            request.answer(result.and_then(|loaded| loaded));
        }
    }
}

/// Why there is no result of a reload.
fn cause(none: NoResult) -> String {
    let check = "check the disk of the policy and the baseline file";
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
    fn a_reload_without_a_result_says_why_and_what_to_do() {
        for (none, expected) in [
            (NoResult::Busy, "an earlier reload has not ended; check the disk of the policy and the baseline file"),
            (NoResult::Late, "the reload took longer than 60 s; check the disk of the policy and the baseline file"),
            (NoResult::Panicked, "the reload failed unexpectedly; the log says why"),
        ] {
            assert_eq!(cause(none), expected);
        }
    }
}
