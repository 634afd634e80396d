//! Reads clap's definition of the flags: their defaults, their help with variables, and which of them were given.
//!
//! Not the flags themselves (`flags`).

use clap::builder::StyledStr;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command};

use super::flags::SettingsArgs;
use super::names::variable_of;

/// The long name and the default of each setting, in the order of the documentation.
pub(crate) fn defaults() -> Vec<(String, Option<String>)> {
    bare()
        .get_arguments()
        .filter_map(|arg| {
            let default = arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
            Some((arg.get_long()?.to_owned(), default))
        })
        .collect()
}

/// A command that has the flags of the settings and nothing else.
pub(crate) fn bare() -> Command {
    SettingsArgs::augment_args(Command::new("settings").disable_help_flag(true))
}

/// The settings that were given on the command line, as long name and value. The values of a list are joined by commas.
pub(crate) fn flags_given(matches: &ArgMatches) -> Vec<(String, String)> {
    let given = |arg: &Arg| {
        let id = arg.get_id().as_str();
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            return None;
        }
        let values: Vec<String> = matches.get_raw(id)?.map(|value| value.to_string_lossy().into_owned()).collect();
        Some((arg.get_long()?.to_owned(), values.join(",")))
    };
    bare().get_arguments().filter_map(given).collect()
}

/// Appends the environment variable of each setting to its help text, and hides the settings in the short help: every command
/// accepts them, so its own flags would be lost among them.
pub(crate) fn with_variables(command: Command) -> Command {
    let settings: Vec<String> = defaults().into_iter().map(|(flag, _)| flag).collect();
    command.mut_args(|arg| {
        let Some(flag) = arg.get_long().filter(|flag| settings.iter().any(|known| known == flag)) else { return arg };
        let suffix = format!(" [env: {}]", variable_of(flag));
        let with_suffix = |help: &StyledStr| format!("{help}{suffix}");
        let (short, long) = (arg.get_help().map(with_suffix), arg.get_long_help().map(with_suffix));
        let arg = match short {
            Some(help) => arg.help(help),
            None => arg,
        };
        let arg = arg.hide_short_help(true);
        match long {
            Some(help) => arg.long_help(help),
            None => arg,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_help_a_heading_and_its_variable() {
        for arg in with_variables(bare()).get_arguments() {
            let flag = arg.get_long().expect("a long name");
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 30, "{flag} has no help");
            assert!(help.ends_with(&format!("[env: {}]", variable_of(flag))), "{flag}: {help}");
            assert!(arg.get_help_heading().is_some(), "{flag} has no heading");
        }
    }

    #[test]
    fn no_two_flags_share_a_variable() {
        let mut variables: Vec<String> = defaults().iter().map(|(flag, _)| variable_of(flag)).collect();
        let count = variables.len();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), count);
    }
}
