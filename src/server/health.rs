//! Liveness and readiness of the process.
//!
//! Neither depends on the platform: its outage must not make a supervisor restart the exporter.

use std::sync::{Arc, Weak};

use crate::publish::Published;

/// A task holds its latch for as long as it runs.
#[derive(Debug)]
pub struct Latch(#[allow(dead_code, reason = "owned for its drop")] Arc<()>);

/// The tasks that must keep running, by name.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    tasks: Vec<(String, Weak<()>)>,
}

impl Liveness {
    /// A latch for a task with this name. The task counts as ended once the latch is dropped, for whatever reason.
    pub fn latch(&mut self, task: impl Into<String>) -> Latch {
        let latch = Arc::new(());
        self.tasks.push((task.into(), Arc::downgrade(&latch)));
        Latch(latch)
    }

    /// The names of the tasks that have ended.
    pub fn dead(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().filter(|(_, latch)| latch.strong_count() == 0).map(|(task, _)| task.as_str())
    }
}

/// Why the exporter is not ready. `None` once every organisation had a first refresh and at least one has data.
///
/// Data restored from the state file counts as data, but not as a refresh.
pub(super) fn not_ready(published: &Published) -> Option<String> {
    let organisations = &published.organisations;
    let mut reasons: Vec<String> = organisations
        .iter()
        .filter(|organisation| organisation.freshness.last_attempt.is_none())
        .map(|organisation| format!("{}: the first refresh is running", organisation.org))
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
