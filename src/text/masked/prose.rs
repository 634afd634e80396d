//! Masks the secrets in a name or a description. Not addresses alone (`masked`).
//!
//! Nearly every word is beside no separator, and then whether it is the name of a secret is not asked, because that costs most.

use std::borrow::Cow;

use super::names::{is_secret, is_secret_in_prose};
use super::{MASK, is_harmless, masked};

const SEPARATORS: [char; 4] = ['=', ':', '＝', '：'];
/// These can be around a name without being part of it.
const QUOTES: [char; 5] = ['"', '\'', '`', '*', '_'];

/// What the words so far say about the next one.
#[derive(Clone, Copy)]
enum Next<'a> {
    /// Nothing.
    Any,
    /// A separator would make this word a name, perhaps that of a secret.
    After(&'a str),
    /// It is the secret.
    Secret,
}

/// A name or a description with the secrets in it masked: addresses with a password, and words such as `password=x` and
/// `password: x`.
pub fn masked_prose(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '=', ':', '＝', '：']) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    let mut next = Next::Any;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if !bare.is_empty() {
            let (shown, after) = masked_word(bare, next);
            result.push_str(&shown);
            next = after;
        }
        result.push_str(&word[bare.len()..]);
    }
    if result == text { Cow::Borrowed(text) } else { Cow::Owned(result) }
}

fn masked_word<'a>(word: &'a str, next: Next<'a>) -> (Cow<'a, str>, Next<'a>) {
    let value = word.trim_start_matches(|c| SEPARATORS.contains(&c) || c == '>');
    let has_letters = word.contains(char::is_alphanumeric);
    let name = word.trim_end_matches(QUOTES);
    if name.ends_with(SEPARATORS) && is_secret_in_prose(name) {
        return (Cow::Borrowed(word), Next::Secret);
    }
    match next {
        Next::Secret if is_scheme(word) => return (Cow::Borrowed(word), next),
        Next::Secret if is_harmless(word) => return (Cow::Borrowed(word), Next::Any),
        Next::Secret if !has_letters && word.chars().count() <= 2 => return (Cow::Borrowed(word), next),
        Next::Secret => return (Cow::Borrowed(MASK), Next::Any),
        Next::After(name) if value.len() < word.len() && is_secret_in_prose(name) => {
            if value.is_empty() {
                return (Cow::Borrowed(word), Next::Secret);
            }
            let shown = if is_harmless(value) { value } else { MASK };
            return (Cow::Owned(format!("{}{shown}", &word[..word.len() - value.len()])), Next::Any);
        }
        Next::Any | Next::After(_) => {}
    }
    if let Some((name, value)) = word.split_once(SEPARATORS)
        && (is_secret_in_prose(name) || (is_secret(name) && word[name.len()..].starts_with(['=', '＝'])))
        && !value.starts_with("//")
    {
        let shown = if is_harmless(value) { value } else { MASK };
        return (Cow::Owned(format!("{}{shown}", &word[..word.len() - value.len()])), Next::Any);
    }
    if word.contains(['=', '＝']) || (word.contains('@') && word.contains("//")) {
        return (masked(word), Next::Any);
    }
    (Cow::Borrowed(word), Next::After(word))
}

/// In `Authorization: Bearer x`, the secret is the word after the next one.
fn is_scheme(word: &str) -> bool {
    ["bearer", "basic"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}
