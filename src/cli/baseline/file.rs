//! Writes the baseline file.
//!
//! Only the commands of `baseline` and `demo` write it; a running exporter only reads it. `config` reads it with the settings.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::baseline::Baseline;
use crate::store::{self, Mode};

/// Creates the file. Fails if it exists.
pub(in crate::cli) fn create(path: &Path, baseline: &Baseline) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(baseline.to_json().as_bytes())?;
    file.sync_all()
}

/// Replaces the file atomically and keeps its mode.
pub(super) fn replace(path: &Path, baseline: &Baseline) -> io::Result<()> {
    store::replace(path, baseline.to_json().as_bytes(), Mode::AsBefore)
}
