//! How the calls of an organisation leave this machine, as text: through which proxy, and which authorities vouch for the hosts.
//!
//! Without user names and passwords. The decisions are in `proxy` and `authorities`.

use std::path::PathBuf;

use super::authorities::Authorities;
use super::config::Config;

/// The way to the platform, for the log and `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outbound {
    /// The proxy with the setting that names it, and the calls that do not use it.
    pub proxy: String,
    /// The certificate authorities with the setting that names them.
    pub authorities: String,
}

impl Config {
    /// The way to the platform.
    pub fn outbound(&self) -> Outbound {
        let route = self.proxy.as_ref().map(super::Proxy::route);
        let via = |url| route.as_ref().and_then(|route| route.via(url)).map(|via| via.named());
        let proxy = match (via(&self.api_url), via(&self.login_url)) {
            (Some(proxy), Some(_)) => proxy,
            (Some(proxy), None) => format!("{proxy} for the API, none for the login"),
            (None, Some(proxy)) => format!("{proxy} for the login, none for the API"),
            (None, None) if route.is_some() => {
                "none: NO_PROXY excepts the hosts, they are on this machine, or their URLs are plain http".to_owned()
            }
            (None, None) => "none".to_owned(),
        };
        let authorities =
            if self.uses_tls() { self.authorities.to_string() } else { "none: the URLs are plain http".to_owned() };
        Outbound { proxy, authorities }
    }

    /// The files with the certificate authorities and with the password of the proxy, if the settings name such files.
    pub fn files(&self) -> Vec<PathBuf> {
        let authorities = match &self.authorities {
            Authorities::File { path, .. } => Some(path.as_path()),
            Authorities::System { .. } => None,
        };
        let password = self.proxy.as_ref().and_then(super::Proxy::password_file);
        [authorities, password].into_iter().flatten().map(PathBuf::from).collect()
    }

    /// Whether one of the hosts is called by https.
    pub(super) fn uses_tls(&self) -> bool {
        [&self.api_url, &self.login_url].iter().any(|url| url.scheme() == "https")
    }
}
