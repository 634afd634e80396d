//! A YAML document as a tree in which each key and value has its line.
//!
//! Not what the keys mean (`schema`). Every scalar stays text, as it does in the format that exporters share.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

/// The largest number of values in a document, so that aliases cannot multiply them.
const MOST_NODES: usize = 10_000;
/// The deepest nesting. The format needs three levels.
const DEEPEST: usize = 16;

/// A value and the line that it begins on, from 1.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Absent or `null`.
    Null,
    Text(String),
    List(Vec<Node>),
    /// In the order of the document; a key can occur twice. A key is text, and has its line.
    Map(Vec<((usize, String), Node)>),
}

/// Why a document cannot be read, without a quotation of it, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) why: String,
}

/// Reads a text with one document. An empty text is [`Value::Null`].
pub(super) fn read(text: &str) -> Result<Node, Unreadable> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        let line = span.start.line();
        tree.add(event, line).map_err(|why| Unreadable { line, why: why.to_owned() })?;
    }
    Ok(tree.root.unwrap_or(Node { line: 1, value: Value::Null }))
}

fn syntax(error: &ScanError) -> Unreadable {
    Unreadable { line: error.marker().line(), why: format!("this is not valid YAML: {}", error.info()) }
}

/// The document as far as it was read.
#[derive(Default)]
struct Tree {
    root: Option<Node>,
    /// The collections that are not complete, from the outermost.
    open: Vec<Open>,
    /// Complete values that aliases can name, with their sizes.
    anchors: Vec<(usize, Node, usize)>,
    nodes: usize,
}

struct Open {
    anchor: usize,
    line: usize,
    /// The number of nodes before it.
    before: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Vec<((usize, String), Node)>, Option<(usize, String)>),
}

impl Tree {
    fn add(&mut self, event: Event<'_>, line: usize) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if is_null { Value::Null } else { Value::Text(text.into_owned()) };
                self.nodes += 1;
                self.complete(anchor, Node { line, value }, 1)
            }
            Event::SequenceStart(anchor, _) => self.open(anchor, line, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.open(anchor, line, Content::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { anchor, line, before, content }) = self.open.pop() else { return Ok(()) };
                let value = match content {
                    Content::List(nodes) => Value::List(nodes),
                    Content::Map(pairs, _) => Value::Map(pairs),
                };
                self.complete(anchor, Node { line, value }, self.nodes - before)
            }
            Event::Alias(anchor) => {
                let named = self.anchors.iter().rev().find(|(id, ..)| *id == anchor);
                let Some((_, node, size)) = named.cloned() else {
                    return Err("an alias names a value that contains it");
                };
                self.nodes += size;
                self.complete(0, Node { line, ..node }, size)
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                Err("a second document begins here, but only one is read; remove it, or join the two")
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn open(&mut self, anchor: usize, line: usize, content: Content) -> Result<(), &'static str> {
        if self.open.len() >= DEEPEST {
            return Err("the values are nested too deeply");
        }
        self.open.push(Open { anchor, line, before: self.nodes, content });
        self.nodes += 1;
        Ok(())
    }

    /// Adds a complete value to the collection that it belongs to.
    fn complete(&mut self, anchor: usize, node: Node, size: usize) -> Result<(), &'static str> {
        if self.nodes > MOST_NODES {
            return Err("the document has too many values");
        }
        if anchor > 0 {
            self.anchors.push((anchor, node.clone(), size));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(nodes)) => nodes.push(node),
            Some(Content::Map(pairs, key)) => match (key.take(), node.value) {
                (Some(key), value) => pairs.push((key, Node { line: node.line, value })),
                (None, Value::Text(text)) => *key = Some((node.line, text)),
                (None, Value::Null) => *key = Some((node.line, String::new())),
                (None, Value::List(_) | Value::Map(_)) => return Err("a key must be a text"),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree on one line.
    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Null => "null".to_owned(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(nodes) => format!("[{}]", nodes.iter().map(shown).collect::<Vec<_>>().join(" ")),
            Value::Map(pairs) => {
                let pair = |((line, key), node): &((usize, String), Node)| format!("{line}:{key}={}", shown(node));
                format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn values_stay_text_and_keys_have_their_lines() {
        for (text, expected) in [
            ("", "null"),
            ("# only a comment\n", "null"),
            ("---\n", "null"),
            ("a: 1\nb:\n  c: [x, \"2\", null, 'null', ~]\n", r#"{1:a="1" 2:b={3:c=["x" "2" null "null" null]}}"#),
            ("\na: true\na: no\n", r#"{2:a="true" 3:a="no"}"#),
            ("a: &x {b: c}\nd: *x\n", r#"{1:a={1:b="c"} 2:d={1:b="c"}}"#),
            ("k: |\n  one\n  two\n", r#"{1:k="one\ntwo\n"}"#),
            ("1: $2y$10$abc\n", r#"{1:1="$2y$10$abc"}"#),
        ] {
            assert_eq!(read(text).map(|node| shown(&node)), Ok(expected.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_one_small_document_is_refused_with_its_line() {
        let wide = format!("a: &a [{}]\n", "x,".repeat(100));
        let bomb = format!("{wide}b: &b [{}]\nc: [{}]\n", "*a,".repeat(90), "*b,".repeat(90));
        let deep = "[".repeat(DEEPEST + 1);
        for (text, line, why) in [
            ("a: [1\nb: 2\n", 2, "not valid YAML"),
            ("a: 1\n b: 2\n", 2, "not valid YAML"),
            ("a: 1\n---\nb: 2\n", 2, "a second document"),
            ("? [a]\n: b\n", 1, "a key must be a text"),
            ("a: &a [*a]\n", 1, "contains it"),
            (&bomb, 3, "too many values"),
            (&deep, 1, "nested too deeply"),
        ] {
            let refused = read(text).expect_err(text);
            assert!(refused.why.contains(why), "{text:?}: {refused:?}");
            assert_eq!(refused.line, line, "{text:?}: {refused:?}");
        }
    }
}
