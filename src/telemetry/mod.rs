//! Sets up logging: one line per event on stderr, as logfmt or JSON.
//!
//! It does not decide what is logged.

mod metrics;
mod stderr;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

pub use metrics::{FAMILIES, register};
pub use stderr::{flush, line};

/// The prefix of the target of the exporter's own events. Events of dependencies have other targets.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// The level and format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The least severe level of the exporter's own events. Dependencies log only warnings and errors, at every level: some
    /// would print headers.
    pub level: Level,
    /// The format of a line.
    pub format: LogFormat,
}

/// The level of a log event. Each level includes those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Problems that need attention.
    Error,
    /// Problems that may need attention.
    Warn,
    /// Normal events, such as a refresh.
    Info,
    /// Reasons and details, for troubleshooting.
    Debug,
    /// Every step.
    Trace,
}

impl Level {
    /// The levels by their name in the settings.
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

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `ts=... level=info msg="..." key=value`, as Prometheus and its exporters log.
    Logfmt,
    /// One JSON object.
    Json,
}

impl LogFormat {
    /// The formats by their name in the settings.
    pub const WORDS: [(&'static str, Self); 2] = [("logfmt", Self::Logfmt), ("json", Self::Json)];
}

/// Starts logging to stderr, and logs panics. Fails if logging was set up before.
pub fn init(config: &Config) -> Result<(), TryInitError> {
    subscriber(*config, || stderr::Stderr).try_init()?;
    // Rust's own hook writes to stderr directly, which can block.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "a thread panicked; this is a defect of the exporter");
        // The panic may end the process.
        flush();
    }));
    Ok(())
}

/// From now on, writing to stderr never blocks: if nobody reads, lines are dropped and counted. For the exporter, not for one-off
/// commands.
pub fn never_block(config: &Config) -> io::Result<()> {
    let config = Config { level: if config.level == Level::Error { Level::Warn } else { config.level }, ..*config };
    stderr::never_block(move |lines| report_dropped(config, lines))
}

/// The line about lines that were dropped, in the format of the log.
fn report_dropped(config: Config, lines: u64) -> Vec<u8> {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    tracing::subscriber::with_default(subscriber(config, move || writer.clone()), || {
        tracing::warn!(lines, "log lines were dropped here, because stderr did not accept them");
    });
    std::mem::take(&mut *buffer.0.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn subscriber<W>(config: Config, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = config.level.filter();
    let filter = Targets::new().with_default(LevelFilter::WARN.min(ours)).with_target(OURS, ours);
    // `log_internal_errors(false)`: the layer would report a failed write with a macro that panics if stderr is closed.
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

/// `tracing_logfmt` with `ts=` in milliseconds, and `msg=` instead of `message=`.
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
        // The message follows directly after these fields. A later ` message=` can be part of a value.
        let own = |head: &str| head.split(' ').all(|pair| pair.starts_with("level=") || pair.starts_with("target="));
        match line.split_once(" message=") {
            Some((head, rest)) if own(head) => write!(writer, "{head} msg={}", plain_escapes(rest)),
            _ => writer.write_str(&plain_escapes(&line)),
        }
    }
}

/// Converts Rust's escapes, which the crate writes, to those of JSON, which readers of logfmt expect: no `\'`, and `\uXXXX`
/// without braces.
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
                // JSON writes a character beyond the basic plane as a surrogate pair.
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

/// Escapes characters that could forge a line or control a terminal: others choose the names of clients.
///
/// Both formats already escape ASCII control characters inside values. This escapes the rest: C1 control characters, and
/// characters that are invisible or change the reading direction.
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
                // All these characters fit in four digits, and the escape is valid in a JSON string too.
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
