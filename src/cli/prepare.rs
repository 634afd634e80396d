//! What precedes the work of a subcommand: the log is started, or the mistakes in the settings are printed.

use super::console::complain;
use super::exit::{FAILURE, USAGE};
use crate::config::{ConfigError, Settings};
use crate::{hardening, telemetry};

/// Starts the log, and logs the warnings about the settings.
pub(super) fn prepare(settings: &Settings) -> Result<(), u8> {
    if let Err(error) = telemetry::init(&settings.log) {
        complain(format_args!("the log cannot be started: {error}"));
        return Err(FAILURE);
    }
    if let Err(error) = hardening::protect() {
        tracing::warn!(error, "the memory of the process is not fully protected");
    }
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    Ok(())
}

pub(super) fn refuse(errors: &[ConfigError]) -> u8 {
    for error in errors {
        complain(error);
    }
    USAGE
}
