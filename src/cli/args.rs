//! The command line as clap sees it: subcommands and their own flags.
//!
//! Not what they do, and not the settings' flags (`config::SettingsArgs`), which all of them take.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

pub use super::audit::args::{AuditArgs, AuditFormat, FailOn, Least, OutputFile};
use crate::config::{SettingsArgs, flags_given, with_variables};

/// Prometheus exporter that audits the OAuth clients of a Genesys Cloud organisation.
///
/// Each setting is a flag or an environment variable; a flag wins. Credentials are taken from `GENESYSCLOUD_OAUTHCLIENT_ID`,
/// `GENESYSCLOUD_OAUTHCLIENT_SECRET` (or `GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE`) and `GENESYSCLOUD_REGION`. Try `demo`,
/// which needs none of them.
#[derive(Debug, Parser)]
#[command(name = "genesyscloud-oauth-exporter", version = version(), max_term_width = 120)]
pub struct Cli {
    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the exporter; this is the default.
    Serve,
    /// Run the exporter against a built-in simulated organisation; needs no credentials.
    Demo,
    /// Audit once, print the findings, and tell by the exit code.
    ///
    /// Exit codes: 0 clean; 1 open findings at or above --fail-on; 2 usage, policy, baseline or configuration is wrong; 3 the
    /// audit could not run or is incomplete, or with --strict an input could not be read; 4 a report or snapshot could not be
    /// written.
    Audit(AuditArgs),
    /// Approve what is there, and tell what differs from what was approved.
    ///
    /// The file is named by --baseline.file. Exit codes: 0 done, or no drift; 1 drift (`diff`); 2 usage, configuration or
    /// baseline is wrong; 3 the organisation could not be read completely; 4 the file could not be written.
    Baseline {
        /// What to do with it.
        #[command(subcommand)]
        command: super::baseline::BaselineCommand,
    },
    /// Look at the configuration.
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Look at the policy: check it, test its patterns, explain a verdict.
    ///
    /// Exit codes: 0 done; 1 a pattern matches nothing (`check --live`, `test-glob`); 2 usage, configuration or policy is
    /// wrong; 3 the platform could not be read.
    Policy {
        /// What to do with it.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Look at the audit's rules.
    Rules {
        /// What to do with them.
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Tell what the exporter's client may read, what is missing and what is too much.
    ///
    /// Exit codes: 0 there can be an audit; 2 usage or configuration is wrong; 3 there cannot.
    Doctor,
    /// Ask a running exporter whether it is healthy; for container health checks.
    ///
    /// Exit codes: 0 healthy; 2 usage or configuration is wrong; 4 it is not healthy, or does not answer.
    Healthcheck(HealthcheckArgs),
    /// Print completions of the command line for a shell.
    Completions {
        /// Which one.
        shell: Shell,
    },
    /// Write the man pages, one for each command.
    ///
    /// Exit codes: 0 written; 4 not.
    Man {
        /// The folder to write them to, which must be there.
        directory: PathBuf,
    },
    /// Print generated documentation.
    #[command(hide = true)]
    Docs {
        /// Which one.
        #[command(subcommand)]
        command: DocsCommand,
    },
}

/// The subcommands of `config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Read all settings, tell every mistake, and exit with 2 if there is one.
    Check,
}

/// The subcommands of `policy`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PolicyCommand {
    /// Read the policy, tell every mistake, and exit with 2 if there is one. Needs no credentials.
    Check {
        /// Ask the platform, too, and list the patterns that match nothing there: exit with 1 if one of them does not
        /// say `allow_unmatched`.
        #[arg(long)]
        live: bool,
    },
    /// Tell of every rule why it fired for a client, or why not.
    Explain {
        /// The client's id, or its exact name.
        client: String,
    },
    /// Tell what a pattern matches on the platform: scopes, or with three segments permissions.
    TestGlob {
        /// A pattern of scopes such as `users*`, or of permissions such as `oauth:*:*`.
        pattern: String,
    },
}

/// The subcommands of `rules`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum RulesCommand {
    /// Name every rule, with its severity and what it finds.
    List,
    /// Tell why a rule matters, what it reads, what looks like a finding and is none, and what to do.
    Explain {
        /// The rule's slug, e.g. dangerous-scope.
        #[arg(value_name = "RULE")]
        rule: String,
    },
}

/// The flags of `healthcheck`.
#[derive(Debug, Clone, Args)]
pub struct HealthcheckArgs {
    /// The URL to ask; by default `/-/healthy` at --web.listen-address.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// The subcommands of `docs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum DocsCommand {
    /// Every setting.
    Settings,
    /// Every metric.
    Metrics,
    /// The JSON Schema of the policy file.
    PolicySchema,
    /// Every rule of the audit.
    Rules,
}

/// A command line that clap accepted.
#[derive(Debug)]
pub struct Invocation {
    /// What to do.
    pub command: Command,
    /// The settings given as flags: long name and value, for [`crate::config::read`].
    pub flags: Vec<(String, String)>,
}

/// Reads a command line, the program's name first. The error also stands for `--help` and `--version`.
pub fn parse<I, T>(arguments: I) -> Result<Invocation, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let matches = command().try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    Ok(Invocation { command: cli.command.unwrap_or(Command::Serve), flags: flags_given(innermost(&matches)) })
}

/// The whole command line, with the variable of each setting in its help.
pub fn command() -> clap::Command {
    with_variables(Cli::command())
}

/// clap carries the settings' flags down to the last subcommand, wherever they stood.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
}

/// What was built, from what, for what and by what, as `build.rs` found it.
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
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
        command().debug_assert();
    }

    #[test]
    fn only_what_was_given_is_reported_wherever_it_stood() {
        assert_eq!(flags("x"), []);
        for line in ["x --log.level debug audit", "x audit --log.level debug", "x audit --log.level=debug --strict"] {
            assert_eq!(flags(line), [pair("log.level", "debug")], "{line}");
        }
        assert_eq!(
            flags("x --log.level debug config --log.format json check --web.max-connections 2"),
            [pair("web.max-connections", "2"), pair("log.level", "debug"), pair("log.format", "json")]
        );
        assert_eq!(flags("x --log.level info"), [pair("log.level", "info")], "a default that was chosen is a choice");
        assert_eq!(flags("x --state.file="), [pair("state.file", "")]);
    }

    #[test]
    fn switches_need_no_value_and_lists_are_joined() {
        assert_eq!(flags("x --web.expose-report serve"), [pair("web.expose-report", "true")]);
        assert_eq!(flags("x --refresh.trust-total=false"), [pair("refresh.trust-total", "false")]);
        assert_eq!(flags("x --metrics.disable a,b --metrics.disable c"), [pair("metrics.disable", "a,b,c")]);
    }

    #[test]
    fn serve_is_the_default_and_unknown_things_are_refused() {
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
        for line in ["x --help", "x audit --help", "x config check --help", "x -h"] {
            let help = parse(line.split(' ')).expect_err("help").to_string();
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            let expected = "[env: GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL] [default: 5m]";
            assert!(help.contains(expected), "{line}: {help}");
            assert_eq!(help.matches("EXPORTER_REFRESH_INTERVAL]").count(), 1, "{line}");
        }
    }

    #[test]
    fn the_version_tells_revision_target_and_compiler() {
        let text = parse(["x", "--version"]).expect_err("version").to_string();
        assert_eq!(text, format!("genesyscloud-oauth-exporter {}\n", version()));
        assert!(text.contains("(revision ") && text.contains("-linux-") && text.contains(", rustc 1."), "{text}");
    }
}
