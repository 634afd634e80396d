//! The threads that own the disk: one writes the newest state, the other reports a write that takes too long.
//!
//! A disk can block forever, so nobody waits for it without a limit. Only one state waits to be written, because each replaces the
//! one before. What is written, and where, is decided by the function that the writer gets.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::Metrics;
use super::saved::State;

/// Writes a state. It may block.
pub(super) type Write = Box<dyn FnMut(&State) -> io::Result<()> + Send>;

/// How long is waited for the disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a write before its data is published.
    pub(super) publish: Duration,
    /// For a write before it is reported.
    pub(super) report: Duration,
    /// Between a failed write and the next attempt, if there is no newer state.
    pub(super) retry: Duration,
    /// For the last write when the process stops.
    pub(super) stop: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            publish: Duration::from_secs(1),
            report: Duration::from_secs(10),
            retry: Duration::from_mins(1),
            stop: Duration::from_secs(1),
        }
    }
}

/// Hands states to the thread that writes them.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    pub(super) patience: Patience,
}

#[derive(Debug)]
struct Shared {
    /// For the log.
    path: PathBuf,
    metrics: Metrics,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    /// The newest state, with its number, until the thread takes it.
    pending: Option<(u64, State)>,
    /// The number of states that were handed over.
    handed_over: u64,
    /// The number of the newest state that was written or failed to be.
    done: u64,
    /// The number of writes that began.
    began: u64,
    write: Option<InProgress>,
    /// Whether somebody waited in vain. Then nobody else waits until a write ends.
    late: bool,
    stopping: bool,
    /// Whether the thread that writes has ended, so that nothing is written any more.
    ended: bool,
}

/// A write that has not ended.
#[derive(Debug, Clone, Copy, Default)]
struct InProgress {
    /// Whether it was reported, because it takes long.
    reported: bool,
}

impl Writer {
    /// Starts the threads.
    pub(super) fn start(
        path: PathBuf,
        write: Write,
        patience: Patience,
        metrics: Metrics,
        failed: bool,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { path, metrics, progress: Mutex::default(), changed: Condvar::new() });
        let writing = Arc::clone(&shared);
        thread::Builder::new()
            .name("state-writer".to_owned())
            .spawn(move || write_all(&writing, write, patience.retry, failed))?;
        let watching = Arc::clone(&shared);
        thread::Builder::new().name("state-watch".to_owned()).spawn(move || watch(&watching, patience.report))?;
        Ok(Self { shared, patience })
    }

    /// Hands a state over, in place of an older one that still waits, and returns its number. Never blocks.
    pub(super) fn hand_over(&self, state: State) -> u64 {
        let mut progress = self.shared.lock();
        progress.handed_over += 1;
        let number = progress.handed_over;
        progress.pending = Some((number, state));
        self.shared.changed.notify_all();
        number
    }

    /// Waits until the state of this number, or a newer one, was written or failed to be. Does not wait for long, and not at all if
    /// somebody already waited in vain for the write in progress. Blocking.
    pub(super) fn wait_for(&self, number: u64) {
        let progress = self.shared.lock();
        let waits = |progress: &mut Progress| progress.done < number && !progress.late && !progress.ended;
        let (mut progress, timed_out) = self.shared.wait_timeout_while(progress, self.patience.publish, waits);
        if timed_out {
            progress.late = true;
            self.shared.changed.notify_all();
        }
    }

    /// Announces that the threads end after what is pending. Returns when they must have ended; `None` if it was announced before.
    pub(super) fn begin_to_stop(&self) -> Option<Instant> {
        let was_stopping = std::mem::replace(&mut self.shared.lock().stopping, true);
        self.shared.changed.notify_all();
        (!was_stopping).then(|| Instant::now() + self.patience.stop)
    }

    /// Waits until what was pending is written and the threads have ended, but not for longer than this. Blocking.
    pub(super) fn wait_for_end(&self, by: Instant) {
        let progress = self.shared.lock();
        let left = by.saturating_duration_since(Instant::now());
        let (progress, timed_out) = self.shared.wait_timeout_while(progress, left, |progress| !progress.ended);
        drop(progress);
        if timed_out {
            warn!(path = %self.shared.path.display(), "the state file is still being written; the exporter stops without waiting for it");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while<'a>(
        &self,
        progress: MutexGuard<'a, Progress>,
        condition: impl FnMut(&mut Progress) -> bool,
    ) -> MutexGuard<'a, Progress> {
        self.changed.wait_while(progress, condition).unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_timeout_while<'a>(
        &self,
        progress: MutexGuard<'a, Progress>,
        longest: Duration,
        condition: impl FnMut(&mut Progress) -> bool,
    ) -> (MutexGuard<'a, Progress>, bool) {
        let waited = self.changed.wait_timeout_while(progress, longest, condition);
        let (progress, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        (progress, waited.timed_out())
    }
}

/// Writes until it is stopped and nothing is pending. `failed` says whether a failure was logged already.
fn write_all(shared: &Arc<Shared>, mut write: Write, retry: Duration, mut failed: bool) {
    let ended = Ended(Arc::clone(shared));
    let mut unwritten = None;
    while let Some((number, state)) = next(shared, unwritten.take(), retry) {
        let began = Instant::now();
        let outcome = write(&state);
        let mut progress = shared.lock();
        let reported = progress.write.take().is_some_and(|write| write.reported);
        progress.late = false;
        progress.done = number;
        shared.metrics.written(outcome.is_ok());
        shared.changed.notify_all();
        // A log can block too.
        drop(progress);
        let path = shared.path.display();
        match &outcome {
            Ok(()) if failed => info!(%path, "the state file can be written again"),
            Ok(()) if reported => {
                info!(%path, seconds = began.elapsed().as_secs(), "the state file was written after all");
            }
            Err(cause) if !failed => {
                error!(%path, %cause, "cannot write the state file; first-seen times and the last data will be lost at the next restart");
            }
            _ => {}
        }
        failed = outcome.is_err();
        unwritten = outcome.is_err().then_some((number, state));
    }
    // Releases the lock before the end is announced, so that the file is free then.
    drop(write);
    drop(ended);
}

/// The next state to write: the newest, or after a while the one that could not be written. `None` when it is time to stop.
fn next(shared: &Shared, unwritten: Option<(u64, State)>, retry: Duration) -> Option<(u64, State)> {
    let progress = shared.lock();
    let idle = |progress: &mut Progress| progress.pending.is_none() && !progress.stopping;
    let mut progress = match unwritten {
        None => shared.wait_while(progress, idle),
        Some(_) => shared.wait_timeout_while(progress, retry, idle).0,
    };
    let stopping = progress.stopping;
    let next = progress.pending.take().or(unwritten.filter(|_| !stopping));
    if next.is_some() {
        progress.write = Some(InProgress::default());
        progress.began += 1;
        shared.changed.notify_all();
    }
    next
}

/// Reports each write that takes longer than this.
fn watch(shared: &Shared, longest: Duration) {
    let mut progress = shared.lock();
    loop {
        progress = shared.wait_while(progress, |progress| progress.write.is_none() && !progress.ended);
        if progress.ended {
            return;
        }
        let write = progress.began;
        let in_progress =
            |progress: &mut Progress| progress.write.is_some() && progress.began == write && !progress.ended;
        let timed_out;
        (progress, timed_out) = shared.wait_timeout_while(progress, longest, in_progress);
        if timed_out {
            progress.write = Some(InProgress { reported: true });
            shared.metrics.stuck();
            drop(progress);
            error!(path = %shared.path.display(), seconds = longest.as_secs(), "a write of the state file takes very long; first-seen times and the last data will be lost if the exporter stops before it ends");
            progress = shared.wait_while(shared.lock(), in_progress);
        }
    }
}

/// Announces that nothing is written any more, even after a panic.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        let Self(shared) = self;
        let mut progress = shared.lock();
        progress.ended = true;
        progress.write = None;
        let expected = progress.stopping;
        if !expected {
            shared.metrics.stuck();
        }
        shared.changed.notify_all();
        drop(progress);
        if !expected {
            error!(path = %shared.path.display(), "the thread that writes the state file ended unexpectedly; the state is not saved until the next restart");
        }
    }
}
