//! The baseline's file: read with a clear mistake, replaced as a whole.
//!
//! The exporter never writes it; only these commands do.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::baseline::Baseline;
use crate::refresh::Reloader;
use crate::store::{self, Mode};

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

/// Replaces a file as a whole.
pub(super) fn replace(path: &Path, baseline: &Baseline) -> io::Result<()> {
    store::replace(path, baseline.to_json().as_bytes(), Mode::AsBefore)
}
