//! Replaces a file by writing a new one next to it and renaming it, so that a crash leaves either the old file or the new one.
//!
//! The program writes all its files this way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The permissions of the new file, and whether a symbolic link is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Mode 0600, readable by the owner only. A symbolic link is replaced by the file.
    Private,
    /// The permissions of the old file, or of the umask if there is none. A symbolic link is followed and kept.
    AsBefore,
}

/// Replaces the file, or creates it. Returns after the data and the rename are on disk.
pub fn replace(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let before = if mode == Mode::AsBefore { fs::canonicalize(path).ok() } else { None };
    let path = before.as_deref().unwrap_or(path);
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_os_string();
    name.push(".new");
    let beside = path.with_file_name(name);
    // This can be left over from a crash, or be a link that somebody created: it must not be written through.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if mode == Mode::Private {
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    if before.is_some() {
        file.set_permissions(fs::metadata(path)?.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
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
    fn a_link_at_the_temporary_path_is_not_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, elsewhere) = (folder.path().join("file"), folder.path().join("elsewhere"));
        fs::write(&elsewhere, "theirs").expect("writable");
        symlink(&elsewhere, folder.path().join("file.new")).expect("a link");
        replace(&file, b"ours", Mode::AsBefore).expect("writable");
        assert_eq!(fs::read(&elsewhere).expect("it is there"), b"theirs");
        assert_eq!(fs::read(&file).expect("it is there"), b"ours");
    }
}
