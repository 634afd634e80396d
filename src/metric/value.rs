//! What the exporter counts about itself: handles that a module changes and a scrape reads.
//!
//! A handle is one number, or the buckets of a histogram, without name and labels: a series of `prometheus` 0.14 holds a copy of its
//! family's description, about 600 bytes. All handles start at 0 and are cheap to clone; the clones share the number.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Kind;

/// A whole number that only increases.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Counts one event.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts several events.
    pub fn add(&self, events: u64) {
        self.0.fetch_add(events, Ordering::Relaxed);
    }

    /// For a number that something else counts. A lower number than before is ignored.
    pub fn raise_to(&self, number: u64) {
        self.0.fetch_max(number, Ordering::Relaxed);
    }

    /// The number of events.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A whole number that can increase and decrease.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Replaces the number.
    pub fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that is not whole, such as a duration in seconds: a counter or a gauge.
#[derive(Debug, Clone, Default)]
pub struct Amount(Arc<AtomicU64>);

impl Amount {
    /// Replaces the number, if it is a gauge.
    pub fn set(&self, number: f64) {
        self.0.store(number.to_bits(), Ordering::Relaxed);
    }

    /// Adds to the number.
    pub fn add(&self, number: f64) {
        let sum = |bits| Some((f64::from_bits(bits) + number).to_bits());
        // It always succeeds, because `sum` always returns a number.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }

    /// The number.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Observations in buckets.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Observations>);

#[derive(Debug)]
struct Observations {
    bounds: &'static [f64],
    /// A scrape sees an observation in the bucket, the count and the sum, or in none of them.
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The number of observations per bound: those above the bound before it. Those above the last bound come last.
    numbers: Box<[u64]>,
    sum: f64,
}

impl Histogram {
    /// Without observations. The upper bounds ascend; the infinite bound is not among them.
    pub fn new(bounds: &'static [f64]) -> Self {
        let numbers = vec![0; bounds.len() + 1].into();
        Self(Arc::new(Observations { bounds, seen: Mutex::new(Seen { numbers, sum: 0.0 }) }))
    }

    /// Counts an observation in the first bucket whose bound is not below it.
    pub fn observe(&self, value: f64) {
        let bucket = self.0.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.0.bounds.len());
        let mut seen = self.seen();
        if let Some(number) = seen.numbers.get_mut(bucket) {
            *number += 1;
        }
        seen.sum += value;
    }

    /// The finite upper bounds.
    pub fn bounds(&self) -> &'static [f64] {
        self.0.bounds
    }

    /// Calls `visit` with the number of observations up to each finite bound, and returns the number of all and their sum.
    pub fn read(&self, mut visit: impl FnMut(u64)) -> (u64, f64) {
        let seen = self.seen();
        let mut count = 0;
        for (index, number) in seen.numbers.iter().enumerate() {
            count += number;
            if index < self.0.bounds.len() {
                visit(count);
            }
        }
        (count, seen.sum)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle of any type.
#[derive(Debug, Clone)]
pub enum Handle {
    /// A [`Counter`].
    Counter(Counter),
    /// A [`Gauge`].
    Gauge(Gauge),
    /// An [`Amount`].
    Amount(Amount),
    /// A [`Histogram`].
    Histogram(Histogram),
}

/// The type of a handle.
pub trait Metric: Clone + Send + Sync + 'static {
    /// The kinds of families that it can be a series of.
    const KINDS: &'static [Kind];

    /// The same handle.
    fn handle(&self) -> Handle;
}

impl Metric for Counter {
    const KINDS: &'static [Kind] = &[Kind::Counter];

    fn handle(&self) -> Handle {
        Handle::Counter(self.clone())
    }
}

impl Metric for Gauge {
    const KINDS: &'static [Kind] = &[Kind::Gauge];

    fn handle(&self) -> Handle {
        Handle::Gauge(self.clone())
    }
}

impl Metric for Amount {
    const KINDS: &'static [Kind] = &[Kind::Counter, Kind::Gauge];

    fn handle(&self) -> Handle {
        Handle::Amount(self.clone())
    }
}

impl Metric for Histogram {
    const KINDS: &'static [Kind] = &[Kind::Histogram];

    fn handle(&self) -> Handle {
        Handle::Histogram(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_something_else_counts_never_decreases() {
        let counter = Counter::default();
        for (number, expected) in [(3, 3), (2, 3), (4, 4)] {
            counter.raise_to(number);
            assert_eq!(counter.get(), expected);
        }
    }

    #[test]
    fn additions_to_an_amount_from_several_threads_are_all_counted() {
        let amount = Amount::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| amount.add(0.5)));
            }
        });
        assert_eq!(amount.get().to_bits(), 2000.0_f64.to_bits());
    }

    #[test]
    fn an_observation_is_in_every_bucket_from_its_bound_up() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 3.0, f64::INFINITY] {
            histogram.observe(value);
        }
        let mut buckets = Vec::new();
        assert_eq!(histogram.read(|number| buckets.push(number)), (5, f64::INFINITY));
        assert_eq!(buckets, [2, 3]);
        histogram.observe(f64::NAN);
        let mut buckets = Vec::new();
        let (count, sum) = histogram.read(|number| buckets.push(number));
        assert!(count == 6 && sum.is_nan() && buckets == [2, 3], "{count} {sum} {buckets:?}");
    }
}
