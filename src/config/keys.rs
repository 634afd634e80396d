//! The keys of the configuration file, each with the flag or the variable that it stands for.
//!
//! Not the reading of the file (`file`).

use super::names::{API_URL, CLIENT_ID, CLIENT_SECRET, CLIENT_SECRET_FILE, LOGIN_URL, ORG, REGION, variable_of};

/// The setting that a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    Flag(&'static str),
    Variable(&'static str),
    /// The name of the environment variable that contains the client's secret.
    SecretFrom,
}

/// A key of an organisation.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) setting: Setting,
    /// Whether the value is a path, which is relative to the file.
    pub(crate) is_path: bool,
}

const fn flag(name: &'static str, flag: &'static str) -> Key {
    Key { name, setting: Setting::Flag(flag), is_path: false }
}

const fn variable(name: &'static str, variable: &'static str) -> Key {
    Key { name, setting: Setting::Variable(variable), is_path: false }
}

impl Key {
    const fn path(self) -> Self {
        Self { is_path: true, ..self }
    }
}

/// Every key of `[[organisation]]`. All but `org` can be in `[defaults]` too.
pub(crate) const KEYS: &[Key] = &[
    variable("org", ORG),
    variable("region", REGION),
    variable("api_url", API_URL),
    variable("login_url", LOGIN_URL),
    variable("client_id", CLIENT_ID),
    variable("client_secret_file", CLIENT_SECRET_FILE).path(),
    Key { name: "client_secret_env", setting: Setting::SecretFrom, is_path: false },
    flag("policy_file", "policy.file").path(),
    flag("baseline_file", "baseline.file").path(),
    flag("required_scopes", "audit.required-scopes"),
    flag("dangerous_scopes", "audit.dangerous-scopes"),
    flag("interval", "refresh.interval"),
    flag("stale_after", "refresh.stale-after"),
    flag("deadline", "refresh.deadline"),
    flag("trust_total", "refresh.trust-total"),
    flag("require_self", "refresh.require-self"),
    flag("clients_path", "genesys.clients-path"),
    flag("auth_style", "genesys.auth-style"),
    flag("token_scope", "genesys.token-scope"),
    flag("allow_plain_http", "genesys.allow-plain-http"),
    flag("proxy_url", "genesys.proxy-url"),
    flag("proxy_password_file", "genesys.proxy-password-file").path(),
    flag("ca_file", "genesys.ca-file").path(),
    flag("retry_attempts", "genesys.retry-attempts"),
    flag("retry_base", "genesys.retry-base"),
    flag("max_retry_after", "genesys.max-retry-after"),
    flag("requests_per_minute", "genesys.requests-per-minute"),
    flag("burst", "genesys.burst"),
    flag("connect_timeout", "genesys.connect-timeout"),
    flag("read_timeout", "genesys.read-timeout"),
    flag("max_body_bytes", "genesys.max-body-bytes"),
    flag("max_pages", "genesys.max-pages"),
];

impl Key {
    /// The variable under which the setting is merged.
    pub(crate) fn variable(&self) -> String {
        match self.setting {
            Setting::Flag(flag) => variable_of(flag),
            Setting::Variable(variable) => variable.to_owned(),
            Setting::SecretFrom => CLIENT_SECRET.to_owned(),
        }
    }
}

/// The key of the file for a variable; `None` if the file has none.
pub(crate) fn key_of(variable: &str) -> Option<&'static str> {
    KEYS.iter().find(|key| key.variable() == variable).map(|key| key.name)
}

/// The text with the names of flags and variables replaced by the keys of the file.
pub(crate) fn with_keys(problem: &str) -> String {
    let mut names: Vec<(String, &str)> = KEYS.iter().map(|key| (key.variable(), key.name)).collect();
    names.extend(KEYS.iter().filter_map(|key| match key.setting {
        Setting::Flag(flag) => Some((format!("--{flag}"), key.name)),
        _ => None,
    }));
    // The longest first: some names begin with another.
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names.iter().fold(problem.to_owned(), |problem, (name, key)| problem.replace(name, key))
}
