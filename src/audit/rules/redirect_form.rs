//! The form of a redirect URI: its parts as they are spelled, and where the spelling differs from what a browser makes of it.
//!
//! Not its meaning (`redirect_uri`).

use std::borrow::Cow;

use url::{Host, Url};

use crate::text::{is_masked, visible};

/// Rounds of percent-decoding: some servers decode twice.
const ROUNDS: usize = 3;
/// The longest label of a host name, and the longest host name (RFC 1035).
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;

/// The parts of a URI, as they are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    /// The slashes and backslashes before the authority.
    slashes: &'a str,
    pub(super) authority: &'a str,
    /// The path, the query and the fragment.
    pub(super) rest: &'a str,
}

/// The URI without what browsers remove before they read it: spaces and control characters around it, tabs and line ends in it.
pub(super) fn as_browsers_clean(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let removed = ['\t', '\n', '\r'];
    if text.contains(removed) { Cow::Owned(text.replace(removed, "")) } else { Cow::Borrowed(text) }
}

impl<'a> Parts<'a> {
    /// Splits a URI that was cleaned.
    pub(super) fn of(text: &'a str) -> Self {
        let (scheme, after) = text.split_once(':').unwrap_or(("", text));
        // Browsers read a backslash as a slash. After http: and https: they accept any number of slashes, even none.
        let from = after.trim_start_matches(['/', '\\']);
        let slashes = &after[..after.len() - from.len()];
        if slashes.len() < 2 && !is_web(scheme) {
            return Self { scheme, slashes: "", authority: "", rest: after };
        }
        let end = from.find(['/', '\\', '?', '#']).unwrap_or(from.len());
        let (authority, rest) = from.split_at(end);
        Self { scheme, slashes, authority, rest }
    }

    /// Whether the text before the first colon can be a scheme.
    pub(super) fn has_scheme(&self) -> bool {
        let valid = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        self.scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && self.scheme.chars().all(valid)
    }

    /// The host without userinfo and port.
    pub(super) fn host(&self) -> &'a str {
        self.host_and_port().0
    }

    /// The port after its colon.
    fn port(&self) -> Option<&'a str> {
        self.host_and_port().1.strip_prefix(':')
    }

    fn host_and_port(&self) -> (&'a str, &'a str) {
        let host = self.authority.rsplit_once('@').map_or(self.authority, |(_, host)| host);
        let after_brackets = host.starts_with('[').then(|| host.find(']')).flatten().map(|end| end + 1);
        host.split_at(after_brackets.unwrap_or_else(|| host.find(':').unwrap_or(host.len())))
    }
}

pub(super) fn is_web(scheme: &str) -> bool {
    ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
}

/// What is wrong with the text, each as text that follows `a redirect URI with`. `code` is a URI that contains code, which may have
/// braces.
pub(super) fn of_text(text: &str, parts: &Parts<'_>, code: bool) -> Vec<&'static str> {
    let mut defects = Vec::new();
    let mut defect = |is: bool, what| {
        if is {
            defects.push(what);
        }
    };
    let controls = text.chars().any(char::is_control);
    defect(controls, "control characters");
    defect(!controls && matches!(visible(text), Cow::Owned(_)), "invisible characters");
    // A mask, which replaces a secret, can contain a space.
    defect(!is_masked(text) && text.chars().any(char::is_whitespace), "white space");
    defect(text.contains('\\'), "a backslash");
    defect(text.contains('#'), "a fragment");
    defect(!code && has_template(&decoded(text)), "an unfilled template");
    defect(
        parts.has_scheme() && parts.scheme.contains(|c: char| c.is_ascii_uppercase()),
        "upper-case letters in its scheme",
    );
    defect(parts.authority.contains('@'), "userinfo");
    let path = decoded(parts.rest.split(['?', '#']).next().unwrap_or_default());
    // Some servers ignore what follows a semicolon in a segment.
    let has = |dots: &str| path.split(['/', '\\']).any(|segment| segment.split(';').next() == Some(dots));
    defect(has(".."), "a .. in the path");
    defect(has("."), "a . in the path");
    let slashes = parts.slashes;
    defect(is_web(parts.scheme) && !slashes.starts_with("//"), "no // after the scheme");
    defect(
        is_web(parts.scheme) && slashes.starts_with("//") && slashes.len() > 2,
        "more than two slashes after the scheme",
    );
    defects
}

/// What is wrong with the authority of an http or https URI, compared with the form that a browser gives it.
pub(super) fn of_authority(url: &Url, parts: &Parts<'_>) -> Vec<&'static str> {
    let mut defects = Vec::new();
    let (spelled, normal) = (parts.host(), url.host_str().unwrap_or_default());
    let punycode = |host: &str| host.to_ascii_lowercase().contains("xn--");
    let number = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
    if !spelled.is_ascii() || (punycode(normal) && !punycode(spelled)) {
        defects.push("a host that is not ASCII");
    } else if spelled != normal {
        defects.push(match spelled.eq_ignore_ascii_case(normal) {
            _ if number => "an IP address in an unusual notation",
            true => "upper-case letters in its host",
            false => "a host in an unusual notation",
        });
    }
    if normal.ends_with('.') {
        defects.push("a dot at the end of its host");
    }
    let name = normal.strip_suffix('.').unwrap_or(normal);
    if !number && (name.len() > LONGEST_NAME || !name.split('.').all(is_label)) {
        defects.push("a host that is not a valid name");
    }
    match (parts.port(), url.port()) {
        (_, Some(0)) => defects.push("the port 0"),
        (None, None) => {}
        (Some(spelled), Some(port)) if spelled == port.to_string() => {}
        _ => defects.push("a port that a browser omits or writes in another way"),
    }
    defects
}

/// Whether it is a label of letters, digits and inner hyphens. A `*` is allowed, because another rule reports it.
fn is_label(label: &str) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '*');
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.chars().all(valid)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether text in braces, in `$(..)` or in angle brackets remains. A JSON object does not count.
fn has_template(text: &str) -> bool {
    let within = |open: &str, close: &str| {
        let last = text.rfind(close);
        let is_open = |(at, _): (usize, &str)| !text[at + open.len()..].trim_start().starts_with('"');
        text.match_indices(open).filter(|(at, _)| last.is_some_and(|last| at + open.len() <= last)).any(is_open)
    };
    within("{", "}") || within("$(", ")") || within("<", ">")
}

/// The text with its percent-encoding removed, also where it was encoded several times.
fn decoded(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        if !text.contains('%') {
            break;
        }
        text = Cow::Owned(decoded_once(&text));
    }
    text
}

fn decoded_once(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = byte.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
