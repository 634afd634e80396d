//! The tasks of the process, by name. A task that ends on its own ends the process.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use anyhow::anyhow;
use tokio::task::JoinSet;

/// The time that tasks may take to end at shutdown before they are abandoned. With the last write of the state file, for which `store`
/// waits for 1 s, and the last lines of the log, the process ends within 5 s: Docker kills it after 10 s. The server's own drain is
/// shorter.
pub(super) const STOP_LIMIT: Duration = Duration::from_millis(2_500);

/// The tasks that run.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<()>,
    names: BTreeMap<tokio::task::Id, String>,
}

impl Tasks {
    pub(super) fn spawn(&mut self, name: String, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// The task with this name may end from now on.
    pub(super) fn may_end(&mut self, name: &str) {
        self.names.retain(|_, known| known != name);
    }

    /// Waits for the next task to end that must not, and says which one it was; `None` if no task is left. Cancel safe.
    pub(super) async fn ended(&mut self) -> Option<anyhow::Error> {
        loop {
            let (id, failure) = match self.running.join_next_with_id().await? {
                Ok((id, ())) => (id, None),
                Err(failure) => (failure.id(), Some(failure)),
            };
            return Some(match (self.names.remove(&id), failure) {
                (None, _) => continue,
                (Some(name), None) => anyhow!("the task {name} ended unexpectedly"),
                (Some(name), Some(failure)) => anyhow!("the task {name} failed: {failure}"),
            });
        }
    }

    /// Waits for all tasks, at most this long. Returns the names of those that have not ended; they are abandoned.
    pub(super) async fn all_ended(mut self, limit: Duration) -> Vec<String> {
        let all = async { while self.ended().await.is_some() {} };
        let _ = tokio::time::timeout(limit, all).await;
        self.names.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_stop_waits_for_tasks_but_not_for_one_that_never_ends() {
        let mut tasks = Tasks::default();
        tasks.spawn("stuck".to_owned(), std::future::pending());
        tasks.spawn("slow".to_owned(), async {
            let _ = tokio::time::timeout(STOP_LIMIT / 2, std::future::pending::<()>()).await;
        });
        assert_eq!(tasks.all_ended(STOP_LIMIT).await, ["stuck"]);
    }

    #[tokio::test]
    async fn a_task_that_ends_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("server".to_owned(), async {});
        assert_eq!(tasks.ended().await.expect("a task").to_string(), "the task server ended unexpectedly");
        tasks.spawn("reload".to_owned(), async { panic!("a defect") });
        let failure = tasks.ended().await.expect("a task").to_string();
        assert!(failure.starts_with("the task reload failed: ") && failure.contains("a defect"), "{failure}");
        assert!(tasks.ended().await.is_none());
    }

    #[tokio::test]
    async fn the_end_of_a_task_that_may_end_is_not_a_failure() {
        let mut tasks = Tasks::default();
        tasks.spawn("refresh of one".to_owned(), async {});
        tasks.may_end("refresh of one");
        assert!(tasks.ended().await.is_none());
    }
}
