//! Masks secrets in text that people wrote: passwords in addresses, and the values of parameters such as `client_secret`.
//!
//! A mask contains nothing of the secret, not even a hash: a short password could be guessed from it. The text needs not be a valid
//! address. `audit::rules::redirects` reports masked text.

#[cfg(test)]
mod tests;

mod names;
mod percent;
mod prose;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

pub use self::prose::masked_prose;

use self::names::is_secret;
use self::percent::{DEEPEST, decoded};
use super::distinct;

/// Replaces a secret.
const MASK: &str = "[masked]";
/// How every mask begins: several addresses that differ only in a secret are numbered, as in `[masked 2]`.
const MASK_START: &str = "[masked";
/// Addresses are cut after this many characters; every output repeats them.
const LONGEST_URI: usize = 2_048;

/// After these schemes, what is before the `@` is an address; only what follows a colon in it is a password.
const ADDRESS_SCHEMES: &[&str] = &["mailto", "sip", "sips", "xmpp", "acct", "im"];

/// What separates a name and a value, a user and a password, or a user and a host, and what may be encoded.
const MARKS: [char; 7] = ['@', '=', '%', ':', '＝', '：', '＠'];
/// How often a masked text is masked again until nothing changes. Twice was never needed.
const MOST_PASSES: usize = 4;

/// Two parameters with these names are a name and a value, as in `name=client_secret&value=x`.
const NAMING: (&[&str], &[&str]) = (&["name", "key", "param", "field"], &["value", "val"]);

/// Whether the text contains a mask.
pub fn is_masked(text: &str) -> bool {
    text.contains(MASK_START)
}

/// The address with every secret masked. Borrowed if it has none.
pub fn masked(text: &str) -> Cow<'_, str> {
    // Most addresses are plain, and then nothing can be a secret.
    if !text.contains(MARKS) || is_plain_address(text) {
        return Cow::Borrowed(text);
    }
    let mut result = mask(text, 0);
    // A mask can change how an encoded rest is read. What is read again from a file must not change, or it looks like drift.
    for _ in 0..MOST_PASSES {
        let again = mask(&result, 0);
        if again == result {
            break;
        }
        result = again;
    }
    if result == text { Cow::Borrowed(text) } else { Cow::Owned(result) }
}

/// The addresses with every secret masked and with a limited length. Addresses that differ only in a secret stay different: they are
/// numbered. So one more address is still a difference from the baseline, but a new secret in a known address is not.
pub fn masked_uris(uris: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut seen, mut numbers) = (HashSet::new(), HashMap::<String, usize>::new());
    let mut result = Vec::new();
    for uri in uris {
        let masked = match masked(&uri) {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        };
        let Some(masked) = masked else {
            let short = match distinct(&uri, LONGEST_URI) {
                Cow::Borrowed(_) => uri,
                Cow::Owned(short) => short,
            };
            result.push(short);
            continue;
        };
        if !seen.insert(uri) {
            continue;
        }
        let number = numbers.entry(masked.clone()).or_default();
        *number += 1;
        let numbered = match number {
            1 => masked,
            number => masked.replacen(MASK, &format!("{MASK_START} {number}]"), 1),
        };
        result.push(distinct(&numbered, LONGEST_URI).into_owned());
    }
    result
}

/// Whether the text is a web address with a host, perhaps a port, and a path, in which nothing is encoded.
fn is_plain_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    host.bytes().all(is_plain)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && path.bytes().all(|byte| byte == b'/' || is_plain(byte))
}

fn mask(text: &str, depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let (scheme, rest) = split_scheme(text);
    let after_slashes = rest.trim_start_matches(['/', '\\']);
    let slashes = rest.len() - after_slashes.len();
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let is_address = ADDRESS_SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    // In `user:password@host`, the user looks like a scheme.
    let is_opaque = !scheme.is_empty() && slashes < 2 && !is_web;
    let before = text.len() - after_slashes.len();
    let end = match slashes {
        _ if is_address => userinfo_end(after_slashes).filter(|end| find_colon(&after_slashes[..*end]).is_some()),
        // In `password:x`, the name of the parameter looks like a scheme.
        0 if is_opaque && !is_secret(scheme) => last_at(after_slashes),
        0 if scheme.is_empty() => userinfo_end(text).filter(|end| {
            let userinfo = &text[..*end];
            userinfo.contains(':')
                && !userinfo.contains(['=', '＝'])
                && !find_colon(userinfo).is_some_and(|(at, _)| is_secret(&userinfo[..at]))
        }),
        0 | 1 if !is_web => None,
        // In the address of an app, `app://token=a@b` has no host.
        _ => userinfo_end(after_slashes)
            .filter(|end| is_web || !after_slashes[..*end].split_once('=').is_some_and(|(name, _)| is_secret(name))),
    };
    match end {
        Some(end) => {
            out.push_str(&text[..before]);
            let (userinfo, host) = after_slashes.split_at(end);
            if is_opaque && slashes == 0 && !is_address {
                out.push_str(if is_harmless(userinfo) { userinfo } else { MASK });
            } else {
                push_userinfo(&mut out, userinfo);
            }
            push_parameters(&mut out, host, true, depth);
        }
        None if scheme.is_empty() || is_opaque => push_parameters(&mut out, text, false, depth),
        None => {
            out.push_str(&text[..before]);
            push_parameters(&mut out, after_slashes, true, depth);
        }
    }
    out
}

/// The scheme, if the text begins with one, and what follows the colon; otherwise an empty scheme and the text.
fn split_scheme(text: &str) -> (&str, &str) {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme.trim()) => (scheme.trim(), rest),
        _ => ("", text),
    }
}

/// The length of what is before the `@` of the authority, with which `rest` begins; `None` if there is no `@`.
///
/// A password can contain delimiters although it must not. Then what follows the first colon is not a port, and the last `@` counts.
fn userinfo_end(rest: &str) -> Option<usize> {
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    if let Some(at) = last_at(authority) {
        // Without a host after it, the `@` is part of the password.
        let host = authority[at..].trim_start_matches("%40").trim_start_matches(['@', '＠']);
        return if host.is_empty() { last_at(rest) } else { Some(at) };
    }
    let (_, port) = authority.split_once(':').filter(|_| !authority.starts_with('['))?;
    let is_port = port.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | ']'));
    if is_port { None } else { last_at(rest) }
}

fn last_at(text: &str) -> Option<usize> {
    text.rfind(['@', '＠']).max(text.rfind("%40"))
}

fn push_userinfo(out: &mut String, userinfo: &str) {
    let (user, colon, password) = match find_colon(userinfo) {
        Some((at, length)) => (&userinfo[..at], &userinfo[at..at + length], &userinfo[at + length..]),
        None => (userinfo, "", ""),
    };
    out.push_str(if is_token_like(user) { MASK } else { user });
    out.push_str(colon);
    out.push_str(if is_harmless(password) { password } else { MASK });
}

fn find_colon(text: &str) -> Option<(usize, usize)> {
    [":", "%3A", "%3a", "：", "%EF%BC%9A"].iter().filter_map(|colon| Some((text.find(colon)?, colon.len()))).min()
}

/// Whether a user name looks like an access token. Host names are kept: `https://good.example@evil.example` shows a deception.
fn is_token_like(user: &str) -> bool {
    let has = |test: fn(&char) -> bool| user.chars().any(|c| test(&c));
    let mixed = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
    !is_harmless(user)
        && ((user.len() >= 16 && mixed && !user.contains('.'))
            || (user.len() >= 20 && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase))
            || user.len() > 64)
}

/// Whether the value needs no mask: it is empty, only wildcards, or masked already.
fn is_harmless(value: &str) -> bool {
    let stars = value.replace("%2A", "*").replace("%2a", "*");
    stars.chars().all(|c| c == '*') || (value.starts_with(MASK_START) && value.ends_with(']'))
}

/// Appends the text with the values of secret parameters masked, in path, query and fragment.
///
/// What follows a secret without being a parameter itself may be the rest of the secret, so it is dropped.
fn push_parameters(out: &mut String, text: &str, after_slashes: bool, depth: usize) {
    let (mut rest, mut in_path, mut delimiter) = (text, true, "");
    let (mut after_secret, mut first, mut names_secret) = (false, true, false);
    loop {
        let is_delimiter = |c: char| match c {
            '&' | ';' | '?' | '#' => true,
            '/' | '\\' | ',' => in_path,
            _ => false,
        };
        let end = rest.find(is_delimiter).unwrap_or(rest.len());
        let (part, more) = rest.split_at(end);
        let is_parameter = part.split_once(['=', '＝']).is_some_and(|(name, _)| name.contains(char::is_alphanumeric));
        let continues = after_secret && (in_path || !is_parameter);
        if !continues {
            out.push_str(delimiter);
            let named = part.split_once('=').unwrap_or_default();
            after_secret = if names_secret && is_one_of(named.0, NAMING.1) {
                push_secret(out, &part[..=named.0.len()], named.1)
            } else {
                push_part(out, part, first && after_slashes, depth)
            };
            names_secret = is_one_of(named.0, NAMING.0) && is_secret(named.1);
        }
        first = false;
        let Some(next) = more.chars().next() else { return };
        if matches!(next, '?' | '#') {
            in_path = false;
        }
        (delimiter, rest) = more.split_at(next.len_utf8());
    }
}

/// Appends one part. Returns whether it ends with a masked value.
fn push_part(out: &mut String, part: &str, is_host: bool, depth: usize) -> bool {
    let Some((at, length)) = separator(part) else {
        push_value(out, part, depth);
        return out.ends_with(MASK);
    };
    let (name, separator, value) = (&part[..at], &part[at..at + length], &part[at + length..]);
    let is_port = is_host && value.chars().all(|c| c.is_ascii_digit());
    if is_port {
        out.push_str(part);
        return false;
    }
    // The scheme of an app, such as `com.example.auth:callback`, is not a parameter.
    let is_scheme = separator == ":" && !part.contains('=') && name.contains('.') && !names::is_plain_secret(name);
    if is_secret(name) && !is_scheme && !is_value_empty(value) {
        return push_secret(out, &part[..at + length], value);
    }
    if matches!(separator, "=" | "＝") {
        push_value(out, name, depth);
        out.push_str(separator);
        push_value(out, value, depth);
    } else {
        push_value(out, part, depth);
    }
    out.ends_with(MASK)
}

/// Appends a secret after its name. Returns whether the secret was more than wildcards.
fn push_secret(out: &mut String, before: &str, secret: &str) -> bool {
    out.push_str(before);
    out.push_str(if is_harmless(secret) { secret } else { MASK });
    !secret.chars().all(|c| c == '*')
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Appends a value, which can itself be an address or contain parameters, percent-encoded or not.
fn push_value(out: &mut String, value: &str, depth: usize) {
    // `client_secret,x` is a name and a value, but `client_secret_basic,client_secret_post` is a list of names.
    if let Some((name, secret)) = value.split_once(',')
        && names::is_plain_secret(name)
        && !value.contains(MARKS)
        && !is_secret(secret)
        && !secret.contains(',')
    {
        push_secret(out, &value[..=name.len()], secret);
        return;
    }
    if !value.contains(MARKS) {
        out.push_str(value);
        return;
    }
    let decoded = decoded(value);
    if depth >= DEEPEST {
        out.push_str(if decoded == value { value } else { MASK });
        return;
    }
    let result =
        if decoded == value && separator(value).is_none() { value.to_owned() } else { mask(&decoded, depth + 1) };
    if result == decoded {
        out.push_str(value);
    } else if decoded == value {
        out.push_str(&result);
    } else {
        for character in result.chars() {
            match character {
                '%' => out.push_str("%25"),
                '&' => out.push_str("%26"),
                ';' => out.push_str("%3B"),
                '#' => out.push_str("%23"),
                '?' => out.push_str("%3F"),
                '/' => out.push_str("%2F"),
                '\\' => out.push_str("%5C"),
                ',' => out.push_str("%2C"),
                '=' => out.push_str("%3D"),
                ':' => out.push_str("%3A"),
                '@' => out.push_str("%40"),
                '+' => out.push_str("%2B"),
                other => out.push(other),
            }
        }
    }
}

/// The position and the length of what separates name and value: `=`, or `:` if there is no `=`.
fn separator(part: &str) -> Option<(usize, usize)> {
    let equals = ["=", "%3D", "%3d", "＝", "%EF%BC%9D"];
    let equals = equals.iter().filter_map(|sign| Some((part.find(sign)?, sign.len()))).min();
    let found = equals.or_else(|| find_colon(part));
    // The end of a base64 text is not a parameter.
    found.filter(|(at, _)| !part[*at..].chars().all(|c| c == '='))
}

fn is_value_empty(value: &str) -> bool {
    value.chars().all(|c| matches!(c, '=' | '＝' | '"' | '\''))
}
