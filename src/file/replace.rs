//! Writes a file next to the old one and renames it, so that a crash leaves either the old file or the new one.
//!
//! The temporary file has a name of its own, so that two processes never write the same one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How often another name is tried if a temporary name is taken. With 64 random bits, none ever is.
const MOST_NAMES: usize = 16;

/// The size of one write, in bytes.
const BUFFER: usize = 64 * 1024;

/// The permissions of the new file, and whether a symbolic link is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Mode 0600, readable by the owner only. A symbolic link is replaced by the file.
    Private,
    /// The permissions of the old file, or of the umask if there is none. A symbolic link is followed and kept.
    AsBefore,
}

/// Replaces the file, or creates it. Returns after the data and the rename are on disk. An error leaves the old file as it was
/// and no temporary file. A device or a pipe is written to and never replaced.
pub fn replace(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    replace_with(path, mode, |file| file.write_all(bytes))
}

/// Like [`replace`], with contents that are written piece by piece and are never in memory as a whole.
pub fn replace_with(path: &Path, mode: Mode, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return buffered(&mut OpenOptions::new().write(true).open(path)?, write);
    }
    let before = if mode == Mode::AsBefore { fs::canonicalize(path).ok() } else { None };
    let path = before.as_deref().unwrap_or(path);
    let (mut file, beside) = temporary(path, mode)?;
    let renamed = (|| {
        if before.is_some() {
            file.set_permissions(fs::metadata(path)?.permissions())?;
        }
        buffered(&mut file, write)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if let Err(error) = renamed {
        // On a full disk, what was written must not stay. The first error says more than a second one.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_directory(path)
}

fn buffered(file: &mut File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut target = BufWriter::with_capacity(BUFFER, file);
    write(&mut target)?;
    target.flush()
}

/// Creates a file with the permissions of the umask. Fails if it exists. An error leaves no file.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    sync_directory(path)
}

/// Removes the temporary files of [`replace`] that a crash left beside this file, and returns their number. Only for the owner of
/// the file: another process may be writing one of them.
pub fn remove_leftovers(path: &Path) -> io::Result<usize> {
    let prefix = prefix(path)?;
    let mut removed = 0;
    for entry in fs::read_dir(directory(path))? {
        let name = entry?.file_name();
        let random = name.as_bytes().strip_prefix(prefix.as_bytes());
        if random.is_some_and(|random| random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit)) {
            fs::remove_file(path.with_file_name(&name))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A new file beside the path. It is created, and never an existing file or the target of a link.
fn temporary(path: &Path, mode: Mode) -> io::Result<(File, PathBuf)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if mode == Mode::Private {
        options.mode(0o600);
    }
    let prefix = prefix(path)?;
    for _ in 0..MOST_NAMES {
        let mut name = prefix.clone();
        name.push(format!("{:016x}", fastrand::u64(..)));
        let beside = path.with_file_name(name);
        match options.open(&beside) {
            Ok(file) => return Ok((file, beside)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// `NAME.new-`, which 16 random hexadecimal digits follow.
fn prefix(path: &Path) -> io::Result<OsString> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_os_string();
    name.push(".new-");
    Ok(name)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_new_file_has_the_permissions_of_the_old_one_unless_it_is_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("writable");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("ours");
        symlink(&file, &link).expect("a link");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        replace(&link, b"new", Mode::AsBefore).expect("writable");
        assert_eq!(fs::read(&file).expect("it is there"), b"new");
        assert!(link.is_symlink() && mode(&file) == 0o640);
        replace(&link, b"private", Mode::Private).expect("writable");
        assert_eq!(fs::read(&file).expect("it is there"), b"new", "a private file is never written through a link");
        assert!(!link.is_symlink() && mode(&link) == 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "no temporary file is left");
    }

    #[test]
    fn a_device_is_written_to_and_stays_a_device() {
        let folder = tempfile::tempdir().expect("a folder");
        // A link, so that a failure of this test does not replace the device of the machine.
        let path = folder.path().join("full");
        symlink("/dev/full", &path).expect("a link");
        for mode in [Mode::Private, Mode::AsBefore] {
            let error = replace(&path, b"new", mode).expect_err("no space");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{mode:?}");
            assert!(path.is_symlink());
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn no_writer_uses_the_temporary_file_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let written: Vec<PathBuf> = (0..100)
            .map(|_| {
                let (mut file, beside) = temporary(&path, Mode::Private).expect("writable");
                file.write_all(b"half").expect("writable");
                beside
            })
            .collect();
        replace(&path, b"whole", Mode::Private).expect("writable");
        assert_eq!(fs::read(&path).expect("it is there"), b"whole");
        assert!(written.iter().all(|beside| fs::read(beside).expect("it is there") == b"half"));
        for name in ["file.new-1", "file.new-0123456789abcdeg", "file.new", "other.new-0123456789abcdef"] {
            fs::write(folder.path().join(name), "theirs").expect("writable");
        }
        assert_eq!(remove_leftovers(&path).expect("ours"), written.len());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 5, "only our own names are removed");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        // A rename cannot replace a folder, not even for root.
        let path = folder.path().join("folder");
        fs::create_dir(&path).expect("a folder");
        assert!(replace(&path, b"new", Mode::Private).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        fs::write(path.join("file"), "old").expect("writable");
        assert!(create(&path.join("file"), b"new").is_err());
        assert_eq!(fs::read(path.join("file")).expect("it is there"), b"old");
    }
}
