//! Merges defaults, env-file, environment and command line, and records where each value came from.
//!
//! Not the meaning of the values (`settings`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use super::error::{ConfigError, Origin};
use super::hidden::Hidden;
use super::names::{self, CA_DIRECTORY, CA_FILE, PREFIX, variable_of};
use super::proxy::{ProxyVariables, is_about_proxies};
use super::raw::{self, RawSettings};
use super::values::Values;
use super::{command_line, env_file};
use crate::secret::SecretString;

/// The merged settings as text, before validation.
#[derive(Debug)]
pub struct Gathered {
    pub(crate) raw: RawSettings,
    pub(crate) origins: BTreeMap<String, Origin>,
    /// The values that no error may show.
    pub(crate) hidden: Hidden,
    /// Variables of other guides that are set: their name, the name that is read instead, and where they are set.
    pub(crate) foreign: Vec<(&'static str, &'static str, Origin)>,
    pub(crate) proxies: ProxyVariables,
    /// The variables that name the certificates that the TLS library trusts, with their values.
    pub(crate) trusted: Vec<(&'static str, String)>,
    /// Every variable of the environment, because the configuration file can name any for a secret.
    pub(crate) variables: BTreeMap<String, SecretString>,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<ConfigError>,
}

impl Gathered {
    /// Whether the value of a flag was given, and is not just the default.
    pub fn is_given(&self, flag: &str) -> bool {
        Values::new(&self.origins, &self.hidden).is_given(flag)
    }

    /// The configuration file.
    pub fn config_file(&self) -> Option<PathBuf> {
        self.raw.config_file.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}

/// The environment of this process, for [`read`].
pub fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// Merges the settings. Flags on the command line (`given`, as long name and value) take precedence over the environment,
/// which takes precedence over the file that `--env-file` names, which takes precedence over the defaults.
///
/// Errors are kept in the result, so that they are reported together with those of the values.
pub fn read<K, V>(given: &[(String, String)], environment: impl IntoIterator<Item = (K, V)>) -> Gathered
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let mut layers = Layers::default();
    for (flag, default) in command_line::defaults() {
        layers.known.push(variable_of(&flag));
        if let Some(value) = default {
            layers.pairs.insert(variable_of(&flag), (value, Origin::Default));
        }
    }
    let known = names::VARIABLES.iter().flat_map(|variable| [Some(variable.name), variable.alias]).flatten();
    layers.known.extend(known.map(str::to_owned));

    let environment = layers.only_text(environment);
    if let Some(path) = env_file_path(given, &environment) {
        match env_file::pairs(&path) {
            Ok(pairs) => layers.merge(pairs, &Origin::File(path)),
            Err(problems) => {
                layers.errors.extend(problems.into_iter().map(|problem| ConfigError::new("--env-file", problem)));
            }
        }
    }
    layers.variables = environment.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    layers.merge(environment, &Origin::Environment);
    for (flag, value) in given {
        layers.pairs.insert(variable_of(flag), (value.clone(), Origin::Flag));
    }
    layers.finish()
}

/// The file is named by the flag, or by the flag's variable in the environment.
fn env_file_path(given: &[(String, String)], environment: &[(String, String)]) -> Option<PathBuf> {
    let variable = variable_of("env-file");
    let by_flag = given.iter().rev().find(|(flag, _)| variable_of(flag) == variable);
    let named = by_flag.or_else(|| environment.iter().find(|(name, _)| *name == variable));
    named.map(|(_, path)| path.trim()).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Settings as text by variable, with where each was given.
pub(crate) type Pairs = BTreeMap<String, (String, Origin)>;

#[derive(Default)]
struct Layers {
    known: Vec<String>,
    pairs: Pairs,
    foreign: Vec<(&'static str, &'static str, Origin)>,
    proxies: ProxyVariables,
    trusted: Vec<(&'static str, String)>,
    variables: BTreeMap<String, SecretString>,
    /// Variables of the vendor's tools that have no effect here, by the advice about them.
    vendor: BTreeMap<String, BTreeSet<String>>,
    warnings: Vec<String>,
    errors: Vec<ConfigError>,
}

impl Layers {
    /// Drops variables that are not valid UTF-8. For a variable of ours, that is an error.
    fn only_text<K, V>(&mut self, environment: impl IntoIterator<Item = (K, V)>) -> Vec<(String, String)>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let mut pairs = Vec::new();
        for (name, value) in environment {
            let Ok(name) = name.into().into_string() else { continue };
            match value.into().into_string() {
                Ok(value) => pairs.push((name, value)),
                Err(_) if names::is_ours(&name) || is_about_proxies(&name) => {
                    self.errors.push(ConfigError::new(name, "is not valid UTF-8"));
                }
                Err(_) => {}
            }
        }
        pairs
    }

    /// A blank value counts as unset, except that a blank `state.file` turns the state file off.
    fn merge(&mut self, pairs: Vec<(String, String)>, origin: &Origin) {
        let state_file = variable_of("state.file");
        for (name, value) in pairs {
            if self.known.contains(&name) {
                if !value.trim().is_empty() || name == state_file {
                    self.pairs.insert(name, (value, origin.clone()));
                }
            } else if let Some(name) = [CA_FILE, CA_DIRECTORY].into_iter().find(|known| *known == name) {
                self.trust(name, value, origin);
            } else if is_about_proxies(&name) {
                if !value.trim().is_empty() {
                    self.proxies.insert(name, (SecretString::from(value), origin.clone()));
                }
            } else if let Some((foreign, ours)) = names::FOREIGN.iter().find(|(foreign, _)| *foreign == name) {
                if !value.trim().is_empty() {
                    self.foreign.push((foreign, ours, origin.clone()));
                }
            } else if name.starts_with(PREFIX) && !names::is_service_link(&name) {
                self.warn_unknown(&name);
            } else if !name.starts_with(PREFIX)
                && !value.trim().is_empty()
                && let Some(advice) = names::vendor_advice(&name, value.trim())
            {
                self.vendor.entry(advice).or_default().insert(name);
            }
        }
    }

    /// The TLS library reads these variables itself, and only in the environment.
    fn trust(&mut self, name: &'static str, value: String, origin: &Origin) {
        if value.is_empty() {
            return;
        }
        if *origin == Origin::Environment {
            self.trusted.push((name, value));
        } else {
            let name = super::error::variable_from(name, origin);
            self.warnings.push(format!(
                "{name} has no effect, because it is read only in the environment; use --genesys.ca-file"
            ));
        }
    }

    fn warn_unknown(&mut self, name: &str) {
        let hint = names::did_you_mean(name, self.known.iter().map(String::as_str));
        self.warnings.push(format!("{} is set, but no setting has that name{hint}", name.escape_debug()));
    }

    fn finish(self) -> Gathered {
        let Self { known: _, pairs, mut foreign, proxies, mut trusted, variables, vendor, mut warnings, mut errors } =
            self;
        warnings.extend(vendor.iter().map(|(advice, names)| not_read(names, advice)));
        let (raw, origins, hidden) = merged(pairs, &mut errors);
        // Sorted, so that the output does not depend on the order of the environment.
        foreign.sort_by_key(|(name, _, _)| *name);
        foreign.dedup_by_key(|(name, _, _)| *name);
        trusted.sort();
        warnings.sort();
        warnings.dedup();
        let errors = errors.into_iter().map(|error| error.map_problem(|problem| hidden.remove_from(problem))).collect();
        Gathered { raw, origins, hidden, foreign, proxies, trusted, variables, warnings, errors }
    }
}

/// The settings with these values, where each was given, and what no error may show.
pub(crate) fn merged(pairs: Pairs, errors: &mut Vec<ConfigError>) -> (RawSettings, BTreeMap<String, Origin>, Hidden) {
    let origins = pairs.iter().map(|(name, (_, origin))| (name.clone(), origin.clone())).collect();
    let mut hidden = Hidden::default();
    for (name, (value, _)) in pairs.iter().filter(|(_, (_, origin))| *origin != Origin::Default) {
        hidden.add(name, value.trim());
    }
    let values = pairs.into_iter().map(|(name, (value, _))| (name, value.trim().to_owned()));
    let raw = raw::from_pairs(values).unwrap_or_else(|_| {
        // The text of envy's error is dropped, because it may contain a value.
        errors.push(ConfigError::new("settings", "cannot be read"));
        RawSettings::default()
    });
    (raw, origins, hidden)
}

/// One warning for variables that share their advice.
fn not_read(names: &BTreeSet<String>, advice: &str) -> String {
    let (are, them) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
    let names: Vec<String> = names.iter().map(|name| name.escape_debug().to_string()).collect();
    format!("{} {are} set, but the exporter does not read {them}; {advice}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(flag: &str, value: &str) -> Vec<(String, String)> {
        vec![(flag.to_owned(), value.to_owned())]
    }

    #[test]
    fn the_order_of_precedence_is_flag_environment_file_default() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("x.env");
        std::fs::write(&file, format!("{}=file\n", variable_of("log.level"))).expect("a file");
        let file = file.to_string_lossy().into_owned();
        let level = |given: &[(String, String)], environment: &[(&str, &str)]| {
            let gathered = read(given, environment.iter().map(|(name, value)| (*name, *value)));
            assert!(gathered.errors.is_empty(), "{:?}", gathered.errors);
            gathered.raw.log_level
        };
        let (name, file_name) = (variable_of("log.level"), variable_of("env-file"));
        assert_eq!(level(&[], &[]).as_deref(), Some("info"));
        assert_eq!(level(&given("env-file", &file), &[]).as_deref(), Some("file"));
        assert_eq!(level(&[], &[(&file_name, &file)]).as_deref(), Some("file"));
        assert_eq!(level(&given("env-file", &file), &[(&name, "environment")]).as_deref(), Some("environment"));
        assert_eq!(level(&given("log.level", "flag"), &[(&name, "environment")]).as_deref(), Some("flag"));
    }

    #[test]
    fn a_blank_variable_is_unset_but_a_blank_state_file_is_kept() {
        let (level, state) = (variable_of("log.level"), variable_of("state.file"));
        let gathered = read(&[], [(level.as_str(), "  "), (state.as_str(), "")]);
        assert_eq!(gathered.raw.log_level.as_deref(), Some("info"));
        assert_eq!(gathered.raw.state_file.as_deref(), Some(""));
    }

    #[test]
    fn unknown_names_cause_a_warning_but_service_links_do_not() {
        let names = ["REFRESH_INTERVALL", "SERVICE_HOST", "PORT_9847_TCP"].map(|rest| format!("{PREFIX}{rest}"));
        let gathered = read(&[], names.map(|name| (name, "x".to_owned())));
        assert_eq!(
            gathered.warnings,
            ["GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVALL is set, but no setting has that name; \
              did you mean GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL?"]
        );
    }

    #[test]
    fn variables_of_the_vendors_tools_that_are_not_read_cause_one_warning_for_each_advice_without_their_values() {
        let set = [
            ("GENESYSCLOUD_ACCESS_TOKEN", "hunter2"),
            ("GENESYSCLOUD_PROXY_HOST", "hunter2"),
            ("GENESYSCLOUD_PROXY_PORT", "hunter2"),
            ("GENESYSCLOUD_TOKEN_POOL_SIZE", " "),
        ];
        assert_eq!(
            read(&[], set).warnings,
            [
                "GENESYSCLOUD_ACCESS_TOKEN is set, but the exporter does not read it; the exporter gets tokens of its own, \
                 with GENESYSCLOUD_OAUTHCLIENT_ID and its secret",
                "GENESYSCLOUD_PROXY_HOST, GENESYSCLOUD_PROXY_PORT are set, but the exporter does not read them; \
                 to use a proxy, set --genesys.proxy-url or HTTPS_PROXY",
            ]
        );
        // Each variable that is read, and each that has a warning of its own, has no second one.
        let known = names::VARIABLES.iter().flat_map(|variable| [Some(variable.name), variable.alias]).flatten();
        let foreign = names::FOREIGN.iter().map(|(foreign, _)| *foreign);
        assert_eq!(read(&[], known.chain(foreign).map(|name| (name, "x"))).warnings, [""; 0]);
    }

    #[test]
    fn invalid_utf8_is_an_error_only_in_our_variables() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = || OsString::from_vec(vec![b'x', 0xff]);
        let pairs = [(OsString::from("OTHER"), bytes()), (names::CLIENT_SECRET.into(), bytes()), (bytes(), "x".into())];
        let gathered = read(&[], pairs);
        let errors: Vec<String> = gathered.errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors, ["GENESYSCLOUD_OAUTHCLIENT_SECRET: is not valid UTF-8"]);
    }
}
