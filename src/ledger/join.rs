//! Joins two sorted sequences, so that what both have is seen together.

use std::cmp::Ordering;
use std::iter;

/// Every item of both sequences, in their order; two that are equal by `order` come together. Both are sorted by it, without
/// duplicates.
pub(super) fn join<L: IntoIterator, R: IntoIterator>(
    left: L,
    right: R,
    order: impl Fn(&L::Item, &R::Item) -> Ordering,
) -> impl Iterator<Item = (Option<L::Item>, Option<R::Item>)> {
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => order(left, right),
        };
        Some(match order {
            Ordering::Less => (left.next(), None),
            Ordering::Equal => (left.next(), right.next()),
            Ordering::Greater => (None, right.next()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_both_come_together_and_the_others_alone() {
        let joined: Vec<_> = join([1, 2, 4], [2, 3, 4, 5], Ord::cmp).collect();
        let expected = [(Some(1), None), (Some(2), Some(2)), (None, Some(3)), (Some(4), Some(4)), (None, Some(5))];
        assert_eq!(joined, expected);
    }
}
