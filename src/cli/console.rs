//! Lines for the user: output to stdout, errors and notes to stderr.
//!
//! Not the log (`telemetry`). No other module writes to stdout. A command does its work to the end even if its output cannot be
//! written, and [`end`] then decides its exit code.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use super::exit::{CLEAN, FAILURE, USAGE};
use crate::telemetry;

/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 16;

/// The first error of writing to stdout. Nothing is written after it.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line of output.
pub(super) fn say(line: impl Display) {
    print(|stdout| writeln!(stdout, "{line}"));
}

/// Writes output, for example a document, to stdout.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let failed = || FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    if failed().is_some() {
        return;
    }
    // The lock is not held while writing: the reader of a pipe may be slow, and `end` must not wait for it.
    let mut stdout = Recording { inner: io::stdout(), error: None };
    let mut buffered = BufWriter::with_capacity(BUFFER, &mut stdout);
    let written = write(&mut buffered).and_then(|()| buffered.flush());
    // What was not written is dropped.
    drop(buffered.into_parts());
    if let Err(error) = written {
        failed().get_or_insert(stdout.error.unwrap_or(error));
    }
}

/// Prints a JSON document, indented.
pub(super) fn document_of(value: impl serde::Serialize) {
    print(|stdout| {
        serde_json::to_writer_pretty(&mut *stdout, &value)?;
        stdout.write_all(b"\n")
    });
}

/// A writer that remembers its first error: the formats wrap errors, so that their kind is no longer known.
struct Recording<W> {
    inner: W,
    error: Option<io::Error>,
}

impl<W> Recording<W> {
    fn record<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &outcome
            && error.kind() != ErrorKind::Interrupted
        {
            let same = || error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.error.get_or_insert_with(same);
        }
        outcome
    }
}

impl<W: Write> Write for Recording<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.inner.write(bytes);
        self.record(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.inner.flush();
        self.record(outcome)
    }
}

/// Prints a help text, with colours on a terminal.
pub(super) fn print_help(help: &clap::builder::StyledStr) {
    print(|stdout| if allows_colour() { write!(stdout, "{}", help.ansi()) } else { write!(stdout, "{help}") });
}

/// Whether stdout is a terminal whose user did not switch off colours.
pub(super) fn allows_colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The exit code of a command that ended with `code`, after everything was printed.
///
/// If the reader closed the pipe, it has read what it wanted: the command succeeds, unless it failed for another reason. Any other
/// error, such as a full disk, is a failure.
pub(super) fn end(code: u8) -> u8 {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (code, mistake) = outcome(code, failed.as_ref());
    mistake.into_iter().for_each(complain);
    code
}

fn outcome(code: u8, failed: Option<&io::Error>) -> (u8, Option<String>) {
    match failed {
        None => (code, None),
        Some(error) if error.kind() == ErrorKind::BrokenPipe => {
            (if matches!(code, USAGE | FAILURE) { code } else { CLEAN }, None)
        }
        Some(error) => (FAILURE, Some(format!("the output cannot be written to stdout: {error}"))),
    }
}

/// Prints an error to stderr.
pub(super) fn complain(mistake: impl Display) {
    telemetry::line(format!("error: {mistake}\n").as_bytes());
}

/// Prints a warning to stderr.
pub(super) fn caution(said: impl Display) {
    telemetry::line(format!("warning: {said}\n").as_bytes());
}

/// Prints to stderr what the user should know besides the output.
pub(super) fn notice(said: impl Display) {
    telemetry::line(format!("note: {said}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::INCOMPLETE;

    #[test]
    fn a_closed_pipe_is_success_unless_the_command_failed_and_a_full_disk_is_a_failure() {
        let closed = io::Error::from(ErrorKind::BrokenPipe);
        let full = io::Error::from(ErrorKind::StorageFull);
        for (code, failed, expected) in [
            (1, None, 1),
            (CLEAN, Some(&closed), CLEAN),
            (1, Some(&closed), CLEAN),
            (INCOMPLETE, Some(&closed), CLEAN),
            (USAGE, Some(&closed), USAGE),
            (FAILURE, Some(&closed), FAILURE),
            (CLEAN, Some(&full), FAILURE),
            (1, Some(&full), FAILURE),
        ] {
            let (ends, mistake) = outcome(code, failed);
            assert_eq!(ends, expected, "{code} {failed:?}");
            assert_eq!(mistake.is_some(), failed.is_some_and(|error| error.kind() == ErrorKind::StorageFull));
        }
    }
}
