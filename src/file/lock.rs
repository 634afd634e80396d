//! A lock of the operating system on a file of its own. It ends with the process, however the process ends.
//!
//! The lock file stays when the lock is released: removing it would let two processes lock two files of one name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How often the file is opened again if somebody removes it at the same moment.
const MOST_ATTEMPTS: usize = 8;

/// An exclusive lock, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it, or another part of this one.
    #[error("another process holds the lock {0}")]
    Held(PathBuf),
    /// The lock file does not exist and cannot be created: its directory is missing, read-only or full.
    #[error("the lock file {0} cannot be created: {1}")]
    Unwritable(PathBuf, io::Error),
    /// The file system has no locks.
    #[error("the file system of {0} does not support locks: {1}")]
    Unsupported(PathBuf, io::Error),
    /// The lock file exists and cannot be used: it belongs to somebody else, or it is a link or a directory.
    #[error("the lock file {0} cannot be used: {1}; remove it, or change its owner")]
    Unusable(PathBuf, io::Error),
}

impl Lock {
    /// Takes the lock of this file, which is created with mode 0600 if it is missing. Never waits and never follows a link.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        for _ in 0..MOST_ATTEMPTS {
            let lock = Self { file: open(path)?, path: path.to_owned() };
            match lock.file.try_lock() {
                Ok(()) if lock.is_current() => return Ok(lock),
                // It was removed after it was opened, so that another process can lock a new one.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(path.to_owned())),
                Err(TryLockError::Error(error)) => return Err(LockError::Unsupported(path.to_owned(), error)),
            }
        }
        Err(LockError::Held(path.to_owned()))
    }

    /// Whether the locked file is still the one at its path. If not, another process can take the lock too.
    pub fn is_current(&self) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        match (self.file.metadata(), fs::symlink_metadata(&self.path)) {
            (Ok(ours), Ok(there)) => identity(ours) == identity(there),
            _ => false,
        }
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    match options.open(path) {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => Ok(file),
        Ok(_) => Err(LockError::Unusable(path.to_owned(), io::Error::other("it is not a regular file"))),
        Err(error) if error.kind() != io::ErrorKind::ReadOnlyFilesystem && fs::symlink_metadata(path).is_ok() => {
            Err(LockError::Unusable(path.to_owned(), error))
        }
        Err(error) => Err(LockError::Unwritable(path.to_owned(), error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_lock_has_one_holder_and_is_free_after_it_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let lock = Lock::take(&path).expect("free");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(matches!(Lock::take(&path), Err(LockError::Held(_))));
        drop(lock);
        assert!(path.exists(), "the file stays");
        Lock::take(&path).expect("free again");
    }

    #[test]
    fn a_removed_lock_file_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let lock = Lock::take(&path).expect("free");
        assert!(lock.is_current());
        fs::remove_file(&path).expect("ours");
        assert!(!lock.is_current());
        let other = Lock::take(&path).expect("another file");
        assert!(other.is_current() && !lock.is_current());
    }

    #[test]
    fn a_link_or_a_folder_at_the_place_of_the_lock_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, elsewhere) = (folder.path().join("lock"), folder.path().join("elsewhere"));
        symlink(&elsewhere, &path).expect("a link");
        assert!(matches!(Lock::take(&path), Err(LockError::Unusable(..))));
        assert!(!elsewhere.exists());
        assert!(matches!(Lock::take(folder.path()), Err(LockError::Unusable(..))));
        let missing = folder.path().join("missing").join("lock");
        assert!(matches!(Lock::take(&missing), Err(LockError::Unwritable(..))));
    }
}
