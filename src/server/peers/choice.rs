//! Decides what happens with a new connection: whether it gets a place, and which other one gives way for it.
//!
//! Pure: it chooses, and `registry` acts. It never chooses a connection whose request is answered, and it does not look at
//! addresses: honest scrapers can share one address with a slow neighbour. Responses are compared by the time in which their
//! peers took nothing, not by their age: a large response may take long to make.

use std::time::Duration;

use tokio::time::Instant;

use super::activity::Activity;
use crate::server::Limits;

/// What to do for a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It gets a place.
    Admit,
    /// This connection, which waits without a request, is closed. Then the question is asked again.
    Evict(u64),
    /// This connection, whose peer reads its response slowly, is closed. Then the question is asked again.
    CutOff(u64),
    /// The request of this connection is refused, so that the connection ends. Then the question is asked again.
    Refuse(u64),
    /// Every connection is busy. The question is asked again when one of them changes.
    Wait,
}

/// The admission of one more connection while these are `open`; `closing` more are being closed.
pub(super) fn admission(open: &[(u64, Activity)], closing: usize, limits: &Limits, now: Instant) -> Admission {
    let all = open.len() + closing;
    if all < limits.connections {
        return Admission::Admit;
    }
    if closing > 0 {
        return Admission::Wait;
    }
    let waiting = waiting_longest(open);
    if let Some((since, id)) = waiting
        && now.saturating_duration_since(since) >= limits.grace
    {
        return Admission::Evict(id);
    }
    let has_reserve = all < limits.connections + limits.reserve;
    let allowed = if has_reserve { limits.stalled } else { limits.stalled.min(limits.stalled_at_least) };
    if let Some(id) = slowest(open, allowed, now) {
        return Admission::CutOff(id);
    }
    if has_reserve {
        return Admission::Admit;
    }
    // One of them can be cut off soon. Until then, what arrives waits in the order of its arrival, and nobody is refused.
    if open.iter().any(|(_, activity)| activity.is_blocked()) {
        return Admission::Wait;
    }
    // The request of a connection in its grace is on its way, so it is evicted last.
    let newest = newest_queued(open).map(Admission::Refuse);
    newest.or(waiting.map(|(_, id)| Admission::Evict(id))).unwrap_or(Admission::Wait)
}

/// Which of these responses is cut off, so that one of the `queued` requests gets what they hold.
///
/// The more requests wait, the less time a peer may take nothing, so that they get their turns before they have waited too long.
pub(super) fn cut_off(holding: &[(u64, Activity)], queued: usize, limits: &Limits, now: Instant) -> Option<u64> {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let share = (limits.turn / 2).saturating_mul(count(holding.len())) / count(queued).max(1);
    slowest(holding, share.max(limits.stalled_at_least).min(limits.stalled), now)
}

/// The connection whose peer took nothing of its response for longest in total, if at least for the time that is `allowed`.
fn slowest(open: &[(u64, Activity)], allowed: Duration, now: Instant) -> Option<u64> {
    let blocked = open.iter().filter_map(|(id, activity)| Some((activity.blocked_in_total(now)?, *id)));
    blocked.filter(|(blocked, _)| *blocked >= allowed).max().map(|(_, id)| id)
}

/// A connection that has just arrived is not among them, because its request may be here already.
fn waiting_longest(open: &[(u64, Activity)]) -> Option<(Instant, u64)> {
    let waiting = open.iter().filter_map(|(id, activity)| match activity {
        Activity::Waiting { since, .. } => Some((*since, *id)),
        _ => None,
    });
    waiting.min()
}

/// Those that have waited longer keep their turns in the queue: whoever is patient is served.
fn newest_queued(open: &[(u64, Activity)]) -> Option<u64> {
    let queued = open.iter().filter_map(|(id, activity)| match activity {
        Activity::Queued { since } => Some((*since, *id)),
        _ => None,
    });
    queued.max().map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::activity::Sending;
    use super::*;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    fn at(seconds: u64) -> Instant {
        *START + Duration::from_secs(seconds)
    }

    fn waiting(since: u64) -> Activity {
        Activity::Waiting { since: at(since), head: None }
    }

    fn blocked(since: u64) -> Activity {
        let mut activity = Activity::Sending(Sending::default());
        activity.blocked(at(since));
        activity
    }

    /// Makes progress now, and was blocked before.
    fn dribbling(since: u64, until: u64) -> Activity {
        let mut activity = blocked(since);
        activity.wrote(at(until));
        activity
    }

    fn decide(activities: &[Activity], connections: usize, reserve: usize, now: u64) -> Admission {
        let open: Vec<_> = (0..).zip(activities.iter().copied()).collect();
        admission(&open, 0, &Limits { connections, reserve, ..Limits::new(1) }, at(now))
    }

    #[test]
    fn the_least_useful_connection_gives_way() {
        let (arrived, queued) = (Activity::Arrived { since: at(0) }, |since| Activity::Queued { since: at(since) });
        let (busy, sending) = (Activity::Answering, Activity::Sending(Sending::default()));
        let head = |since| Activity::Waiting { since: at(since), head: Some(at(since)) };
        for (open, reserve, expected) in [
            (&[busy][..], 1, Admission::Admit),
            (&[waiting(5), waiting(3)], 1, Admission::Evict(1)),
            (&[waiting(10), busy], 1, Admission::Admit),
            (&[waiting(10), busy], 0, Admission::Evict(0)),
            (&[waiting(10), blocked(0)], 1, Admission::CutOff(1)),
            (&[waiting(5), head(3), busy], 1, Admission::Evict(1)),
            (&[busy, waiting(10), blocked(9), queued(0)], 1, Admission::CutOff(2)),
            (&[busy, waiting(10), blocked(10), queued(0)], 1, Admission::Wait),
            (&[busy, waiting(10), sending, queued(0)], 1, Admission::Refuse(3)),
            (&[busy, waiting(10), sending, arrived], 1, Admission::Evict(1)),
            (&[busy, blocked(5), blocked(4)], 1, Admission::CutOff(2)),
            (&[busy, blocked(9)], 1, Admission::Admit),
            (&[busy, blocked(9)], 0, Admission::CutOff(1)),
            (&[busy, blocked(10)], 0, Admission::Wait),
            (&[busy, blocked(7), dribbling(1, 3)], 1, Admission::CutOff(1)),
            (&[busy, blocked(7), dribbling(1, 6)], 1, Admission::CutOff(2)),
            (&[busy, sending, dribbling(1, 3)], 1, Admission::CutOff(2)),
            (&[busy, sending, dribbling(1, 2)], 2, Admission::Admit),
            (&[busy, sending, arrived], 1, Admission::Wait),
            (&[busy, sending, queued(5), queued(4)], 2, Admission::Refuse(2)),
            (&[busy, sending, queued(5)], 2, Admission::Admit),
        ] {
            assert_eq!(decide(open, 2, reserve, 10), expected, "{open:?} with {reserve}");
        }
    }

    #[test]
    fn the_more_requests_wait_the_sooner_the_slowest_reader_is_cut_off() {
        let limits = Limits::new(8);
        let holding = [(0, blocked(9)), (1, dribbling(1, 2)), (2, Activity::Answering), (3, blocked(8))];
        for (holding, queued, expected) in [
            (&holding[..], 1, Some(3)),
            (&holding[..3], 1, None),
            (&holding[..3], 7, None),
            (&holding[..3], 8, Some(1)),
            (&holding[..1], usize::MAX, Some(0)),
            (&[(0, blocked(10))], usize::MAX, None),
            (&[], 9, None),
        ] {
            assert_eq!(cut_off(holding, queued, &limits, at(10)), expected, "{holding:?} and {queued}");
        }
    }

    #[test]
    fn nothing_else_is_closed_while_a_connection_is_closing() {
        let open = [(0, waiting(0)), (1, waiting(1))];
        assert_eq!(admission(&open, 1, &Limits::new(3), at(9)), Admission::Wait);
    }

    fn any_activity() -> impl Strategy<Value = Activity> {
        prop_oneof![
            Just(Activity::Answering),
            Just(Activity::Sending(Sending::default())),
            (0..10_u64).prop_map(|since| Activity::Arrived { since: at(since) }),
            (0..11_u64).prop_map(waiting),
            (0..11_u64).prop_map(blocked),
            (0..6_u64).prop_map(|until| dribbling(0, until)),
            (0..10_u64).prop_map(|since| Activity::Queued { since: at(since) }),
        ]
    }

    proptest! {
        #[test]
        fn nobody_who_was_never_blocked_gives_way_and_the_number_is_limited(
            activities in prop::collection::vec(any_activity(), 0..12),
            connections in 1..6_usize,
            reserve in 0..4_usize,
        ) {
            let has = |kind: fn(&Activity) -> bool| activities.iter().any(kind);
            let of = |id: u64| activities[usize::try_from(id).expect("small")];
            let waits = has(|activity| matches!(activity, Activity::Waiting { .. }));
            let queues = has(|activity| matches!(activity, Activity::Queued { .. }));
            let waits_long = has(|activity| matches!(activity, Activity::Waiting { since, .. } if *since < at(10)));
            match decide(&activities, connections, reserve, 10) {
                Admission::Admit => {
                    prop_assert!(activities.len() < connections + reserve);
                    prop_assert!(activities.len() < connections || !waits_long, "the reserve is for busy connections");
                }
                Admission::Evict(id) => prop_assert!(of(id).is_waiting() && (waits_long || !queues)),
                Admission::CutOff(id) => {
                    let total = |activity: &Activity| activity.blocked_in_total(at(10));
                    let most = activities.iter().filter_map(total).max();
                    prop_assert!(!waits_long && total(&of(id)) == most && most >= Some(Limits::new(1).stalled_at_least));
                }
                Admission::Refuse(id) => {
                    let queued = matches!(of(id), Activity::Queued { .. });
                    prop_assert!(!waits_long && queued);
                }
                Admission::Wait => {
                    let is_blocked = has(|activity| activity.is_blocked());
                    prop_assert!(((!waits && !queues) || is_blocked) && activities.len() >= connections + reserve);
                }
            }
        }
    }
}
