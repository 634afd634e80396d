//! The accept loop. It owns and awaits the task of every connection.
//!
//! A connection gets its place in `peers`, and is served in `connection`.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, debug_span, error, info_span, warn};

use super::connection::serve;
use super::listen::Listener;
use super::peers::{Peers, Place, WARN_EVERY};
use super::{Limits, Routes};

/// The pause after a failed accept. It doubles with each failure, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Serves until `shutdown`, then waits up to [`Limits::drain`] for responses in progress.
///
/// All listeners share the limits.
pub async fn run(listeners: Vec<Listener>, routes: Arc<Routes>, limits: Limits, shutdown: impl Future<Output = ()>) {
    let addresses: Vec<String> = listeners.iter().map(|listener| listener.bound.to_string()).collect();
    let span = info_span!("server", address = addresses.join(","));
    accept_until(listeners, routes, limits, shutdown).instrument(span).await;
}

async fn accept_until(
    listeners: Vec<Listener>,
    routes: Arc<Routes>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let stop = CancellationToken::new();
    let mut connections = JoinSet::new();
    let peers = Arc::new(Peers::new(limits, routes.server_metrics().clone()));
    let mut acceptor = Acceptor { listeners, next: 0, peers, arrived: None, pause: FIRST_PAUSE, warned: None };
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => reap(ended),
            (arrival, place) = acceptor.next() => {
                let span = debug_span!("connection", peer = %place.peer());
                let serving = serve(arrival.stream, arrival.bound, place, Arc::clone(&routes), stop.clone());
                connections.spawn(serving.instrument(span));
            }
        }
    }
    // Closes the listeners, so that the system refuses new connections instead of letting them wait.
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

/// A connection that was accepted.
struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
    /// The address of its listener.
    bound: SocketAddr,
}

struct Acceptor {
    listeners: Vec<Listener>,
    /// The listener that is asked first, so that none starves another.
    next: usize,
    peers: Arc<Peers>,
    /// A connection that has no place yet.
    arrived: Option<Arrival>,
    pause: Duration,
    warned: Option<Instant>,
}

impl Acceptor {
    /// Waits for the next connection and a place for it. Cancel safe.
    async fn next(&mut self) -> (Arrival, Place) {
        loop {
            if let Some(Arrival { peer, .. }) = &self.arrived {
                let place = self.peers.admit(*peer).await;
                if let Some(arrival) = self.arrived.take() {
                    return (arrival, place);
                }
            }
            match self.accept().await {
                Ok(arrival) => {
                    self.pause = FIRST_PAUSE;
                    self.arrived = Some(arrival);
                    self.peers.arrived();
                }
                Err(cause) if is_of_peer(&cause) => debug!(%cause, "a connection ended before it was accepted"),
                Err(cause) => {
                    // Most likely out of file descriptors. Without a pause the loop would spin.
                    let now = Instant::now();
                    if self.warned.is_none_or(|last| now.saturating_duration_since(last) >= WARN_EVERY) {
                        self.warned = Some(now);
                        warn!(
                            %cause,
                            "cannot accept a connection; trying again, and closing connections that wait or read slowly"
                        );
                    }
                    self.peers.make_room();
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

impl Acceptor {
    /// Waits for the next connection of any listener. Cancel safe.
    async fn accept(&mut self) -> io::Result<Arrival> {
        poll_fn(|cx| {
            for _ in 0..self.listeners.len() {
                let Listener { socket, bound } = &self.listeners[self.next];
                self.next = (self.next + 1) % self.listeners.len();
                if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                    return Poll::Ready(accepted.map(|(stream, peer)| {
                        // A listener on both families sees an IPv4 peer in its IPv6 form.
                        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                        Arrival { stream, peer, bound: *bound }
                    }));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether only the connection itself is affected: its peer has given up already. The next one can be accepted at once.
fn is_of_peer(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}
