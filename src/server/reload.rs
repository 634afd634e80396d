//! The request for a reload, with its answer, from the server to whoever reloads.
//!
//! What a reload does is `refresh`'s business; SIGHUP can go the same way.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A reload reads two files and judges anew: what takes longer hangs.
const WAIT: Duration = Duration::from_secs(20);

/// A pair of ends. Requests wait for each other, so that two reloads never run at once.
pub fn reload_channel() -> (ReloadHandle, ReloadRequests) {
    let (sender, receiver) = mpsc::channel(1);
    (ReloadHandle(sender), ReloadRequests(receiver))
}

/// The asking end.
#[derive(Debug, Clone)]
pub struct ReloadHandle(mpsc::Sender<ReloadRequest>);

impl ReloadHandle {
    /// Asks, and waits for what came of it; the error is a sentence for people.
    pub async fn request(&self) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let result = timeout(WAIT, async {
            self.0.send(ReloadRequest(answer)).await.map_err(|_| "the exporter is stopping".to_owned())?;
            answered.await.unwrap_or_else(|_| Err("the reload ended without a result".to_owned()))
        });
        result.await.unwrap_or_else(|_| Err(format!("no result within {} s", WAIT.as_secs())))
    }
}

/// The answering end.
#[derive(Debug)]
pub struct ReloadRequests(mpsc::Receiver<ReloadRequest>);

impl ReloadRequests {
    /// The next request; `None` once no more can come. Cancel safe.
    pub async fn next(&mut self) -> Option<ReloadRequest> {
        self.0.recv().await
    }
}

/// One request.
#[derive(Debug)]
pub struct ReloadRequest(oneshot::Sender<Result<(), String>>);

impl ReloadRequest {
    /// Says what came of it. Whoever asked may have gone: then nobody hears it.
    pub fn answer(self, result: Result<(), String>) {
        let _ = self.0.send(result);
    }
}
