//! Counts the reads and writes of the state file.
//!
//! A damaged state file is counted, because it is set aside and the exporter then runs without the data in it. A file that cannot
//! be read is not counted, because the exporter then does not start.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::metric::{Counter, Family, Gauge, Kind, Labelled, RegisterError, Registry};

const WRITES: Family = Family {
    name: "genesyscloud_oauth_exporter_state_writes_total",
    kind: Kind::Counter,
    labels: &["outcome"],
    help: "Number of writes of the state files by outcome: success or error. Both start at 0, also without a state file.",
};
const DAMAGED: Family = Family {
    name: "genesyscloud_oauth_exporter_state_damaged_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Number of damaged state files that were found at the start; the exporter sets such a file aside as NAME.damaged-1, -2 and so on. Starts at 0, also without a state file.",
};
const PERSISTENT: Family = Family {
    name: "genesyscloud_oauth_exporter_state_persistent",
    kind: Kind::Gauge,
    labels: &[],
    help: "1 if the last read or write of every state file succeeded; 0 if one failed, while a write takes longer than 10 s, before the first write of the only file, and without a state file. A new file that has nothing to keep yet does not count. Always 1 in a shard without organisations. Always present.",
};

/// The families that this module exports.
pub const FAMILIES: &[Family] = &[WRITES, DAMAGED, PERSISTENT];

/// The counters of the state files.
#[derive(Debug, Clone)]
pub struct Metrics {
    writes: Labelled<Counter, 1>,
    damaged: Counter,
    files: Arc<Files>,
    /// The file that this handle reports about; `None` before there is one.
    file: Option<Arc<OpenFile>>,
}

/// The files that are open.
#[derive(Debug)]
struct Files {
    count: Mutex<Count>,
    persistent: Gauge,
}

#[derive(Debug, Default)]
struct Count {
    persistent: usize,
    failed: usize,
    /// Whether no organisation is watched.
    nothing: bool,
}

impl Files {
    /// Changes the number of files, and publishes the result.
    fn change(&self, change: impl FnOnce(&mut Count)) {
        let mut count = locked(&self.count);
        change(&mut count);
        let all = count.persistent > 0 && count.failed == 0;
        self.persistent.set((all || count.nothing).into());
    }
}

/// A file that counts as open until this is dropped.
#[derive(Debug)]
struct OpenFile {
    files: Arc<Files>,
    /// `None` before there is something to keep.
    persistent: Mutex<Option<bool>>,
}

impl OpenFile {
    fn set(&self, persistent: Option<bool>) {
        let mut known = locked(&self.persistent);
        self.files.change(|count| {
            let is = |state, wanted| usize::from(state == Some(wanted));
            count.persistent = count.persistent + is(persistent, true) - is(*known, true);
            count.failed = count.failed + is(persistent, false) - is(*known, false);
        });
        *known = persistent;
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.set(None);
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// Registers the families. Fails if one of the names is already registered.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let metrics = Self {
            writes: registry.add(&WRITES)?,
            damaged: registry.add_single(&DAMAGED)?,
            files: Arc::new(Files { count: Mutex::default(), persistent: registry.add_single(&PERSISTENT)? }),
            file: None,
        };
        for outcome in ["success", "error"] {
            metrics.writes.with([outcome]);
        }
        Ok(metrics)
    }

    /// The metrics of one more file. It counts until the last clone is dropped.
    pub(super) fn of_file(&self) -> Self {
        let file = OpenFile { files: Arc::clone(&self.files), persistent: Mutex::default() };
        Self { file: Some(Arc::new(file)), ..self.clone() }
    }

    fn set_persistent(&self, persistent: bool) {
        if let Some(file) = &self.file {
            file.set(Some(persistent));
        }
    }

    pub(super) fn written(&self, success: bool) {
        self.writes.with([if success { "success" } else { "error" }]).inc();
        self.set_persistent(success);
    }

    /// Called when a write takes too long, or when nothing can be written.
    pub(super) fn stuck(&self) {
        self.set_persistent(false);
    }

    /// Whether no organisation is watched, as in a shard that has none. Then nothing can be lost.
    pub fn nothing_to_keep(&self, nothing: bool) {
        self.files.change(|count| count.nothing = nothing);
    }

    /// Called when a state file was read. The first write shows whether it can be written.
    pub(super) fn in_use(&self) {
        self.set_persistent(true);
    }

    pub(super) fn damaged(&self) {
        self.damaged.inc();
    }

    /// Metrics in a registry of their own.
    #[cfg(test)]
    pub(super) fn of_a_test() -> Self {
        Self::register(&Registry::default()).expect("a fresh registry")
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> (u64, u64, u64, i64) {
        let writes = |outcome| self.writes.with([outcome]).get();
        (writes("success"), writes("error"), self.damaged.get(), self.files.persistent.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_persistent_if_no_open_file_failed_and_something_is_kept() {
        let metrics = Metrics::of_a_test();
        let persistent = || metrics.values().3;
        let (one, two) = (metrics.of_file(), metrics.of_file());
        assert_eq!(persistent(), 0, "nothing was written yet");
        one.in_use();
        assert_eq!(persistent(), 1, "the second organisation was not read yet, so there is nothing to keep");
        two.written(false);
        assert_eq!(persistent(), 0);
        two.written(true);
        assert_eq!(persistent(), 1);
        let clone = two.clone();
        two.stuck();
        drop(two);
        assert_eq!(persistent(), 0);
        drop(clone);
        assert_eq!(persistent(), 1, "the second file is closed");
        drop(one);
        assert_eq!(persistent(), 0, "there is no file");
        metrics.nothing_to_keep(true);
        assert_eq!(persistent(), 1, "there is no organisation");
    }
}
