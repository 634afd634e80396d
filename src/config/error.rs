//! One mistake in the settings, told so that its author knows what to change.
//!
//! Not the finding of mistakes: that is in the modules which read and validate.

use std::fmt;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In the file named by `--env-file`.
    File(PathBuf),
    /// In the environment of the process.
    Environment,
    /// On the command line.
    Flag,
}

/// One mistake; its text names the flag or variable, where that was set, and what to write instead.
///
/// It never holds the value of a secret or of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    setting: String,
    problem: String,
}

impl ConfigError {
    /// A mistake in what `setting` (a flag, or a variable without one) says.
    pub(crate) fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// A flag and where its value came from.
pub(crate) fn flag_from(flag: &str, variable: &str, origin: &Origin) -> String {
    match origin {
        Origin::Flag | Origin::Default => format!("--{flag}"),
        Origin::Environment => format!("--{flag} (environment variable {variable})"),
        Origin::File(path) => format!("--{flag} ({variable} in {})", path.display()),
    }
}

/// A variable that has no flag, and where its value came from.
pub(crate) fn variable_from(variable: &str, origin: &Origin) -> String {
    match origin {
        Origin::File(path) => format!("{variable} (in {})", path.display()),
        Origin::Flag | Origin::Default | Origin::Environment => variable.to_owned(),
    }
}

/// A value for an error text: quoted, control characters escaped, cut to 60 characters.
pub(crate) fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{:?}...", &value[..cut]),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_says_where_its_value_was_given() {
        let name = |origin| flag_from("refresh.interval", "X_REFRESH_INTERVAL", &origin);
        assert_eq!(name(Origin::Flag), "--refresh.interval");
        assert_eq!(name(Origin::Environment), "--refresh.interval (environment variable X_REFRESH_INTERVAL)");
        assert_eq!(name(Origin::File("/etc/x.env".into())), "--refresh.interval (X_REFRESH_INTERVAL in /etc/x.env)");
    }

    #[test]
    fn a_quoted_value_is_short_and_on_one_line() {
        assert_eq!(quoted("a\nb\u{1b}[31m"), r#""a\nb\u{1b}[31m""#);
        assert_eq!(quoted(&"é".repeat(100)), format!("\"{}\"...", "é".repeat(60)));
    }
}
