//! Where a certificate or a key of the file comes from, and its content.
//!
//! Not what it contains (`tls`).

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::section::Remarks;
use crate::file;

/// The largest file with certificates, in bytes: a bundle with all public authorities has a quarter of that.
const LARGEST: u64 = 1 << 20;

/// A key of the file that names or contains certificates or a private key.
pub(super) struct Source {
    /// The key, for messages.
    pub(super) key: &'static str,
    pub(super) line: usize,
    place: Place,
}

enum Place {
    File(PathBuf),
    Inline(Zeroizing<Vec<u8>>),
}

/// Never shows an inline key.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("key", &self.key).field("line", &self.line).finish_non_exhaustive()
    }
}

impl Source {
    /// A file; a relative path is relative to `folder`.
    pub(super) fn file(key: &'static str, line: usize, folder: &Path, path: &str) -> Self {
        Self { key, line, place: Place::File(folder.join(path)) }
    }

    pub(super) fn inline(key: &'static str, line: usize, text: &str) -> Self {
        Self { key, line, place: Place::Inline(Zeroizing::new(text.as_bytes().to_vec())) }
    }

    /// Its content. Blocking.
    pub(super) fn read(&self, remarks: &mut Remarks) -> Option<Zeroizing<Vec<u8>>> {
        match &self.place {
            Place::Inline(bytes) => Some(bytes.clone()),
            Place::File(path) => file::read(path, LARGEST)
                .map(Zeroizing::new)
                .map_err(|error| {
                    self.wrong(remarks, format_args!("cannot be read: {error}"));
                })
                .ok(),
        }
    }

    /// Adds a mistake about what it contains.
    pub(super) fn wrong(&self, remarks: &mut Remarks, what: impl fmt::Display) {
        let named = match &self.place {
            Place::File(path) => format!(" {}", path.display()),
            Place::Inline(_) => String::new(),
        };
        remarks.wrong(self.line, format!("tls_server_config.{}{named}: {what}", self.key));
    }
}
