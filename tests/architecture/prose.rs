//! What people read in a file, as words with their line numbers.
//!
//! Not a parser of any language: Rust code is skipped except for its comments, its strings and names that are sentences,
//! and every other file is read completely, without its comment markers.

use std::path::Path;

/// A word, or with an empty text the end of a clause.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) line: usize,
}

/// Takes the place of Rust code, and of text in backticks, which is code as well.
const CODE: char = '\u{1}';
const QUOTED: &str = "`";

/// The words of a file in lower case. Punctuation ends a clause, a line break does not.
pub(super) fn words(path: &Path, text: &str) -> Vec<Word> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let rust = extension == "rs";
    let text = if rust { without_code(text) } else { text.to_owned() };
    // In JavaScript and in scripts, backticks are not quotation marks.
    let quotes = !["mjs", "ts", ""].contains(&extension);
    let mut found = Words { found: Vec::new(), line: 0 };
    found.end();
    for (number, line) in text.lines().enumerate() {
        found.line = number + 1;
        let line = line.trim_start().trim_start_matches(['/', '!', '#', '*', '>', '<']).trim();
        if line.is_empty() {
            found.end();
        }
        let spans: Vec<&str> = line.split('`').collect();
        for (index, span) in spans.iter().enumerate() {
            if quotes && index % 2 == 1 && spans.len() % 2 == 1 {
                found.push(QUOTED);
            } else {
                found.take(span);
            }
        }
    }
    found.end();
    found.found
}

struct Words {
    found: Vec<Word>,
    line: usize,
}

impl Words {
    fn push(&mut self, word: &str) {
        self.found.push(Word { text: word.to_lowercase(), line: self.line });
    }

    fn end(&mut self) {
        if self.found.last().is_none_or(|word| !word.text.is_empty()) {
            self.push("");
        }
    }

    fn take(&mut self, span: &str) {
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\'');
        let mut rest = span;
        while let Some(first) = rest.chars().next() {
            let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            rest = after;
            let word = word.trim_matches(['-', '\'']);
            if !word.is_empty() {
                self.push(word);
            } else if rest.starts_with("\\n") || rest.starts_with("\\t") {
                self.end();
                rest = &rest[2..];
            } else if let Some(end) = placeholder(rest) {
                self.push(QUOTED);
                rest = &rest[end..];
            } else if length == 0 {
                if !first.is_whitespace() && !matches!(first, '"' | '*' | '“' | '”') && rest != "\\" {
                    self.end();
                }
                rest = &rest[first.len_utf8()..];
            } else {
                self.end(); // a dash
            }
        }
    }
}

/// The length of a placeholder such as `{name:?}` at the start of a text.
fn placeholder(text: &str) -> Option<usize> {
    let end = text.starts_with('{').then(|| text.find('}'))??;
    text[1..end].chars().all(|c| !c.is_whitespace() && c != '{').then_some(end + 1)
}

/// Rust with its code replaced, so that comments, strings and long snake-case names are left on their lines.
fn without_code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\n');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        if c == '/' && at(i + 1) == '/' {
            while at(i) != '\n' {
                out.push(chars[i]);
                i += 1;
            }
        } else if c == '"' {
            i = string(&chars, i, &mut out);
        } else if c == 'r' && matches!(at(i + 1), '"' | '#') {
            i = raw_string(&chars, i, &mut out);
        } else if c == '\'' {
            // A character, or else a lifetime.
            let length =
                if at(i + 1) == '\\' { (2..12).find(|n| at(i + n + 1) == '\'').map_or(1, |n| n + 2) } else { 3 };
            i += if at(i + length - 1) == '\'' { length } else { 1 };
            out.push(CODE);
        } else if c.is_alphabetic() || c == '_' {
            let name: String = chars[i..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
            i += name.chars().count();
            out.push(CODE);
            if name.matches('_').count() >= 3 && !name.contains(char::is_uppercase) {
                out.push_str(&name.replace('_', " "));
            }
        } else {
            out.push(if c.is_whitespace() { c } else { CODE });
            i += 1;
        }
    }
    out
}

/// Copies a string literal that begins at `i`, and returns where it ends.
fn string(chars: &[char], mut i: usize, out: &mut String) -> usize {
    out.push(CODE);
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        let escaped = chars.get(i + 1).copied().unwrap_or('"');
        match chars[i] {
            '\\' if escaped == '\n' => out.push('\n'),
            '\\' if escaped == '"' => out.push('"'),
            '\\' => out.push(CODE),
            c => out.push(c),
        }
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    out.push(CODE);
    i + 1
}

/// The same for a raw string, or for a name such as `r#type`.
fn raw_string(chars: &[char], start: usize, out: &mut String) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|c| **c == '#').count();
    let mut i = start + 1 + hashes;
    out.push(CODE);
    if chars.get(i) != Some(&'"') {
        return i;
    }
    i += 1;
    let ends =
        |i: usize| chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    while i < chars.len() && !ends(i) {
        out.push(chars[i]);
        i += 1;
    }
    out.push(CODE);
    i + 1 + hashes
}

#[test]
fn comments_strings_and_names_that_are_sentences_are_read() {
    let rust = "/// One `two` three,\n/// four.\nfn it_reads_like_this(six: &'a str) -> char { let five = \"Five \\\n    six\\nseven\"; r#\"eight {told:?}\"#; '\"' } // nine";
    let read: Vec<(String, usize)> = words(Path::new("a.rs"), rust).into_iter().map(|w| (w.text, w.line)).collect();
    let expected = [
        ("", 0),
        ("one", 1),
        ("`", 1),
        ("three", 1),
        ("", 1),
        ("four", 2),
        ("", 2),
        ("it", 3),
        ("reads", 3),
        ("like", 3),
        ("this", 3),
        ("", 3),
        ("five", 3),
        ("six", 4),
        ("", 4),
        ("seven", 4),
        ("", 4),
        ("eight", 4),
        ("`", 4),
        ("", 4),
        ("nine", 4),
        ("", 4),
    ];
    assert_eq!(read, expected.map(|(text, line)| (text.to_owned(), line)));
    let shell: Vec<String> =
        words(Path::new("run"), "# Is in\n# order - or\n#\n# not").into_iter().map(|w| w.text).collect();
    assert_eq!(shell, ["", "is", "in", "order", "", "or", "", "not", ""]);
}
