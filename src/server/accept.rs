//! The accept loop. It limits the number of connections, and owns and awaits the task of every connection.
//!
//! A connection is served in `connection`.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, debug_span, error, info_span, warn};

use super::connection::serve;
use super::{Limits, Routes};

/// The pause after a failed accept. It doubles with each failure, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Serves until `shutdown`, then waits up to [`Limits::drain`] for responses in progress.
pub async fn run(listener: TcpListener, routes: Arc<Routes>, limits: Limits, shutdown: impl Future<Output = ()>) {
    let span = info_span!("server", address = %routes.bound());
    accept_until(listener, routes, limits, shutdown).instrument(span).await;
}

async fn accept_until(listener: TcpListener, routes: Arc<Routes>, limits: Limits, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let stop = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut acceptor = Acceptor {
        listener,
        free: Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS))),
        pause: FIRST_PAUSE,
    };
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => reap(ended),
            (stream, peer, permit) = acceptor.next() => {
                let (routes, stop) = (Arc::clone(&routes), stop.clone());
                let task = async move {
                    serve(stream, routes, limits, stop).await;
                    drop(permit);
                };
                connections.spawn(task.instrument(debug_span!("connection", %peer)));
            }
        }
    }
    // Closes the listener, so that the system refuses new connections instead of letting them wait.
    drop(acceptor);
    stop.cancel();
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            reap(ended);
        }
    };
    if tokio::time::timeout(limits.drain, drained).await.is_err() {
        warn!(
            connections = connections.len(),
            "responses were cut off because they took longer than the shutdown waits"
        );
        connections.shutdown().await;
    }
    debug!("the server has stopped");
}

/// A panic ends only its own connection. It is a defect, so it is logged as an error.
fn reap(ended: Result<(), JoinError>) {
    if let Err(cause) = ended {
        error!(%cause, "a connection's task failed");
    }
}

struct Acceptor {
    listener: TcpListener,
    free: Arc<Semaphore>,
    pause: Duration,
}

impl Acceptor {
    /// Waits for a free permit and then for the next connection. Cancel safe.
    async fn next(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            // The semaphore is never closed. If it were, the server would hang, so at least the log says so.
            let Ok(permit) = Arc::clone(&self.free).acquire_owned().await else {
                error!("the semaphore of the connections is closed; no connection is accepted");
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    return (stream, peer, permit);
                }
                Err(cause) => {
                    // Most likely out of file descriptors. Without a pause the loop would spin.
                    warn!(%cause, pause = ?self.pause, "cannot accept a connection; trying again after a pause");
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}
