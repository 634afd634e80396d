//! Divides settings into those of the process and those of an organisation, which become keys of a configuration file.
//!
//! For `demo` with several organisations, which writes that file. `serve` never does this: there, a setting is in one place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, absolute};

use super::keys::{KEYS, Setting};
use super::names;
use super::names::variable_of;

/// The settings of the process, and those of its organisations.
#[derive(Debug, Default)]
pub(crate) struct Divided {
    /// As long name and value, for [`super::read()`].
    pub(crate) flags: Vec<(String, String)>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// For `[defaults]`, with absolute paths.
    pub(crate) keys: BTreeMap<&'static str, String>,
}

/// Divides flags and environment. Credentials and hosts in the environment are dropped.
pub(crate) fn divided(
    given: &[(String, String)],
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Divided {
    let mut divided = Divided::default();
    for (name, value) in environment {
        let of = name
            .to_str()
            .map(|name| names::VARIABLES.iter().find(|of| of.alias == Some(name)).map_or(name, |of| of.name));
        match KEYS.iter().find(|key| Some(key.variable().as_str()) == of) {
            None => divided.environment.push((name, value)),
            Some(key) if matches!(key.setting, Setting::Flag(_)) => {
                let text = value.to_string_lossy().into_owned();
                if !text.trim().is_empty() {
                    divided.keys.insert(key.name, resolved(text, key.shape.is_path()));
                }
            }
            Some(_) => {}
        }
    }
    for (flag, value) in given {
        match KEYS.iter().find(|key| key.variable() == variable_of(flag)) {
            None => divided.flags.push((flag.clone(), value.clone())),
            Some(key) => _ = divided.keys.insert(key.name, resolved(value.clone(), key.shape.is_path())),
        }
    }
    divided
}

fn resolved(value: String, is_path: bool) -> String {
    if !is_path || value.is_empty() {
        return value;
    }
    absolute(Path::new(&value)).map_or(value, |path| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_an_organisation_become_keys_and_credentials_are_dropped() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment = [
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "somebody"),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "secret"),
            ("GENESYSCLOUD_REGION", "eu-west-1"),
            ("GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL", "20s"),
            ("GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_DEADLINE", "30s"),
            ("GENESYSCLOUD_OAUTH_EXPORTER_LOG_LEVEL", "debug"),
            ("PATH", "/bin"),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let given = [pair("refresh.interval", "10s"), pair("web.max-connections", "9"), pair("policy.file", "p.toml")];
        let Divided { flags, environment, keys } = divided(&given, environment);
        assert_eq!(flags, [pair("web.max-connections", "9")]);
        let names: Vec<_> = environment.iter().map(|(name, _)| name.to_str().expect("UTF-8")).collect();
        assert_eq!(names, ["GENESYSCLOUD_OAUTH_EXPORTER_LOG_LEVEL", "PATH"]);
        assert_eq!((keys["interval"].as_str(), keys["deadline"].as_str()), ("10s", "30s"));
        assert!(Path::new(&keys["policy_file"]).is_absolute());
        assert_eq!(keys.len(), 3, "{keys:?}");
    }
}
