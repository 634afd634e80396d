//! Decides for each URL whether a request goes through a proxy.
//!
//! `config` reads the variables. The HTTP client reads none of them, so this is the only decision.

use std::fmt;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::{Position, Url};

use crate::secret::{ExposeSecret, SecretString};

/// The proxy for https URLs. Every request carries credentials, and a proxy would read those of a plain http request, so plain http
/// uses no proxy. Through a proxy, https is a tunnel.
#[derive(Debug, Clone)]
pub struct Proxy {
    variable: &'static str,
    /// It can contain a password.
    url: SecretString,
    /// The hosts that are called directly, as in `NO_PROXY`.
    bypass: SecretString,
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        self.variable == other.variable
            && self.url.expose_secret() == other.url.expose_secret()
            && self.bypass.expose_secret() == other.bypass.expose_secret()
    }
}

impl Proxy {
    /// Reads the URL of a proxy, with or without a scheme. The error says what is wrong and does not quote the URL.
    ///
    /// `variable` is where it was given, and `bypass` is the content of `NO_PROXY`.
    pub fn new(variable: &'static str, url: &SecretString, bypass: SecretString) -> Result<Self, &'static str> {
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
        Ok(Self { variable, url: SecretString::from(String::from(url)), bypass })
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
        Some(Via { variable: self.proxy.variable, address: authority(&proxy) })
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
    variable: &'static str,
    address: String,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " through the proxy {} that {} names", self.address, self.variable)
    }
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

    fn proxy(variable: &'static str, url: &str, bypass: &str) -> Result<Proxy, &'static str> {
        Proxy::new(variable, &SecretString::from(url), SecretString::from(bypass))
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
}
