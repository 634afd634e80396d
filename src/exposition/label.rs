//! Label values as both text formats want them: escaped, and bounded in length.
//!
//! Not label names, and not HELP texts: those are constants.

use std::borrow::Cow;
use std::fmt::Write;

/// The most characters of a label value; a longer one is cut.
pub(super) const MAX_CHARS: usize = 256;

/// What stands for the rest of a cut value: `…` and eight hexadecimal digits.
const MARK_CHARS: usize = 9;

/// A label value that can stand between the quotes. Escaped once, written often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Escaped<'a>(Cow<'a, str>);

impl<'a> Escaped<'a> {
    /// Escapes any text. Control characters other than the line feed are legal in both formats and stay.
    pub(super) fn new(value: &'a str) -> Self {
        // The number of bytes bounds that of characters.
        let value = if value.len() > MAX_CHARS { cut(value) } else { Cow::Borrowed(value) };
        if needs_escape(&value) {
            let mut escaped = String::with_capacity(value.len() + 8);
            push_escaped(&mut escaped, &value, true);
            Self(Cow::Owned(escaped))
        } else {
            Self(value)
        }
    }

    /// Takes a word of a closed set, in which nothing needs an escape.
    pub(super) const fn word(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// Takes a text that came from an `Escaped`.
    pub(super) const fn again(escaped: &'a str) -> Self {
        Self(Cow::Borrowed(escaped))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Looks at eight bytes at a time: one by one is several times as slow on ids and names.
fn needs_escape(value: &str) -> bool {
    let (words, rest) = value.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let found = words.iter().chain([&last]).fold(0, |found, word| {
        let word = u64::from_le_bytes(*word);
        found | holds(word, b'\\') | holds(word, b'"') | holds(word, b'\n')
    });
    found != 0
}

/// Not 0 where one of the eight bytes is `byte` (the zero-byte test of "Hacker's Delight", section 6-1).
const fn holds(word: u64, byte: u8) -> u64 {
    let difference = word ^ u64::from_le_bytes([byte; 8]);
    difference.wrapping_sub(u64::from_le_bytes([0x01; 8])) & !difference & u64::from_le_bytes([0x80; 8])
}

/// Appends `text` with backslashes and line feeds escaped, and quotes where `quotes` says so.
pub(super) fn push_escaped(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(character),
        }
    }
}

/// Cuts what is too long. The hash of the whole keeps two values apart that begin alike, or two series became one.
fn cut(value: &str) -> Cow<'_, str> {
    if value.char_indices().nth(MAX_CHARS).is_none() {
        return Cow::Borrowed(value);
    }
    let end = value.char_indices().nth(MAX_CHARS - MARK_CHARS).map_or(value.len(), |(position, _)| position);
    let mut cut = value[..end].to_owned();
    // Writing to a String cannot fail.
    let _ = write!(cut, "…{:08x}", crc32fast::hash(value.as_bytes()));
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a scraper makes of an escaped value.
    fn unescape(escaped: &str) -> String {
        let mut out = String::new();
        let mut characters = escaped.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next().expect("a backslash is never last") {
                    'n' => out.push('\n'),
                    other => out.push(other),
                },
                '"' | '\n' => panic!("bare {character:?} in {escaped:?}"),
                other => out.push(other),
            }
        }
        out
    }

    #[test]
    fn values_are_escaped_as_the_formats_say() {
        for (value, expected) in [
            ("", ""),
            ("plain", "plain"),
            (r#"a"b"#, r#"a\"b"#),
            (r"a\b", r"a\\b"),
            ("a\nb", r"a\nb"),
            (r"a\nb", r"a\\nb"),
            ("tab\tcr\r", "tab\tcr\r"),
            ("Zoë 🦀", "Zoë 🦀"),
        ] {
            assert_eq!(Escaped::new(value).as_str(), expected, "{value:?}");
        }
    }

    #[test]
    fn a_value_of_the_greatest_length_is_whole_and_a_longer_one_is_cut_to_it() {
        let whole = "é".repeat(MAX_CHARS);
        assert_eq!(Escaped::new(&whole).as_str(), whole);
        let (a, b) = (format!("{whole}a"), format!("{whole}b"));
        let (a, b) = (Escaped::new(&a), Escaped::new(&b));
        assert_eq!(a.as_str().chars().count(), MAX_CHARS);
        assert!(a.as_str().starts_with(&"é".repeat(MAX_CHARS - MARK_CHARS)) && a.as_str().contains('…'));
        assert_ne!(a, b, "values that begin alike stay apart");
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing_up_to_the_greatest_length(value in any::<String>(), ugly in r#"[\\"\nan…]{0,256}"#) {
            for value in [value, ugly] {
                if value.chars().count() <= MAX_CHARS {
                    prop_assert_eq!(unescape(Escaped::new(&value).as_str()), value);
                }
            }
        }

        #[test]
        fn no_value_is_longer_than_allowed(value in "(?s).{0,600}") {
            prop_assert!(unescape(Escaped::new(&value).as_str()).chars().count() <= MAX_CHARS);
        }
    }
}
