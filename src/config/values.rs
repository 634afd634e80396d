//! Collects the errors of validation with the names of the settings, so that all of them are reported at once.
//!
//! Not the checks themselves.

use std::collections::BTreeMap;

use super::error::{ConfigError, Origin, flag_from, variable_from};
use super::hidden::Hidden;
use super::names::variable_of;

/// The errors and warnings so far.
pub(crate) struct Values<'a> {
    origins: &'a BTreeMap<String, Origin>,
    hidden: &'a Hidden,
    pub(crate) errors: Vec<ConfigError>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(origins: &'a BTreeMap<String, Origin>, hidden: &'a Hidden) -> Self {
        Self { origins, hidden, errors: Vec::new(), warnings: Vec::new() }
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
        let variable = variable_of(flag);
        let origin = self.origins.get(&variable).unwrap_or(&Origin::Default);
        self.errors.push(ConfigError::new(flag_from(flag, &variable, origin), self.hidden.remove_from(problem)));
    }

    pub(crate) fn variable_wrong(&mut self, variable: &str, problem: impl Into<String>) {
        let origin = self.origins.get(variable).unwrap_or(&Origin::Environment);
        self.errors.push(ConfigError::new(variable_from(variable, origin), self.hidden.remove_from(problem)));
    }

    /// Whether the value of a flag was given, and is not just the default.
    pub(crate) fn is_given(&self, flag: &str) -> bool {
        self.origins.get(&variable_of(flag)).is_some_and(|origin| *origin != Origin::Default)
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
