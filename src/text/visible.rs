//! Makes untrusted text safe to display: replaces characters that are invisible or change the reading direction.
//!
//! This is not an escape for a format: HTML, JSON and other formats apply their own escapes in addition.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with each control, bidirectional and invisible character replaced by its code point, such as `[U+202E]`.
///
/// Anybody who can edit a client chooses its name. A line break could forge a row, an escape sequence could control the
/// terminal, and U+202E displays `exe.gpj` as `jpg.exe`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_treacherous) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_treacherous(character) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "[U+{:04X}]", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// The text, truncated to this number of characters; the last one is then an ellipsis.
pub fn shortened(text: &str, characters: usize) -> Cow<'_, str> {
    if text.chars().nth(characters).is_none() {
        return Cow::Borrowed(text);
    }
    let mut cut: String = text.chars().take(characters.saturating_sub(1)).collect();
    cut.push('…');
    Cow::Owned(cut)
}

/// Whether it is in Unicode's `Cc`, a bidirectional control of UAX 9, a line separator, or a character without width.
pub const fn is_treacherous(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_and_bidirectional_characters_are_replaced_and_others_are_kept() {
        for (text, expected) in [
            ("Wallboard Zürich", "Wallboard Zürich"),
            ("客户端 😀", "客户端 😀"),
            ("a\nb", "a[U+000A]b"),
            ("\u{1b}[31mred", "[U+001B][31mred"),
            ("\u{202e}gpj.exe", "[U+202E]gpj.exe"),
            ("\u{2066}x\u{2069}", "[U+2066]x[U+2069]"),
            ("Bill\u{200b}ing", "Bill[U+200B]ing"),
            ("tab\there\u{7f}\u{9b}", "tab[U+0009]here[U+007F][U+009B]"),
            ("\u{e0041}", "[U+E0041]"),
            ("", ""),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn a_text_is_truncated_by_characters_and_ends_with_an_ellipsis() {
        for (text, characters, expected) in
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("äöü", 3, "äöü"), ("äöüß", 2, "ä…"), ("", 0, ""), ("a", 0, "…")]
        {
            assert_eq!(shortened(text, characters), expected);
        }
    }
}
