//! The command line as clap sees it: the subcommands and their own flags.
//!
//! Not what the subcommands do, and not the flags of the settings (`config::SettingsArgs`), which every subcommand accepts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

pub use super::alerts::args::{AlertsArgs, RuleFile};
pub use super::audit::args::{AuditArgs, AuditFormat, FailOn, Least, OutputFile};
pub use super::format::TextFormat;
use crate::config::{SettingsArgs, flags_given, with_variables};

/// Audits the OAuth clients of a Genesys Cloud organisation, for Prometheus.
///
/// Every setting can be given as a flag or as an environment variable; the flag takes precedence. The credentials come
/// from `GENESYSCLOUD_OAUTHCLIENT_ID`, `GENESYSCLOUD_OAUTHCLIENT_SECRET` (or `GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE`) and
/// `GENESYSCLOUD_REGION`. To try the exporter without credentials, run `demo`.
#[derive(Debug, Parser)]
#[command(
    name = "genesyscloud-oauth-exporter",
    version = version(),
    max_term_width = 120,
    after_help = "COMMAND -h shows the flags of a command, and --help also the settings of all."
)]
pub struct Cli {
    /// The subcommand; `serve` if none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of the settings, which every subcommand accepts.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// The subcommands. Their doc comments are the help texts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the exporter (the default).
    Serve,
    /// Run the exporter against simulated organisations.
    ///
    /// The organisations are built in and change over time. Needs no credentials.
    Demo(DemoArgs),
    /// Audit once and print the findings.
    ///
    /// Exit codes: 0 clean; 1 open findings at or above --fail-on; 2 invalid usage, policy, baseline or configuration; 3 the
    /// audit could not run or the list of clients is incomplete, or, with --strict, an input could not be read; 4 a report or
    /// snapshot could not be written.
    Audit(AuditArgs),
    /// Approve the organisation's state, or show what differs from it.
    ///
    /// --baseline.file names the file. Exit codes: 0 done, or no drift; 1 drift (`diff`); 2 invalid usage, configuration or
    /// baseline; 3 the organisation could not be read completely; 4 the file could not be written.
    Baseline {
        /// The subcommand of `baseline`.
        #[command(subcommand)]
        command: super::baseline::BaselineCommand,
    },
    /// Check the configuration.
    Config {
        /// The subcommand of `config`.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Check the policy, test a pattern, or explain a client's verdict.
    ///
    /// Exit codes: 0 done; 1 a pattern matches nothing (`check --live`, `test-glob`); 2 invalid usage, configuration or
    /// policy; 3 the platform could not be read.
    Policy {
        /// The subcommand of `policy`.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Print the alert rules for Prometheus that fit these settings.
    ///
    /// The rules depend on --refresh.stale-after, --refresh.interval and --web.external-url. Exit codes: 0 done; 2 invalid usage
    /// or configuration; 4 a file could not be written.
    Alerts(AlertsArgs),
    /// List or explain the rules of the audit.
    Rules {
        /// The subcommand of `rules`.
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Check the connection, and what the exporter's client may read.
    ///
    /// Shows what the client may read, which permissions it lacks, and which permissions it has but does not need.
    ///
    /// Exit codes: 0 an audit is possible; 2 invalid usage or configuration; 3 an audit is not possible or, with --strict, a check
    /// has a warning.
    Doctor(DoctorArgs),
    /// Ask a running exporter whether it is healthy.
    ///
    /// For the health checks of containers. Exit codes: 0 healthy; 2 invalid usage or configuration; 4 not healthy, or no response.
    Healthcheck(HealthcheckArgs),
    /// Print the completion script for a shell.
    Completions {
        /// The shell that will load the script.
        shell: Shell,
    },
    /// Write the man pages, one for each command.
    ///
    /// Exit codes: 0 written; 2 invalid usage; 4 the man pages could not be written.
    Man {
        /// The directory to write to. It must exist.
        directory: PathBuf,
    },
    /// Print generated documentation.
    #[command(hide = true)]
    Docs {
        /// The document.
        #[command(subcommand)]
        command: DocsCommand,
    },
}

/// The flags of `demo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct DemoArgs {
    /// The number of simulated organisations, at most 200.
    ///
    /// Several have their own sizes and stories, and are configured by a file as with --config.file.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub organisations: u16,
}

/// The subcommands of `config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Read all settings and report every error (exits with 2 if there is one).
    Check,
}

/// The subcommands of `policy`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PolicyCommand {
    /// Read the policy and report every error.
    ///
    /// Exits with 2 if there is one. Needs no credentials unless --live is given.
    Check {
        /// Also ask the platform, and list the patterns that match nothing there. Exits with 1 if `allow_unmatched` is not
        /// set for one of them.
        #[arg(long)]
        live: bool,
    },
    /// Show for every rule why it fired for a client, or why not.
    Explain(ExplainArgs),
    /// List what a pattern matches on the platform: scopes and, if it has three segments, permissions.
    TestGlob {
        /// A pattern for scopes, such as `users*`, or for permissions, such as `oauth:*:*`.
        pattern: String,
    },
}

/// The flags of `policy explain`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExplainArgs {
    /// The client's id or exact name.
    pub client: String,
    /// Also list the rules that found nothing.
    ///
    /// Otherwise, only those that fired and those that could not be evaluated are listed, and the others are counted.
    #[arg(long)]
    pub all: bool,
    /// Format of the output. `json` always contains every rule.
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

/// The flags of `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct DoctorArgs {
    /// Exit with 3 also if a check has a warning.
    ///
    /// A warning is, for example, an input that cannot be read, or a permission that the client does not need.
    #[arg(long)]
    pub strict: bool,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

/// The subcommands of `rules`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum RulesCommand {
    /// List every rule with its severity and what it finds.
    List {
        /// Format of the output.
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
    },
    /// Explain why a rule matters, what it reads, which special cases it has, and what to do about a finding.
    Explain {
        /// The rule's slug, for example dangerous-scope.
        #[arg(value_name = "RULE")]
        rule: String,
        /// Format of the output.
        #[arg(long, value_enum, default_value_t)]
        format: TextFormat,
    },
}

/// The flags of `healthcheck`.
#[derive(Debug, Clone, Args)]
pub struct HealthcheckArgs {
    /// The URL to request. By default `/-/healthy` at --web.listen-address.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// The subcommands of `docs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum DocsCommand {
    /// The tables of settings, variables and regions.
    Settings,
    /// The tables of metrics.
    Metrics,
    /// The JSON Schema of the policy file.
    PolicySchema,
    /// The JSON Schema of the configuration file.
    ConfigSchema,
    /// The rules of the audit.
    Rules,
}

/// A command line that clap accepted.
#[derive(Debug)]
pub struct Invocation {
    /// The subcommand; [`Command::Serve`] if none was given.
    pub command: Command,
    /// The settings that were given as flags, as long name and value, for [`crate::config::read`].
    pub flags: Vec<(String, String)>,
}

/// Parses a command line whose first argument is the program's name. As in clap, `--help` and `--version` are errors.
pub fn parse<I, T>(arguments: I) -> Result<Invocation, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let matches = command().try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    Ok(Invocation { command: cli.command.unwrap_or(Command::Serve), flags: flags_given(innermost(&matches)) })
}

/// The complete command, with each setting's environment variable in its help text.
pub fn command() -> clap::Command {
    with_variables(Cli::command())
}

/// clap propagates the global flags to the innermost subcommand, wherever they were given.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
}

/// The package's version, with the revision, target and compiler that `build.rs` recorded.
pub fn version() -> String {
    let revision = env!("GENESYSCLOUD_OAUTH_EXPORTER_REVISION");
    let (target, rustc) = (env!("GENESYSCLOUD_OAUTH_EXPORTER_TARGET"), env!("GENESYSCLOUD_OAUTH_EXPORTER_RUSTC"));
    format!("{} (revision {revision}, {target}, rustc {rustc})", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Vec<(String, String)> {
        parse(line.split(' ')).expect(line).flags
    }

    fn pair(flag: &str, value: &str) -> (String, String) {
        (flag.to_owned(), value.to_owned())
    }

    #[test]
    fn the_definition_is_valid() {
        Cli::command().debug_assert();
        command().debug_assert();
    }

    #[test]
    fn flags_are_reported_only_if_given_and_at_any_position() {
        assert_eq!(flags("x"), []);
        for line in ["x --log.level debug audit", "x audit --log.level debug", "x audit --log.level=debug --strict"] {
            assert_eq!(flags(line), [pair("log.level", "debug")], "{line}");
        }
        assert_eq!(
            flags("x --log.level debug config --log.format json check --web.max-connections 2"),
            [pair("web.max-connections", "2"), pair("log.level", "debug"), pair("log.format", "json")]
        );
        assert_eq!(
            flags("x --log.level info"),
            [pair("log.level", "info")],
            "a default that is given explicitly counts as given"
        );
        assert_eq!(flags("x --state.file="), [pair("state.file", "")]);
    }

    #[test]
    fn switches_need_no_value_and_lists_are_joined() {
        assert_eq!(flags("x --web.expose-report serve"), [pair("web.expose-report", "true")]);
        assert_eq!(flags("x --refresh.trust-total=false"), [pair("refresh.trust-total", "false")]);
        assert_eq!(flags("x --metrics.disable a,b --metrics.disable c"), [pair("metrics.disable", "a,b,c")]);
    }

    #[test]
    fn serve_is_the_default_and_unknown_arguments_are_rejected() {
        assert!(matches!(parse(["x"]).expect("serve").command, Command::Serve));
        assert!(matches!(parse(["x", "config", "check"]).expect("check").command, Command::Config { .. }));
        for line in
            ["x nonsense", "x --nonsense", "x config", "x audit --fail-on worst", "x --log.level a --log.level b"]
        {
            assert!(parse(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn help_shows_the_variable_and_the_default_in_every_subcommand() {
        for line in ["x --help", "x audit --help", "x config check --help"] {
            let help = parse(line.split(' ')).expect_err("help").to_string();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            let expected = "[env: GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL] [default: 5m]";
            assert!(help.contains(expected), "{line}: {help}");
            assert_eq!(help.matches("EXPORTER_REFRESH_INTERVAL]").count(), 1, "{line}");
        }
    }

    /// Every command, with the arguments that lead to it.
    fn every_command() -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let mut below = vec![(vec!["x".to_owned()], command())];
        while let Some((path, command)) = below.pop() {
            for inner in command.get_subcommands() {
                below.push(([&path[..], &[inner.get_name().to_owned()]].concat(), inner.clone()));
            }
            found.push(path);
        }
        found
    }

    fn help(path: &[String], flag: &str) -> String {
        let arguments = path.iter().map(String::as_str).chain([flag]);
        command()
            .term_width(80)
            .bin_name("genesyscloud-oauth-exporter")
            .try_get_matches_from(arguments)
            .expect_err("help")
            .to_string()
    }

    #[test]
    fn the_short_help_of_every_command_fits_on_one_screen_and_has_no_settings() {
        let commands = every_command();
        assert!(commands.len() > 20, "{commands:?}");
        for path in commands {
            let help = help(&path, "-h");
            // A usage line that is too long is wrapped by the terminal.
            let lines: usize = help.lines().map(|line| line.chars().count().div_ceil(80).max(1)).sum();
            assert!(lines <= 24, "{path:?} has {lines} lines:\n{help}");
            assert!(!help.contains("--web.listen-address <"), "{path:?}:\n{help}");
        }
    }

    #[test]
    fn the_long_help_shows_the_flags_of_the_command_first_and_the_settings_in_groups() {
        for path in every_command() {
            let help = help(&path, "--help");
            let groups = ["Web:", "Files:", "Log:"].map(|group| help.find(&format!("\n{group}\n")));
            assert!(groups.iter().all(Option::is_some), "{path:?}");
            let first_group = groups.iter().min().copied().flatten();
            assert!(
                help.find("\nOptions:\n") < first_group && help.find("\nOptions:\n").is_some(),
                "{path:?}:\n{help}"
            );
            assert!(help.find("--web.listen-address <") > first_group, "{path:?}");
        }
        let audit = help(&["x".to_owned(), "audit".to_owned()], "--help");
        assert!(audit.find("--fail-on") < audit.find("\nWeb:\n"), "{audit}");
    }

    #[test]
    fn the_version_shows_revision_target_and_compiler() {
        let text = parse(["x", "--version"]).expect_err("version").to_string();
        assert_eq!(text, format!("genesyscloud-oauth-exporter {}\n", version()));
        assert!(text.contains("(revision ") && text.contains("-linux-") && text.contains(", rustc 1."), "{text}");
    }
}
