//! Label values in the form that both text formats require: escaped and limited in length.
//!
//! Label names and HELP texts are constants and need neither.

use std::borrow::Cow;

use crate::text::distinct;

/// The maximum number of characters in a label value; longer values are truncated.
pub(super) const MAX_CHARS: usize = 256;

/// A label value, ready to be written between quotes. Escaped once, written often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Escaped<'a>(Cow<'a, str>);

impl<'a> Escaped<'a> {
    /// Escapes any text. Control characters other than the line feed are legal in both formats and are kept.
    pub(super) fn new(value: &'a str) -> Self {
        // Two long values must not become one series.
        let value = distinct(value, MAX_CHARS);
        if needs_escape(&value) {
            let mut escaped = String::with_capacity(value.len() + 8);
            push_escaped(&mut escaped, &value, true);
            Self(Cow::Owned(escaped))
        } else {
            Self(value)
        }
    }

    /// For a value from a closed set, none of which needs an escape.
    pub(super) const fn word(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// For a text that has been escaped already.
    pub(super) const fn again(escaped: &'a str) -> Self {
        Self(Cow::Borrowed(escaped))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks eight bytes at a time: byte by byte is several times slower on ids and names.
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

/// Not 0 if one of the eight bytes is `byte` (the zero-byte test of "Hacker's Delight", section 6-1).
const fn holds(word: u64, byte: u8) -> u64 {
    let difference = word ^ u64::from_le_bytes([byte; 8]);
    difference.wrapping_sub(u64::from_le_bytes([0x01; 8])) & !difference & u64::from_le_bytes([0x80; 8])
}

/// Appends `text` with backslashes and line feeds escaped, and with quotes escaped if `quotes` is set.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The value that a scraper reads.
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
    fn values_are_escaped_as_the_formats_require() {
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
    fn a_value_of_the_maximum_length_is_kept_and_a_longer_value_is_truncated_to_it() {
        let whole = "é".repeat(MAX_CHARS);
        assert_eq!(Escaped::new(&whole).as_str(), whole);
        let (a, b) = (format!("{whole}a"), format!("{whole}b"));
        let (a, b) = (Escaped::new(&a), Escaped::new(&b));
        assert_eq!(a.as_str().chars().count(), MAX_CHARS);
        assert!(a.as_str().starts_with(&"é".repeat(MAX_CHARS - 40)) && a.as_str().contains('…'));
        assert_ne!(a, b, "values with the same start stay distinct");
    }

    #[test]
    fn two_long_values_with_the_same_checksum_are_two_series() {
        // CRC-32 is linear: these two texts of 300 characters have the same checksum.
        let ids = ["plumless", "buckeroo"].map(|end| format!("{}{end}", "x".repeat(292)));
        assert_eq!(crc32fast::hash(ids[0].as_bytes()), crc32fast::hash(ids[1].as_bytes()));
        assert_ne!(Escaped::new(&ids[0]), Escaped::new(&ids[1]));
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing_up_to_the_maximum_length(value in any::<String>(), ugly in r#"[\\"\nan…]{0,256}"#) {
            for value in [value, ugly] {
                if value.chars().count() <= MAX_CHARS {
                    prop_assert_eq!(unescape(Escaped::new(&value).as_str()), value);
                }
            }
        }

        #[test]
        fn different_values_have_different_labels(
            start in r#"[a\\"\n…]{0,270}"#, ends in prop::array::uniform2(r#"[a\\"n\n]{0,9}"#)
        ) {
            let values = ends.map(|end| format!("{start}{end}"));
            prop_assert_eq!(Escaped::new(&values[0]) == Escaped::new(&values[1]), values[0] == values[1]);
        }

        #[test]
        fn no_value_is_longer_than_allowed(value in "(?s).{0,600}") {
            prop_assert!(unescape(Escaped::new(&value).as_str()).chars().count() <= MAX_CHARS);
        }
    }
}
