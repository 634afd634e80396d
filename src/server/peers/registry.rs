//! The open connections and their places: counts them, admits new ones, and asks others to give way.
//!
//! Who gives way is decided in `choice`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::activity::{Activity, Sending};
use super::choice::{Admission, admission, cut_off};
use crate::server::Limits;
use crate::server::metrics::{Closed, Metrics};

/// How often a waiting request or connection looks for a response that has stalled by now.
const LOOK: Duration = Duration::from_millis(200);
/// The least time between two log lines about too many connections.
pub(in crate::server) const WARN_EVERY: Duration = Duration::from_mins(1);

/// The open connections.
#[derive(Debug)]
pub(in crate::server) struct Peers {
    limits: Limits,
    metrics: Metrics,
    /// The requests that are answered at the same time, without those about health.
    turns: Arc<Semaphore>,
    table: Mutex<Table>,
    /// A connection ended, or has no request any more.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Entry>,
    warned: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    activity: Activity,
    /// Held until the response is sent.
    turn: Option<OwnedSemaphorePermit>,
    /// What its request waits for.
    wants: Option<Arc<Semaphore>>,
    /// Of what it holds a permit until the response is sent, besides `turn`.
    holds: Vec<Arc<Semaphore>>,
    /// Why the connection was asked to close.
    closing: Option<Closed>,
    close: Arc<Notify>,
    refused: CancellationToken,
}

impl Peers {
    /// No connection yet.
    pub(in crate::server) fn new(limits: Limits, metrics: Metrics) -> Self {
        let turns = limits.connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            limits,
            metrics,
            turns: Arc::new(Semaphore::new(turns)),
            table: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Counts a new connection that finds all places taken, and reports it in the log, at most once a minute.
    pub(in crate::server) fn arrived(&self) {
        let now = Instant::now();
        let mut table = self.table();
        if table.open.len() < self.limits.connections {
            return;
        }
        self.metrics.limit_reached();
        if table.warned.is_none_or(|last| now.saturating_duration_since(last) >= WARN_EVERY) {
            table.warned = Some(now);
            let waiting = table.open.values().filter(|entry| entry.activity.is_waiting()).count();
            warn!(
                limit = self.limits.connections,
                waiting,
                "all connections are in use, so those that wait or read slowly are closed for new ones; find out who \
                 opens them, or raise --web.max-connections"
            );
        }
    }

    /// A place for a connection of this peer. Waits while every other connection is busy. Cancel safe.
    pub(in crate::server) async fn admit(self: &Arc<Self>, peer: SocketAddr) -> Place {
        loop {
            if let Some(place) = self.try_admit(peer) {
                return place;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// A place, or `None` after another connection was asked to give way.
    fn try_admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let now = Instant::now();
        let mut table = self.table();
        let open = table.candidates();
        match admission(&open, table.open.len() - open.len(), &self.limits, now) {
            Admission::Admit => return Some(table.insert(self, peer, now)),
            Admission::Evict(id) => table.ask_to_close(id, Closed::Evicted),
            Admission::CutOff(id) => table.ask_to_close(id, Closed::SlowReader),
            Admission::Refuse(id) => table.refuse(id),
            Admission::Wait => {}
        }
        None
    }

    /// Closes the connection that gives way first, because the process has no file descriptors left.
    pub(in crate::server) fn make_room(&self) {
        let mut table = self.table();
        let open = table.candidates();
        let full = Limits { connections: 0, reserve: 0, ..self.limits };
        match admission(&open, 0, &full, Instant::now()) {
            Admission::Evict(id) => table.ask_to_close(id, Closed::Evicted),
            Admission::CutOff(id) => table.ask_to_close(id, Closed::SlowReader),
            Admission::Admit | Admission::Refuse(_) | Admission::Wait => {}
        }
    }

    /// Cuts off the slowest reader of those that hold a permit of `free`, for a request that waits for one.
    fn cut_off_slowest(&self, free: &Arc<Semaphore>) {
        let same = |other: &Arc<Semaphore>| Arc::ptr_eq(other, free);
        let of_turns = Arc::ptr_eq(free, &self.turns);
        let mut table = self.table();
        let holding = table.open.iter().filter(|(_, entry)| {
            entry.closing.is_none() && if of_turns { entry.turn.is_some() } else { entry.holds.iter().any(same) }
        });
        let holding: Vec<_> = holding.map(|(id, entry)| (*id, entry.activity)).collect();
        let queued = table.open.values().filter(|entry| entry.wants.as_ref().is_some_and(same)).count();
        if let Some(id) = cut_off(&holding, queued, &self.limits, Instant::now()) {
            table.ask_to_close(id, Closed::SlowReader);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The connections that are not about to end: none that was asked to close, or whose peer gets a refusal.
    fn candidates(&self) -> Vec<(u64, Activity)> {
        let is_refused = |entry: &Entry| entry.refused.is_cancelled() && !entry.activity.is_blocked();
        let open = self.open.iter().filter(|(_, entry)| entry.closing.is_none() && !is_refused(entry));
        open.map(|(id, entry)| (*id, entry.activity)).collect()
    }

    fn insert(&mut self, peers: &Arc<Peers>, peer: SocketAddr, now: Instant) -> Place {
        let id = self.next;
        self.next += 1;
        let (close, refused) = (Arc::new(Notify::new()), CancellationToken::new());
        let entry = Entry {
            activity: Activity::Arrived { since: now },
            turn: None,
            wants: None,
            holds: Vec::new(),
            closing: None,
            close: Arc::clone(&close),
            refused: refused.clone(),
        };
        self.open.insert(id, entry);
        Place { peers: Arc::clone(peers), id, peer, close, refused }
    }

    fn ask_to_close(&mut self, id: u64, why: Closed) {
        if let Some(entry) = self.open.get_mut(&id) {
            entry.closing = Some(why);
            entry.close.notify_one();
        }
    }

    fn refuse(&mut self, id: u64) {
        if let Some(entry) = self.open.get_mut(&id) {
            entry.activity = Activity::Answering;
            entry.refused.cancel();
        }
    }
}

/// The place of one open connection. It is free again when this is dropped.
#[derive(Debug)]
pub(in crate::server) struct Place {
    peers: Arc<Peers>,
    id: u64,
    peer: SocketAddr,
    close: Arc<Notify>,
    refused: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.peers.table().open.remove(&self.id);
        self.peers.changed.notify_one();
    }
}

impl Place {
    /// The address of the peer.
    pub(in crate::server) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Waits for a permit of `free`, up to [`Limits::turn`]. `None` if there was none in time, or if the connection has to give
    /// way. Meanwhile, slow readers that hold what is waited for are cut off.
    pub(in crate::server) async fn queue(&self, free: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(free).try_acquire_owned() {
            return Some(permit);
        }
        let now = Instant::now();
        self.entry(|entry| {
            entry.activity = Activity::Queued { since: now };
            entry.wants = Some(Arc::clone(free));
        });
        let mut acquiring = std::pin::pin!(Arc::clone(free).acquire_owned());
        let mut look = interval(LOOK);
        let permit = loop {
            tokio::select! {
                permit = &mut acquiring => break permit.ok(),
                () = self.refused.cancelled() => break None,
                () = sleep_until(now + self.peers.limits.turn) => break None,
                _ = look.tick() => self.peers.cut_off_slowest(free),
            }
        };
        self.entry(|entry| {
            entry.activity = Activity::Answering;
            entry.wants = None;
        });
        permit
    }

    /// The same for a permit that is held until the response is sent, so that others can wait for this reader.
    pub(in crate::server) async fn queue_until_sent(&self, free: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        let permit = self.queue(free).await?;
        self.holds(free);
        Some(permit)
    }

    /// Notes that the response depends on a permit of `free` until it is sent.
    pub(in crate::server) fn holds(&self, free: &Arc<Semaphore>) {
        self.entry(|entry| entry.holds.push(Arc::clone(free)));
    }

    /// Waits for a turn, which is held until the response is sent. False if there was none in time.
    pub(in crate::server) async fn turn(&self) -> bool {
        let permit = self.queue(&self.peers.turns).await;
        let has_turn = permit.is_some();
        self.entry(|entry| entry.turn = permit);
        has_turn
    }

    /// The connection has a request, so it is not closed for another one.
    pub(in crate::server) fn answering(&self) {
        let was_closing = self.entry(|entry| {
            entry.activity = Activity::Answering;
            entry.closing.take().is_some()
        });
        if was_closing == Some(true) {
            self.peers.changed.notify_one();
        }
    }

    /// The request is answered, and the response is about to be sent.
    pub(in crate::server) fn sending(&self) {
        self.set(Activity::Sending(Sending::default()));
    }

    /// The whole response was handed to the connection.
    pub(in crate::server) fn complete(&self) {
        self.entry(|entry| entry.activity.complete());
    }

    pub(super) fn read(&self, bytes: usize) {
        self.entry(|entry| entry.activity.read(bytes, Instant::now()));
    }

    pub(super) fn wrote(&self) {
        self.entry(|entry| entry.activity.wrote(Instant::now()));
    }

    pub(super) fn blocked(&self) {
        self.entry(|entry| entry.activity.blocked(Instant::now()));
    }

    pub(super) fn flushed(&self) {
        let ended = self.entry(|entry| {
            entry.activity.flushed(Instant::now()).then(|| {
                entry.holds.clear();
                entry.turn.take()
            })
        });
        let ended = ended.flatten().flatten();
        if let Some(turn) = ended {
            // Outside the lock, because it can wake another task.
            drop(turn);
            self.peers.changed.notify_one();
        }
    }

    /// Whether the connection has no complete request.
    pub(in crate::server) fn is_waiting(&self) -> bool {
        self.entry(|entry| entry.activity.is_waiting()).unwrap_or(true)
    }

    /// When the connection must be closed if nothing changes, and why.
    pub(in crate::server) fn due(&self) -> Option<(Instant, Closed)> {
        self.entry(|entry| entry.activity.due(&self.peers.limits)).flatten()
    }

    /// Waits until the connection is asked to give way. Cancel safe.
    pub(in crate::server) async fn asked_to_close(&self) -> Closed {
        loop {
            self.close.notified().await;
            // `None` if a request has arrived in the meantime.
            if let Some(why) = self.entry(|entry| entry.closing).flatten() {
                return why;
            }
        }
    }

    /// Counts the end of the connection.
    pub(in crate::server) fn closed(&self, why: Closed) {
        self.peers.metrics.closed(why);
    }

    fn set(&self, activity: Activity) {
        self.entry(|entry| entry.activity = activity);
    }

    /// `None` only after the place is free.
    fn entry<T>(&self, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.peers.table().open.get_mut(&self.id).map(change)
    }
}
