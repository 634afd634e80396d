//! Blocking work off the async workers: one piece at a time, and nobody waits for it without a limit.
//!
//! A thread that hangs on a disk or a name server cannot be stopped. Without the rule of one at a time, each further attempt would leave
//! another thread, until the runtime has none left.

use std::time::Duration;

use tokio::task::JoinHandle;

/// Runs blocking work with a time limit, and nothing else until the work has ended.
#[derive(Debug)]
pub struct Turn<T> {
    running: Option<JoinHandle<T>>,
}

impl<T> Default for Turn<T> {
    fn default() -> Self {
        Self { running: None }
    }
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoResult {
    /// Earlier work has not ended, so this did not start.
    Busy,
    /// It did not end in time, and goes on.
    Late,
    /// It panicked. The panic is logged.
    Panicked,
}

impl<T: Send + 'static> Turn<T> {
    /// Runs the work and waits for it. If this is cancelled, the work goes on, and the next call returns [`NoResult::Busy`] until it has
    /// ended.
    pub async fn take(&mut self, limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoResult> {
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return Err(NoResult::Busy);
        }
        let running = self.running.insert(tokio::task::spawn_blocking(work));
        match tokio::time::timeout(limit, running).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(NoResult::Panicked),
            Err(_) => Err(NoResult::Late),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_hangs_is_given_up_and_never_leaves_more_than_one_thread() {
        let (release, released) = mpsc::channel();
        let mut turn = Turn::default();
        let limit = Duration::from_mins(1);
        assert_eq!(turn.take(Duration::ZERO, move || released.recv().is_ok()).await, Err(NoResult::Late));
        for _ in 0..3 {
            assert_eq!(turn.take(limit, || unreachable!("the first has not ended")).await, Err(NoResult::Busy));
        }
        release.send(()).expect("it waits");
        assert_eq!(turn.running.take().expect("the first").await.ok(), Some(true));
        assert_eq!(turn.take(limit, || true).await, Ok(true));
        assert_eq!(turn.take(limit, || panic!("expected by the test")).await, Err(NoResult::Panicked));
    }
}
