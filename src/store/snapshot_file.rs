//! Snapshot files, for an audit without credentials or network and for a comparison with an earlier snapshot.
//!
//! The format is the format of the state file with additional fields for each organisation, so that either file can be
//! read in place of the other.
//!
//! An incomplete list that `--allow-incomplete` accepted is saved as incomplete, and is still incomplete when it is
//! evaluated later.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::format::{self, FORMAT};
use super::owner::Owner;
use super::saved::State;
use super::{MAX_BYTES, Saved, times};
use crate::domain::Snapshot;
use crate::file::{self, Mode, ReadError};
use crate::ledger::Ledger;

/// The label `org` for an organisation of a state file, which has no labels.
const DEFAULT_ORG: &str = "default";

/// An organisation in a snapshot file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The value of the label `org`.
    pub org: String,
    /// The snapshot, complete or not.
    pub snapshot: Arc<Snapshot>,
    /// Why clients are missing; `None` if the snapshot is complete.
    pub incomplete: Option<String>,
    /// The ledger of a state file. A snapshot file has none.
    pub ledger: Arc<Ledger>,
}

#[derive(Serialize, Deserialize)]
struct About {
    org: String,
    incomplete: Option<String>,
}

/// Writes the snapshots to a file that only its owner can read. See [`file::replace`]. Fails if the file is the state file of a
/// running exporter: a snapshot has no first-seen times.
pub fn write(path: &Path, kept: &[Kept]) -> io::Result<()> {
    if Owner::is_another(path) {
        return Err(io::Error::other("it is the state file of a running exporter; name another file"));
    }
    file::replace_with(path, Mode::Private, |file| write_to(file, kept))
}

/// Writes the snapshots as a file has them.
pub fn write_to(target: &mut dyn io::Write, kept: &[Kept]) -> io::Result<()> {
    let saved = kept.iter().map(|kept| {
        let saved = Saved {
            client_id: kept.snapshot.own_client.as_ref().map(ToString::to_string).unwrap_or_default(),
            api_host: kept.snapshot.organisation.region.clone(),
            snapshot: Arc::clone(&kept.snapshot),
            ledger: Arc::default(),
        };
        (kept.snapshot.organisation.id.clone(), saved)
    });
    let about = kept.iter().map(|kept| {
        let about = About { org: kept.org.clone(), incomplete: kept.incomplete.clone() };
        (kept.snapshot.organisation.id.to_string(), about)
    });
    let about: BTreeMap<String, About> = about.collect();
    format::write(&saved.collect(), None, Some(about), target)
}

/// Reads the snapshots of a snapshot file or a state file, sorted by the organisations' ids. `None` if the file does not exist.
///
/// The error message never quotes the file.
pub fn read(path: &Path) -> Result<Option<Vec<Kept>>, String> {
    let bytes = match file::read(path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(ReadError::NotFound) => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let add_times = |mark: Option<String>, state: &mut State| times::apply(path, mark.as_deref(), state);
    decode(&bytes, add_times).map(Some).map_err(|why| format!("{}: {why}", path.display()))
}

/// `add_times` adds what is beside a state file to its contents.
fn decode(bytes: &[u8], add_times: impl FnOnce(Option<String>, &mut State)) -> Result<Vec<Kept>, String> {
    #[derive(Deserialize)]
    struct Head {
        /// By the organisation's id. Empty in a state file.
        #[serde(default)]
        snapshots: BTreeMap<String, About>,
    }
    recognise(bytes)?;
    let damaged = |place: String| format!("this snapshot is damaged at {place}; {CREATE_AGAIN}");
    let (mut organisations, mark) = format::decode(bytes).map_err(|error| match error {
        format::Undecodable::Newer(format) => other_format(format),
        format::Undecodable::Damaged(place) => damaged(place),
    })?;
    add_times(mark, &mut organisations);
    let head: Head = serde_json::from_slice(bytes).map_err(|error| damaged(place(&error)))?;
    let mut about = head.snapshots;
    let kept = organisations.into_iter().map(|(id, saved)| {
        let about = about.remove(id.as_str());
        let (org, incomplete) = about.map_or((DEFAULT_ORG.to_owned(), None), |about| (about.org, about.incomplete));
        Kept { org, snapshot: saved.snapshot, incomplete, ledger: saved.ledger }
    });
    Ok(kept.collect())
}

/// What to do about a file that cannot be read.
const CREATE_AGAIN: &str = "create it again with `audit --snapshot-out`";

/// Checks that the file is a snapshot or state file. The error never contains the parser's message, which can quote the file.
fn recognise(bytes: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Shape {
        format: u32,
        #[serde(rename = "organisations")]
        _organisations: IgnoredAny,
    }
    let another = "it is not a snapshot of this program; use a file that `audit --snapshot-out` wrote, or a state file";
    match serde_json::from_slice::<Shape>(bytes) {
        Ok(Shape { format: FORMAT, .. }) => Ok(()),
        Ok(Shape { format, .. }) => Err(other_format(format)),
        Err(_) if bytes.is_empty() => Err(format!("the file is empty; {CREATE_AGAIN}")),
        Err(error) if error.is_eof() => Err(format!("its JSON ends early at {}; {CREATE_AGAIN}", place(&error))),
        Err(error) if error.is_syntax() => Err(format!("it is not JSON, see {}; {another}", place(&error))),
        Err(_) => Err(another.to_owned()),
    }
}

fn other_format(format: impl fmt::Display) -> String {
    format!("its format is {format}, but this version of the program reads format {FORMAT}; {CREATE_AGAIN}")
}

fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::format::tests::saved;

    fn kept(incomplete: Option<&str>) -> Kept {
        Kept {
            org: "emea".to_owned(),
            snapshot: saved().snapshot,
            incomplete: incomplete.map(str::to_owned),
            ledger: Arc::default(),
        }
    }

    fn encoded(incomplete: Option<&str>) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_to(&mut bytes, &[kept(incomplete)]).expect("memory");
        bytes
    }

    #[test]
    fn a_written_file_can_be_read_again_and_only_by_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("snapshot.json");
        for kept in [kept(None), kept(Some("page 2 never came"))] {
            write(&path, std::slice::from_ref(&kept)).expect("writable");
            assert_eq!(read(&path), Ok(Some(vec![kept])));
        }
        assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "no temporary file is left");
        assert_eq!(read(&folder.path().join("missing.json")), Ok(None));
    }

    #[test]
    fn a_snapshot_never_replaces_the_state_file_of_a_running_exporter() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let metrics = crate::store::Metrics::of_a_test();
        let store = crate::store::Store::open(Some(path.clone()), None, &metrics).expect("a new file");
        store.save(saved());
        assert!(write(&path, &[kept(None)]).expect_err("refused").to_string().contains("of a running exporter"));
        drop(store);
        write(&path, &[kept(None)]).expect("nobody's");
    }

    #[test]
    fn a_state_file_is_read_as_snapshots_and_a_snapshot_as_a_state() {
        let id = saved().snapshot.organisation.id.clone();
        let state = format::tests::encode(&BTreeMap::from([(id.clone(), saved())]));
        assert_eq!(
            decode(&state, |_, _| {}),
            Ok(vec![Kept { org: DEFAULT_ORG.to_owned(), ledger: saved().ledger, ..kept(None) }])
        );
        let snapshot = encoded(None);
        assert_eq!(format::decode(&snapshot).expect("a state").0[&id].snapshot, saved().snapshot);
    }

    #[test]
    fn a_file_that_is_not_a_snapshot_is_refused_without_quoting_it() {
        let whole = String::from_utf8(encoded(None)).expect("UTF-8");
        for (text, expected) in [
            ("", "the file is empty; create it again with `audit --snapshot-out`"),
            (&whole[..whole.len() - 9], "its JSON ends early at line 1, column"),
            (&whole.replace("\"active\"", "7"), "this snapshot is damaged at line 1, column"),
            ("secret=1", "it is not JSON, see line 1, column 1; it is not a snapshot of this program"),
            ("null", "it is not a snapshot of this program; use a file that `audit --snapshot-out` wrote"),
            ("{\"secret\":1}", "it is not a snapshot of this program"),
            ("{\"format\":1}", "it is not a snapshot of this program"),
            ("{\"format\":99,\"organisations\":{}}", "its format is 99, but this version of the program reads"),
        ] {
            let why = decode(text.as_bytes(), |_, _| {}).expect_err(text);
            assert!(why.contains(expected) && !why.contains("secret"), "{expected:?} in {why}");
        }
    }
}
