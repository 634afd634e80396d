//! An error in the settings, with the name of the setting and where its value was given.
//!
//! Not the validation, which finds the errors.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nowhere; the default applies.
    Default,
    /// In the file named by `--env-file`.
    File(PathBuf),
    /// In the environment of the process.
    Environment,
    /// On the command line.
    Flag,
    /// In the configuration file, under this key.
    Key {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
    },
}

/// An error in one setting. The text names the flag or variable, where it was set, what is wrong, and what to use instead.
///
/// It never contains the value of a secret or of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    setting: String,
    problem: String,
}

impl ConfigError {
    /// The same error with another text of the problem.
    pub(crate) fn map_problem(self, change: impl FnOnce(String) -> String) -> Self {
        Self { setting: self.setting, problem: change(self.problem) }
    }

    /// Whether something is missing, and not wrong.
    pub(crate) fn is_about_absence(&self) -> bool {
        self.problem.starts_with("is not set")
    }

    /// `setting` is a flag, or a variable that has no flag.
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

/// The name of a flag, with the variable or file that its value came from.
pub(crate) fn flag_from(flag: &str, variable: &str, origin: &Origin) -> String {
    match origin {
        Origin::Flag | Origin::Default => format!("--{flag}"),
        Origin::Environment => format!("--{flag} (environment variable {variable})"),
        Origin::File(path) => format!("--{flag} ({variable} in {})", path.display()),
        Origin::Key { file, line, key } => in_file(file, *line, key),
    }
}

/// The name of a variable that has no flag, with the file that its value came from.
pub(crate) fn variable_from(variable: &str, origin: &Origin) -> String {
    match origin {
        Origin::File(path) => format!("{variable} (in {})", path.display()),
        Origin::Key { file, line, key } => in_file(file, *line, key),
        Origin::Flag | Origin::Default | Origin::Environment => variable.to_owned(),
    }
}

/// A key of the configuration file, with its place.
fn in_file(file: &Path, line: usize, key: &str) -> String {
    format!("{} line {line}: {key}", file.display())
}

/// The characters of a value that an error message quotes.
pub(crate) const LONGEST_QUOTE: usize = 60;

/// Quotes a value for an error message: control characters are escaped, and long values are cut.
///
/// `hidden` removes what may be a secret when the error is recorded.
pub(crate) fn quoted(value: &str) -> String {
    match value.char_indices().nth(LONGEST_QUOTE) {
        Some((cut, _)) => format!("{:?}...", &value[..cut]),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_where_the_value_was_given() {
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
