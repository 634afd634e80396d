//! Where the reports of one audit go: one to stdout, the others to files.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args::{AuditArgs, AuditFormat, OutputFile};
use crate::config::Settings;
use crate::output::sarif::{File, Files};
use crate::output::{ReportedOrganisation, csv, json, markdown, sarif, table};
use crate::store::{self, Mode};

/// A table that goes to a file or a pipe is this wide.
const WIDTH: usize = 120;

/// Stdout by its names: it gets what `--format` says.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Refuses two documents in one place, before anything is read: the second would replace the first or run into it.
pub(super) fn check(args: &AuditArgs) -> Result<(), String> {
    let mut taken: Vec<PathBuf> = args.snapshot_out.iter().map(|path| place(path)).collect();
    for OutputFile { path, .. } in &args.output {
        if STDOUT.iter().any(|name| path.as_os_str() == *name) {
            return Err(format!("--output {}: stdout gets what --format says; name a file", path.display()));
        }
        let place = place(path);
        if taken.contains(&place) {
            let message = "--output and --snapshot-out write each file once, and this one is named twice";
            return Err(format!("--output {}: {message}", path.display()));
        }
        taken.push(place);
    }
    Ok(())
}

/// A file's one name, which may not be there yet.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder =
        fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned());
    path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name))
}

/// Writes the files first, so that whoever reads stdout to its end finds them there. The message is for people.
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
        // A reader that has seen enough closes the pipe; the verdict stands.
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

/// Replaces a file as a whole, so that nobody reads half a report. A device or a pipe is written to as it is.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    store::replace(path, bytes, Mode::AsBefore)
}

/// The files that results may point into, as they are called from the working directory.
fn pointed_at(settings: &Settings) -> Files {
    let file = |path: Option<&PathBuf>| {
        let path = path?;
        // It was read a moment ago; without it results merely point nowhere.
        Some(File { uri: uri(path)?, text: fs::read_to_string(path).ok()? })
    };
    Files { baseline: file(settings.files.baseline.as_ref()), policy: file(settings.files.policy.as_ref()) }
}

/// A relative URI for what lies below the working directory, else a `file:` one.
fn uri(path: &Path) -> Option<String> {
    let here = fs::canonicalize(".").ok()?;
    let file = url::Url::from_file_path(fs::canonicalize(path).ok()?).ok()?;
    let relative = url::Url::from_directory_path(here).ok()?.make_relative(&file);
    Some(relative.filter(|relative| !relative.starts_with("..")).unwrap_or_else(|| file.to_string()))
}
