//! The task that reloads policy and baseline on SIGHUP or on request, one reload at a time.
//!
//! Not the reload itself (`refresh::Reloader`).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::error;

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
            result = turn.take(LIMIT, reload) => result,
        };
        if let Err(Late(cause)) = &result {
            error!(cause, "the reload failed; the previous policy and baseline stay in force");
            // Blocking, and it may have to wait for the same lock as the reload that hangs.
            let reloader = Arc::clone(&reloader);
            tokio::task::spawn_blocking(move || reloader.failed());
        }
        systemd::ready(&reader.current());
        if let Some(request) = request {
            request.answer(result.unwrap_or_else(|Late(cause)| Err(cause)));
        }
    }
}

/// Why there is no result of a reload.
#[derive(Debug, PartialEq, Eq)]
struct Late(String);

/// Runs blocking work with a time limit, and nothing else until the work has ended.
#[derive(Debug, Default)]
struct Turn {
    running: Option<JoinHandle<Result<(), String>>>,
}

impl Turn {
    async fn take(
        &mut self,
        limit: Duration,
        work: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<Result<(), String>, Late> {
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return Err(Late(
                "an earlier reload has not ended; check the disk of the policy and the baseline file".to_owned(),
            ));
        }
        let running = self.running.insert(tokio::task::spawn_blocking(work));
        match tokio::time::timeout(limit, running).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(failure)) => Err(Late(format!("the reload failed unexpectedly: {failure}"))),
            Err(_) => Err(Late(format!(
                "the reload took longer than {} s; check the disk of the policy and the baseline file",
                limit.as_secs()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reload_that_hangs_fails_in_time_and_the_next_one_waits_for_its_end() {
        let mut turn = Turn::default();
        assert_eq!(turn.take(LIMIT, || Err("invalid".to_owned())).await, Ok(Err("invalid".to_owned())));
        let (release, released) = mpsc::channel::<()>();
        let hanging = move || released.recv().map_err(|error| error.to_string());
        let Err(Late(cause)) = turn.take(Duration::ZERO, hanging).await else { panic!("it hangs") };
        assert!(cause.contains("longer than 0 s"), "{cause}");
        let Err(Late(cause)) = turn.take(LIMIT, || Ok(())).await else { panic!("the first one hangs") };
        assert!(cause.contains("has not ended"), "{cause}");
        release.send(()).expect("it waits");
        turn.running.take().expect("the first one").await.expect("no panic").expect("released");
        assert_eq!(turn.take(LIMIT, || Ok(())).await, Ok(Ok(())));
    }
}
