//! A redirect URI, parsed as a browser would parse it, with its defects.
//!
//! The rules in `redirects` decide what is a finding. URIs are parsed and never matched as a text: the host of
//! `https://good.example@evil.example` is `evil.example`.

use url::{Host, Url};

/// A parsed redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RedirectUri {
    /// In lower case; taken from the text if the URI cannot be parsed.
    pub(super) scheme: String,
    /// In lower case and without a trailing dot; `None` unless the scheme is http or https and the URI can be parsed.
    pub(super) host: Option<String>,
    /// Whether the host is the user's own machine.
    pub(super) is_loopback: bool,
    /// Where the URI contains a `*`, if it does.
    pub(super) wildcard: Option<Wildcard>,
    /// What is wrong with it, each as text that follows `a redirect URI with`.
    pub(super) defects: Vec<&'static str>,
}

/// The part of a URI that contains a `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcard {
    /// The host, the port or the userinfo: another host can match.
    Authority,
    /// The rest.
    Path,
}

impl RedirectUri {
    pub(super) fn parse(text: &str) -> Self {
        let (scheme, authority, rest) = split(text);
        let mut uri = Self { scheme: scheme.to_ascii_lowercase(), ..Self::default() };
        let decoded_star = |part: &str| part.contains('*') || part.to_ascii_lowercase().contains("%2a");
        uri.wildcard = if decoded_star(authority) {
            Some(Wildcard::Authority)
        } else {
            decoded_star(rest).then_some(Wildcard::Path)
        };
        let web = uri.is_web();
        let parsed = Url::parse(text);
        let mut defect = |is: bool, what| {
            if is {
                uri.defects.push(what);
            }
        };
        defect(text.chars().any(char::is_control), "control characters");
        defect(text.chars().any(char::is_whitespace), "white space");
        defect(text.contains('\\'), "a backslash");
        defect(text.contains('#'), "a fragment");
        defect(authority.contains('@'), "userinfo");
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let climbs = |segment: &str| segment.to_ascii_lowercase().replace("%2e", ".") == "..";
        defect(path.split(['/', '\\']).any(climbs), "a .. in the path");
        defect(web && !after_scheme(text).starts_with("//"), "no // after the scheme");
        match parsed {
            Ok(url) => uri.read_host(&url, authority),
            Err(_) => uri.defects.push("invalid syntax"),
        }
        uri
    }

    /// Whether it is http or https.
    pub(super) fn is_web(&self) -> bool {
        ["http", "https"].contains(&self.scheme.as_str())
    }

    fn read_host(&mut self, url: &Url, authority: &str) {
        url.scheme().clone_into(&mut self.scheme);
        let spelled = host_part(authority);
        if !spelled.is_ascii() {
            self.defects.push("a host that is not ASCII");
        }
        // Hosts of other schemes are opaque: nothing is sent to them over the network.
        let Some(host) = url.host().filter(|_| self.is_web()) else { return };
        match host {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                self.is_loopback = name == "localhost" || name.ends_with(".localhost");
                if spelled.is_ascii() && name.contains("xn--") && !spelled.to_ascii_lowercase().contains("xn--") {
                    self.defects.push("a host that is not ASCII");
                }
                if name.contains('*') {
                    self.wildcard = Some(Wildcard::Authority);
                }
                self.host = Some(name.to_owned());
            }
            Host::Ipv4(address) => {
                self.is_loopback = address.is_loopback();
                if spelled != address.to_string() {
                    self.defects.push("an IP address in an unusual notation");
                } else if !self.is_loopback {
                    self.defects.push("an IP address as its host");
                }
                self.host = Some(address.to_string());
            }
            Host::Ipv6(address) => {
                self.is_loopback = address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback());
                if !self.is_loopback {
                    self.defects.push("an IP address as its host");
                }
                self.host = Some(format!("[{address}]"));
            }
        }
    }
}

/// The scheme, the authority and the rest, as spelled.
fn split(text: &str) -> (&str, &str, &str) {
    let text = text.trim();
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    // Browsers read a backslash as a slash. After http: and https: they accept any number of slashes, even none.
    let rest = after_scheme(text);
    let hierarchical = rest.starts_with(['/', '\\']) && rest[1..].starts_with(['/', '\\']);
    let web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    if !hierarchical && !web {
        return (scheme, "", rest);
    }
    let rest = rest.trim_start_matches(['/', '\\']);
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    (scheme, authority, rest)
}

fn after_scheme(text: &str) -> &str {
    text.trim().split_once(':').map_or(text, |(_, rest)| rest)
}

/// The host of an authority without userinfo and port, as spelled.
fn host_part(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_host_is_the_one_that_a_browser_contacts() {
        for (text, host, is_loopback) in [
            ("https://desk.example.com/cb", Some("desk.example.com"), false),
            ("HTTPS://DESK.example.com./cb", Some("desk.example.com"), false),
            ("https://login.example.com@evil.example.net/cb", Some("evil.example.net"), false),
            ("https:\\\\evil.example.net\\@good.example.com", Some("evil.example.net"), false),
            ("http://localhost:3000/cb", Some("localhost"), true),
            ("http://app.localhost/cb", Some("app.localhost"), true),
            ("http://localhost.evil.example/cb", Some("localhost.evil.example"), false),
            ("http://127.0.0.1:8080/cb", Some("127.0.0.1"), true),
            ("http://127.8.8.8/cb", Some("127.8.8.8"), true),
            ("http://0x7f.1/cb", Some("127.0.0.1"), true),
            ("http://2130706433/cb", Some("127.0.0.1"), true),
            ("http://[::1]:8080/cb", Some("[::1]"), true),
            ("http://[::ffff:127.0.0.1]/cb", Some("[::ffff:127.0.0.1]"), true),
            ("http://[2001:db8::1]/cb", Some("[2001:db8::1]"), false),
            ("com.example.app://oauth", None, false),
            ("https://example.com:99999/cb", None, false),
            ("nonsense", None, false),
        ] {
            let uri = RedirectUri::parse(text);
            assert_eq!((uri.host.as_deref(), uri.is_loopback), (host, is_loopback), "{text}");
        }
    }

    #[test]
    fn defects_are_named() {
        for (text, expected) in [
            ("https://desk.example.com/cb?x=1", &[][..]),
            ("https://desk.example.com/a..b/...", &[]),
            ("http://localhost/cb", &[]),
            ("http://[::1]/cb", &[]),
            ("com.example.app:/oauth", &[]),
            ("https://xn--bcher-kva.example/cb", &[]),
            ("https://a.example/cb#frag", &["a fragment"]),
            ("https://a@b.example/cb", &["userinfo"]),
            ("https://a.example/app/../cb", &["a .. in the path"]),
            ("https://a.example/app/%2E%2e/cb", &["a .. in the path"]),
            ("https://a.example\\@b.example/cb", &["a backslash"]),
            ("https://a.example/c\tb", &["control characters", "white space"]),
            ("https://203.0.113.17/cb", &["an IP address as its host"]),
            ("https://[2001:db8::1]/cb", &["an IP address as its host"]),
            ("http://0x7f.1/cb", &["an IP address in an unusual notation"]),
            ("https://bücher.example/cb", &["a host that is not ASCII"]),
            ("https://b%C3%BCcher.example/cb", &["a host that is not ASCII"]),
            ("https:a.example/cb", &["no // after the scheme"]),
            ("https://", &["invalid syntax"]),
            ("", &["invalid syntax"]),
        ] {
            assert_eq!(RedirectUri::parse(text).defects, expected, "{text}");
        }
    }

    #[test]
    fn a_wildcard_is_classified_by_its_position() {
        for (text, expected) in [
            ("https://a.example/cb", None),
            ("https://*.a.example/cb", Some(Wildcard::Authority)),
            ("https://%2A.a.example/cb", Some(Wildcard::Authority)),
            ("https://a.example:*/cb", Some(Wildcard::Authority)),
            ("https://*@a.example/cb", Some(Wildcard::Authority)),
            ("https://a.example/*", Some(Wildcard::Path)),
            ("https://a.example/cb?next=*", Some(Wildcard::Path)),
            ("*", Some(Wildcard::Path)),
        ] {
            assert_eq!(RedirectUri::parse(text).wildcard, expected, "{text}");
        }
    }

    proptest! {
        /// Any text can be parsed, and only a loopback host counts as loopback.
        #[test]
        fn any_text_can_be_parsed(text in "\\PC{0,30}|https?:[/\\\\]{0,3}[a-z0-9.:@*%\\[\\]ü-]{0,20}[/?#]?[a-z.*/]{0,9}") {
            let uri = RedirectUri::parse(&text);
            if uri.is_loopback {
                let host = uri.host.expect("a loopback URI has a host");
                prop_assert!(host.ends_with("localhost") || host.starts_with("127.") || host.starts_with('['));
            }
        }
    }
}
