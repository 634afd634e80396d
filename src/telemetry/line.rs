//! Formats an event as one line, as logfmt or JSON, from one list of keys and values: both formats have the same keys.
//!
//! Not where the line goes (`stderr`), and not which events are logged.

use std::fmt::{self, Debug, Write as _};
use std::io::Write as _;

use serde_json::{Number, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::text::is_treacherous;

/// The keys of every line. A field that has one of these names gets `_` at its end.
const RESERVED: [&str; 4] = ["ts", "level", "target", "msg"];

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `ts=... level=info msg="..." key=value`, as Prometheus and its exporters log.
    Logfmt,
    /// One JSON object, with the same keys.
    Json,
}

impl LogFormat {
    /// The formats by their name in the settings.
    pub const WORDS: [(&'static str, Self); 2] = [("logfmt", Self::Logfmt), ("json", Self::Json)];

    fn line<'a>(self, pairs: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
        let mut line = String::new();
        for (index, (key, value)) in pairs.enumerate() {
            // Writing to a text cannot fail.
            let _ = match self {
                Self::Logfmt => {
                    let before = if index == 0 { "" } else { " " };
                    write!(line, "{before}{}={}", Escaped(key), Logfmt(value))
                }
                Self::Json => {
                    let before = if index == 0 { '{' } else { ',' };
                    write!(line, "{before}\"{}\":{}", Escaped(key), Json(value))
                }
            };
        }
        line.push_str(match self {
            Self::Logfmt => "\n",
            Self::Json => "}\n",
        });
        line
    }
}

/// Writes each event as one line, with the fields of the spans that it is in.
pub(super) struct Lines<W> {
    pub(super) format: LogFormat,
    pub(super) with_target: bool,
    pub(super) writer: W,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.add_missing(outer);
            }
        }
        let metadata = event.metadata();
        let mut head = vec![
            ("ts", Value::String(format!("{:.3}", jiff::Timestamp::now()))),
            ("level", Value::String(metadata.level().as_str().to_ascii_lowercase())),
        ];
        if self.with_target {
            head.push(("target", Value::String(metadata.target().to_owned())));
        }
        head.extend(fields.message.map(|message| ("msg", Value::String(message))));
        let pairs = head.iter().map(|(key, value)| (*key, value));
        let line = self.format.line(pairs.chain(fields.pairs.iter().map(|(key, value)| (key.as_str(), value))));
        // A line that the writer does not accept is lost: there is no other place to report it.
        let _ = self.writer.make_writer_for(metadata).write_all(line.as_bytes());
    }
}

/// The message and the fields of an event or a span, in their order.
#[derive(Default)]
struct Fields {
    message: Option<String>,
    pairs: Vec<(String, Value)>,
}

impl Fields {
    /// A later value replaces an earlier one of the same key.
    fn set(&mut self, field: &Field, value: Value) {
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        let mut key: String = name.chars().filter(|c| !needs_quotes(*c)).collect();
        if RESERVED.contains(&key.as_str()) {
            key.push('_');
        }
        match self.pairs.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.pairs.push((key, value)),
        }
    }

    /// Adds the fields of a span around this. What is further inside counts, so that no line has a key twice.
    fn add_missing(&mut self, outer: &Self) {
        for (key, value) in &outer.pairs {
            if !self.pairs.iter().any(|(known, _)| known == key) {
                self.pairs.push((key.clone(), value.clone()));
            }
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.set(field, Value::String(text));
        }
    }
}

/// A value in logfmt. A text has quotes if it needs them.
struct Logfmt<'a>(&'a Value);

impl fmt::Display for Logfmt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) if text.chars().any(needs_quotes) => write!(f, "\"{}\"", Escaped(text)),
            Value::String(text) => f.write_str(text),
            other => write!(f, "{other}"),
        }
    }
}

/// A value in JSON.
struct Json<'a>(&'a Value);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => write!(f, "\"{}\"", Escaped(text)),
            other => write!(f, "{other}"),
        }
    }
}

fn needs_quotes(c: char) -> bool {
    c <= ' ' || matches!(c, '=' | '"') || is_treacherous(c)
}

/// The content of a JSON string, which readers of logfmt understand too.
///
/// Characters that could forge a line or control a terminal are escaped: others choose the names of clients. So are those that are
/// invisible or change the reading direction.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c < ' ' || is_treacherous(c) => {
                    // A character beyond four digits is two escapes.
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(f, "\\u{unit:04x}")?;
                    }
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
