//! The subcommands: each reads its settings, does its work and ends with an exit code.
//!
//! No decisions on findings and no sockets: those are below.

pub mod args;
mod audit;
pub mod baseline;
mod client;
mod docs;
mod doctor;
mod healthcheck;
mod manual;
mod policy;
mod rules;
mod serve;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use args::{Command, ConfigCommand, PolicyCommand, RulesCommand};

use crate::config::{self, ConfigError, Gathered, Settings};
use crate::telemetry;

/// All is well.
const CLEAN: u8 = 0;
/// Usage, policy or configuration is wrong.
const USAGE: u8 = 2;
/// There are differences from the baseline.
const DRIFT: u8 = 1;
/// The audit could not run or is incomplete.
const INCOMPLETE: u8 = 3;
/// The exporter cannot start or had to stop: a taken port, a task that died.
const FAILURE: u8 = 4;

/// Runs what the command line asks for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let invocation = match args::parse(arguments) {
        Ok(invocation) => invocation,
        Err(error) => {
            // `--help` and `--version` are errors of clap's with exit code 0; a closed stdout is no reason to fail.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { CLEAN });
        }
    };
    let gathered = config::read(&invocation.flags, config::environment());
    ExitCode::from(dispatch(invocation.command, &gathered))
}

fn dispatch(command: Command, gathered: &Gathered) -> u8 {
    match command {
        Command::Docs { command } => docs::run(command),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { directory } => manual::pages(&directory),
        Command::Rules { command: RulesCommand::List } => rules::list(),
        Command::Rules { command: RulesCommand::Explain { rule } } => rules::explain(&rule),
        Command::Demo => block_on(serve::demo(gathered)),
        Command::Healthcheck(args) => block_on(healthcheck::run(&args, gathered)),
        Command::Config { command: ConfigCommand::Check } => with_settings(gathered, |_| {
            say("the configuration is in order");
            CLEAN
        }),
        Command::Policy { command: PolicyCommand::Check { live: false } } => policy::check(gathered),
        Command::Policy { command } => with_settings(gathered, |settings| match command {
            PolicyCommand::Check { .. } => block_on(policy::check_live(&settings)),
            PolicyCommand::Explain { client } => block_on(policy::explain(&settings, &client)),
            PolicyCommand::TestGlob { pattern } => block_on(policy::test_glob(&settings, &pattern)),
        }),
        Command::Serve => with(Settings::from_raw(gathered), |settings| block_on(serve::serve(settings))),
        Command::Audit(args) if args.snapshot_in.is_some() => {
            once(gathered, Settings::offline(gathered), |settings| block_on(audit::run(&settings, &args)))
        }
        Command::Audit(args) => with_settings(gathered, |settings| block_on(audit::run(&settings, &args))),
        Command::Baseline { command } => {
            with_settings(gathered, |settings| block_on(baseline::run(&settings, command)))
        }
        Command::Doctor => with_settings(gathered, |settings| block_on(doctor::run(&settings))),
    }
}

/// A command that ends by itself and talks to the platform.
fn with_settings(gathered: &Gathered, run: impl FnOnce(Settings) -> u8) -> u8 {
    once(gathered, Settings::from_raw(gathered), run)
}

/// A command that ends by itself. Its output is what it says: the log speaks up where something is wrong, or where asked.
fn once(gathered: &Gathered, settings: Result<Settings, Vec<ConfigError>>, run: impl FnOnce(Settings) -> u8) -> u8 {
    let quiet = |mut settings: Settings| {
        if !gathered.is_given("log.level") {
            settings.log.level = telemetry::Level::Warn;
        }
        settings
    };
    with(settings.map(quiet), run)
}

/// Runs with valid settings and a working log, or tells every mistake.
fn with(settings: Result<Settings, Vec<ConfigError>>, run: impl FnOnce(Settings) -> u8) -> u8 {
    match settings {
        Ok(settings) => match prepare(&settings) {
            Ok(()) => run(settings),
            Err(code) => code,
        },
        Err(errors) => refuse(&errors),
    }
}

/// Starts the log and tells what is odd.
fn prepare(settings: &Settings) -> Result<(), u8> {
    if let Err(error) = telemetry::init(&settings.log) {
        complain(format_args!("the log cannot be started: {error}"));
        return Err(FAILURE);
    }
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    Ok(())
}

fn refuse(errors: &[ConfigError]) -> u8 {
    for error in errors {
        complain(error);
    }
    USAGE
}

fn block_on(work: impl Future<Output = u8>) -> u8 {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => {
            complain(format_args!("the runtime cannot be started: {error}"));
            FAILURE
        }
    }
}

/// A line for the user. A closed stdout is no reason to fail.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A mistake, for the user.
fn complain(mistake: impl Display) {
    let _ = writeln!(std::io::stderr(), "error: {mistake}");
}

/// Something that the user should know beside the output.
fn notice(said: impl Display) {
    let _ = writeln!(std::io::stderr(), "note: {said}");
}
