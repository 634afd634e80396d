//! The state file: data that must survive a restart, so that no alert pages twice and old data stays visible in an outage.
//!
//! It is not a database, but one JSON document (`format`) that is always replaced completely. It contains no secrets and only
//! its owner can read it.

mod format;
mod metrics;
mod replace;
mod saved;
pub mod snapshot_file;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing::{error, info, warn};

pub use metrics::{FAMILIES, Metrics};
pub use replace::{Mode, replace};
pub use saved::Saved;

use crate::domain::OrgId;

/// Reading stops here, so that a larger file counts as damaged. 100,000 clients take about 100 MB.
const MAX_BYTES: u64 = 1 << 30;

/// The state of all organisations, in memory and on disk.
#[derive(Debug)]
pub struct Store {
    path: Option<PathBuf>,
    metrics: Metrics,
    /// Locked while the file is written. The writers are blocking tasks.
    organisations: Mutex<BTreeMap<OrgId, Saved>>,
    /// Whether the last write failed. A series of failures is logged once and counted each time.
    failing: AtomicBool,
}

impl Store {
    /// Reads the file. A missing file is an empty state; a damaged file is set aside, logged and counted.
    pub fn open(path: Option<PathBuf>, metrics: Metrics) -> Self {
        let (organisations, writable) = match &path {
            Some(path) => read_or_set_aside(path, &metrics),
            None => (BTreeMap::new(), false),
        };
        let path = path.filter(|_| writable);
        Self { path, metrics, organisations: Mutex::new(organisations), failing: AtomicBool::new(false) }
    }

    /// The saved state of this organisation.
    pub fn of(&self, org: &OrgId) -> Option<Saved> {
        self.organisations.lock().unwrap_or_else(PoisonError::into_inner).get(org).cloned()
    }

    /// The saved state that this client read from this host, for use while the organisation's id is unknown.
    pub fn read_by(&self, client_id: &str, api_host: &str) -> Option<Saved> {
        let organisations = self.organisations.lock().unwrap_or_else(PoisonError::into_inner);
        organisations.values().find(|saved| saved.client_id == client_id && saved.api_host == api_host).cloned()
    }

    /// Saves an organisation's state: always in memory, and on disk if possible. It writes a file, so it must not run on an
    /// async worker.
    pub fn save(&self, saved: Saved) {
        let mut organisations = self.organisations.lock().unwrap_or_else(PoisonError::into_inner);
        organisations.insert(saved.snapshot.organisation.id.clone(), saved);
        let Some(path) = &self.path else { return };
        let outcome = replace(path, &format::encode(&organisations), Mode::Private);
        let failed_before = self.failing.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Ok(()) if failed_before => info!(path = %path.display(), "the state file can be written again"),
            Err(cause) if !failed_before => {
                error!(path = %path.display(), %cause, "cannot write the state file; first-seen times and the last data will be lost at the next restart");
            }
            _ => {}
        }
        self.metrics.written(outcome.is_ok());
    }
}

/// The state, and whether the path may be written: a damaged file that could not be set aside is never overwritten.
fn read_or_set_aside(path: &Path, metrics: &Metrics) -> (BTreeMap<OrgId, Saved>, bool) {
    let decoded = match read(path) {
        Ok(None) => return (BTreeMap::new(), true),
        Ok(Some(bytes)) => format::decode(&bytes),
        Err(cause) => Err(cause.to_string()),
    };
    let cause = match decoded {
        Ok(organisations) => {
            info!(path = %path.display(), organisations = organisations.len(), "read the state file");
            metrics.in_use();
            return (organisations, true);
        }
        Err(cause) => cause,
    };
    metrics.damaged();
    let aside = aside(path);
    match fs::rename(path, &aside) {
        Ok(()) => {
            warn!(path = %path.display(), aside = %aside.display(), cause, "cannot read the state file; it is set aside and the exporter starts with an empty state");
            (BTreeMap::new(), true)
        }
        Err(error) => {
            error!(path = %path.display(), cause, %error, "cannot read the state file and cannot set it aside; the state will not be saved");
            (BTreeMap::new(), false)
        }
    }
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".damaged");
    path.with_file_name(name)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::format::tests::saved;

    fn open(path: &Path) -> (Store, Metrics) {
        let metrics = Metrics::register(&prometheus::Registry::new()).expect("a fresh registry");
        (Store::open(Some(path.to_owned()), metrics.clone()), metrics)
    }

    #[test]
    fn the_saved_state_is_read_after_a_restart_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let (store, metrics) = open(&path);
        store.save(saved());
        assert_eq!(metrics.values(), (1, 0, 0, 1));
        let (again, _) = open(&path);
        assert_eq!(again.of(&saved().snapshot.organisation.id), Some(saved()));
        assert_eq!(again.read_by(&saved().client_id, &saved().api_host), Some(saved()));
        assert_eq!(again.read_by("another", &saved().api_host), None);
        assert_eq!(again.read_by(&saved().client_id, "another"), None);
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let whole = {
            let (store, _) = open(&path);
            store.save(saved());
            fs::read(&path).expect("it is there")
        };
        for damaged in [&whole[..whole.len() / 2], b"", b"null", br#"{"format":99,"organisations":{}}"#] {
            fs::write(&path, damaged).expect("writable");
            let (store, metrics) = open(&path);
            assert_eq!(store.of(&saved().snapshot.organisation.id), None);
            assert_eq!(metrics.values(), (0, 0, 1, 0));
            assert_eq!(fs::read(folder.path().join("state.json.damaged")).expect("set aside"), damaged);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_file_that_can_neither_be_read_nor_set_aside_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        fs::write(&path, b"{").expect("writable");
        // A rename cannot replace a folder that is not empty, not even for root.
        fs::create_dir_all(folder.path().join("state.json.damaged").join("x")).expect("a folder");
        let (store, metrics) = open(&path);
        store.save(saved());
        assert_eq!(metrics.values(), (0, 0, 1, 0));
        assert_eq!(fs::read(&path).expect("still there"), b"{");
    }

    #[test]
    fn a_state_that_cannot_be_written_is_kept_in_memory_and_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing").join("state.json");
        let (store, metrics) = open(&path);
        store.save(saved());
        assert_eq!(metrics.values(), (0, 1, 0, 0));
        assert!(store.of(&saved().snapshot.organisation.id).is_some());
    }
}
