//! Collects the errors of validation with the names of the settings, so that all of them are reported at once.
//!
//! Not the checks themselves.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, Origin, flag_from, variable_from};
use super::hidden::Hidden;
use super::keys::{key_of, with_keys};
use super::names::variable_of;

/// The errors and warnings so far.
pub(crate) struct Values<'a> {
    origins: &'a BTreeMap<String, Origin>,
    hidden: &'a Hidden,
    /// The organisation in the configuration file that is read, with its line; `None` for the settings of the process.
    organisation: Option<(&'a Path, usize)>,
    /// Whether a secret file that cannot be used is only a warning, because the other organisations can be watched without it.
    pub(crate) tolerates_secret_files: bool,
    pub(crate) errors: Vec<ConfigError>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(origins: &'a BTreeMap<String, Origin>, hidden: &'a Hidden) -> Self {
        Self {
            origins,
            hidden,
            organisation: None,
            tolerates_secret_files: false,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The values of an organisation in the configuration file. Errors name the keys of the file and not the flags.
    pub(crate) fn of_organisation(self, file: &'a Path, line: usize) -> Self {
        Self { organisation: Some((file, line)), ..self }
    }

    /// Parses the value of a flag; an absent value is parsed as empty text. Returns `None` after adding an error.
    pub(crate) fn flag<T>(
        &mut self,
        flag: &str,
        value: Option<&String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = parse(value.map_or("", String::as_str));
        parsed.map_err(|problem| self.flag_wrong(flag, problem)).ok()
    }

    pub(crate) fn flag_wrong(&mut self, flag: &str, problem: impl Into<String>) {
        self.errors.push(ConfigError::new(self.setting(flag), self.shown(problem)));
    }

    /// The name of a flag with the place of its value, as errors have it.
    pub(crate) fn setting(&self, flag: &str) -> String {
        let variable = variable_of(flag);
        flag_from(flag, &variable, &self.origin(&variable, Origin::Default))
    }

    pub(crate) fn variable_wrong(&mut self, variable: &str, problem: impl Into<String>) {
        let origin = self.origin(variable, Origin::Environment);
        self.errors.push(ConfigError::new(variable_from(variable, &origin), self.shown(problem)));
    }

    /// Whether the values are those of an organisation in the configuration file.
    pub(crate) const fn is_of_file(&self) -> bool {
        self.organisation.is_some()
    }

    /// Where the variable was given, or would have to be given.
    fn origin(&self, variable: &str, missing: Origin) -> Origin {
        let given = self.origins.get(variable).cloned();
        match (self.organisation, key_of(variable)) {
            (Some((file, line)), Some(key)) => match given {
                Some(given @ Origin::Key { .. }) => given,
                _ => Origin::Key { file: file.to_owned(), line, key },
            },
            _ => given.unwrap_or(missing),
        }
    }

    /// The text without what may be a secret, and with the names that the user knows.
    fn shown(&self, problem: impl Into<String>) -> String {
        let problem = self.hidden.remove_from(problem);
        if self.organisation.is_some() { with_keys(&problem) } else { problem }
    }

    /// Where the value of a flag was given, or that it is the default.
    pub(crate) fn given_in(&self, flag: &str) -> Option<&Origin> {
        self.origins.get(&variable_of(flag))
    }

    /// Whether the value of a flag was given, and is not just the default.
    pub(crate) fn is_given(&self, flag: &str) -> bool {
        self.given_in(flag).is_some_and(|origin| *origin != Origin::Default)
    }

    /// A value that can be set by two variables. Different values in both are an error, which does not show them.
    pub(crate) fn either<T>(
        &mut self,
        (name, value): (&'static str, Option<T>),
        (alias, other): (&'static str, Option<T>),
        same: impl FnOnce(&T, &T) -> bool,
    ) -> Option<(&'static str, T)> {
        match (value, other) {
            (Some(value), Some(other)) => {
                if !same(&value, &other) {
                    self.variable_wrong(
                        name,
                        format!("differs from {alias}, which means the same; set only one of them"),
                    );
                }
                Some((name, value))
            }
            (Some(value), None) => Some((name, value)),
            (None, Some(other)) => Some((alias, other)),
            (None, None) => None,
        }
    }
}
