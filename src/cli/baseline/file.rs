//! The baseline's file: read with a clear mistake, replaced as a whole.
//!
//! The exporter never writes it; only these commands do.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::baseline::Baseline;
use crate::refresh::Reloader;

/// Reads a baseline that must be there.
pub(super) fn read(path: &Path) -> Result<Baseline, String> {
    Reloader::read_baseline(Some(path))?
        .ok_or_else(|| format!("baseline file {}: there is no such file; `baseline init` makes one", path.display()))
}

/// Writes a file that is not there yet.
pub(super) fn create(path: &Path, baseline: &Baseline) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(baseline.to_json().as_bytes())?;
    file.sync_all()
}

/// Writes beside the file and renames, so that a crash leaves the old one or the new one. A link stays a link.
pub(super) fn replace(path: &Path, baseline: &Baseline) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let beside = beside(&path);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    file.set_permissions(fs::metadata(&path)?.permissions())?;
    file.write_all(baseline.to_json().as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}
