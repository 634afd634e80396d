//! Whether the process lives, and whether it has something to serve.
//!
//! Neither depends on the platform's being well: an outage upstream must not have us restarted.

use std::sync::{Arc, Weak};

use crate::publish::Published;

/// Held by a task for as long as it lives.
#[derive(Debug)]
pub struct Latch(#[allow(dead_code, reason = "owned for its drop")] Arc<()>);

/// Knows by name the tasks that must live.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    tasks: Vec<(String, Weak<()>)>,
}

impl Liveness {
    /// A latch for the task of that name. The task is dead once it has dropped it, however it ended.
    pub fn latch(&mut self, task: impl Into<String>) -> Latch {
        let latch = Arc::new(());
        self.tasks.push((task.into(), Arc::downgrade(&latch)));
        Latch(latch)
    }

    /// The names of the tasks that ended.
    pub fn dead(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().filter(|(_, latch)| latch.strong_count() == 0).map(|(task, _)| task.as_str())
    }
}

/// Why there is nothing to rely on yet; `None` once every organisation was attempted and at least one has data.
///
/// Data restored from the state file is data, but does not stand for an attempt.
pub(super) fn not_ready(published: &Published) -> Option<String> {
    let organisations = &published.organisations;
    let mut reasons: Vec<String> = organisations
        .iter()
        .filter(|organisation| organisation.freshness.last_attempt.is_none())
        .map(|organisation| format!("{}: the first refresh is under way", organisation.org))
        .collect();
    if organisations.iter().all(|organisation| organisation.evaluated.is_none()) {
        reasons.push("no organisation has data".to_owned());
        reasons.extend(organisations.iter().filter_map(|organisation| {
            let failure = organisation.freshness.failure.as_ref()?;
            Some(format!("{}: {failure}", organisation.org))
        }));
    }
    (!reasons.is_empty()).then(|| reasons.join("\n"))
}
