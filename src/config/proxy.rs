//! The proxy: the setting or the usual variable that names it.
//!
//! Not the check of its URL, and not which requests use it (`genesys`).

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, Origin, variable_from};
use super::raw::RawSettings;
use super::values::Values;
use crate::genesys::Proxy;
use crate::secret::SecretString;

const URL: &str = "genesys.proxy-url";
const PASSWORD_FILE: &str = "genesys.proxy-password-file";

/// The usual variables. In each pair, the first that is set counts, as in most programs.
const HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];
/// Checked only: plain http uses no proxy.
const HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const NO: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Whether a variable of this name is about proxies.
pub(crate) fn is_about_proxies(name: &str) -> bool {
    [HTTPS, ALL, HTTP, NO].iter().flatten().any(|known| *known == name)
}

/// The variables about proxies that are set, with where each was set.
pub(crate) type ProxyVariables = BTreeMap<String, (SecretString, Origin)>;

/// The proxy that is in force. The setting counts before the variables, and the exceptions of `NO_PROXY` count for both. Also `None`
/// after adding an error.
pub(crate) fn in_force(values: &mut Values<'_>, raw: &RawSettings, set: &ProxyVariables) -> Option<Proxy> {
    let password_file = raw.genesys_proxy_password_file.as_deref().filter(|path| !path.is_empty()).map(Path::new);
    let Some(url) = &raw.genesys_proxy_url else {
        if password_file.is_some() {
            values.flag_wrong(
                PASSWORD_FILE,
                "is set without --genesys.proxy-url; set both, or put the password into HTTPS_PROXY",
            );
            return None;
        }
        return from_variables(set).map_err(|problems| values.errors.extend(problems)).ok()?;
    };
    if Proxy::is_direct(url) {
        return None;
    }
    let setting = if values.is_of_file() { "proxy_url" } else { "--genesys.proxy-url" };
    let proxy = match Proxy::new(setting, url, bypass(set)) {
        Ok(proxy) => proxy,
        Err(problem) => {
            values.flag_wrong(URL, problem);
            return None;
        }
    };
    if proxy.has_password()
        && let Some(why) = match values.given_in(URL) {
            Some(Origin::Flag) => Some("every user of this machine can read the command line"),
            Some(Origin::Key { .. }) => Some("this file contains no secrets"),
            _ => None,
        }
    {
        values.flag_wrong(
            URL,
            format!("contains a password, but {why}; leave the password out of the URL, and name a file that contains it in --{PASSWORD_FILE}"),
        );
        return None;
    }
    match password_file {
        None => Some(proxy),
        Some(path) => {
            let proxy = proxy.with_password_file(path).map_err(|problem| values.flag_wrong(PASSWORD_FILE, problem));
            proxy.ok()
        }
    }
}

fn first<'a>(set: &'a ProxyVariables, names: [&'static str; 2]) -> Option<(&'static str, &'a (SecretString, Origin))> {
    names.into_iter().find_map(|name| Some((name, set.get(name)?)))
}

fn bypass(set: &ProxyVariables) -> SecretString {
    first(set, NO).map(|(_, (bypass, _))| bypass.clone()).unwrap_or_default()
}

/// The proxy that the usual variables name, or an error for each that names none.
fn from_variables(set: &ProxyVariables) -> Result<Option<Proxy>, Vec<ConfigError>> {
    let (mut in_force, mut errors) = (None, Vec::new());
    for (names, is_used) in [(HTTPS, true), (ALL, true), (HTTP, false)] {
        let Some((name, (url, origin))) = first(set, names) else { continue };
        match Proxy::new(name, url, bypass(set)) {
            Ok(proxy) if is_used => in_force = in_force.or(Some(proxy)),
            Ok(_) => {}
            Err(problem) => errors.push(ConfigError::new(variable_from(name, origin), problem)),
        }
    }
    if errors.is_empty() { Ok(in_force) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<String>, Vec<String>> {
        let set =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (SecretString::from(*value), Origin::Environment)));
        match from_variables(&set.collect()) {
            Ok(proxy) => Ok(proxy.map(|proxy| format!("{proxy:?}"))),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn the_variable_for_https_counts_before_the_one_for_all_and_upper_case_before_lower_case() {
        let (one, two) = ("http://one.example", "http://two.example");
        for (pairs, expected) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", one)], Some("\"HTTPS_PROXY\"")),
            (&[("https_proxy", one)], Some("\"https_proxy\"")),
            (&[("https_proxy", one), ("HTTPS_PROXY", two)], Some("\"HTTPS_PROXY\"")),
            (&[("ALL_PROXY", one), ("https_proxy", two)], Some("\"https_proxy\"")),
            (&[("all_proxy", one)], Some("\"all_proxy\"")),
            (&[("HTTP_PROXY", one)], None),
            (&[("NO_PROXY", "*")], None),
        ] {
            let proxy = read(pairs).expect("valid");
            assert_eq!(proxy.is_some(), expected.is_some(), "{pairs:?}");
            assert!(expected.is_none_or(|name| proxy.is_some_and(|proxy| proxy.contains(name))), "{pairs:?}");
        }
    }

    #[test]
    fn each_malformed_variable_is_named_and_not_quoted() {
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
            for value in ["http://user:hunter2@", "socks5://user:hunter2@proxy.example", "http//hunter2:80"] {
                let errors = read(&[(name, value)]).expect_err(name);
                assert!(errors.len() == 1 && errors[0].starts_with(&format!("{name}: ")), "{errors:?}");
                assert!(!errors.concat().contains("hunter2"), "{errors:?}");
            }
        }
        let several = read(&[("HTTPS_PROXY", "http://"), ("ALL_PROXY", "x://y"), ("HTTP_PROXY", "p:x")]);
        assert_eq!(several.expect_err("invalid").len(), 3);
    }
}
