//! The file beside the state file that says how late its data was last seen unchanged: `NAME.time`.
//!
//! A refresh in which nothing changed writes only this file, which has a few hundred bytes for an organisation of any size. It
//! names the state file that it belongs to, so that it never applies to another one. Without it, the data counts as older than it is.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::saved::State;
use crate::domain::{OrgId, Snapshot, Timestamp};
use crate::file::{self, Mode, ReadError};

/// The largest file, for some thousand organisations.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Times {
    /// The field `written` of the state file.
    of: String,
    organisations: BTreeMap<String, Seen>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    /// When the refresh began that saw the data last.
    taken_at: i64,
    /// The seconds between the ledger in the state file and that refresh. Zero if no grant is gone.
    passed: u64,
}

/// The file beside this state file.
pub(super) fn beside(state: &Path) -> PathBuf {
    let mut name = state.file_name().unwrap_or_default().to_os_string();
    name.push(".time");
    state.with_file_name(name)
}

/// Writes the times of a state of which everything else is in the file with this mark.
pub(super) fn write(state_file: &Path, mark: &str, state: &State, written: &State) -> io::Result<()> {
    let organisations = state.iter().map(|(id, saved)| {
        let passed = written.get(id).map(|written| saved.ledger.time_since(&written.ledger).as_secs());
        let passed = passed.unwrap_or_default();
        (id.to_string(), Seen { taken_at: saved.snapshot.taken_at.seconds(), passed })
    });
    let times = Times { of: mark.to_owned(), organisations: organisations.collect() };
    file::replace(&beside(state_file), &serde_json::to_vec(&times)?, Mode::Private)
}

/// Adds the times to a state that was read from the file with this mark.
pub(super) fn apply(state_file: &Path, mark: Option<&str>, state: &mut State) {
    let path = beside(state_file);
    let bytes = match file::read(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(ReadError::NotFound) => return,
        Err(cause) => {
            warn!(path = %path.display(), %cause, "cannot read when the saved data was last seen; it counts as older than it is");
            return;
        }
    };
    let Ok(times) = serde_json::from_slice::<Times>(&bytes) else {
        warn!(path = %path.display(), "the file is damaged, so the saved data counts as older than it is");
        return;
    };
    if mark != Some(&times.of) {
        return;
    }
    for (id, Seen { taken_at, passed }) in times.organisations {
        let Some(saved) = state.get_mut(&OrgId::new(id)) else { continue };
        let taken_at = Timestamp::from_seconds(taken_at);
        saved.snapshot = Snapshot { taken_at, ..Snapshot::clone(&saved.snapshot) }.into();
        saved.ledger = saved.ledger.after_time(Duration::from_secs(passed)).into();
    }
}
