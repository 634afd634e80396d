//! Sets up logging: one line per event on stderr, as logfmt or JSON.
//!
//! It does not decide what is logged.

mod line;
mod metrics;
mod stderr;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use line::Lines;

pub use line::LogFormat;
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
    let with_target = matches!(config.level, Level::Debug | Level::Trace);
    let lines = Lines { format: config.format, with_target, writer };
    tracing_subscriber::registry().with(lines.with_filter(filter))
}

#[cfg(test)]
mod tests;
