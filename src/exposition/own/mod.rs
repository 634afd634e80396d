//! The exporter's own families in both formats.
//!
//! A scrape reads numbers and writes only those: the text between them is written when a series is added (`layout`). Text that is
//! compressed is kept in blocks of about 2 kB, and only a block whose numbers changed is written (`block`). The audited families
//! are not here.

mod block;
mod layout;
mod measured;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Format;
use super::gzip::Joined;
use crate::metric::Registry;
use layout::Layout;
use measured::Measured;

/// The exporter's own families, ready to be written. Cheap to clone; the clones share what is kept between scrapes.
#[derive(Debug, Clone)]
pub struct Own(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    measured: Option<Measured>,
    text: Mutex<Layout>,
    openmetrics: Mutex<Layout>,
}

impl Own {
    /// The families of the registry, also those that are added to it later.
    pub fn new(registry: Registry) -> Self {
        Self::with_measured(registry, None)
    }

    /// Calls `measure` before a scrape, but at most once in this time. It sets gauges of the registry.
    pub fn measuring(registry: Registry, at_most_every: Duration, measure: impl FnMut() + Send + 'static) -> Self {
        Self::with_measured(registry, Some(Measured::new(at_most_every, measure)))
    }

    fn with_measured(registry: Registry, measured: Option<Measured>) -> Self {
        let layout = |format| Mutex::new(Layout::new(&registry, format));
        let (text, openmetrics) = (layout(Format::Text), layout(Format::OpenMetrics));
        Self(Arc::new(Inner { registry, measured, text, openmetrics }))
    }

    /// All families, and the end marker of OpenMetrics.
    pub(super) fn plain(&self, format: Format, now: Instant) -> Bytes {
        self.with(format, now, |layout| layout.plain()).into()
    }

    /// The same text, compressed.
    pub(super) fn deflated(&self, format: Format, now: Instant) -> Joined {
        self.with(format, now, |layout| Joined::new(&layout.deflated()))
    }

    fn with<T>(&self, format: Format, now: Instant, write: impl FnOnce(&mut Layout) -> T) -> T {
        let Inner { registry, measured, text, openmetrics } = &*self.0;
        if let Some(measured) = measured {
            measured.up_to_date(now);
        }
        let layout = match format {
            Format::Text => text,
            Format::OpenMetrics => openmetrics,
        };
        let mut layout = layout.lock().unwrap_or_else(PoisonError::into_inner);
        if layout.is_outdated(registry) {
            *layout = Layout::new(registry, format);
        }
        write(&mut layout)
    }
}
