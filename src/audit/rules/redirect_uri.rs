//! A redirect URI, parsed as a browser would parse it, with its defects.
//!
//! The rules in `redirects` decide what is a finding. URIs are parsed and never matched as a text: the host of
//! `https://good.example@evil.example` is `evil.example`.

use std::borrow::Cow;

use url::{Host, Url};

use super::redirect_form::{Parts, as_browsers_clean, is_web, of_authority, of_text};
use crate::text::visible;

/// Schemes whose content a browser runs as code, or as a page of its own.
const CODE: [&str; 3] = ["javascript", "vbscript", "data"];
/// Schemes that a browser or the system opens on the user's machine.
const LOCAL: [&str; 3] = ["file", "blob", "filesystem"];
/// Schemes before another URI, which a browser reads instead.
const WRAPPERS: [&str; 3] = ["view-source", "feed", "jar"];

/// A parsed redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RedirectUri {
    /// In lower case; taken from the text if the URI cannot be parsed. Empty if the URI has none.
    pub(super) scheme: String,
    /// In lower case and without a trailing dot; `None` unless the scheme is http or https and the URI can be parsed.
    pub(super) host: Option<String>,
    /// Whether the host is the user's own machine.
    pub(super) is_loopback: bool,
    /// Where the URI contains a `*`, if it does.
    pub(super) wildcard: Option<Wildcard>,
    /// What a browser or the system runs or opens itself instead of a page of a server.
    pub(super) opened: Option<Opened>,
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

/// What a URI opens without a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// Code in the URI.
    Code,
    /// A file, or an object of the browser.
    Local,
}

impl RedirectUri {
    pub(super) fn parse(text: &str) -> Self {
        let cleaned = as_browsers_clean(text);
        let parts = Parts::of(&cleaned);
        let mut uri = Self { wildcard: wildcard(&parts), opened: opened(text), ..Self::default() };
        uri.defects = of_text(text, &parts, uri.opened == Some(Opened::Code));
        if let Ok(url) = Url::parse(text) {
            url.scheme().clone_into(&mut uri.scheme);
            uri.read_authority(&url, &parts);
        } else {
            if parts.has_scheme() {
                uri.scheme = parts.scheme.to_ascii_lowercase();
            }
            uri.defects.push("invalid syntax");
        }
        uri
    }

    /// Whether it is http or https.
    pub(super) fn is_web(&self) -> bool {
        is_web(&self.scheme)
    }

    /// Hosts of other schemes are opaque: nothing is sent to them over the network.
    fn read_authority(&mut self, url: &Url, parts: &Parts<'_>) {
        if !self.is_web() {
            if !parts.host().is_ascii() {
                self.defects.push("a host that is not ASCII");
            }
            return;
        }
        self.defects.extend(of_authority(url, parts));
        let host = match url.host() {
            None => return,
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                self.is_loopback = name == "localhost" || name.ends_with(".localhost");
                if name.contains('*') {
                    self.wildcard = Some(Wildcard::Authority);
                }
                name.to_owned()
            }
            Some(Host::Ipv4(address)) => {
                self.is_loopback = address.is_loopback();
                address.to_string()
            }
            Some(Host::Ipv6(address)) => {
                self.is_loopback = address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback());
                format!("[{address}]")
            }
        };
        if !matches!(url.host(), Some(Host::Domain(_))) && !self.is_loopback {
            self.defects.push("an IP address as its host");
        }
        self.host = Some(host);
    }
}

fn wildcard(parts: &Parts<'_>) -> Option<Wildcard> {
    let has_star = |part: &str| part.contains('*') || part.to_ascii_lowercase().contains("%2a");
    if has_star(parts.authority) {
        return Some(Wildcard::Authority);
    }
    has_star(parts.rest).then_some(Wildcard::Path)
}

/// What a browser or the system runs or opens. Case is ignored, and so is everything in a scheme that cannot be seen, because a
/// browser or the server that redirects can remove it.
fn opened(text: &str) -> Option<Opened> {
    let mut rest = text;
    let mut found = None;
    while let Some((scheme, after)) = rest.split_once(':') {
        let is_seen = |c: &char| !c.is_whitespace() && matches!(visible(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_));
        let scheme: String = scheme.chars().filter(is_seen).map(|c| c.to_ascii_lowercase()).collect();
        let is_one_of = |schemes: [&str; 3]| schemes.contains(&scheme.as_str());
        if is_one_of(CODE) {
            return Some(Opened::Code);
        } else if is_one_of(LOCAL) {
            found = Some(Opened::Local);
        } else if !is_one_of(WRAPPERS) {
            break;
        }
        rest = after;
    }
    found
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
