//! Liveness of the process: which tasks have ended, and which do not get on.
//!
//! Not readiness, which is about data. An outage of the platform, a full disk or a log that nobody reads are not reasons to restart
//! the exporter, so no phase of a task may wait for them without a limit of its own.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

/// How often a task that only waits for events shows that it gets on.
const BEAT: Duration = Duration::from_secs(10);
/// How late such a sign may be: many times `BEAT`, for a machine that is overloaded or was suspended.
const LATEST_BEAT: Duration = Duration::from_mins(1);

/// A task holds its latch for as long as it runs, and announces with it when it will report again.
#[derive(Debug)]
pub struct Latch(Arc<Mutex<Progress>>);

#[derive(Debug, Clone, Copy)]
enum Progress {
    /// Nothing was announced yet.
    Starting,
    Busy {
        phase: &'static str,
        since: Instant,
        limit: Duration,
    },
    Ended(Instant),
}

impl Latch {
    /// Announces a phase. The task must announce the next one within this time.
    pub fn due_within(&self, phase: &'static str, limit: Duration) {
        self.set(Progress::Busy { phase, since: Instant::now(), limit });
    }

    /// Runs work that waits for events for any time, and meanwhile shows that the task gets its turns.
    pub async fn beat_during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = beats.tick() => self.due_within("its next sign of life", LATEST_BEAT),
                value = &mut work => return value,
            }
        }
    }

    fn set(&self, progress: Progress) {
        *locked(&self.0) = progress;
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.set(Progress::Ended(Instant::now()));
    }
}

/// The tasks that must keep running, by name.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    tasks: Arc<Mutex<Vec<Watched>>>,
}

/// A task with its name.
type Watched = (Arc<str>, Arc<Mutex<Progress>>);

impl Liveness {
    /// A latch for a task with this name. The task counts as ended once the latch is dropped, for whatever reason.
    pub fn latch(&self, task: &str) -> Latch {
        let progress = Arc::new(Mutex::new(Progress::Starting));
        locked(&self.tasks).push((task.into(), Arc::clone(&progress)));
        Latch(progress)
    }

    /// The tasks that have ended, or did not report in time.
    pub fn stuck(&self, now: Instant) -> Vec<Stuck> {
        locked(&self.tasks).iter().filter_map(|(task, progress)| stuck(task, *locked(progress), now)).collect()
    }

    /// Forgets the tasks with this name, because they were ended on purpose.
    pub fn forget(&self, task: &str) {
        locked(&self.tasks).retain(|(known, _)| **known != *task);
    }
}

fn stuck(task: &Arc<str>, progress: Progress, now: Instant) -> Option<Stuck> {
    let task = Arc::clone(task);
    match progress {
        Progress::Starting => None,
        Progress::Busy { phase, since, limit } => {
            let took = now.saturating_duration_since(since);
            (took > limit).then_some(Stuck { task, why: Why::Overdue { phase, took, limit } })
        }
        Progress::Ended(at) => Some(Stuck { task, why: Why::Ended(now.saturating_duration_since(at)) }),
    }
}

/// A task that has ended or does not get on. Shown as text.
#[derive(Debug)]
pub struct Stuck {
    task: Arc<str>,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Ended(Duration),
    Overdue { phase: &'static str, took: Duration, limit: Duration },
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::Ended(ago) => write!(f, "{}: ended {} s ago", self.task, ago.as_secs()),
            Why::Overdue { phase, took, limit } => {
                let (took, limit) = (took.as_secs(), limit.as_secs());
                write!(f, "{}: has been busy with {phase} for {took} s, longer than {limit} s", self.task)
            }
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_task_is_stuck_once_it_has_ended_or_is_overdue() {
        let began = Instant::now();
        let busy = Progress::Busy { phase: "the evaluation", since: began, limit: 10 * SECOND };
        let overdue = "t: has been busy with the evaluation for 11 s, longer than 10 s";
        for (progress, seconds, expected) in [
            (Progress::Starting, 1_000_000, None),
            (busy, 0, None),
            (busy, 10, None),
            (busy, 11, Some(overdue)),
            (Progress::Ended(began), 0, Some("t: ended 0 s ago")),
            (Progress::Ended(began), 61, Some("t: ended 61 s ago")),
        ] {
            let shown = stuck(&"t".into(), progress, began + seconds * SECOND).map(|stuck| stuck.to_string());
            assert_eq!(shown.as_deref(), expected, "{progress:?} {seconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_reports_late_is_alive_again_and_a_dropped_latch_is_not() {
        let liveness = Liveness::default();
        let (latch, other) = (liveness.latch("refresh of emea"), liveness.latch("server"));
        latch.due_within("the fetch", SECOND);
        tokio::time::advance(2 * SECOND).await;
        let names =
            |liveness: &Liveness| liveness.stuck(Instant::now()).iter().map(|s| s.task.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&liveness), ["refresh of emea"]);
        latch.due_within("the evaluation", SECOND);
        assert!(names(&liveness).is_empty());
        drop(other);
        assert_eq!(names(&liveness), ["server"]);
        liveness.clone().forget("server");
        assert!(names(&liveness).is_empty(), "it was ended on purpose");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_waits_for_events_is_alive_for_as_long_as_it_gets_its_turns() {
        let liveness = Liveness::default();
        let latch = liveness.latch("server");
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move { latch.beat_during(released).await.is_ok().then_some(latch) });
        let _ = tokio::time::timeout(Duration::from_hours(1), std::future::pending::<()>()).await;
        assert!(liveness.stuck(Instant::now()).is_empty());
        release.send(()).expect("it waits");
        let latch = task.await.expect("no panic");
        // Nothing polls the task any more.
        tokio::time::advance(LATEST_BEAT + SECOND).await;
        assert_eq!(liveness.stuck(Instant::now()).len(), 1);
        drop(latch);
    }
}
