//! The locks that make this process the only one that writes a state file.
//!
//! The state file itself is not locked, because each write replaces it. Each lock is on `NAME.lock` beside it. A path that is a
//! symbolic link has two locks: of the link, which the next write replaces, and of the file that it leads to, which another process
//! may know by its own name.

use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::file::{Lock, LockError};

/// The right to write one state file. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Owner {
    /// The state file, in a directory without symbolic links.
    path: PathBuf,
    /// The lock file beside `path`, and the one beside the target of a link.
    places: Vec<PathBuf>,
    /// Empty while the directory cannot be written.
    locks: Vec<Lock>,
    /// Whether the file system has no locks, so that the file is written without one.
    unlocked: bool,
}

impl Owner {
    /// Owns nothing before [`Self::ensure`]. Fails if the path has no file name.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = directory.canonicalize().map_or_else(|_| path.to_owned(), |directory| directory.join(name));
        let mut places = vec![beside(&path)];
        places.extend(path.canonicalize().ok().filter(|target| *target != path).map(|target| beside(&target)));
        Ok(Self { path, places, locks: Vec::new(), unlocked: false })
    }

    /// The state file. Different names of one file have one path, unless the file itself is a link.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a running exporter owns this file. Creates no lock file.
    pub(super) fn is_another(path: &Path) -> bool {
        let places = Self::new(path).map(|owner| owner.places).unwrap_or_default();
        places.iter().any(|place| place.exists() && matches!(Lock::take(place), Err(LockError::Held(_))))
    }

    /// Takes the locks, or checks that they still hold: somebody can remove the lock file. Never waits.
    pub(super) fn ensure(&mut self) -> Result<(), LockError> {
        if self.unlocked || (!self.locks.is_empty() && self.locks.iter().all(Lock::is_current)) {
            return Ok(());
        }
        let mut locks = Vec::new();
        for (index, place) in self.places.iter().enumerate() {
            match Lock::take(place) {
                Ok(lock) => locks.push(lock),
                Err(LockError::Unsupported(_, cause)) => {
                    warn!(path = %self.path.display(), %cause, "the file system of the state file does not support locks; make sure that no other exporter uses this file");
                    self.unlocked = true;
                }
                // This process cannot write there, so it cannot damage what another one writes.
                Err(LockError::Unwritable(..)) if index > 0 => {}
                Err(error) => return Err(error),
            }
        }
        self.locks = locks;
        Ok(())
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".lock");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn owner(path: &Path) -> Result<Owner, LockError> {
        let mut owner = Owner::new(path).expect("a file name");
        owner.ensure().map(|()| owner)
    }

    #[test]
    fn every_name_of_a_state_file_has_one_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("folder")).expect("a folder");
        symlink("folder", path("other")).expect("a link");
        fs::write(path("folder/state"), "").expect("writable");
        symlink("state", path("folder/link")).expect("a link");
        symlink("link", path("folder/link to a link")).expect("a link");
        let names = ["folder/state", "folder/./state", "other/state", "folder/link", "other/link"];
        for first in names {
            let held = owner(&path(first)).expect("free");
            for second in names.into_iter().chain(["folder/link to a link"]) {
                assert!(matches!(owner(&path(second)), Err(LockError::Held(_))), "{first} and {second}");
            }
            drop(held);
        }
        // Still one owner after the first write has replaced the link.
        let _held = owner(&path("folder/link")).expect("free");
        fs::remove_file(path("folder/link")).expect("ours");
        fs::write(path("folder/link"), "").expect("writable");
        assert!(matches!(owner(&path("other/link")), Err(LockError::Held(_))));
        assert!(matches!(owner(&path("folder/state")), Err(LockError::Held(_))));
    }

    #[test]
    fn a_removed_lock_is_taken_again_unless_another_process_was_faster() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let mut ours = owner(&path).expect("free");
        fs::remove_file(beside(&path)).expect("ours");
        ours.ensure().expect("taken again");
        assert!(matches!(owner(&path), Err(LockError::Held(_))));
        fs::remove_file(beside(&path)).expect("ours");
        let _theirs = owner(&path).expect("a new file");
        assert!(matches!(ours.ensure(), Err(LockError::Held(_))));
    }

    #[test]
    fn a_file_without_an_exporter_is_nobody_s_and_gets_no_lock_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        assert!(!Owner::is_another(&path));
        assert!(!beside(&path).exists());
        let held = owner(&path).expect("free");
        assert!(Owner::is_another(&path));
        drop(held);
        assert!(!Owner::is_another(&path));
    }

    #[test]
    fn a_directory_that_appears_later_is_locked_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("later").join("state");
        let mut ours = Owner::new(&path).expect("a file name");
        assert!(matches!(ours.ensure(), Err(LockError::Unwritable(..))));
        fs::create_dir(folder.path().join("later")).expect("a folder");
        ours.ensure().expect("it can be locked now");
        assert!(matches!(owner(&path), Err(LockError::Held(_))));
        assert!(Owner::new(Path::new("/")).is_err());
    }
}
