//! Logs: one line per event on stderr, logfmt or JSON.
//!
//! Not metrics, and not what is worth a line.

use std::fmt;
use std::io;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The target of our own events; those of dependencies begin otherwise.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// What to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The least level of our own events. Dependencies log warnings and errors only, at any level: some print headers.
    pub level: Level,
    /// How a line looks.
    pub format: LogFormat,
}

/// A level of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Only what needs attention.
    Error,
    /// And what may need it.
    Warn,
    /// And what happened.
    Info,
    /// And why.
    Debug,
    /// And each step.
    Trace,
}

impl Level {
    /// The word of each level.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `ts=... level=info msg="..." key=value`, as Prometheus and its exporters log.
    Logfmt,
    /// One JSON object.
    Json,
}

impl LogFormat {
    /// The word of each format.
    pub const WORDS: [(&'static str, Self); 2] = [("logfmt", Self::Logfmt), ("json", Self::Json)];
}

/// Logs to stderr from now on. An error means that someone did so before.
pub fn init(config: &Config) -> Result<(), TryInitError> {
    subscriber(*config, io::stderr).try_init()
}

fn subscriber<W>(config: Config, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = config.level.filter();
    let filter = Targets::new().with_default(LevelFilter::WARN.min(ours)).with_target(OURS, ours);
    // Where a line cannot be written, the layer would say so by a macro that panics when stderr is closed.
    let layer = match config.format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_timer(Millis)
            .with_target(config.level == Level::Debug || config.level == Level::Trace)
            .map_event_format(Escaped)
            .fmt_fields(JsonFields::new())
            .log_internal_errors(false)
            .with_writer(writer)
            .boxed(),
        LogFormat::Logfmt => tracing_logfmt::builder()
            .with_timestamp(false)
            .with_span_name(false)
            .with_span_path(false)
            .with_target(config.level == Level::Debug || config.level == Level::Trace)
            .layer()
            .map_event_format(|format| Escaped(Logfmt(format)))
            .log_internal_errors(false)
            .with_writer(writer)
            .boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter))
}

/// UTC with milliseconds.
struct Millis;

impl FormatTime for Millis {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:.3}", jiff::Timestamp::now())
    }
}

/// `tracing_logfmt` with our time and the short name of the message.
struct Logfmt<F>(F);

impl<S, N, F> FormatEvent<S, N> for Logfmt<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        writer.write_str("ts=")?;
        Millis.format_time(&mut writer)?;
        writer.write_char(' ')?;
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        // The message comes first after these; anything later may be part of a value.
        let own = |head: &str| head.split(' ').all(|pair| pair.starts_with("level=") || pair.starts_with("target="));
        match line.split_once(" message=") {
            Some((head, rest)) if own(head) => write!(writer, "{head} msg={}", plain_escapes(rest)),
            _ => writer.write_str(&plain_escapes(&line)),
        }
    }
}

/// The crate escapes as Rust does; readers of logfmt expect the escapes of JSON: no `\'`, and `\uXXXX` without braces.
fn plain_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('\'') => plain.push('\''),
            Some('u') if rest.as_str().starts_with('{') => {
                let digits: String = rest.by_ref().skip(1).take_while(|digit| *digit != '}').collect();
                let code = u32::from_str_radix(&digits, 16).unwrap_or(0xfffd);
                // Beyond the basic plane JSON has pairs.
                for unit in char::from_u32(code).unwrap_or('\u{fffd}').encode_utf16(&mut [0; 2]) {
                    let _ = fmt::Write::write_fmt(&mut plain, format_args!("\\u{unit:04x}"));
                }
            }
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

/// Escapes what could forge a line or steer a terminal: the names of clients are written by others.
///
/// Both formats escape the ASCII control characters inside values; C1 and the marks that turn text around are left.
struct Escaped<F>(F);

impl<S, N, F> FormatEvent<S, N> for Escaped<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        for c in line.trim_end_matches('\n').chars() {
            if is_harmful(c) {
                // All of them fit in four digits; a JSON string takes this escape too.
                write!(writer, "\\u{:04x}", u32::from(c))?;
            } else {
                writer.write_char(c)?;
            }
        }
        writer.write_char('\n')
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
