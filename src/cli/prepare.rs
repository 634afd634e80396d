//! What precedes the work of a subcommand: the log is started, or the mistakes in the settings are printed.

use super::console::complain;
use super::exit::{FAILURE, USAGE};
use crate::config::{ConfigError, Settings};
use crate::{hardening, telemetry};

/// Whether the command runs until it is stopped. Then nothing waits for a stderr that nobody reads, from the first line on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    Once,
    UntilStopped,
}

/// Starts the log, and logs the warnings about the settings.
pub(super) fn prepare(settings: &Settings, runs: Runs) -> Result<(), u8> {
    let started = telemetry::init(&settings.log).map_err(|error| error.to_string()).and_then(|()| match runs {
        Runs::Once => Ok(()),
        Runs::UntilStopped => telemetry::never_block(&settings.log).map_err(|error| error.to_string()),
    });
    if let Err(error) = started {
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
