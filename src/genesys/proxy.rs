//! Decides for each URL whether a request goes through a proxy.
//!
//! `config` reads the variables. The HTTP client reads none of them, so this is the only decision.

use std::fmt;
use std::path::{Path, PathBuf};

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::{Position, Url};

use crate::file;
use crate::secret::{ExposeSecret, MAX_SECRET_BYTES, SecretString};

/// The proxy for https URLs. Every request carries credentials, and a proxy would read those of a plain http request, so plain http
/// uses no proxy. Through a proxy, https is a tunnel.
#[derive(Debug, Clone)]
pub struct Proxy {
    setting: &'static str,
    /// It can contain a password.
    url: SecretString,
    /// It contains the password, if the URL does not. With its content when the settings were read.
    password_file: Option<(PathBuf, SecretString)>,
    /// The hosts that are called directly, as in `NO_PROXY`.
    bypass: SecretString,
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        let password = |proxy: &Self| proxy.password_file.clone().map(|(_, password)| password);
        let same = |one: &SecretString, other: &SecretString| one.expose_secret() == other.expose_secret();
        self.setting == other.setting
            && self.password_file() == other.password_file()
            && same(&self.url, &other.url)
            && same(&password(self).unwrap_or_default(), &password(other).unwrap_or_default())
            && same(&self.bypass, &other.bypass)
    }
}

impl Proxy {
    /// Reads the URL of a proxy, with or without a scheme. The error says what is wrong and does not quote the URL.
    ///
    /// `setting` is where it was given, and `bypass` is the content of `NO_PROXY`.
    pub fn new(setting: &'static str, url: &SecretString, bypass: SecretString) -> Result<Self, &'static str> {
        const SHAPE: &str = "is not the URL of a proxy; use for example http://proxy.example:3128, and encode special characters \
                             in the user name and the password with % (@ is %40)";
        let text = url.expose_secret().trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&text).map_err(|_| SHAPE)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(
                "names a proxy that is not supported; use a proxy with http:// or https:// (SOCKS is not supported)",
            );
        }
        let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        // The HTTP client parses the URL with another parser, and would call the platform directly if that fails.
        if !is_origin || url.host_str().is_none_or(str::is_empty) || url.as_str().parse::<Uri>().is_err() {
            return Err(SHAPE);
        }
        Ok(Self { setting, url: SecretString::from(String::from(url)), password_file: None, bypass })
    }

    /// Whether the text stands for no proxy, in place of a URL.
    pub fn is_direct(text: &SecretString) -> bool {
        text.expose_secret().trim().eq_ignore_ascii_case("direct")
    }

    /// With the password of this file. The error says what is wrong with the file or the URL, and quotes neither.
    pub fn with_password_file(self, path: &Path) -> Result<Self, String> {
        let url = self.url()?;
        if url.username().is_empty() {
            return Err(
                "is set, but the URL of the proxy names no user; use for example http://user@proxy.example:3128"
                    .to_owned(),
            );
        }
        if url.password().is_some() {
            return Err("is set, and the URL of the proxy has a password too; remove one of them".to_owned());
        }
        let password = read_password(path)?;
        Ok(Self { password_file: Some((path.to_owned(), password)), ..self })
    }

    pub(super) fn password_file(&self) -> Option<&Path> {
        self.password_file.as_ref().map(|(path, _)| path.as_path())
    }

    /// Whether the URL itself contains a password.
    pub fn has_password(&self) -> bool {
        self.url().is_ok_and(|url| url.password().is_some())
    }

    fn url(&self) -> Result<Url, String> {
        Url::parse(self.url.expose_secret()).map_err(|_| "the URL of the proxy cannot be read".to_owned())
    }

    /// The same proxy with the password that the file has now, in the URL.
    pub(super) fn with_password(&self) -> Result<Self, String> {
        let Some((path, _)) = &self.password_file else { return Ok(self.clone()) };
        let mut url = self.url()?;
        let password = read_password(path)?;
        // Everything else that has a meaning in a URL is encoded by `set_password`.
        let encoded = SecretString::from(password.expose_secret().trim().replace('%', "%25"));
        url.set_password(Some(encoded.expose_secret())).map_err(|()| "the URL of the proxy has no user".to_owned())?;
        Ok(Self { url: SecretString::from(String::from(url)), ..self.clone() })
    }

    /// The decision for each URL.
    pub(super) fn route(&self) -> Route {
        // Only the list of exceptions is used. The address is a placeholder.
        let matcher = Matcher::builder().https("http://proxy.invalid").no(self.bypass.expose_secret()).build();
        Route { proxy: self.clone(), matcher }
    }
}

/// A [`Proxy`], ready to decide.
#[derive(Debug)]
pub(super) struct Route {
    proxy: Proxy,
    matcher: Matcher,
}

impl Route {
    /// The proxy for a request to this URL; `None` if the request is sent directly.
    pub(super) fn proxy(&self, url: &Url) -> Option<Url> {
        self.is_proxied(url).then(|| Url::parse(self.proxy.url.expose_secret()).ok()).flatten()
    }

    /// The name of the proxy for a request to this URL; `None` if the request is sent directly.
    pub(super) fn via(&self, url: &Url) -> Option<Via> {
        let proxy = self.proxy(url)?;
        Some(Via { setting: self.proxy.setting, address: authority(&proxy) })
    }

    fn is_proxied(&self, url: &Url) -> bool {
        let origin = url.origin().ascii_serialization();
        url.scheme() == "https"
            && !is_on_this_machine(url)
            && origin.parse::<Uri>().is_ok_and(|uri| self.matcher.intercept(&uri).is_some())
    }
}

/// The proxy of a request, for messages: without its user name and password.
#[derive(Debug, Clone)]
pub(super) struct Via {
    setting: &'static str,
    address: String,
}

impl Via {
    /// Its address and the setting that names it.
    pub(super) fn named(&self) -> String {
        format!("{} ({})", self.address, self.setting)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " through the proxy {} that {} names", self.address, self.setting)
    }
}

/// Reads a password. The error does not quote it.
fn read_password(path: &Path) -> Result<SecretString, String> {
    let shown = path.display();
    let text = file::read_text(path, MAX_SECRET_BYTES).map_err(|error| format!("{shown}: {error}"))?;
    let text = SecretString::from(text);
    let password = text.expose_secret().trim();
    if password.is_empty() {
        return Err(format!("{shown} is empty; write the password of the proxy to it"));
    }
    if password.chars().any(char::is_control) {
        return Err(format!(
            "{shown} has several lines or a control character; it must contain only the password of the proxy"
        ));
    }
    Ok(text)
}

/// Host and port of a URL, for messages.
pub(super) fn authority(url: &Url) -> String {
    let host = &url[Position::BeforeHost..Position::AfterHost];
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether the host of a URL is surely loopback, so that plain http never leaves the machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => false,
    }
}

/// Also a name below `localhost`. Most resolvers answer loopback for it, but not all, so it is not enough for plain http.
fn is_on_this_machine(url: &Url) -> bool {
    is_loopback(url) || url.domain().is_some_and(|name| name.trim_end_matches('.').ends_with(".localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn proxy(setting: &'static str, url: &str, bypass: &str) -> Result<Proxy, &'static str> {
        Proxy::new(setting, &SecretString::from(url), SecretString::from(bypass))
    }

    #[test]
    fn only_https_to_another_machine_uses_the_proxy() {
        let route = proxy("HTTPS_PROXY", "http://proxy.example:3128", "").expect("a proxy").route();
        for (target, proxied) in [
            ("https://api.mypurecloud.ie/", true),
            ("https://api.mypurecloud.ie:8443/api/v2/tokens/me?x=1", true),
            ("https://10.0.0.1/", true),
            ("https://[2001:db8::1]/", true),
            ("https://localhost.example/", true),
            ("http://api.mypurecloud.ie/", false),
            ("http://10.0.0.1/", false),
            ("http://localhost/", false),
            ("https://localhost/", false),
            ("https://LOCALHOST:8443/", false),
            ("https://localhost./", false),
            ("https://gateway.localhost/", false),
            ("https://gateway.localhost./", false),
            ("https://127.0.0.1/", false),
            ("https://127.9.9.9/", false),
            ("https://2130706433/", false),
            ("https://[::1]/", false),
            ("https://[::ffff:127.0.0.1]/", false),
        ] {
            assert_eq!(route.proxy(&url(target)).is_some(), proxied, "{target}");
            assert_eq!(route.via(&url(target)).is_some(), proxied, "{target}");
        }
    }

    #[test]
    fn exceptions_are_called_directly() {
        for (bypass, target, proxied) in [
            ("mypurecloud.ie", "https://api.mypurecloud.ie/", false),
            (".mypurecloud.ie", "https://api.mypurecloud.ie/", false),
            ("other.example, mypurecloud.ie", "https://login.mypurecloud.ie/", false),
            ("*", "https://api.mypurecloud.ie/", false),
            ("10.0.0.0/8", "https://10.1.2.3/", false),
            ("10.0.0.0/8", "https://11.1.2.3/", true),
            ("purecloud.ie", "https://api.mypurecloud.ie/", true),
            ("", "https://api.mypurecloud.ie/", true),
        ] {
            let route = proxy("ALL_PROXY", "proxy.example", bypass).expect("a proxy").route();
            assert_eq!(route.proxy(&url(target)).is_some(), proxied, "{bypass} {target}");
        }
    }

    #[test]
    fn a_url_is_accepted_as_tools_accept_it_and_nothing_else_is() {
        for text in [
            "http://proxy.example:3128",
            "http://proxy.example:3128/",
            "https://proxy.example",
            "HTTP://proxy.example",
            "proxy.example:3128",
            "proxy",
            "10.0.0.1:8080",
            "http://[2001:db8::1]:3128",
            "http://user:p%40ss@proxy.example:3128",
            "user:pass@proxy.example:3128",
            " http://proxy.example:3128 ",
        ] {
            assert!(proxy("HTTPS_PROXY", text, "").is_ok(), "{text}");
        }
        for text in [
            "http://",
            "http://:3128",
            "http://proxy.example:hunter2",
            "http://proxy.example:99999",
            "http//proxy.example:3128",
            "http:/proxy.example/hunter2",
            "http://user:hunter2#1@proxy.example:3128",
            "http://user:hunter2/1@proxy.example:3128",
            "http://proxy.example/hunter2",
            "http://proxy.example?hunter2",
            "http://proxy example",
            "http://[::1",
            "://hunter2",
            "socks5://user:hunter2@proxy.example:1080",
            "socks4a://proxy.example",
            "ftp://proxy.example",
            "file:///hunter2",
        ] {
            let error = proxy("HTTPS_PROXY", text, "").expect_err(text);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_password_of_a_proxy_is_used_but_never_shown() {
        let found = proxy("HTTPS_PROXY", "http://user:hunter2@proxy.example", "").expect("a proxy");
        let route = found.route();
        let used = route.proxy(&url("https://api.mypurecloud.ie/")).expect("a proxy");
        assert_eq!(used.password(), Some("hunter2"));
        assert!(!format!("{found:?} {route:?}").contains("hunter2"));
    }

    #[test]
    fn a_password_of_a_file_is_used_as_it_is_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        std::fs::write(&path, "first\n").expect("writable");
        let found = proxy("--genesys.proxy-url", "http://user@proxy.example", "").expect("a proxy");
        let found = found.with_password_file(&path).expect("a password");
        for (password, encoded) in
            [("hunter2", "hunter2"), ("p@ss:w/o?r#d", "p%40ss%3Aw%2Fo%3Fr%23d"), ("100%41", "100%2541")]
        {
            std::fs::write(&path, format!("{password}\r\n")).expect("writable");
            let route = found.with_password().expect("a password").route();
            let used = route.proxy(&url("https://api.mypurecloud.ie/")).expect("a proxy");
            assert_eq!((used.username(), used.password()), ("user", Some(encoded)));
            assert!(!format!("{found:?} {route:?}").contains(password));
        }
        let other = proxy("--genesys.proxy-url", "http://user@proxy.example", "").expect("a proxy");
        let other = other.with_password_file(&path).expect("a password");
        assert!(found == found.clone() && found != other, "a reload notices another password");
        for content in ["", " \n", "hunter2\nhunter3"] {
            std::fs::write(&path, content).expect("writable");
            let error = found.with_password().expect_err(content);
            assert!(error.contains("password") && !error.contains("hunter"), "{error}");
        }
        for (url, problem) in [("http://proxy.example", "names no user"), ("http://user:x@proxy.example", "remove one")]
        {
            let error = proxy("HTTPS_PROXY", url, "").expect("a proxy").with_password_file(&path).expect_err(url);
            assert!(error.contains(problem), "{error}");
        }
    }
}
