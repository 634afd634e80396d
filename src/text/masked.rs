//! Masks secrets in text that people wrote: passwords in addresses, and the values of parameters such as `client_secret`.
//!
//! A mask contains nothing of the secret, not even a hash: a short password could be guessed from it. The text needs not be a valid
//! address. `audit::rules::redirects` reports masked text.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::distinct;

/// Replaces a secret.
const MASK: &str = "[masked]";
/// How every mask begins: several addresses that differ only in a secret are numbered, as in `[masked 2]`.
const MASK_START: &str = "[masked";
/// Percent-encoding inside percent-encoding is followed this far; what is encoded more often is masked as a whole.
const DEEPEST: usize = 4;
/// Addresses are cut after this many characters; every output repeats them.
const LONGEST_URI: usize = 2_048;

/// Parameters whose name contains one of these, in lower case and without punctuation, are secrets.
const SECRET_PARTS: &[&str] = &[
    "secret",
    "passw",
    "passphrase",
    "pwd",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authkey",
    "accountkey",
    "subscriptionkey",
    "functionkey",
    "functionskey",
    "credential",
    "signature",
    "jwt",
    "bearer",
    "sessionid",
    "sessid",
    "assertion",
    "hmac",
    "authcode",
    "authorization",
];
/// Parameters with exactly one of these names are secrets.
const SECRET_NAMES: &[&str] = &["sig", "code", "key", "pass", "auth", "pin", "otp", "sid", "pw", "psk"];
/// These contain a part, but their values are public.
const PUBLIC_NAMES: &[&str] = &["tokentype", "tokenendpoint", "tokenurl", "tokenuri", "tokeninfo"];
/// After these schemes, what is before the `@` is an address and not a password.
const ADDRESS_SCHEMES: &[&str] = &["mailto", "sip", "sips", "xmpp", "acct", "im"];

/// Whether the text contains a mask.
pub fn is_masked(text: &str) -> bool {
    text.contains(MASK_START)
}

/// The address with every secret masked. Borrowed if it has none.
pub fn masked(text: &str) -> Cow<'_, str> {
    // Most addresses have none of these, and then nothing can be a secret.
    if !text.contains(['@', '=', '%', ':']) {
        return Cow::Borrowed(text);
    }
    let result = mask(text, 0);
    if result == text { Cow::Borrowed(text) } else { Cow::Owned(result) }
}

/// A name or a description with the secrets in it masked: addresses with a password, and words such as `password=x`.
pub fn masked_prose(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '=']) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let may_have_secret = bare.contains('=') || (bare.contains('@') && bare.contains("//"));
        result.push_str(&if may_have_secret { masked(bare) } else { Cow::Borrowed(bare) });
        result.push_str(&word[bare.len()..]);
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
        // In `password:x`, the name of the parameter looks like a scheme.
        0 if is_opaque && !is_secret(scheme) => last_at(after_slashes),
        0 if scheme.is_empty() => {
            userinfo_end(text).filter(|end| text[..*end].contains(':') && !text[..*end].contains('='))
        }
        0 | 1 if !is_web => None,
        _ => userinfo_end(after_slashes),
    };
    match end.filter(|_| !is_address) {
        Some(end) => {
            out.push_str(&text[..before]);
            let (userinfo, host) = after_slashes.split_at(end);
            if is_opaque && slashes == 0 {
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
        let host = authority[at..].trim_start_matches("%40").trim_start_matches('@');
        return if host.is_empty() { last_at(rest) } else { Some(at) };
    }
    let (_, port) = authority.split_once(':').filter(|_| !authority.starts_with('['))?;
    let is_port = port.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | ']'));
    if is_port { None } else { last_at(rest) }
}

fn last_at(text: &str) -> Option<usize> {
    text.rfind('@').max(text.rfind("%40"))
}

fn push_userinfo(out: &mut String, userinfo: &str) {
    let colon = [":", "%3A", "%3a"].iter().filter_map(|colon| Some((userinfo.find(colon)?, colon.len()))).min();
    let (user, colon, password) = match colon {
        Some((at, length)) => (&userinfo[..at], &userinfo[at..at + length], &userinfo[at + length..]),
        None => (userinfo, "", ""),
    };
    out.push_str(if is_token_like(user) { MASK } else { user });
    out.push_str(colon);
    out.push_str(if is_harmless(password) { password } else { MASK });
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
    let (mut after_secret, mut first) = (false, true);
    loop {
        let is_delimiter = |c: char| match c {
            '&' | ';' | '?' | '#' => true,
            '/' | '\\' | ',' => in_path,
            _ => false,
        };
        let end = rest.find(is_delimiter).unwrap_or(rest.len());
        let (part, more) = rest.split_at(end);
        let is_parameter = part.split_once('=').is_some_and(|(name, _)| name.contains(char::is_alphanumeric));
        let continues = after_secret && (in_path || !is_parameter);
        if !continues {
            out.push_str(delimiter);
            after_secret = push_part(out, part, first && after_slashes, depth);
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
        return false;
    };
    let (name, separator, value) = (&part[..at], &part[at..at + length], &part[at + length..]);
    let is_port = is_host && value.chars().all(|c| c.is_ascii_digit());
    if is_port {
        out.push_str(part);
        return false;
    }
    if is_secret(name) && !is_value_empty(value) {
        out.push_str(name);
        out.push_str(separator);
        out.push_str(if is_harmless(value) { value } else { MASK });
        return !value.chars().all(|c| c == '*');
    }
    if separator == "=" {
        push_value(out, name, depth);
        out.push_str(separator);
        push_value(out, value, depth);
    } else {
        push_value(out, part, depth);
    }
    false
}

/// Appends a value, which can itself be an address or contain parameters, percent-encoded or not.
fn push_value(out: &mut String, value: &str, depth: usize) {
    if !value.contains(['@', '=', '%', ':']) {
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
    let find = |separators: [&str; 3]| separators.iter().filter_map(|s| Some((part.find(s)?, s.len()))).min();
    let found = find(["=", "%3D", "%3d"]).or_else(|| find([":", "%3A", "%3a"]));
    // The end of a base64 text is not a parameter.
    found.filter(|(at, _)| !part[*at..].chars().all(|c| c == '='))
}

fn is_value_empty(value: &str) -> bool {
    value.chars().all(|c| matches!(c, '=' | '"' | '\''))
}

fn is_secret(name: &str) -> bool {
    let mut plain = name.to_owned();
    for _ in 0..DEEPEST {
        plain = decoded(&plain);
    }
    let folded: String = plain
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_NAMES.contains(&folded.as_str())
        || (!PUBLIC_NAMES.contains(&folded.as_str()) && SECRET_PARTS.iter().any(|part| folded.contains(part)))
}

/// The text with percent-encoded bytes decoded once.
fn decoded(text: &str) -> String {
    let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes();
    let (mut result, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (*byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                result.push(high * 16 + low);
                at += 3;
            }
            (other, ..) => {
                result.push(other);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_masked_wherever_it_is_in_the_address() {
        for (uri, expected) in [
            ("https://user:S3CR3T@host.example/cb", "https://user:[masked]@host.example/cb"),
            ("https://user%3AS3CR3T@host.example/cb", "https://user%3A[masked]@host.example/cb"),
            ("https:user:S3CR3T@host.example/cb", "https:user:[masked]@host.example/cb"),
            ("https:\\\\user:S3CR3T@host.example", "https:\\\\user:[masked]@host.example"),
            ("//user:S3CR3T@host.example", "//user:[masked]@host.example"),
            ("user:S3CR3T@host.example", "user:[masked]@host.example"),
            ("1user:S3CR3T@host.example", "1user:[masked]@host.example"),
            ("https://user:a/S3CR3T@host.example/cb", "https://user:[masked]@host.example/cb"),
            ("https://user:a#S3CR3T?@host.example", "https://user:[masked]@host.example"),
            ("https://:S3CR3T@host.example/", "https://:[masked]@host.example/"),
            ("https://ghp0S3CR3T0123456789@host.example/", "https://[masked]@host.example/"),
            ("https://ghp0S3CR3T0123456789:x@host.example/", "https://[masked]:[masked]@host.example/"),
            ("myapp://user:S3CR3T@cb", "myapp://user:[masked]@cb"),
            ("myapp:user:S3CR3T@cb", "myapp:[masked]@cb"),
            ("https://a.example/cb?client_secret=S3CR3T", "https://a.example/cb?client_secret=[masked]"),
            (
                "https://a.example/cb?x=1&Client-Secret=S3CR3T&y=2",
                "https://a.example/cb?x=1&Client-Secret=[masked]&y=2",
            ),
            ("https://a.example/cb?x=1;PassWord=S3CR3T;y=2", "https://a.example/cb?x=1;PassWord=[masked];y=2"),
            ("https://a.example/cb?%63lient%5Fsecret=S3CR3T", "https://a.example/cb?%63lient%5Fsecret=[masked]"),
            ("https://a.example/cb?%2563lient_secret=S3CR3T", "https://a.example/cb?%2563lient_secret=[masked]"),
            ("https://a.example/cb?client_secret%3DS3CR3T", "https://a.example/cb?client_secret%3D[masked]"),
            ("https://a.example/cb?user[password]=S3CR3T", "https://a.example/cb?user[password]=[masked]"),
            ("https://a.example/cb#access_token=S3CR3T&x=1", "https://a.example/cb#access_token=[masked]&x=1"),
            ("https://a.example/cb?api_key=S3CR3T", "https://a.example/cb?api_key=[masked]"),
            ("https://a.example/cb?sig=S3%2FCR3T", "https://a.example/cb?sig=[masked]"),
            ("https://a.example/cb?code=S3CR3T", "https://a.example/cb?code=[masked]"),
            ("https://a.example/cb;token=S3CR3T/x?y=1", "https://a.example/cb;token=[masked]?y=1"),
            ("https://a.example/cb;jsessionid=S3CR3T", "https://a.example/cb;jsessionid=[masked]"),
            ("https://a.example/token=S3CR3T", "https://a.example/token=[masked]"),
            ("https://a.example/cb?token=ab&S3CR3T", "https://a.example/cb?token=[masked]"),
            ("https://a.example/cb?token=ab#S3CR3T", "https://a.example/cb?token=[masked]"),
            ("https://a.example/cb?token=ab/S3CR3T==", "https://a.example/cb?token=[masked]"),
            (
                "https://a.example/cb?next=https://u:S3CR3T@b.example/",
                "https://a.example/cb?next=https://u:[masked]@b.example/",
            ),
            ("https://a.example/https://u:S3CR3T@b.example/", "https://a.example/https://u:[masked]@b.example/"),
            (
                "https://a.example/cb?next=https%3A%2F%2Fu%3AS3CR3T%40b.example%2F%3Fx%3D1",
                "https://a.example/cb?next=https%3A%2F%2Fu%3A[masked]%40b.example%2F%3Fx%3D1",
            ),
            ("https://a.example/cb?next=%2Fx%3Ftoken%3DS3CR3T", "https://a.example/cb?next=%2Fx%3Ftoken%3D[masked]"),
            ("https://a.example/cb?state=password=S3CR3T", "https://a.example/cb?state=password=[masked]"),
            ("myapp:/cb?password=S3CR3T", "myapp:/cb?password=[masked]"),
            ("client_secret=S3CR3T", "client_secret=[masked]"),
            ("password:S3CR3T", "password:[masked]"),
            ("password:a@S3CR3T", "password:[masked]"),
            ("client_secret=a@S3CR3T", "client_secret=[masked]"),
            ("/;client_secret=a@S3CR3T", "/;client_secret=[masked]"),
            ("/user:S3CR3T@host.example", "/user:[masked]@host.example"),
            ("not an address? token=S3CR3T", "not an address? token=[masked]"),
        ] {
            assert_eq!(masked(uri), expected, "{uri}");
            assert_eq!(masked(expected), expected, "a second time changes nothing: {uri}");
        }
    }

    #[test]
    fn an_address_without_a_secret_is_not_changed() {
        for uri in [
            "",
            "https://a.example/cb",
            "https://a.example:8443/cb?x=1&response_type=code&scope=token",
            "https://token:8443/cb",
            "https://good.example@evil.example/",
            "https://*:*@a.example/*?code=*",
            "https://[::1]:8080/cb",
            "https://a.example/password/reset?token_type=bearer&code=",
            "https://a.example/cb?login=joe@b.example",
            "https://a.example/cb?next=https%3A%2F%2Fb.example%2F%3Fx%3D1",
            "mailto:joe@example.com",
            "com.example.app:/oauth",
            "secret-app://callback/home",
            "token:/callback",
            "https://a.example/100%/x?y=%zz",
            "nonsense",
        ] {
            assert_eq!(masked(uri), uri);
            assert!(!is_masked(uri));
        }
    }

    #[test]
    fn a_description_is_masked_word_by_word() {
        for (text, expected) in [
            ("Owner: joe@example.com, code: blue", "Owner: joe@example.com, code: blue"),
            ("use password=S3CR3T  here\nplease", "use password=[masked]  here\nplease"),
            ("see https://u:S3CR3T@a.example/ now", "see https://u:[masked]@a.example/ now"),
            ("a=b (client_secret=S3CR3T)", "a=b (client_secret=[masked]"),
        ] {
            assert_eq!(masked_prose(text), expected);
            assert_eq!(masked_prose(expected), expected);
        }
    }

    #[test]
    fn addresses_that_differ_only_in_a_secret_stay_different_in_any_order() {
        let uri = |secret: &str| format!("https://a.example/cb?token={secret}");
        let two = masked_uris([uri("one"), uri("two"), uri("one"), "https://b.example/".to_owned()]);
        assert_eq!(two, [uri("[masked]"), uri("[masked 2]"), "https://b.example/".to_owned()]);
        assert_eq!(masked_uris([uri("two"), uri("one")]), two[..2], "the order does not matter");
        assert_eq!(masked_uris([uri("three"), uri("four")]), two[..2], "new secrets are no new addresses");
        assert_eq!(masked_uris(two.clone()), two, "a second time changes nothing");
        let long = masked_uris(["a", "b"].map(|end| format!("https://a.example/{}{end}", "x".repeat(5_000))));
        assert!(long[0] != long[1] && long.iter().all(|uri| uri.chars().count() == LONGEST_URI));
    }

    /// A secret that contains delimiters, none of which starts another parameter.
    const SECRET: &str = "Zq7[a-zA-Z0-9/#?+:@ %!*~]{0,12}Zq7";

    proptest! {
        #[test]
        fn a_masked_address_contains_nothing_of_the_secret(
            secret in SECRET,
            start in "(https://a[.]example|myapp:|myapp://x|)/[a-z]{0,5}",
            name in "(?i)(client_secret|access_token|pass_?word|api-?key|my%5Fsecret|sig|code)",
            at in prop_oneof![Just("?x=1&"), Just("#"), Just("?"), Just(";"), Just("/")],
        ) {
            let uri = format!("{start}{at}{name}={secret}");
            let result = masked(&uri).into_owned();
            prop_assert!(!result.contains("Zq7"), "{uri} -> {result}");
            prop_assert_eq!(masked(&result), result.as_str());
        }

        /// An `@` in the password would end it: what follows is then the host that a browser contacts, and must stay visible.
        #[test]
        fn a_password_before_the_host_is_masked(secret in "Zq7[a-zA-Z0-9/#?+: %!*~]{0,12}Zq7", scheme in "(https?|myapp)://|https:|") {
            let uri = format!("{scheme}joe:{secret}@host.example/cb");
            let result = masked(&uri).into_owned();
            prop_assert!(!result.contains("Zq7"), "{uri} -> {result}");
            prop_assert!(result.contains("host.example"), "{}", result);
        }

        #[test]
        fn any_text_can_be_masked_and_a_second_time_changes_nothing(
            text in "\\PC{0,40}|[a-z:/?#&;=@%0-9\\[\\]*,]{0,40}|(token|a|%3[dDaA]|%40|%2[5fF]|[:/?#&;=@,]){0,14}"
        ) {
            let once = masked(&text).into_owned();
            prop_assert_eq!(masked(&once), once.as_str());
            let prose = masked_prose(&text).into_owned();
            prop_assert_eq!(masked_prose(&prose), prose.as_str());
        }
    }
}
