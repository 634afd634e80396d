//! Reads the keys of one mapping of the file, and collects every mistake with its line.
//!
//! Not which keys there are (`schema`). A mistake quotes keys, and values only where they are words of the format.

use super::yaml::{Node, Value};

/// The longest text that a mistake quotes.
const LONGEST_QUOTE: usize = 60;

/// What is wrong with the file, and what is odd but accepted. The texts have no secrets.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    pub(super) mistakes: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Remarks {
    pub(super) fn wrong(&mut self, line: usize, what: impl AsRef<str>) {
        self.mistakes.push(format!("line {line}: {}", what.as_ref()));
    }

    pub(super) fn odd(&mut self, line: usize, what: impl AsRef<str>) {
        self.warnings.push(format!("line {line}: {}", what.as_ref()));
    }
}

/// A text of the file in quotation marks, short and on one line. What may be a hash is not shown.
pub(super) fn quoted(text: &str) -> String {
    if text.contains('$') {
        return "a text that may be a secret".to_owned();
    }
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((cut, _)) => format!("{:?}...", &text[..cut]),
        None => format!("{text:?}"),
    }
}

/// One mapping with known keys.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// The name for messages, with a dot at its end; empty for the whole file.
    prefix: &'static str,
    pairs: Vec<(&'a str, &'a Node)>,
}

impl<'a> Section<'a> {
    /// The mapping in `node`; empty if it is null. Unknown and repeated keys are mistakes.
    pub(super) fn read(node: &'a Node, prefix: &'static str, known: &[&str], remarks: &mut Remarks) -> Self {
        let pairs = match &node.value {
            Value::Null => &[][..],
            Value::Map(pairs) => pairs,
            Value::Text(_) | Value::List(_) => {
                let name = if prefix.is_empty() { "the file" } else { prefix.trim_end_matches('.') };
                remarks.wrong(node.line, format!("{name} must have keys, as in `key: value`"));
                &[]
            }
        };
        let mut section = Self { prefix, pairs: Vec::new() };
        for ((line, key), node) in pairs {
            if !known.contains(&key.as_str()) {
                let keys = known.join(", ");
                remarks.wrong(
                    *line,
                    format!("{prefix}{}: there is no such key; use {keys}", quoted(key).trim_matches('"')),
                );
            } else if section.node(key).is_some() {
                remarks.wrong(*line, format!("{prefix}{key}: the key occurs twice; remove one of them"));
            } else {
                section.pairs.push((key, node));
            }
        }
        section
    }

    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.pairs.iter().find(|(name, _)| *name == key).map(|(_, node)| *node)
    }

    /// Whether any key has a value.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.iter().all(|(_, node)| match &node.value {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            Value::List(_) | Value::Map(_) => false,
        })
    }

    /// A text with its line; `None` if it is absent or empty.
    pub(super) fn text(&self, key: &str, remarks: &mut Remarks) -> Option<(usize, &'a str)> {
        let node = self.node(key)?;
        match &node.value {
            Value::Null => None,
            Value::Text(text) => (!text.is_empty()).then_some((node.line, text)),
            Value::List(_) | Value::Map(_) => {
                remarks.wrong(node.line, format!("{}{key} must be a text", self.prefix));
                None
            }
        }
    }

    /// A boolean, as YAML 1.1 writes it.
    pub(super) fn switch(&self, key: &str, remarks: &mut Remarks) -> Option<bool> {
        let (line, text) = self.text(key, remarks)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => {
                remarks.wrong(line, format!("{}{key}: {} is neither true nor false", self.prefix, quoted(text)));
                None
            }
        }
    }

    /// A list of texts with their lines; `None` if it is absent.
    pub(super) fn list(&self, key: &str, remarks: &mut Remarks) -> Option<Vec<(usize, &'a str)>> {
        let node = self.node(key)?;
        let name = format!("{}{key}", self.prefix);
        match &node.value {
            Value::Null => None,
            Value::List(nodes) => Some(
                nodes
                    .iter()
                    .filter_map(|node| match &node.value {
                        Value::Text(text) => Some((node.line, text.as_str())),
                        Value::Null | Value::List(_) | Value::Map(_) => {
                            remarks.wrong(node.line, format!("{name}: each element must be a text"));
                            None
                        }
                    })
                    .collect(),
            ),
            Value::Text(_) | Value::Map(_) => {
                remarks.wrong(node.line, format!("{name} must be a list, as in `[one, two]`"));
                None
            }
        }
    }

    /// The meaning of a value that is one of the known words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], remarks: &mut Remarks) -> Option<(usize, T)> {
        let (line, text) = self.text(key, remarks)?;
        let found = meaning(text, words);
        if found.is_none() {
            remarks.wrong(line, format!("{}{key}: {}", self.prefix, unknown(text, words)));
        }
        Some((line, found?))
    }

    /// A list of words of the format; `None` if it is absent or empty.
    pub(super) fn words<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
        remarks: &mut Remarks,
    ) -> Option<(usize, Vec<T>)> {
        let line = self.node(key)?.line;
        let mut found = Vec::new();
        for (line, text) in self.list(key, remarks)? {
            match meaning(text, words) {
                Some(meaning) => found.push(meaning),
                None => remarks.wrong(line, format!("{}{key}: {}", self.prefix, unknown(text, words))),
            }
        }
        (!found.is_empty()).then_some((line, found))
    }
}

fn meaning<T: Copy>(text: &str, words: &[(&str, T)]) -> Option<T> {
    words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
}

fn unknown<T>(text: &str, words: &[(&str, T)]) -> String {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    format!("{} is unknown; use {}", quoted(text), words.join(", "))
}
