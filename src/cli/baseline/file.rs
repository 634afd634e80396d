//! The baseline's file: made anew, or replaced as a whole.
//!
//! The exporter never writes it; only these commands do. It is read with the settings (`config`).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::baseline::Baseline;
use crate::store::{self, Mode};

/// Writes a file that is not there yet.
pub(in crate::cli) fn create(path: &Path, baseline: &Baseline) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(baseline.to_json().as_bytes())?;
    file.sync_all()
}

/// Replaces a file as a whole.
pub(super) fn replace(path: &Path, baseline: &Baseline) -> io::Result<()> {
    store::replace(path, baseline.to_json().as_bytes(), Mode::AsBefore)
}
