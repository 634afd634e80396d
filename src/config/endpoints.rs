//! The URLs of an organisation: derived from its region, or given.
//!
//! Not the table of regions (`region`), and not the requests (`genesys`).

use url::Url;

use super::names::{API_URL, LOGIN_URL, REGION, REGION_ALIAS};
use super::raw::RawSettings;
use super::region::domain_of;
use super::values::Values;
use crate::genesys::is_loopback;

/// The URLs to call for one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints {
    pub(crate) api_url: Url,
    pub(crate) login_url: Url,
    /// The domain of the region, or the host of the API if no region is given.
    pub(crate) region: String,
}

/// The region is required unless both URLs are given. A given URL overrides the region's.
pub(crate) fn endpoints(values: &mut Values<'_>, raw: &RawSettings, plain_http: bool) -> Option<Endpoints> {
    let before = values.errors.len();
    let mut given = |name, value: Option<&String>| {
        let url = base_url(value?, plain_http);
        url.map_err(|problem| values.variable_wrong(name, problem)).ok()
    };
    let api = given(API_URL, raw.genesyscloud_api_url.as_ref());
    let login = given(LOGIN_URL, raw.genesyscloud_login_url.as_ref());
    let both = raw.genesyscloud_api_url.is_some() && raw.genesyscloud_login_url.is_some();

    let region = values.either(
        (REGION, raw.genesyscloud_region.as_ref()),
        (REGION_ALIAS, raw.genesys_cloud_region.as_ref()),
        |one, other| one == other || domain_of(one, true).is_ok_and(|domain| domain_of(other, true) == Ok(domain)),
    );
    let domain = match region {
        Some((name, text)) => match domain_of(text, both) {
            Ok(domain) => Some(domain),
            Err(problem) => {
                values.variable_wrong(name, problem);
                None
            }
        },
        None if both => api.as_ref().and_then(Url::host_str).map(str::to_owned),
        None => None,
    };
    if values.errors.len() > before {
        return None;
    }
    let region = domain?;
    let derived = |host: &str| Url::parse(&format!("https://{host}.{region}/")).ok();
    let api_url = api.or_else(|| derived("api"))?;
    let login_url = login.or_else(|| derived("login"))?;
    Some(Endpoints { api_url, login_url, region })
}

/// Parses an origin with an optional path prefix. A trailing slash is added, so that paths can be resolved against it.
///
/// Errors never quote the text, because it may contain credentials.
fn base_url(text: &str, plain_http: bool) -> Result<Url, String> {
    let Ok(mut url) = Url::parse(text) else {
        return Err("is not a URL; use for example https://api.mypurecloud.ie/".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password; set the credentials in their own variables".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a query or a fragment".to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if plain_http || is_loopback(&url) => {}
        "http" => {
            return Err(
                "uses http to a host other than loopback, which would send the secret unencrypted; use https, or set \
                 --genesys.allow-plain-http"
                    .to_owned(),
            );
        }
        _ => return Err("must start with https://".to_owned()),
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn resolve(region: &str, api: &str, login: &str) -> Result<(String, String, String), Vec<String>> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let raw = RawSettings {
            genesyscloud_region: some(region),
            genesyscloud_api_url: some(api),
            genesyscloud_login_url: some(login),
            ..RawSettings::default()
        };
        let (origins, hidden) = (BTreeMap::new(), super::super::hidden::Hidden::default());
        let mut values = Values::new(&origins, &hidden);
        match endpoints(&mut values, &raw, false) {
            Some(found) => Ok((found.api_url.into(), found.login_url.into(), found.region)),
            None => Err(values.errors.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn urls_are_derived_from_the_region_or_given() {
        for (region, api, login, expected) in [
            ("eu-west-1", "", "", ("https://api.mypurecloud.ie/", "https://login.mypurecloud.ie/", "mypurecloud.ie")),
            (
                "eu-west-1",
                "https://gw.example/genesys",
                "",
                ("https://gw.example/genesys/", "https://login.mypurecloud.ie/", "mypurecloud.ie"),
            ),
            (
                "",
                "https://gw.example/api/",
                "http://127.0.0.1:81",
                ("https://gw.example/api/", "http://127.0.0.1:81/", "gw.example"),
            ),
            (
                "own.example",
                "https://a.example",
                "https://b.example",
                ("https://a.example/", "https://b.example/", "own.example"),
            ),
        ] {
            let (a, l, r) = expected;
            assert_eq!(resolve(region, api, login), Ok((a.into(), l.into(), r.into())), "{region} {api} {login}");
        }
    }

    #[test]
    fn one_url_without_a_region_is_not_enough() {
        assert_eq!(resolve("", "https://a.example", ""), Err(vec![]), "the caller reports that the region is missing");
        assert!(resolve("own.example", "https://a.example", "").expect_err("unknown domain")[0].contains("use one of"));
    }

    #[test]
    fn urls_that_would_leak_are_rejected_and_not_quoted() {
        for text in [
            "http://gw.example/",
            "https://user:hunter2@gw.example/",
            "https://hunter2@gw.example/",
            "ftp://gw.example/hunter2",
            "https://gw.example/?hunter2",
            "https://gw.example/#hunter2",
            "hunter2",
            "http://localhost.example/",
            "https://",
        ] {
            let errors = resolve("eu-west-1", text, text).expect_err(text);
            assert_eq!(errors.len(), 2, "{text}: {errors:?}");
            assert!(
                errors[0].starts_with("GENESYSCLOUD_API_URL: ") && errors[1].starts_with("GENESYSCLOUD_LOGIN_URL: ")
            );
            assert!(!errors.concat().contains("hunter2"), "{errors:?}");
        }
    }

    #[test]
    fn plain_http_is_accepted_to_loopback_or_if_allowed() {
        for text in ["http://localhost:8080", "http://127.9.9.9", "http://[::1]:80/x"] {
            assert!(base_url(text, false).is_ok(), "{text}");
        }
        assert!(base_url("http://gw.example", true).is_ok());
    }
}
