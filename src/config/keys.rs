//! The keys of the configuration file, each with the flag or the variable that it stands for, and what its value may be.
//!
//! The reader (`file`) and the published schema (`json_schema`) both use this table. The limits of numbers are repeated where the
//! settings are checked; a test compares both.

use toml::de::DeValue;

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
    pub(crate) shape: Shape,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A string, which may be empty.
    Text,
    /// The label of an organisation.
    Label,
    /// A string that is not blank.
    Required,
    /// The id of a client: a string that is not blank, without a colon.
    ClientId,
    /// A path, which is relative to the file. An empty one stands for none.
    Path,
    /// A path that is not empty.
    RequiredPath,
    /// A URL with http or https.
    Url,
    /// The URL of a proxy without a password, or a word in place of it.
    Proxy,
    /// The path of a URL.
    UrlPath,
    /// A string such as `5m`.
    Duration,
    Switch,
    /// A whole number within these limits.
    Whole(u64, u64),
    /// A string such as `64MiB`, or a whole number of bytes within these limits.
    Size(u64, u64),
    /// A string with commas, or a list of strings.
    Names,
    Word(&'static [&'static str]),
}

impl Shape {
    /// Whether a value has the type of this shape. Its content is checked with the settings.
    pub(crate) fn fits(self, value: &DeValue<'_>) -> bool {
        match self {
            Self::Switch => matches!(value, DeValue::Boolean(_)),
            Self::Whole(..) => matches!(value, DeValue::Integer(_)),
            Self::Size(..) => matches!(value, DeValue::String(_) | DeValue::Integer(_)),
            Self::Names => match value {
                DeValue::Array(items) => items.iter().all(|item| matches!(item.get_ref(), DeValue::String(_))),
                value => matches!(value, DeValue::String(_)),
            },
            _ => matches!(value, DeValue::String(_)),
        }
    }

    /// What to write, for the message about a value of another type.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Switch => "true or false, without quotes",
            Self::Whole(..) => "a whole number, without quotes",
            Self::Size(..) => "a size such as \"64MiB\", or a whole number of bytes without quotes",
            Self::Names => "a list of strings, or one string with commas",
            Self::Duration => "a duration in quotes, such as \"5m\"",
            _ => "a string in quotes",
        }
    }

    pub(crate) const fn is_path(self) -> bool {
        matches!(self, Self::Path | Self::RequiredPath)
    }

    /// Whether a blank value says nothing, so that it is a mistake and not a way to unset a default.
    pub(crate) const fn is_required(self) -> bool {
        matches!(self, Self::Label | Self::Required | Self::ClientId | Self::RequiredPath | Self::Url)
    }
}

const fn flag(name: &'static str, flag: &'static str, shape: Shape) -> Key {
    Key { name, setting: Setting::Flag(flag), shape }
}

const fn variable(name: &'static str, variable: &'static str, shape: Shape) -> Key {
    Key { name, setting: Setting::Variable(variable), shape }
}

/// Every key of `[[organisation]]`. All but `org` can be in `[defaults]` too.
pub(crate) const KEYS: &[Key] = &[
    variable("org", ORG, Shape::Label),
    variable("region", REGION, Shape::Required),
    variable("api_url", API_URL, Shape::Url),
    variable("login_url", LOGIN_URL, Shape::Url),
    variable("client_id", CLIENT_ID, Shape::ClientId),
    variable("client_secret_file", CLIENT_SECRET_FILE, Shape::RequiredPath),
    Key { name: "client_secret_env", setting: Setting::SecretFrom, shape: Shape::Required },
    flag("policy_file", "policy.file", Shape::Path),
    flag("baseline_file", "baseline.file", Shape::Path),
    flag("required_scopes", "audit.required-scopes", Shape::Names),
    flag("dangerous_scopes", "audit.dangerous-scopes", Shape::Names),
    flag("interval", "refresh.interval", Shape::Duration),
    flag("stale_after", "refresh.stale-after", Shape::Duration),
    flag("deadline", "refresh.deadline", Shape::Duration),
    flag("trust_total", "refresh.trust-total", Shape::Switch),
    flag("require_self", "refresh.require-self", Shape::Switch),
    flag("clients_path", "genesys.clients-path", Shape::UrlPath),
    flag("auth_style", "genesys.auth-style", Shape::Word(&["basic", "body"])),
    flag("token_scope", "genesys.token-scope", Shape::Text),
    flag("allow_plain_http", "genesys.allow-plain-http", Shape::Switch),
    flag("proxy_url", "genesys.proxy-url", Shape::Proxy),
    flag("proxy_password_file", "genesys.proxy-password-file", Shape::Path),
    flag("ca_file", "genesys.ca-file", Shape::Path),
    flag("retry_attempts", "genesys.retry-attempts", Shape::Whole(1, 10)),
    flag("retry_base", "genesys.retry-base", Shape::Duration),
    flag("max_retry_after", "genesys.max-retry-after", Shape::Duration),
    flag("requests_per_minute", "genesys.requests-per-minute", Shape::Whole(1, 3000)),
    flag("burst", "genesys.burst", Shape::Whole(1, 3000)),
    flag("connect_timeout", "genesys.connect-timeout", Shape::Duration),
    flag("read_timeout", "genesys.read-timeout", Shape::Duration),
    flag("max_body_bytes", "genesys.max-body-bytes", Shape::Size(1 << 10, 1 << 30)),
    flag("max_pages", "genesys.max-pages", Shape::Whole(1, 100_000)),
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
