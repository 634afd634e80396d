//! The state file: data that must survive a restart, so that no alert pages twice and old data stays visible in an outage.
//!
//! It is not a database, but one JSON document (`format`) that is always replaced completely, and only if something changed. While
//! nothing changes, a small file beside it says when the data was seen last (`times`). Neither contains secrets, and only their owner
//! can read them.

mod format;
mod metrics;
mod owner;
mod saved;
pub mod snapshot_file;
#[cfg(test)]
mod tests;
mod times;
mod writer;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tracing::{error, info, warn};

pub use metrics::{FAMILIES, Metrics};
pub use saved::Saved;

use self::format::Undecodable;
use self::owner::Owner;
use self::saved::State;
use self::writer::{Patience, Write, Writer};
use crate::domain::OrgId;
use crate::file::{self, LockError, Mode, ReadError};

/// The largest state or snapshot file. 100,000 clients take 60 to 210 MB.
const MAX_BYTES: u64 = 512 << 20;

/// The name of the state file of an organisation in a directory of several. Different labels have different names, also in a file system
/// that ignores case.
pub fn file_name(org: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    let mut name = String::new();
    for byte in org.bytes() {
        match byte {
            b'.' if name.is_empty() => name.push_str("%2e"),
            byte if is_plain(byte) => name.push(char::from(byte)),
            byte => _ = write!(name, "%{byte:02x}"),
        }
    }
    // Most file systems allow 255 bytes, of which some are for temporary names.
    if name.len() > LONGEST_NAME {
        name.truncate(LONGEST_NAME);
        name.push('+');
        for byte in &Sha256::digest(org.as_bytes())[..16] {
            let _ = write!(name, "{byte:02x}");
        }
    }
    format!("{name}.state.json")
}

/// The largest part of a label in the name of a file, in bytes.
const LONGEST_NAME: usize = 120;

/// The state of all organisations, in memory and on disk.
#[derive(Debug)]
pub struct Store {
    kept: Mutex<Kept>,
    /// `None` without a state file, and if a damaged file could not be set aside.
    writer: Option<Writer>,
    /// Of a file that cannot be written: it counts as long as the store exists.
    #[expect(dead_code, reason = "what is held matters, and nothing reads it")]
    unwritable: Option<Metrics>,
}

/// What a store has in memory.
#[derive(Debug, Default)]
struct Kept {
    organisations: State,
    /// From the file that several organisations shared, until the first state of its own is saved.
    inherited: State,
}

/// Why the exporter must not start with this state file. The file is left unchanged.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the state file {0} belongs to another running exporter; stop that exporter, or give this one its own file with --state.file, or --state.dir for several organisations"
    )]
    Owned(PathBuf),
    /// The locks of the file cannot be used.
    #[error("the state file {0} cannot be locked: {1}")]
    Lock(PathBuf, LockError),
    /// It exists and cannot be read.
    #[error(
        "the state file {0} cannot be read: {1}; correct this, or name another place with --state.file or --state.dir, which loses the first-seen times"
    )]
    Unreadable(PathBuf, ReadError),
    /// A newer version of the program wrote it.
    #[error(
        "the state file {0} has the format {1} of a newer version, but this version reads format {format}; use the newer version, or name another place with --state.file or --state.dir, which loses the first-seen times",
        format = format::FORMAT
    )]
    Newer(PathBuf, String),
    /// The path has no file name, or a thread cannot be started.
    #[error("the state file {0} cannot be used: {1}")]
    Unusable(PathBuf, io::Error),
}

impl Store {
    /// Takes possession of the file and reads it. A missing file is an empty state; a damaged file is set aside, logged and counted.
    /// If the directory cannot be written, the state is kept in memory until it can. Blocking.
    ///
    /// `inherited` is a file that the exporter had before each organisation had its own. It is read as long as the file itself does not
    /// exist, and it is never changed.
    pub fn open(path: Option<PathBuf>, inherited: Option<PathBuf>, metrics: &Metrics) -> Result<Self, OpenError> {
        let Some(path) = path else { return Ok(Self::in_memory()) };
        let metrics = metrics.of_file();
        let unusable = |error| OpenError::Unusable(path.clone(), error);
        let mut owner = Owner::new(&path).map_err(unusable)?;
        let is_ours = match owner.ensure() {
            Ok(()) => true,
            Err(LockError::Unwritable(_, cause)) => {
                metrics.stuck();
                error!(path = %path.display(), %cause, "cannot write the state file; first-seen times and the last data will be lost at the next restart");
                false
            }
            Err(LockError::Held(_)) => return Err(OpenError::Owned(path)),
            Err(error) => return Err(OpenError::Lock(path, error)),
        };
        // Before the file is read: if it changes meanwhile, the versions differ, and the file is not overwritten.
        let mut last = Version::of(owner.path()).unwrap_or_default();
        let bytes = match file::read(owner.path(), MAX_BYTES) {
            Ok(bytes) => Some(bytes),
            Err(ReadError::NotFound) => None,
            Err(error) => return Err(OpenError::Unreadable(path, error)),
        };
        let files = [owner.path().to_owned(), times::beside(owner.path())];
        if is_ours && let Err(cause) = files.iter().try_for_each(|path| file::remove_leftovers(path).map(drop)) {
            warn!(path = %path.display(), %cause, "cannot remove the temporary files of an earlier crash");
        }
        let mut kept = Kept::default();
        match bytes.map(|bytes| format::decode(&bytes)) {
            None => kept.inherited = inherited.map_or_else(|| Ok(State::new()), |path| inherit(&path))?,
            Some(Ok((mut organisations, mark))) => {
                times::apply(owner.path(), mark.as_deref(), &mut organisations);
                info!(path = %path.display(), organisations = organisations.len(), "read the state file");
                if is_ours {
                    metrics.in_use();
                }
                kept.organisations = organisations;
            }
            Some(Err(Undecodable::Newer(format))) => return Err(OpenError::Newer(path, format)),
            Some(Err(Undecodable::Damaged(cause))) => {
                metrics.damaged();
                if !set_aside(owner.path(), &cause) {
                    metrics.stuck();
                    return Ok(Self { kept: Mutex::default(), writer: None, unwritable: Some(metrics) });
                }
                last = None;
            }
        }
        let place = owner.path().to_owned();
        let mut on_disk = None;
        let write = Box::new(move |state: &State| write(&mut owner, &mut last, &mut on_disk, state));
        Self::with_writer(kept, place, write, Patience::default(), metrics, !is_ours).map_err(unusable)
    }

    /// A store without a file.
    pub fn in_memory() -> Self {
        Self { kept: Mutex::default(), writer: None, unwritable: None }
    }

    fn with_writer(
        kept: Kept,
        path: PathBuf,
        write: Write,
        patience: Patience,
        metrics: Metrics,
        failed: bool,
    ) -> io::Result<Self> {
        let writer = Writer::start(path, write, patience, metrics, failed)?;
        Ok(Self { kept: Mutex::new(kept), writer: Some(writer), unwritable: None })
    }

    /// The saved state of this organisation.
    pub fn of(&self, org: &OrgId) -> Option<Saved> {
        let Kept { organisations, inherited } = &*self.kept();
        organisations.get(org).or_else(|| inherited.get(org)).cloned()
    }

    /// The saved state that this client read from this host, for use while the organisation's id is unknown.
    pub fn read_by(&self, client_id: &str, api_host: &str) -> Option<Saved> {
        let Kept { organisations, inherited } = &*self.kept();
        organisations
            .values()
            .chain(inherited.values())
            .find(|saved| saved.client_id == client_id && saved.api_host == api_host)
            .cloned()
    }

    /// Saves an organisation's state: always in memory, and on disk as soon as possible. If the disk is fast, the state is on it
    /// when this returns; if not, this returns after a second. Blocking.
    pub fn save(&self, saved: Saved) {
        let mut kept = self.kept();
        kept.organisations.insert(saved.snapshot.organisation.id.clone(), saved);
        kept.inherited.clear();
        let Some(writer) = &self.writer else { return };
        // Under the lock, so that an older state never replaces a newer one.
        let number = writer.hand_over(kept.organisations.clone());
        drop(kept);
        writer.wait_for(number);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is not on disk yet, and gives the file up. Waits for one second at most. Blocking.
    pub fn close(&self) {
        close_all(std::iter::once(self));
    }
}

/// Closes several stores as [`Store::close`] does, all at the same time. Blocking, for one second at most.
pub fn close_all<'a>(stores: impl IntoIterator<Item = &'a Store>) {
    let writers = stores.into_iter().filter_map(|store| store.writer.as_ref());
    let ending: Vec<_> = writers.filter_map(|writer| Some((writer, writer.begin_to_stop()?))).collect();
    for (writer, by) in ending {
        writer.wait_for_end(by);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reads the file that several organisations shared. Nothing changes it, so that the exporter can be set up as before again.
fn inherit(path: &Path) -> Result<State, OpenError> {
    let bytes = match file::read(path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(ReadError::NotFound) => return Ok(State::new()),
        Err(error) => return Err(OpenError::Unreadable(path.to_owned(), error)),
    };
    if Owner::is_another(path) {
        return Err(OpenError::Owned(path.to_owned()));
    }
    match format::decode(&bytes) {
        Ok((mut organisations, mark)) => {
            times::apply(path, mark.as_deref(), &mut organisations);
            Ok(organisations)
        }
        Err(Undecodable::Newer(format)) => Err(OpenError::Newer(path.to_owned(), format)),
        Err(Undecodable::Damaged(cause)) => {
            warn!(path = %path.display(), cause, "the state file that the organisations shared is damaged and is not used");
            Ok(State::new())
        }
    }
}

/// What this process wrote last, and the mark of that file.
type OnDisk = Option<(String, State)>;

/// Replaces the file, unless it is not the one that this process read or wrote `last`: it contains first-seen times that nobody read.
/// If nothing but the time differs from what is on disk, only the time is written.
fn write(owner: &mut Owner, last: &mut Option<Version>, on_disk: &mut OnDisk, state: &State) -> io::Result<()> {
    owner.ensure().map_err(io::Error::other)?;
    let found = Version::of(owner.path())?;
    if found.is_some() && found != *last {
        return Err(io::Error::other(
            "another program changed the file or put it there, so it is not overwritten; restart the exporter to use its contents, or move \
             it away",
        ));
    }
    if let Some((mark, written)) = on_disk.as_ref().filter(|_| found.is_some()) {
        let same =
            |(id, saved): (&OrgId, &Saved)| written.get(id).is_some_and(|written| saved.differs_only_in_time(written));
        if state.len() == written.len() && state.iter().all(same) {
            return times::write(owner.path(), mark, state, written);
        }
    }
    *on_disk = None;
    let mark = format!("{:016x}", fastrand::u64(..));
    file::replace_with(owner.path(), Mode::Private, |file| {
        format::write(state, Some(&mark), None::<()>, &mut Limited { file, left: MAX_BYTES })
    })?;
    *last = Version::of(owner.path())?;
    *on_disk = Some((mark, state.clone()));
    Ok(())
}

/// Writes no file that would be too large to read.
struct Limited<'a> {
    file: &'a mut dyn io::Write,
    left: u64,
}

impl io::Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::other(format!("it would have more than {MAX_BYTES} bytes, which is the limit")));
        }
        let written = self.file.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What distinguishes a file from one that another program put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Version {
    /// The version of the file at the path, through links; `None` if there is none.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(found) => Ok(Some(Self {
                device: found.dev(),
                inode: found.ino(),
                size: found.size(),
                modified: (found.mtime(), found.mtime_nsec()),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Renames a damaged file to the first free name. Only the owner of the file does this, so no other file takes that name. Returns
/// whether it worked: a damaged file that stays in place is never overwritten.
fn set_aside(path: &Path, cause: &str) -> bool {
    let aside = |number: u32| {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".damaged-{number}"));
        path.with_file_name(name)
    };
    let free = (1..=u32::MAX).map(aside).find(|aside| fs::symlink_metadata(aside).is_err());
    let aside = free.unwrap_or_else(|| aside(u32::MAX));
    match fs::rename(path, &aside) {
        Ok(()) => {
            warn!(path = %path.display(), aside = %aside.display(), cause, "the state file is damaged; it is set aside and the exporter starts with an empty state");
            true
        }
        Err(error) => {
            error!(path = %path.display(), cause, %error, "the state file is damaged and cannot be set aside; the state will not be saved");
            false
        }
    }
}
