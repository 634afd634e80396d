//! Whether this user may create files in a directory.
//!
//! Only what the permissions and the mount say: a full disk shows when the file is written.

use std::path::Path;

use rustix::fs::{Access, access};

/// Whether files can be created in the directory, as far as its permissions and its file system say.
pub fn can_write_in(directory: &Path) -> bool {
    access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_ours_can_be_written_and_a_missing_one_or_a_file_cannot() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(can_write_in(folder.path()));
        assert!(!can_write_in(&folder.path().join("missing")));
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("writable");
        assert!(!can_write_in(&file));
    }
}
