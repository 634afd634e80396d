//! Reads a complete regular file of limited size, without the byte order mark that some editors put at its start.
//!
//! Anything else is refused before a byte is read: a named pipe would block forever, and a device or a sparse file would fill the
//! memory.

use std::fs::{self, File, FileType, OpenOptions};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Why a file was not read. The message never quotes the file and does not contain its path.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no file at the path, or a symbolic link leads nowhere.
    #[error("there is no such file")]
    NotFound,
    /// A directory, a pipe, a device or a socket, possibly behind a symbolic link.
    #[error("it is {0}; name a regular file")]
    NotRegular(&'static str),
    /// It is larger than this number of bytes.
    #[error("it is larger than {0} bytes, which is the limit for this file; check the path")]
    TooLarge(u64),
    /// UTF-8 was expected, but some programs of Windows write UTF-16.
    #[error("it is UTF-16; save it as UTF-8")]
    Utf16,
    /// Text was expected.
    #[error("it is not valid UTF-8")]
    NotText,
    /// The operating system refused, for example because a permission is missing.
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::NotFound } else { Self::Io(error) }
    }
}

/// The byte order mark U+FEFF in UTF-8. It is not part of the content.
pub const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a regular file of at most `limit` bytes, without the byte order mark. Symbolic links are followed.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = read_unchanged(path, limit)?;
    if bytes.starts_with(MARK) {
        bytes.drain(..MARK.len());
    }
    Ok(bytes)
}

/// Like [`read`], but with the byte order mark: for a file that another program or library reads too.
pub fn read_unchanged(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, size) = open(path, limit)?;
    read_at_most(&file, size, limit)
}

/// A value that differs if the contents differ, of a regular file of which at most `limit` bytes are read. It is for comparisons within
/// this process.
pub fn digest(path: &Path, limit: u64) -> Result<u64, ReadError> {
    let (file, _) = open(path, limit)?;
    let mut contents = Contents(DefaultHasher::new());
    io::copy(&mut file.take(limit), &mut contents)?;
    Ok(contents.0.finish())
}

/// Takes the contents of a file.
struct Contents(DefaultHasher);

impl io::Write for Contents {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a regular file, and returns its size too.
fn open(path: &Path, limit: u64) -> Result<(File, u64), ReadError> {
    // Look first: to open a device can have an effect, and to open a socket fails with a message that explains nothing.
    check(fs::metadata(path)?.file_type())?;
    // The file can be replaced between the two steps, so the opened file is checked again, and opening it must not block.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    check(metadata.file_type())?;
    if metadata.len() > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok((file, metadata.len()))
}

/// Reads a regular file of at most `limit` bytes that contains UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    let bytes = read(path, limit)?;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(ReadError::Utf16);
    }
    String::from_utf8(bytes).map_err(|_| ReadError::NotText)
}

/// The file can grow while it is read, and the size of a file in `/proc` is 0.
fn read_at_most(file: &File, size: u64, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge(limit)) } else { Ok(bytes) }
}

fn check(file: FileType) -> Result<(), ReadError> {
    let kinds = [
        (file.is_dir(), "a directory"),
        (file.is_fifo(), "a named pipe"),
        (file.is_socket(), "a socket"),
        (file.is_char_device() || file.is_block_device(), "a device"),
    ];
    match kinds.into_iter().find(|(is, _)| *is) {
        Some((_, kind)) => Err(ReadError::NotRegular(kind)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_regular_file_up_to_the_limit_is_read_also_through_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "four").expect("writable");
        symlink(&file, &link).expect("a link");
        for path in [&file, &link] {
            assert_eq!(read(path, 4).expect("readable"), b"four");
            assert!(matches!(read(path, 3), Err(ReadError::TooLarge(3))));
        }
        assert!(matches!(read(Path::new("/proc/self/status"), 10), Err(ReadError::TooLarge(10))), "its size is 0");
        assert!(read(Path::new("/proc/self/status"), 1 << 20).is_ok_and(|bytes| !bytes.is_empty()));
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_content_and_utf_16_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for (bytes, expected) in [
            (&b"\xef\xbb\xbf[org]\n"[..], "[org]\n"),
            (b"\xef\xbb\xbf", ""),
            (b"\xef\xbb\xbf\xef\xbb\xbfa", "\u{feff}a"),
            (b"a\xef\xbb\xbf", "a\u{feff}"),
        ] {
            fs::write(&path, bytes).expect("writable");
            assert_eq!(read(&path, 9).expect("readable"), expected.as_bytes());
            assert_eq!(read_text(&path, 9).expect("text"), expected);
        }
        for bytes in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a"] {
            fs::write(&path, bytes).expect("writable");
            let error = read_text(&path, 9).expect_err("UTF-16").to_string();
            assert_eq!(error, "it is UTF-16; save it as UTF-8");
        }
    }

    #[test]
    fn a_file_that_is_not_regular_is_refused_without_blocking() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo").success());
        let _socket = UnixListener::bind(path("socket")).expect("a socket");
        symlink("/dev/zero", path("zero")).expect("a link");
        symlink(path("pipe"), path("link to a pipe")).expect("a link");
        fs::create_dir(path("folder")).expect("a folder");
        for (name, kind) in [
            ("pipe", "a named pipe"),
            ("link to a pipe", "a named pipe"),
            ("socket", "a socket"),
            ("zero", "a device"),
            ("folder", "a directory"),
        ] {
            let error = read(&path(name), 1 << 20).expect_err(name).to_string();
            assert_eq!(error, format!("it is {kind}; name a regular file"), "{name}");
        }
    }

    #[test]
    fn a_sparse_file_over_the_limit_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sparse");
        File::create(&path).and_then(|file| file.set_len(3 << 40)).expect("a sparse file of 3 TiB");
        assert!(matches!(read(&path, 1 << 30), Err(ReadError::TooLarge(_))));
    }

    #[test]
    fn a_missing_file_and_a_link_that_leads_nowhere_differ_from_other_errors() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        symlink("nowhere", path("dangling")).expect("a link");
        symlink("loop", path("loop")).expect("a link");
        fs::write(path("binary"), b"\xff").expect("writable");
        assert!(matches!(read(&path("missing"), 9), Err(ReadError::NotFound)));
        assert!(matches!(read(&path("dangling"), 9), Err(ReadError::NotFound)));
        assert!(matches!(read(&path("loop"), 9), Err(ReadError::Io(_))));
        assert!(matches!(read_text(&path("binary"), 9), Err(ReadError::NotText)));
    }

    #[test]
    fn the_digest_differs_if_the_contents_differ() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("policy.toml");
        let digest = |text: &str| {
            std::fs::write(&path, text).expect("writable");
            super::digest(&path, 100).expect("a file")
        };
        let first = digest("a = 1");
        assert_ne!(digest("a = 2"), first);
        assert_eq!(digest("a = 1"), first);
        assert!(super::digest(folder.path(), 100).is_err(), "a folder");
    }
}
