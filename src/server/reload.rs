//! The channel from the server to the task that reloads, with the result as the reply.
//!
//! The reload itself is in `refresh`.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A reload reads two files and evaluates the snapshots again. If it takes longer than this, something hangs.
const WAIT: Duration = Duration::from_secs(20);

/// The two ends of a channel. Requests queue up, so that two reloads never run at the same time.
pub fn reload_channel() -> (ReloadHandle, ReloadRequests) {
    let (sender, receiver) = mpsc::channel(1);
    (ReloadHandle(sender), ReloadRequests(receiver))
}

/// The sending end, held by the server.
#[derive(Debug, Clone)]
pub struct ReloadHandle(mpsc::Sender<ReloadRequest>);

impl ReloadHandle {
    /// Requests a reload and waits for the result. The error is a message for people.
    pub async fn request(&self) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let result = timeout(WAIT, async {
            self.0.send(ReloadRequest(answer)).await.map_err(|_| "the exporter is stopping".to_owned())?;
            answered.await.unwrap_or_else(|_| Err("the reload ended without a result".to_owned()))
        });
        result.await.unwrap_or_else(|_| Err(format!("no result within {} s", WAIT.as_secs())))
    }
}

/// The receiving end, held by the task that reloads.
#[derive(Debug)]
pub struct ReloadRequests(mpsc::Receiver<ReloadRequest>);

impl ReloadRequests {
    /// The next request; `None` once every sender is dropped. Cancel safe.
    pub async fn next(&mut self) -> Option<ReloadRequest> {
        self.0.recv().await
    }
}

/// A request for a reload that waits for its result.
#[derive(Debug)]
pub struct ReloadRequest(oneshot::Sender<Result<(), String>>);

impl ReloadRequest {
    /// Sends the result. It is dropped if the client has disconnected.
    pub fn answer(self, result: Result<(), String>) {
        let _ = self.0.send(result);
    }
}
