//! Measures and wraps text for a terminal, in columns: most characters take one, those of East Asian scripts and emoji take two.
//!
//! Not what makes untrusted text safe (`visible`).

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The number of columns that a terminal needs for the text.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// The text in lines of at most `width` columns, wrapped between words. Only a word that is longer than a line is broken.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.extend(broken(word, width)),
        }
    }
    lines
}

fn broken(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in word.chars() {
        let wide = character.width().unwrap_or(0);
        if used > 0 && used + wide > width {
            pieces.push(String::new());
            used = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
        used += wide;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_between_words_and_loses_no_character() {
        for (text, width, expected) in [
            ("a bb ccc", 4, &["a bb", "ccc"][..]),
            ("a bb ccc", 1, &["a", "b", "b", "c", "c", "c"]),
            ("abcdefg hi", 3, &["abc", "def", "g", "hi"]),
            ("äöü ß", 5, &["äöü ß"]),
            ("客户端", 4, &["客户", "端"]),
            ("客户端", 1, &["客", "户", "端"]),
            ("", 5, &[]),
            ("a", 0, &["a"]),
        ] {
            assert_eq!(wrapped(text, width), expected, "{text} {width}");
        }
    }

    #[test]
    fn characters_of_double_width_take_two_columns() {
        assert_eq!(["abc", "äöü", "客户端", "😀", ""].map(columns), [3, 3, 6, 2, 0]);
    }
}
