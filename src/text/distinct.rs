//! Shortens a text that identifies something. Two different texts stay different.
//!
//! For text that is only read, use `shortened`.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Hexadecimal digits at the end of a shortened text: the first 128 bits of the SHA-256 of the complete text.
const DIGITS: usize = 32;

/// The text, limited to this number of characters. What is cut is replaced by `…` and a hash of the complete text.
///
/// A text of exactly this length that looks like a shortened one is hashed too: otherwise somebody could choose a text that equals
/// the shortened form of another.
pub fn distinct(text: &str, characters: usize) -> Cow<'_, str> {
    // A text has at most as many characters as bytes.
    if text.len() < characters {
        return Cow::Borrowed(text);
    }
    let length = text.chars().take(characters + 1).count();
    if length < characters || (length == characters && !looks_shortened(text)) {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(characters.saturating_sub(DIGITS + 1)).collect();
    short.push('…');
    for byte in &Sha256::digest(text.as_bytes())[..DIGITS / 2] {
        // Writing to a String cannot fail.
        let _ = write!(short, "{byte:02x}");
    }
    Cow::Owned(short)
}

fn looks_shortened(text: &str) -> bool {
    text.rsplit_once('…')
        .is_some_and(|(_, hash)| hash.len() == DIGITS && hash.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 64;

    #[test]
    fn a_text_that_equals_a_shortened_one_is_not_taken_for_it() {
        let long = "x".repeat(100);
        let short = distinct(&long, MOST).into_owned();
        assert_eq!(short.chars().count(), MOST);
        assert_ne!(distinct(&short, MOST), short);
        assert_eq!(distinct(&short, MOST + 1), short, "a larger limit does not shorten it again");
    }

    proptest! {
        #[test]
        fn different_texts_stay_different_and_none_is_too_long(
            start in "[a-c…é]{0,70}", ends in prop::array::uniform2("[ab…\\n\"]{0,40}")
        ) {
            let texts = ends.map(|end| format!("{start}{end}"));
            let [one, other] = [&texts[0], &texts[1]].map(|text| distinct(text, MOST).into_owned());
            prop_assert_eq!(one == other, texts[0] == texts[1]);
            prop_assert!(one.chars().count() <= MOST);
            // Also what was shortened before stays different from what was not.
            prop_assert!(one == texts[0] || distinct(&one, MOST) != one);
        }
    }
}
