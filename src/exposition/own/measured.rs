//! What is measured only when somebody scrapes, and not again while the last measurement is recent.
//!
//! It does not know what is measured, and its clock is an argument.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A measurement that sets gauges of the registry.
pub(super) struct Measured {
    at_most_every: Duration,
    state: Mutex<State>,
}

struct State {
    last: Option<Instant>,
    measure: Box<dyn FnMut() + Send>,
}

impl Measured {
    pub(super) fn new(at_most_every: Duration, measure: impl FnMut() + Send + 'static) -> Self {
        Self { at_most_every, state: Mutex::new(State { last: None, measure: Box::new(measure) }) }
    }

    /// Measures, unless the last measurement is recent. Scrapes at the same time wait for its end.
    pub(super) fn up_to_date(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_none_or(|last| now.saturating_duration_since(last) >= self.at_most_every) {
            state.last = Some(now);
            (state.measure)();
        }
    }
}

impl std::fmt::Debug for Measured {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Measured").field("at_most_every", &self.at_most_every).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Counter;

    #[test]
    fn what_is_measured_for_a_scrape_is_measured_at_most_once_in_its_time_also_for_scrapes_at_once() {
        let measurements = Counter::default();
        let count = measurements.clone();
        let measured = Measured::new(Duration::from_secs(1), move || count.inc());
        let start = Instant::now();
        for (milliseconds, expected) in [(0, 1), (999, 1), (1000, 2), (1001, 2), (1999, 2), (5000, 3), (4000, 3)] {
            let now = start + Duration::from_millis(milliseconds);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| measured.up_to_date(now));
                }
            });
            assert_eq!(measurements.get(), expected, "after {milliseconds} ms");
        }
    }
}
