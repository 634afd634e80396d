//! Writes the reports of one audit: one to stdout, the others to files.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args::{AuditArgs, AuditFormat, OutputFile};
use crate::config::Settings;
use crate::file::{self, Mode};
use crate::output::sarif::{File, Files};
use crate::output::{ReportedOrganisation, csv, json, markdown, sarif, table};
use crate::refresh;

/// Width in columns of a table that is not written to a terminal.
const WIDTH: usize = 120;

/// The largest policy or baseline that SARIF results point into: the limit for a baseline.
const MAX_POINTED_AT: u64 = refresh::MAX_BASELINE_BYTES;

/// The names of stdout, to which only the report of `--format` is written.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Rejects arguments that write two documents to one place, before anything is read.
pub(super) fn check(args: &AuditArgs) -> Result<(), String> {
    let mut taken: Vec<PathBuf> = args.snapshot_out.iter().map(|path| place(path)).collect();
    for OutputFile { path, .. } in &args.output {
        if STDOUT.iter().any(|name| path.as_os_str() == *name) {
            return Err(format!("--output {}: the report on stdout is set by --format; name a file", path.display()));
        }
        let place = place(path);
        if taken.contains(&place) {
            let message = "another --output or --snapshot-out writes this file too; name another file";
            return Err(format!("--output {}: {message}", path.display()));
        }
        taken.push(place);
    }
    Ok(())
}

/// The absolute path of a file that may not exist yet, without symbolic links in its folder.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder =
        fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned());
    path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name))
}

/// Writes the files first, so that a program that reads stdout to its end finds them complete.
pub(super) fn write_all(
    organisations: &[ReportedOrganisation<'_>],
    code: u8,
    args: &AuditArgs,
    settings: &Settings,
) -> Result<(), String> {
    let wants_sarif =
        args.format == AuditFormat::Sarif || args.output.iter().any(|file| file.format == AuditFormat::Sarif);
    let files = if wants_sarif { pointed_at(settings) } else { Files::default() };
    let plain = table::Style { width: WIDTH, colour: false };
    for output in &args.output {
        let mut bytes = Vec::new();
        write(organisations, code, output.format, plain, &files, &mut bytes)
            .and_then(|()| replace(&output.path, &bytes))
            .map_err(|error| format!("--output {}: the report cannot be written: {error}", output.path.display()))?;
    }
    let mut stdout = io::stdout().lock();
    let written = write(organisations, code, args.format, style(&stdout), &files, &mut stdout);
    match written.and_then(|()| stdout.flush()) {
        // The reader closed the pipe early. The exit code stays that of the audit.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("the report cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

fn write(
    organisations: &[ReportedOrganisation<'_>],
    code: u8,
    format: AuditFormat,
    style: table::Style,
    files: &Files,
    writer: &mut impl Write,
) -> io::Result<()> {
    match format {
        AuditFormat::Table => writer.write_all(table::render(organisations, style).as_bytes()),
        AuditFormat::Json => json::write(organisations, code, writer),
        AuditFormat::Csv => csv::write(organisations, writer),
        AuditFormat::Sarif => sarif::write(organisations, code, files, writer),
        AuditFormat::Markdown => writer.write_all(markdown::render(organisations).as_bytes()),
    }
}

fn style(stdout: &io::StdoutLock<'_>) -> table::Style {
    let terminal = stdout.is_terminal();
    let width = terminal_size::terminal_size().filter(|_| terminal).map_or(WIDTH, |(width, _)| width.0.into());
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    table::Style { width, colour }
}

/// Replaces a regular file atomically, so that no reader sees half a report. Devices and pipes are written to directly.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    file::replace(path, bytes, Mode::AsBefore)
}

/// The policy and baseline files, which SARIF results point into.
fn pointed_at(settings: &Settings) -> Files {
    let file = |path: Option<&PathBuf>| {
        let path = path?;
        // The file was read a moment ago. If it is gone, results have no location.
        Some(File { uri: uri(path)?, text: file::read_text(path, MAX_POINTED_AT).ok()? })
    };
    Files { baseline: file(settings.files.baseline.as_ref()), policy: file(settings.files.policy.as_ref()) }
}

/// A relative URI for a file below the working directory, a `file:` URI for any other.
fn uri(path: &Path) -> Option<String> {
    let here = fs::canonicalize(".").ok()?;
    let file = url::Url::from_file_path(fs::canonicalize(path).ok()?).ok()?;
    let relative = url::Url::from_directory_path(here).ok()?.make_relative(&file);
    Some(relative.filter(|relative| !relative.starts_with("..")).unwrap_or_else(|| file.to_string()))
}
