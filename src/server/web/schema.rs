//! The keys of the file, as exporters share them: which there are, and what their values may be.
//!
//! The format: <https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>. The files that it names are read in
//! `source`, and the settings of TLS are in `tls_keys`.

use std::path::Path;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::rate::Rate;
use super::section::{Remarks, Section, quoted};
use super::tls_keys::{self, TlsDraft};
use super::users::{Hash, Users};
use super::yaml::{self, Node, Value};

/// The largest number of users.
const MOST_USERS: usize = 256;

/// The content of a file, before the files are read that it names.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// `None` without a certificate: then the server speaks plain HTTP.
    pub(super) tls: Option<TlsDraft>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) users: Users,
    pub(super) rate: Option<Rate>,
}

/// The headers that can be set, and the values that they may have; none means any value.
const HEADERS: [(&str, HeaderName, &[&str]); 5] = [
    ("Content-Security-Policy", hyper::header::CONTENT_SECURITY_POLICY, &[]),
    ("X-Frame-Options", hyper::header::X_FRAME_OPTIONS, &["deny", "sameorigin"]),
    ("X-Content-Type-Options", hyper::header::X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
    ("X-XSS-Protection", hyper::header::X_XSS_PROTECTION, &[]),
    ("Strict-Transport-Security", hyper::header::STRICT_TRANSPORT_SECURITY, &[]),
];

/// Reads the text of a file. Relative paths in it are relative to `folder`.
pub(super) fn read(text: &str, folder: &Path, remarks: &mut Remarks) -> Draft {
    let root = match yaml::read(text) {
        Ok(root) => root,
        Err(unreadable) => {
            remarks.wrong(unreadable.line, unreadable.why);
            return Draft::default();
        }
    };
    let known = ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"];
    let file = Section::read(&root, "", &known, remarks);
    let mut draft = Draft::default();
    if let Some(node) = file.node("tls_server_config") {
        draft.tls = tls_keys::read(node, folder, remarks);
    }
    if let Some(node) = file.node("http_server_config") {
        draft.headers = http(node, remarks);
    }
    if let Some(node) = file.node("basic_auth_users") {
        draft.users = users(node, remarks);
    }
    if let Some(node) = file.node("rate_limit") {
        draft.rate = rate(node, remarks);
    }
    draft
}

fn http(node: &Node, remarks: &mut Remarks) -> Vec<(HeaderName, HeaderValue)> {
    let section = Section::read(node, "http_server_config.", &["http2", "headers"], remarks);
    // Accepted without effect: the server speaks HTTP/1.1, which every client of HTTP/2 speaks too.
    section.switch("http2", remarks);
    let Some(node) = section.node("headers") else { return Vec::new() };
    let known = HEADERS.map(|(name, ..)| name);
    let section = Section::read(node, "http_server_config.headers.", &known, remarks);
    let mut headers = Vec::new();
    for (key, name, values) in HEADERS {
        let Some(node) = section.node(key) else { continue };
        let text = section.text(key, remarks).map_or("", |(_, text)| text);
        let name_shown = format!("http_server_config.headers.{key}");
        if !values.is_empty() && !values.contains(&text) {
            remarks.wrong(
                node.line,
                format!("{name_shown}: {} is not possible; use {}", quoted(text), values.join(" or ")),
            );
        } else if !text.is_empty() {
            match HeaderValue::from_str(text) {
                Ok(value) => headers.push((name, value)),
                Err(_) => {
                    remarks
                        .wrong(node.line, format!("{name_shown}: the value has a character that no header may have"));
                }
            }
        }
    }
    headers
}

fn users(node: &Node, remarks: &mut Remarks) -> Users {
    let mut users = Users::default();
    let pairs = match &node.value {
        Value::Null => return users,
        Value::Map(pairs) => pairs,
        Value::Text(_) | Value::List(_) => {
            remarks.wrong(node.line, "basic_auth_users must have a line `name: hash` for each user");
            return users;
        }
    };
    if pairs.len() > MOST_USERS {
        remarks.wrong(node.line, format!("basic_auth_users has more than {MOST_USERS} users; use client certificates"));
    }
    let mut names: Vec<&str> = Vec::new();
    for ((line, name), hash) in pairs {
        let shown = quoted(name);
        if names.contains(&name.as_str()) {
            remarks.wrong(*line, format!("basic_auth_users: the user {shown} occurs twice; remove one of them"));
            continue;
        }
        names.push(name);
        if name.contains(':') {
            remarks
                .wrong(*line, format!("basic_auth_users: the name {shown} has a colon, which no request can contain"));
        }
        let text = if let Value::Text(text) = &hash.value { text } else { "" };
        match Hash::parse(text) {
            Ok(hash) => users.add(name.clone(), hash),
            Err(why) => remarks.wrong(hash.line, format!("basic_auth_users: the password of {shown} {why}")),
        }
    }
    users
}

fn rate(node: &Node, remarks: &mut Remarks) -> Option<Rate> {
    let section = Section::read(node, "rate_limit.", &["interval", "burst"], remarks);
    let interval = match section.text("interval", remarks) {
        None => Some(Duration::ZERO),
        Some((line, text)) => {
            let interval = duration(text);
            if interval.is_none() {
                let text = quoted(text);
                remarks.wrong(
                    line,
                    format!("rate_limit.interval: {text} is not a duration of at most 1h; use for example 100ms or 1s"),
                );
            }
            interval
        }
    };
    let burst = match section.text("burst", remarks) {
        None => Some((node.line, 0)),
        Some((line, text)) => {
            let burst = text.parse::<u32>().ok();
            if burst.is_none() {
                remarks.wrong(line, format!("rate_limit.burst: {} is not a number of requests", quoted(text)));
            }
            burst.map(|burst| (line, burst))
        }
    };
    let (interval, (line, burst)) = (interval?, burst?);
    if interval.is_zero() {
        return None;
    }
    if burst == 0 {
        remarks.wrong(
            line,
            "rate_limit.burst is 0, so that every request would be refused; use 1 or more, or remove rate_limit",
        );
    }
    Some(Rate { interval, burst })
}

const LONGEST_INTERVAL: Duration = Duration::from_hours(1);

/// A duration as Go writes it, such as `1s` or `1m30s`; a number without a unit is in nanoseconds.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(nanoseconds) = text.parse::<u64>() {
        return Some(Duration::from_nanos(nanoseconds)).filter(|interval| *interval <= LONGEST_INTERVAL);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok().filter(|it| *it <= LONGEST_INTERVAL) }
}

#[cfg(test)]
mod tests {
    use super::super::users::tests::HUNTER2;
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let mut remarks = Remarks::default();
        read(text, Path::new("/etc/x"), &mut remarks);
        remarks.mistakes
    }

    #[test]
    fn files_without_a_setting_are_accepted() {
        for text in [
            "",
            "# nothing\n",
            "---\n",
            "tls_server_config:\n",
            "basic_auth_users: {}\nhttp_server_config:\n",
            "rate_limit: {}",
        ] {
            assert_eq!(mistakes(text), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn users_headers_and_rates_are_read() {
        let text = format!(
            "basic_auth_users:\n  alice: {HUNTER2}\n  1: \"{HUNTER2}\"\nhttp_server_config:\n  http2: on\n  headers:\n    \
             X-Frame-Options: deny\n    X-XSS-Protection: ''\n    Content-Security-Policy: default-src 'self'\n\
             rate_limit:\n  interval: 1m30s\n  burst: 20\n"
        );
        let mut remarks = Remarks::default();
        let draft = read(&text, Path::new("/etc/x"), &mut remarks);
        assert!(remarks.mistakes.is_empty() && remarks.warnings.is_empty(), "{remarks:?}");
        assert!(draft.users.hash_of("alice", 0).1 && draft.users.hash_of("1", 0).1 && !draft.users.hash_of("bob", 0).1);
        let headers: Vec<_> =
            draft.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII"))).collect();
        assert_eq!(headers, [("content-security-policy", "default-src 'self'"), ("x-frame-options", "deny")]);
        assert_eq!(draft.rate, Some(Rate { interval: Duration::from_secs(90), burst: 20 }));
        assert!(draft.tls.is_none());
    }

    #[test]
    fn every_mistake_is_found_with_its_line_and_without_a_hash() {
        let secret = "$2y$10$X0h1gDsPszWURQaxFh";
        let text = format!(
            "tls_config:\n  cert_file: x\nbasic_auth_users:\n  alice: {secret}\n  bob: [1]\n  a:b: {HUNTER2}\n  alice: hunter2\n\
             http_server_config:\n  http2: maybe\n  http3: true\n  headers:\n    Server: me\n    X-Frame-Options: DENY\n    \
             X-Content-Type-Options:\nrate_limit:\n  interval: 1 second\n  burst: -1\nhttp_server_config: {{}}\n"
        );
        let mistakes = mistakes(&text);
        let expected = [
            "line 1: tls_config: there is no such key; use tls_server_config, http_server_config",
            "line 18: http_server_config: the key occurs twice",
            "line 10: http_server_config.http3: there is no such key; use http2, headers",
            "line 9: http_server_config.http2: \"maybe\" is neither true nor false",
            "line 12: http_server_config.headers.Server: there is no such key; use Content-Security-Policy",
            "line 13: http_server_config.headers.X-Frame-Options: \"DENY\" is not possible; use deny or sameorigin",
            "line 14: http_server_config.headers.X-Content-Type-Options: \"\" is not possible; use nosniff",
            "line 4: basic_auth_users: the password of \"alice\" is not a bcrypt hash",
            "line 5: basic_auth_users: the password of \"bob\" is not a bcrypt hash",
            "line 6: basic_auth_users: the name \"a:b\" has a colon",
            "line 7: basic_auth_users: the user \"alice\" occurs twice",
            "line 16: rate_limit.interval: \"1 second\" is not a duration",
            "line 17: rate_limit.burst: \"-1\" is not a number",
        ];
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
        for (mistake, expected) in mistakes.iter().zip(expected) {
            assert!(mistake.starts_with(expected), "{mistake}\nexpected {expected}");
        }
        let all = mistakes.join("\n");
        assert!(!all.contains("X0h1") && !all.contains("hunter2"), "{all}");
    }

    #[test]
    fn a_wrong_structure_is_a_mistake_and_not_an_empty_setting() {
        for (text, expected) in [
            ("hello", "line 1: the file must have keys"),
            ("[1]", "line 1: the file must have keys"),
            ("basic_auth_users: [alice]", "line 1: basic_auth_users must have a line `name: hash`"),
            ("basic_auth_users:\n  alice:\n", "the password of \"alice\" is not a bcrypt hash"),
            ("http_server_config: yes", "line 1: http_server_config must have keys"),
            ("http_server_config:\n  headers: [a]", "line 2: http_server_config.headers must have keys"),
            ("http_server_config:\n  http2: [a]", "line 2: http_server_config.http2 must be a text"),
            ("rate_limit:\n  interval: 1s\n", "rate_limit.burst is 0"),
            ("rate_limit:\n  interval: 2h\n  burst: 1\n", "line 2: rate_limit.interval"),
            ("$2y$10$X0h1gDsPszWURQaxFh: x", "line 1: a text that may be a secret: there is no such key"),
            ("a: 'b", "this is not valid YAML"),
        ] {
            let mistakes = mistakes(text);
            assert_eq!(mistakes.len(), 1, "{text}: {mistakes:?}");
            assert!(mistakes[0].contains(expected), "{text}: {mistakes:?}");
        }
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("100ms", Some(100)),
            ("1.5s", Some(1500)),
            ("1m30s", Some(90_000)),
            ("1h", Some(3_600_000)),
            ("1000000", Some(1)),
            ("", None),
            ("s", None),
            ("1", Some(0)),
            ("1d", None),
            ("-1s", None),
            ("1.s.", None),
            ("1h1s", None),
        ] {
            assert_eq!(duration(text).map(|it| it.as_millis()), expected, "{text}");
        }
    }
}
