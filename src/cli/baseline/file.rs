//! Writes the baseline file.
//!
//! Only the commands of `baseline` and `demo` write it; a running exporter only reads it. `config` reads it with the settings.

use std::io;
use std::path::Path;

use crate::baseline::Baseline;
use crate::file::{self, Mode};

/// Creates the file. Fails if it exists.
pub(in crate::cli) fn create(path: &Path, baseline: &Baseline) -> io::Result<()> {
    file::create(path, baseline.to_json().as_bytes())
}

/// Replaces the file atomically and keeps its mode.
pub(super) fn replace(path: &Path, baseline: &Baseline) -> io::Result<()> {
    file::replace(path, baseline.to_json().as_bytes(), Mode::AsBefore)
}
