//! The time of an evaluation. Rules read it only through this type, which records until when their answers are valid.
//!
//! So a client's findings can be kept exactly as long as an evaluation at a later time would give the same.

use std::cell::Cell;

use crate::domain::Timestamp;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// The time of an evaluation, and the time from which its result can differ.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    now: Timestamp,
    until: Cell<Timestamp>,
}

impl Clock {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { now, until: Cell::new(Timestamp::from_seconds(i64::MAX)) }
    }

    /// The first time at which an answer that was given so far can differ.
    pub(super) const fn until(&self) -> Timestamp {
        self.until.get()
    }

    /// The answers given so far can differ from this time on.
    fn changes_at(&self, seconds: i64) {
        self.until.set(self.until.get().min(Timestamp::from_seconds(seconds)));
    }

    /// Whether this time has come.
    pub(super) fn has_reached(&self, at: Timestamp) -> bool {
        let reached = at <= self.now;
        if !reached {
            self.changes_at(at.seconds());
        }
        reached
    }

    /// Whether this time is more than so many days ago.
    pub(super) fn is_older_than(&self, at: Timestamp, days: u32) -> bool {
        let limit = at.seconds().saturating_add(i64::from(days) * DAY);
        self.has_reached(Timestamp::from_seconds(limit.saturating_add(1)))
    }

    /// The days from now to this time, rounded down; negative if it has passed.
    pub(super) fn days_until(&self, at: Timestamp) -> i64 {
        let days = at.seconds().saturating_sub(self.now.seconds()).div_euclid(DAY);
        self.changes_at(at.seconds().saturating_sub(days.saturating_mul(DAY)).saturating_add(1));
        days
    }

    /// The full days since this time; 0 if it is in the future.
    pub(super) fn days_since(&self, at: Timestamp) -> u64 {
        self.since(at, DAY) / 86_400
    }

    /// The seconds since this time, of which only the full minutes may matter; 0 if it is in the future.
    pub(super) fn seconds_since(&self, at: Timestamp) -> u64 {
        self.since(at, MINUTE)
    }

    fn since(&self, at: Timestamp, unit: i64) -> u64 {
        let elapsed = self.now.since(at).as_secs();
        let units = i64::try_from(elapsed).unwrap_or(i64::MAX) / unit;
        self.changes_at(at.seconds().saturating_add(units.saturating_add(1).saturating_mul(unit)));
        elapsed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each answer as the text of what a rule may use of it.
    fn answer(clock: &Clock, question: usize, at: Timestamp) -> String {
        match question {
            0 => clock.has_reached(at).to_string(),
            1 => clock.is_older_than(at, 2).to_string(),
            2 => clock.days_until(at).to_string(),
            3 => clock.days_since(at).to_string(),
            _ => (clock.seconds_since(at) / 60).to_string(),
        }
    }

    proptest! {
        #[test]
        fn an_answer_is_the_same_until_the_recorded_time(
            now in -400_000_i64..400_000, at in -400_000_i64..400_000, question in 0..5_usize, later in 0..400_000_i64,
        ) {
            let (now, at) = (Timestamp::from_seconds(now), Timestamp::from_seconds(at));
            let clock = Clock::new(now);
            let before = answer(&clock, question, at);
            prop_assert!(clock.until() > now);
            let later = Timestamp::from_seconds(now.seconds() + later);
            if later < clock.until() {
                prop_assert_eq!(answer(&Clock::new(later), question, at), before);
            }
        }
    }

    #[test]
    fn the_recorded_time_is_the_first_at_which_the_answer_differs() {
        let (now, day) = (Timestamp::from_seconds(1_000_000), 86_400);
        for (question, at, until) in [
            (0, 1_000_001, 1_000_001),
            (0, 1_000_000, i64::MAX),
            (1, 1_000_000 - 2 * day, 1_000_001),
            (2, 1_000_000 + day, 1_000_001),
            (2, 1_000_000 + day - 1, 1_000_000 + day),
            (3, 1_000_000 - day, 1_000_000 + day),
            (4, 1_000_000 - 59, 1_000_001),
        ] {
            let clock = Clock::new(now);
            answer(&clock, question, Timestamp::from_seconds(at));
            assert_eq!(clock.until().seconds(), until, "{question} {at}");
        }
    }
}
