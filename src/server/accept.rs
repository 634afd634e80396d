//! The accept loop: bounded, never ending of itself, and the owner of every connection's task.
//!
//! What happens on a connection is `connection`'s business.

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

/// Between two failures to accept: the first pause, which doubles, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Serves until `shutdown`, then lets answers under way end, for at most [`Limits::drain`].
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
    // Whoever connects now is refused by the system rather than left waiting.
    drop(acceptor);
    stop.cancel();
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            reap(ended);
        }
    };
    if tokio::time::timeout(limits.drain, drained).await.is_err() {
        warn!(connections = connections.len(), "answers were cut: they took longer than the end of the process waits");
        connections.shutdown().await;
    }
    debug!("the server has stopped");
}

/// A panic ends its own connection only; it is a defect, and said.
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
    /// The next connection, once there is room for it. Cancel safe.
    async fn next(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            // The semaphore is never closed; were it, waiting for ever would stop the server without a word.
            let Ok(permit) = Arc::clone(&self.free).acquire_owned().await else {
                error!("the semaphore of connections is closed");
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    return (stream, peer, permit);
                }
                Err(cause) => {
                    // Out of descriptors, most likely: trying at once would spin.
                    warn!(%cause, pause = ?self.pause, "a connection could not be accepted");
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}
