//! Lines for the user: output to stdout, errors and notes to stderr.
//!
//! Not the log (`telemetry`).

use std::fmt::Display;
use std::io::Write;

/// Prints a line of output. A closed stdout is not an error.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints an error to stderr.
pub(super) fn complain(mistake: impl Display) {
    let _ = writeln!(std::io::stderr(), "error: {mistake}");
}

/// Prints to stderr what the user should know besides the output.
pub(super) fn notice(said: impl Display) {
    let _ = writeln!(std::io::stderr(), "note: {said}");
}
