//! The names of environment variables: those of flags, those of the credentials, and those that other guides use.
//!
//! Not their values.

use crate::text::nearest;

/// The variable of the TLS library for the file of the certificates that it trusts.
pub(crate) const CA_FILE: &str = "SSL_CERT_FILE";
/// The variable of the TLS library for a directory of such certificates.
pub(crate) const CA_DIRECTORY: &str = "SSL_CERT_DIR";

/// The prefix of every variable that belongs to a flag.
pub(crate) const PREFIX: &str = "GENESYSCLOUD_OAUTH_EXPORTER_";

/// The variable of a flag: `--web.listen-address` is `GENESYSCLOUD_OAUTH_EXPORTER_WEB_LISTEN_ADDRESS`.
pub fn variable_of(flag: &str) -> String {
    let name = flag.trim_start_matches('-').replace(['.', '-'], "_").to_ascii_uppercase();
    format!("{PREFIX}{name}")
}

pub(crate) const CLIENT_ID: &str = "GENESYSCLOUD_OAUTHCLIENT_ID";
pub(crate) const CLIENT_SECRET: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET";
pub(crate) const CLIENT_SECRET_FILE: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE";
pub(crate) const REGION: &str = "GENESYSCLOUD_REGION";
pub(crate) const API_URL: &str = "GENESYSCLOUD_API_URL";
pub(crate) const LOGIN_URL: &str = "GENESYSCLOUD_LOGIN_URL";
pub(crate) const ORG: &str = "GENESYSCLOUD_ORG";
pub(crate) const STATE_DIRECTORY: &str = "STATE_DIRECTORY";

pub(crate) const CLIENT_ID_ALIAS: &str = "GENESYS_CLOUD_CLIENT_ID";
pub(crate) const CLIENT_SECRET_ALIAS: &str = "GENESYS_CLOUD_CLIENT_SECRET";
pub(crate) const CLIENT_SECRET_FILE_ALIAS: &str = "GENESYS_CLOUD_CLIENT_SECRET_FILE";
pub(crate) const REGION_ALIAS: &str = "GENESYS_CLOUD_REGION";

/// A variable that has no flag.
#[derive(Debug)]
pub(crate) struct Variable {
    /// The name that the vendor's own tools use, where they have one.
    pub(crate) name: &'static str,
    /// Another name that is read too.
    pub(crate) alias: Option<&'static str>,
    /// The text for the reference of the settings.
    pub(crate) meaning: &'static str,
}

/// Every variable that is read and has no flag.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable {
        name: CLIENT_ID,
        alias: Some(CLIENT_ID_ALIAS),
        meaning: "The id of the exporter's own OAuth client (grant type client credentials). Required.",
    },
    Variable {
        name: CLIENT_SECRET,
        alias: Some(CLIENT_SECRET_ALIAS),
        meaning: "The secret of that client. Set either this variable or the next one.",
    },
    Variable {
        name: CLIENT_SECRET_FILE,
        alias: Some(CLIENT_SECRET_FILE_ALIAS),
        meaning: "A file that contains the secret. It is read again for each token, so that rotation needs no restart.",
    },
    Variable {
        name: REGION,
        alias: Some(REGION_ALIAS),
        meaning: "The AWS region or the domain of the organisation (see the table below). Required unless both URLs are set.",
    },
    Variable {
        name: API_URL,
        alias: None,
        meaning: "Base URL of the API, if it is not `https://api.<domain>/`: a gateway or a private link. A path is kept as a prefix.",
    },
    Variable {
        name: LOGIN_URL,
        alias: None,
        meaning: "Base URL of the login service, if it is not `https://login.<domain>/`. The client's secret is sent there.",
    },
    Variable {
        name: ORG,
        alias: None,
        meaning: "The value of the label `org`, 1 to 64 characters. By default `default`.",
    },
    Variable {
        name: STATE_DIRECTORY,
        alias: None,
        meaning: "Set by systemd. By default, the state file is in the first of these directories.",
    },
];

/// Names that other guides use, with the name that is read instead. They are not read: guides disagree on their content.
pub(crate) const FOREIGN: &[(&str, &str)] = &[
    ("GENESYS_CLIENT_ID", CLIENT_ID),
    ("GENESYSCLOUD_CLIENT_ID", CLIENT_ID),
    ("GENESYSCLOUD_OAUTH_CLIENT_ID", CLIENT_ID),
    ("GENESYS_CLOUD_OAUTHCLIENT_ID", CLIENT_ID),
    ("PURECLOUD_CLIENTID", CLIENT_ID),
    ("PURECLOUD_CLIENT_ID", CLIENT_ID),
    ("CLIENT_ID", CLIENT_ID),
    ("GENESYS_CLIENT_SECRET", CLIENT_SECRET),
    ("GENESYSCLOUD_CLIENT_SECRET", CLIENT_SECRET),
    ("GENESYSCLOUD_OAUTH_CLIENT_SECRET", CLIENT_SECRET),
    ("GENESYS_CLOUD_OAUTHCLIENT_SECRET", CLIENT_SECRET),
    ("PURECLOUD_CLIENTSECRET", CLIENT_SECRET),
    ("PURECLOUD_CLIENT_SECRET", CLIENT_SECRET),
    ("CLIENT_SECRET", CLIENT_SECRET),
    ("GENESYS_ENV_URL", REGION),
    ("GENESYS_ENV", REGION),
    ("GENESYS_REGION", REGION),
    ("GENESYSCLOUD_AWS_REGION", REGION),
    ("GENESYSCLOUD_ENVIRONMENT", REGION),
    ("GENESYS_CLOUD_ENVIRONMENT", REGION),
    ("PURECLOUD_REGION", REGION),
    ("PURECLOUD_ENVIRONMENT", REGION),
];

/// Whether the exporter reads a variable of this name, or would warn about it.
pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) || VARIABLES.iter().any(|variable| variable.name == name || variable.alias == Some(name))
}

/// The prefixes of the variables of the vendor's own tools: the Terraform provider, the command line, the SDKs. The last is for every
/// other name with which somebody may have meant this exporter.
const VENDOR: [&str; 4] = ["GENESYSCLOUD_", "GENESYS_CLOUD_", "PURECLOUD_", "GENESYS"];

/// What to do instead of setting a variable of the vendor's tools, by what its name contains after the prefix.
const INSTEAD: &[(&str, &str)] = &[
    ("ACCESS_TOKEN", "the exporter gets tokens of its own, with GENESYSCLOUD_OAUTHCLIENT_ID and its secret"),
    ("PROXY", "to use a proxy, set --genesys.proxy-url or HTTPS_PROXY"),
    ("CA_FILE", "to trust another certificate authority, set --genesys.ca-file"),
    ("CA_CERT", "to trust another certificate authority, set --genesys.ca-file"),
    ("GATEWAY_", "to use a gateway, set GENESYSCLOUD_API_URL and GENESYSCLOUD_LOGIN_URL"),
    ("DEBUG", "for more details in the log, set --log.level"),
];

/// Why a variable of the vendor's tools has no effect, to follow "the exporter does not read it". `None` for other variables. The
/// caller knows that the exporter does not read it.
pub(crate) fn vendor_advice(name: &str, value: &str) -> Option<String> {
    // Names in lower case are other variables, but were meant for this exporter or for one of those tools too.
    let upper = name.to_ascii_uppercase();
    let (prefix, rest) = VENDOR.iter().find_map(|prefix| Some((*prefix, upper.strip_prefix(prefix)?)))?;
    // Kubernetes sets such variables for a Service whose name starts like this.
    let of_service = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    if of_service || rest == "SERVICE_HOST" || rest.contains("_SERVICE_") || rest.contains("_PORT_") {
        return None;
    }
    if let Some((_, advice)) = INSTEAD.iter().find(|(part, _)| rest.contains(part)) {
        return Some((*advice).to_owned());
    }
    let known: Vec<&str> =
        VARIABLES.iter().flat_map(|variable| [Some(variable.name), variable.alias]).flatten().collect();
    if let Some(same) = known.iter().find(|known| **known == upper) {
        return Some(format!("did you mean {same}?"));
    }
    if let Some((_, ours)) = FOREIGN.iter().find(|(foreign, _)| *foreign == upper) {
        return Some(format!("did you mean {ours}?"));
    }
    let near = nearest(rest, known.into_iter().filter_map(|known| known.strip_prefix(prefix)));
    Some(near.map_or_else(|| "no setting has that name".to_owned(), |near| format!("did you mean {prefix}{near}?")))
}

/// Whether Kubernetes sets this variable for a Service named `genesyscloud-oauth-exporter`.
pub(crate) fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    rest == "SERVICE_HOST"
        || ["SERVICE_PORT", "PORT"].iter().any(|port| match rest.strip_prefix(port) {
            Some(tail) => tail.is_empty() || tail.starts_with('_'),
            None => false,
        })
}

/// `; did you mean NAME?` for a mistyped variable of a flag, or an empty text if nothing is close. The common prefix does not count.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    let near = nearest(rest, known.into_iter().filter_map(|known| known.strip_prefix(PREFIX)));
    near.map(|near| format!("; did you mean {PREFIX}{near}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_named_after_its_flag() {
        for flag in ["--web.listen-address", "web.listen-address"] {
            assert_eq!(variable_of(flag), "GENESYSCLOUD_OAUTH_EXPORTER_WEB_LISTEN_ADDRESS");
        }
    }

    #[test]
    fn variables_of_kubernetes_service_links_are_recognised() {
        for (rest, expected) in [
            ("SERVICE_HOST", true),
            ("SERVICE_PORT", true),
            ("SERVICE_PORT_METRICS", true),
            ("PORT", true),
            ("PORT_9847_TCP_ADDR", true),
            ("PORTS", false),
            ("SERVICE_HOSTS", false),
            ("WEB_LISTEN_ADDRESS", false),
        ] {
            assert_eq!(is_service_link(&format!("{PREFIX}{rest}")), expected, "{rest}");
        }
        assert!(!is_service_link("OTHER_SERVICE_HOST"));
    }

    #[test]
    fn variables_of_the_vendors_tools_have_advice_and_other_variables_have_none() {
        for (name, value, expected) in [
            ("GENESYSCLOUD_ACCESS_TOKEN", "x", Some("gets tokens of its own")),
            ("GENESYS_CLOUD_ACCESS_TOKEN", "x", Some("gets tokens of its own")),
            ("GENESYSCLOUD_PROXY_HOST", "proxy.example", Some("set --genesys.proxy-url or HTTPS_PROXY")),
            ("GENESYSCLOUD_PROXY_PORT", "3128", Some("set --genesys.proxy-url or HTTPS_PROXY")),
            ("GENESYSCLOUD_PROXY_AUTH_PASSWORD", "x", Some("set --genesys.proxy-url or HTTPS_PROXY")),
            ("GENESYSCLOUD_GATEWAY_HOST", "gateway.example", Some("set GENESYSCLOUD_API_URL")),
            ("GENESYSCLOUD_SDK_DEBUG_FILE_PATH", "x", Some("set --log.level")),
            ("GENESYSCLOUD_OAUTHCLIENT_IDS", "x", Some("did you mean GENESYSCLOUD_OAUTHCLIENT_ID?")),
            ("GENESYSCLOUD_REGOIN", "x", Some("did you mean GENESYSCLOUD_REGION?")),
            ("GENESYSCLOUD_TOKEN_POOL_SIZE", "10", Some("no setting has that name")),
            ("PURECLOUD_X", "x", Some("no setting has that name")),
            // Kubernetes, for Services named `genesyscloud-proxy` and `genesyscloud`.
            ("GENESYSCLOUD_PROXY_PORT", "tcp://10.0.0.1:3128", None),
            ("GENESYSCLOUD_PROXY_PORT_3128_TCP_ADDR", "10.0.0.1", None),
            ("GENESYSCLOUD_PROXY_SERVICE_HOST", "10.0.0.1", None),
            ("GENESYSCLOUD_SERVICE_HOST", "10.0.0.1", None),
            ("GENESYSCLOUD_PROXY", "http://proxy.example", Some("set --genesys.proxy-url")),
            ("GENESYS_CA_FILE", "/etc/ca.pem", Some("set --genesys.ca-file")),
            ("GENESYS_HOME", "/opt", Some("no setting has that name")),
            ("GENESYSCLOUD", "x", Some("no setting has that name")),
            ("genesyscloud_region", "x", Some("did you mean GENESYSCLOUD_REGION?")),
            ("genesys_region", "x", Some("did you mean GENESYSCLOUD_REGION?")),
            ("GENESYS_REGOIN", "x", Some("no setting has that name")),
            ("MY_GENESYS_REGION", "x", None),
            ("ACCESS_TOKEN", "x", None),
        ] {
            let advice = vendor_advice(name, value);
            match expected {
                Some(part) => {
                    assert!(advice.as_ref().is_some_and(|advice| advice.contains(part)), "{name}: {advice:?}");
                }
                None => assert_eq!(advice, None, "{name}"),
            }
        }
    }

    #[test]
    fn a_mistyped_name_finds_the_nearest_and_nonsense_finds_none() {
        let known = [variable_of("refresh.interval"), variable_of("web.listen-address")];
        let find = |rest: &str| did_you_mean(&format!("{PREFIX}{rest}"), known.iter().map(String::as_str));
        assert_eq!(find("REFRESH_INTERVALL"), format!("; did you mean {}?", known[0]));
        assert_eq!(find("REFRSH_INTERVAL"), format!("; did you mean {}?", known[0]));
        assert_eq!(find("ZZZZZZ"), "");
    }
}
