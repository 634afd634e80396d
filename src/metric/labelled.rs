//! The series of one family: a handle for each combination of label values.
//!
//! They are found by the values without allocating. The series of an organisation are removed when it is no longer watched.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Handle, Metric};

/// The series of a family with `N` labels. Cheap to clone; the clones share the series.
pub struct Labelled<M, const N: usize>(Arc<Inner<M, N>>);

struct Inner<M, const N: usize> {
    start: Box<dyn Fn() -> M + Send + Sync>,
    /// Sorted by the values, in the order in which the family declares its labels.
    series: RwLock<Vec<([Box<str>; N], M)>>,
    /// Counts what was added to the entire registry, and removed from it.
    changes: Arc<AtomicU64>,
}

impl<M, const N: usize> Clone for Labelled<M, N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M, const N: usize> std::fmt::Debug for Labelled<M, N> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Labelled").field("labels", &N).finish_non_exhaustive()
    }
}

impl<M: Metric, const N: usize> Labelled<M, N> {
    /// No series yet. `start` makes the handle of a new one.
    pub(super) fn new(start: impl Fn() -> M + Send + Sync + 'static, changes: Arc<AtomicU64>) -> Self {
        Self(Arc::new(Inner { start: Box::new(start), series: RwLock::default(), changes }))
    }

    /// The series with these label values, in the order in which the family declares its labels. It starts at 0 now, if it is new.
    pub fn with(&self, values: [&str; N]) -> M {
        let place = |series: &[([Box<str>; N], M)]| {
            series.binary_search_by(|(known, _)| known.iter().map(AsRef::as_ref).cmp(values))
        };
        {
            let series = self.0.series.read().unwrap_or_else(PoisonError::into_inner);
            if let Ok(known) = place(&series) {
                return series[known].1.clone();
            }
        }
        let mut series = self.0.series.write().unwrap_or_else(PoisonError::into_inner);
        match place(&series) {
            // Another thread was faster.
            Ok(known) => series[known].1.clone(),
            Err(place) => {
                let metric = (self.0.start)();
                series.insert(place, (values.map(Into::into), metric.clone()));
                self.0.changes.fetch_add(1, Ordering::Release);
                metric
            }
        }
    }
}

/// The series of a family with any number of labels.
pub(super) trait Series: Send + Sync {
    /// The label values and the handles.
    fn list(&self) -> Vec<(Vec<Box<str>>, Handle)>;
    /// Removes the series whose label at this position has this value. A handle that somebody still has counts for nothing.
    fn remove(&self, position: usize, value: &str);
}

impl<M: Metric, const N: usize> Series for Labelled<M, N> {
    fn list(&self) -> Vec<(Vec<Box<str>>, Handle)> {
        let series = self.0.series.read().unwrap_or_else(PoisonError::into_inner);
        series.iter().map(|(values, metric)| (values.to_vec(), metric.handle())).collect()
    }

    fn remove(&self, position: usize, value: &str) {
        let mut series = self.0.series.write().unwrap_or_else(PoisonError::into_inner);
        series.retain(|(values, _)| values.get(position).is_none_or(|known| **known != *value));
        self.0.changes.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Counter;

    #[test]
    fn the_same_values_are_the_same_series_and_other_values_are_another() {
        let added = Arc::new(AtomicU64::new(0));
        let family: Labelled<Counter, 2> = Labelled::new(Counter::default, Arc::clone(&added));
        for values in [["b", ""], ["a", "x"], ["", "b"], ["a", "x"], ["b", ""]] {
            family.with(values).inc();
        }
        let numbers = [["a", "x"], ["b", ""], ["", "b"]].map(|values| family.with(values).get());
        assert_eq!((numbers, added.load(Ordering::Relaxed)), ([2, 2, 1], 3));
    }

    #[test]
    fn threads_that_add_the_same_series_at_once_share_it() {
        let family: Labelled<Counter, 1> = Labelled::new(Counter::default, Arc::default());
        let together = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for label in 0..100 {
                        together.wait();
                        family.with([&label.to_string()]).inc();
                    }
                });
            }
        });
        assert_eq!(family.list().len(), 100);
        assert!((0..100).all(|label| family.with([&label.to_string()]).get() == 4));
    }
}
