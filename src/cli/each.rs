//! Works with several organisations at the same time.
//!
//! Each has the time limit of its own calls: one that does not answer delays only the end of the command.

use futures::{StreamExt, stream};

/// The largest number of organisations that one message names.
pub(super) const MOST_NAMED: usize = 10;

/// The largest number of organisations that are read at the same time.
const AT_ONCE: usize = 8;

/// Does the work for each item, at most [`AT_ONCE`] at a time, and returns the results in the order of the items.
pub(super) async fn each<'a, T, R, F>(items: &'a [T], work: impl Fn(&'a T) -> F) -> Vec<R>
where
    F: Future<Output = R>,
{
    let numbered = items.iter().enumerate().map(|(number, item)| {
        let result = work(item);
        async move { (number, result.await) }
    });
    let mut results: Vec<(usize, R)> = stream::iter(numbered).buffer_unordered(AT_ONCE).collect().await;
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn at_most_eight_run_at_the_same_time_and_one_that_waits_holds_up_no_other() {
        let (running, most, done) = (Cell::new(0), Cell::new(0), Cell::new(0_usize));
        let numbers: Vec<usize> = (0..30).collect();
        let last = tokio::sync::Notify::new();
        let work = async |number: &usize| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            // The first one ends after all others.
            if *number == 0 {
                last.notified().await;
            } else {
                tokio::task::yield_now().await;
            }
            done.set(done.get() + 1);
            if done.get() == numbers.len() - 1 {
                last.notify_one();
            }
            running.set(running.get() - 1);
            *number
        };
        assert_eq!(each(&numbers, work).await, numbers, "in their order");
        assert_eq!(most.get(), AT_ONCE);
    }
}
