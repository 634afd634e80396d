//! Lines for the user: output to stdout, errors and notes to stderr.
//!
//! Not the log (`telemetry`).

use std::fmt::Display;
use std::io::Write;

use crate::telemetry;

/// Prints a line of output. A closed stdout is not an error.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints an error to stderr.
pub(super) fn complain(mistake: impl Display) {
    telemetry::line(format!("error: {mistake}\n").as_bytes());
}

/// Prints to stderr what the user should know besides the output.
pub(super) fn notice(said: impl Display) {
    telemetry::line(format!("note: {said}\n").as_bytes());
}
