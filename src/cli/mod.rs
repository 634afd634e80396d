//! The subcommands: each reads its settings, does its work, and returns an exit code.
//!
//! Not the evaluation of clients and not the server: modules below this one have those.

mod alerts;
mod announce;
pub mod args;
mod audit;
pub mod baseline;
mod check;
mod client;
mod console;
mod deadline;
mod demo;
mod docs;
mod doctor;
mod each;
mod exit;
mod format;
mod healthcheck;
mod manual;
mod notice;
mod policy;
mod prepare;
mod rules;
mod serve;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use args::{Command, ConfigCommand, PolicyCommand, RulesCommand};
use baseline::BaselineCommand;
use console::complain;
use each::MOST_NAMED;
use exit::{CLEAN, FAILURE, USAGE};
use notice::patiently;
use prepare::{Runs, prepare, refuse};

use crate::config::{self, ConfigError, Gathered, Settings};
use crate::text::listed;
use crate::{hardening, signals, telemetry};

/// Runs the subcommand that the arguments name; the first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Before secrets are read. `prepare` logs a failure, once there is a log.
    let _ = hardening::protect();
    if let Err(error) = signals::end_also_as_first_process() {
        complain(format_args!("cannot install handlers for SIGTERM and SIGINT: {error}"));
        return ExitCode::from(FAILURE);
    }
    let invocation = match args::parse(arguments) {
        Ok(invocation) => invocation,
        Err(error) => {
            // clap reports `--help` and `--version` as errors with exit code 0.
            if error.use_stderr() {
                // Without stderr, the exit code still says it.
                let _ = error.print();
                return ExitCode::from(USAGE);
            }
            console::print_help(&error.render());
            return ExitCode::from(console::end(CLEAN));
        }
    };
    let gathered = Arc::new(patiently(|| config::read(&invocation.flags, config::environment())));
    let code = console::end(dispatch(invocation.command, &gathered, &invocation.flags));
    telemetry::flush();
    ExitCode::from(code)
}

fn dispatch(command: Command, gathered: &Arc<Gathered>, given: &[(String, String)]) -> u8 {
    match command {
        Command::Alerts(args) => patiently(|| alerts::run(&args, gathered)),
        Command::Docs { command } => docs::run(command),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { directory } => manual::pages(&directory),
        Command::Rules { command: RulesCommand::List { format } } => rules::list(format),
        Command::Rules { command: RulesCommand::Explain { rule, format } } => rules::explain(&rule, format),
        Command::Demo(args) => block_on(demo::demo(args, gathered, given)),
        Command::Healthcheck(args) => block_on(healthcheck::run(&args, gathered)),
        Command::Config { command: ConfigCommand::Check } => with_all(gathered, |settings| check::run(&settings)),
        Command::Policy { command: PolicyCommand::Check { live: false } } => policy::check(gathered),
        Command::Policy { command } => with_settings(gathered, |settings| match command {
            PolicyCommand::Check { .. } => block_on(policy::check_live(&settings)),
            PolicyCommand::Explain(args) => block_on(policy::explain(&settings, &args)),
            PolicyCommand::TestGlob { pattern } => block_on(policy::test_glob(&settings, &pattern)),
        }),
        Command::Serve => with(patiently(|| Settings::to_serve(gathered)), Runs::UntilStopped, |settings| {
            block_on(serve::serve(settings))
        }),
        Command::Audit(args) => {
            let settings = patiently(|| {
                if args.snapshot_in.is_some() { Settings::offline(gathered) } else { Settings::for_each(gathered) }
            });
            let only = gathered.raw.org.as_deref();
            once(gathered, settings, |settings| block_on(audit::run(&settings, &args, only)))
        }
        Command::Baseline { command: command @ BaselineCommand::Show(_) } => {
            once(gathered, patiently(|| Settings::offline(gathered)), |settings| {
                block_on(baseline::run(&settings, command))
            })
        }
        Command::Baseline { command: BaselineCommand::Init(args) } => {
            once(gathered, patiently(|| Settings::for_each(gathered)), |settings| {
                block_on(baseline::init(&settings, &args))
            })
        }
        Command::Baseline { command } => {
            with_settings(gathered, |settings| block_on(baseline::run(&settings, command)))
        }
        Command::Doctor(args) => {
            let settings = patiently(|| Settings::for_each(gathered));
            once(gathered, settings, |settings| block_on(doctor::run(&settings, args)))
        }
    }
}

/// Runs a one-off command that works with every configured organisation.
fn with_all(gathered: &Gathered, run: impl FnOnce(Settings) -> u8) -> u8 {
    once(gathered, patiently(|| Settings::from_raw(gathered)), run)
}

/// Runs a one-off command that calls the platform for one organisation.
fn with_settings(gathered: &Gathered, run: impl FnOnce(Settings) -> u8) -> u8 {
    with_all(gathered, |settings| match settings.organisations.as_slice() {
        [] | [_] => run(settings),
        several => {
            let names = several.iter().map(|organisation| organisation.platform.org.as_str());
            let names = listed(names, MOST_NAMED);
            complain(format_args!("this command works with one organisation; name one of {names} with --org"));
            USAGE
        }
    })
}

/// Runs a one-off command. Its output matters and not its log, so the log level is `warn` unless `--log.level` is given.
fn once(gathered: &Gathered, settings: Result<Settings, Vec<ConfigError>>, run: impl FnOnce(Settings) -> u8) -> u8 {
    let quiet = |mut settings: Settings| {
        if !gathered.is_given("log.level") {
            settings.log.level = telemetry::Level::Warn;
        }
        settings
    };
    with(settings.map(quiet), Runs::Once, run)
}

/// Runs with valid settings and a working log, or prints every error.
fn with(settings: Result<Settings, Vec<ConfigError>>, runs: Runs, run: impl FnOnce(Settings) -> u8) -> u8 {
    match settings {
        Ok(settings) => match prepare(&settings, runs) {
            Ok(()) => run(settings),
            Err(code) => code,
        },
        Err(errors) => refuse(&errors),
    }
}

fn block_on(work: impl Future<Output = u8>) -> u8 {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // Dropping the runtime would wait for blocked threads: an evaluation, a hanging disk, a name server.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(format_args!("the runtime cannot be started: {error}"));
            FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_command_ends_although_a_thread_of_it_is_blocked() {
        let (end, ended) = mpsc::channel();
        let (_release, released) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            let code = block_on(async {
                tokio::task::spawn_blocking(move || released.recv());
                CLEAN
            });
            end.send(code)
        });
        assert_eq!(ended.recv_timeout(Duration::from_mins(3)), Ok(CLEAN));
    }
}
