//! The state file with its owner on a real disk, and with a disk that fails or blocks.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::format::tests::saved;
use super::*;
use crate::domain::Timestamp;

/// For what must happen, on a machine of any speed.
const NEVER: Duration = Duration::from_mins(1);
const AT_ONCE: Duration = Duration::ZERO;

fn open(path: &Path) -> (Store, Metrics) {
    let metrics = Metrics::of_a_test();
    (Store::open(Some(path.to_owned()), None, &metrics).expect("it can be opened"), metrics)
}

fn refused(path: &Path) -> String {
    let error = Store::open(Some(path.to_owned()), None, &Metrics::of_a_test()).expect_err("it is refused").to_string();
    assert!(error.contains(&path.display().to_string()), "it names the file: {error}");
    error
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// The saved state as of this time.
fn as_of(seconds: i64) -> Saved {
    let mut saved = saved();
    Arc::make_mut(&mut saved.snapshot).taken_at = Timestamp::from_seconds(seconds);
    saved
}

#[test]
fn the_saved_state_is_read_after_a_restart_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let (store, metrics) = open(&path);
    store.save(saved());
    assert_eq!(metrics.values(), (1, 0, 0, 1), "it is on disk when `save` returns");
    drop(store);
    let (again, _) = open(&path);
    assert_eq!(again.of(&saved().snapshot.organisation.id), Some(saved()));
    assert_eq!(again.read_by(&saved().client_id, &saved().api_host), Some(saved()));
    assert_eq!(again.read_by("another", &saved().api_host), None);
    assert_eq!(again.read_by(&saved().client_id, "another"), None);
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()), ["state.json", "state.json.lock"], "no temporary file is left");
}

#[test]
fn while_nothing_but_the_time_changes_only_the_time_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let (store, _) = open(&path);
    store.save(as_of(1));
    let whole = Version::of(&path).expect("it is there");
    let later = Saved { ledger: Arc::new(saved().ledger.after_time(Duration::from_mins(1))), ..as_of(2) };
    store.save(later.clone());
    assert_eq!(Version::of(&path).expect("it is there"), whole, "the file is not written again");
    assert_eq!(names(folder.path()), ["state.json", "state.json.lock", "state.json.time"]);
    assert_eq!(fs::metadata(times::beside(&path)).expect("it is there").permissions().mode() & 0o777, 0o600);
    drop(store);
    let (store, _) = open(&path);
    let id = saved().snapshot.organisation.id.clone();
    assert_eq!(store.of(&id), Some(later));
    // A restart knows only what the file says, so the file is written as a whole once.
    store.save(as_of(3));
    assert_ne!(Version::of(&path).expect("it is there"), whole);
    let mut renamed = as_of(4);
    Arc::make_mut(&mut renamed.snapshot).organisation.name = "renamed".to_owned();
    let before = Version::of(&path).expect("it is there");
    store.save(renamed.clone());
    assert_ne!(Version::of(&path).expect("it is there"), before, "a change is written");
    drop(store);
    assert_eq!(open(&path).0.of(&id), Some(renamed), "the older times beside the file do not apply to it");
}

#[test]
fn times_that_cannot_be_read_are_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let (store, _) = open(&path);
    store.save(as_of(1));
    store.save(as_of(2));
    drop(store);
    let id = saved().snapshot.organisation.id.clone();
    let times = fs::read_to_string(times::beside(&path)).expect("it is there");
    for (damaged, seconds) in [
        (times.clone(), 2),
        (times.replace("taken_at", "taken"), 1),
        (times.replace("\"of\":\"", "\"of\":\"x"), 1),
        (times[..times.len() / 2].to_owned(), 1),
        (String::new(), 1),
    ] {
        fs::write(times::beside(&path), &damaged).expect("writable");
        assert_eq!(open(&path).0.of(&id), Some(as_of(seconds)), "{damaged}");
    }
}

#[test]
fn a_state_file_has_one_owner_who_alone_removes_temporary_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let (store, _) = open(&path);
    store.save(saved());
    let leftover = folder.path().join("state.json.new-0123456789abcdef");
    fs::write(&leftover, "{").expect("writable");
    assert!(refused(&path).contains("stop that exporter, or give this one its own file with --state.file"));
    assert!(leftover.exists(), "it may be the other exporter's");
    drop(store);
    let (again, _) = open(&path);
    assert!(!leftover.exists());
    assert!(again.of(&saved().snapshot.organisation.id).is_some());
}

#[test]
fn damaged_files_are_set_aside_one_after_the_other_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let whole = format::tests::encode(&BTreeMap::from([(saved().snapshot.organisation.id.clone(), saved())]));
    let damages = [&whole[..whole.len() / 2], b"", b"null", br#"{"format":0,"organisations":{}}"#, b"\0\0\0\0"];
    for (number, damaged) in (1..).zip(damages) {
        fs::write(&path, damaged).expect("writable");
        let (store, metrics) = open(&path);
        assert_eq!(store.of(&saved().snapshot.organisation.id), None);
        assert_eq!(metrics.values(), (0, 0, 1, 0));
        let aside = folder.path().join(format!("state.json.damaged-{number}"));
        assert_eq!(fs::read(aside).expect("set aside"), damaged);
        assert!(!path.exists());
    }
    assert_eq!(fs::read(folder.path().join("state.json.damaged-1")).expect("kept"), &whole[..whole.len() / 2]);
}

#[test]
fn a_file_that_cannot_be_read_or_is_of_a_newer_version_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    fs::create_dir(&path).expect("a folder");
    assert!(refused(&path).contains("it is a directory; name a regular file"));
    assert_eq!(names(folder.path()), ["state.json", "state.json.lock"]);
    fs::remove_dir(&path).expect("empty");
    for number in ["2", "4294967296", "18446744073709551615", "1.5"] {
        let newer = format!(r#"{{"format":{number},"organizations":[]}}"#);
        fs::write(&path, &newer).expect("writable");
        let expected = format!("has the format {number} of a newer version, but this version reads format 1");
        let refusal = refused(&path);
        assert!(refusal.contains(&expected), "{refusal}");
        assert_eq!(fs::read_to_string(&path).expect("still there"), newer);
    }
    fs::File::create(&path).and_then(|file| file.set_len(3 << 30)).expect("a sparse file");
    assert!(refused(&path).contains("it is larger than"));
    assert_eq!(fs::metadata(&path).expect("still there").len(), 3 << 30);
    assert!(refused(Path::new("/")).contains("cannot be used"));
}

#[test]
fn a_state_that_cannot_be_written_is_kept_in_memory_until_it_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("missing").join("state.json");
    let (store, metrics) = open(&path);
    store.save(saved());
    assert_eq!(metrics.values(), (0, 1, 0, 0));
    assert!(store.of(&saved().snapshot.organisation.id).is_some());
    fs::create_dir(folder.path().join("missing")).expect("a folder");
    store.save(saved());
    assert_eq!(metrics.values(), (1, 1, 0, 1));
    assert!(refused(&path).contains("belongs to another running exporter"));
}

#[test]
fn a_file_whose_lock_another_process_took_is_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let (store, metrics) = open(&path);
    fs::remove_file(folder.path().join("state.json.lock")).expect("ours");
    let (other, _) = open(&path);
    other.save(as_of(7));
    store.save(as_of(8));
    assert_eq!(metrics.values(), (0, 1, 0, 0));
    drop((store, other));
    let (again, _) = open(&path);
    assert_eq!(again.of(&saved().snapshot.organisation.id), Some(as_of(7)));
}

#[test]
fn a_file_that_was_never_read_is_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = folder.path().join("elsewhere.json");
    let (store, _) = open(&elsewhere);
    store.save(as_of(7));
    drop(store);
    // The directory appears after the start, as a late mount does, and has a file.
    let path = folder.path().join("late").join("state.json");
    let (store, metrics) = open(&path);
    fs::create_dir(folder.path().join("late")).expect("a folder");
    fs::copy(&elsewhere, &path).expect("writable");
    store.save(as_of(8));
    assert_eq!(metrics.values(), (0, 1, 0, 0));
    // Once it is moved away, the state is saved.
    fs::remove_file(&path).expect("ours");
    store.save(as_of(9));
    assert_eq!(metrics.values(), (1, 1, 0, 1));
    // Another file in the place of the own one, for example from a backup.
    fs::remove_file(&path).expect("ours");
    fs::copy(&elsewhere, &path).expect("writable");
    store.save(as_of(10));
    assert_eq!(metrics.values(), (1, 2, 0, 0));
    drop(store);
    let (again, _) = open(&path);
    assert_eq!(again.of(&saved().snapshot.organisation.id), Some(as_of(7)), "the backup is used after a restart");
}

/// A disk that a test controls: each write announces its state, and waits for its outcome.
struct Disk {
    began: Receiver<State>,
    outcomes: Sender<io::Result<()>>,
}

impl Disk {
    fn store(patience: Patience) -> (Store, Self, Metrics) {
        let (states, began) = channel();
        let (outcomes, outcome) = channel();
        let write = move |state: &State| {
            states.send(state.clone()).expect("the test is there");
            outcome.recv().unwrap_or(Ok(()))
        };
        let metrics = Metrics::of_a_test().of_file();
        let (path, write) = (PathBuf::from("a disk"), Box::new(write));
        let store = Store::with_writer(Kept::default(), path, write, patience, metrics.clone(), false);
        (store.expect("threads"), Self { began, outcomes }, metrics)
    }

    /// Waits for the next write, and returns when its state was taken.
    fn began(&self) -> i64 {
        let state = self.began.recv_timeout(NEVER).expect("a write begins");
        state.values().next().expect("an organisation").snapshot.taken_at.seconds()
    }

    fn end(&self, outcome: io::Result<()>) {
        self.outcomes.send(outcome).expect("the writer is there");
    }
}

fn full() -> io::Result<()> {
    Err(io::ErrorKind::StorageFull.into())
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let began = tokio::time::Instant::now();
    while !condition() {
        assert!(began.elapsed() < NEVER, "it never came to be: {what}");
        std::thread::yield_now();
    }
}

const PATIENT: Patience = Patience { publish: NEVER, report: NEVER, retry: NEVER, stop: NEVER };

/// Every `save` returns, although no write ends. The newest state is written, and those between are not.
#[test]
fn a_disk_that_hangs_delays_one_save_and_then_gets_the_newest_state() {
    let (mut store, disk, metrics) = Disk::store(Patience { publish: Duration::from_millis(1), ..PATIENT });
    store.save(as_of(1));
    assert_eq!(disk.began(), 1);
    // From here on, nobody waits for the first write: with this patience, each of these calls would block for a minute.
    store.writer.as_mut().expect("a state file").patience = PATIENT;
    for second in 2..100 {
        store.save(as_of(second));
    }
    assert_eq!(metrics.values(), (0, 0, 0, 0));
    disk.end(Ok(()));
    assert_eq!(disk.began(), 99);
    disk.end(Ok(()));
    until("both writes are counted", || metrics.values() == (2, 0, 0, 1));
    store.close();
}

#[test]
fn a_write_that_takes_too_long_is_reported_until_it_ends() {
    let (store, disk, metrics) =
        Disk::store(Patience { publish: AT_ONCE, report: Duration::from_millis(1), ..PATIENT });
    for second in 1..3 {
        metrics.in_use();
        store.save(as_of(second));
        assert_eq!(disk.began(), second);
        until("it is reported", || metrics.values().3 == 0);
        disk.end(Ok(()));
        until("it has ended", || metrics.values().3 == 1);
    }
    store.close();
}

#[test]
fn a_failed_write_is_tried_again_without_a_newer_state() {
    let (store, disk, metrics) = Disk::store(Patience { publish: AT_ONCE, retry: AT_ONCE, ..PATIENT });
    store.save(as_of(1));
    for _ in 0..3 {
        assert_eq!(disk.began(), 1);
        disk.end(full());
    }
    assert_eq!(disk.began(), 1);
    disk.end(Ok(()));
    until("the disk has space again", || metrics.values() == (1, 3, 0, 1));
    store.close();
}

#[test]
fn a_failed_write_never_replaces_a_newer_state() {
    let (store, disk, metrics) = Disk::store(Patience { publish: AT_ONCE, retry: AT_ONCE, ..PATIENT });
    store.save(as_of(1));
    assert_eq!(disk.began(), 1);
    store.save(as_of(2));
    disk.end(full());
    assert_eq!(disk.began(), 2);
    disk.end(Ok(()));
    store.save(as_of(3));
    assert_eq!(disk.began(), 3, "and the first one is not written again");
    disk.end(Ok(()));
    store.close();
    assert_eq!(metrics.values(), (2, 1, 0, 1));
    assert!(disk.began.try_recv().is_err());
}

#[test]
fn what_is_pending_at_the_end_is_written_if_the_disk_is_fast_enough() {
    let (store, disk, _) = Disk::store(Patience { publish: AT_ONCE, ..PATIENT });
    store.save(as_of(1));
    assert_eq!(disk.began(), 1);
    store.save(as_of(2));
    disk.end(Ok(()));
    disk.end(Ok(()));
    store.close();
    assert_eq!(disk.began(), 2);
}

/// `close` would never return if it waited for the disk, and a second `close` waits no more.
#[test]
fn a_disk_that_hangs_does_not_keep_the_process_from_ending() {
    let (store, disk, _) = Disk::store(Patience { publish: AT_ONCE, stop: Duration::from_millis(1), ..PATIENT });
    store.save(as_of(1));
    assert_eq!(disk.began(), 1);
    store.close();
    store.close();
    drop(store);
}

#[test]
fn a_write_that_panics_ends_nothing_but_the_writing() {
    let metrics = Metrics::of_a_test().of_file();
    let write = Box::new(|_: &State| panic!("on purpose"));
    let store = Store::with_writer(Kept::default(), "a disk".into(), write, PATIENT, metrics.clone(), false);
    let store = store.expect("threads");
    metrics.in_use();
    store.save(as_of(1));
    store.save(as_of(2));
    assert_eq!(metrics.values(), (0, 0, 0, 0));
    store.close();
}
