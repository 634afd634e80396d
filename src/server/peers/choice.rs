//! Decides what happens with a new connection: whether it gets a place, and which other one gives way for it.
//!
//! Pure: it chooses, and `registry` acts. It never chooses a connection whose request is answered or whose response makes
//! progress, and it does not look at addresses: honest scrapers can share one address with a slow neighbour.

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
    /// This connection, whose response makes no progress, is closed. Then the question is asked again.
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
    if let Some(id) = stalled_longest(open, limits, now) {
        return Admission::CutOff(id);
    }
    if all < limits.connections + limits.reserve {
        return Admission::Admit;
    }
    if let Some((_, id)) = waiting {
        return Admission::Evict(id);
    }
    queued_longest(open).map_or(Admission::Wait, Admission::Refuse)
}

/// The connection whose response has made no progress for longest, if for long enough that another may take its place.
pub(super) fn stalled_longest(open: &[(u64, Activity)], limits: &Limits, now: Instant) -> Option<u64> {
    let blocked = open.iter().filter_map(|(id, activity)| Some((activity.blocked_since()?, *id)));
    let stalled = blocked.filter(|(since, _)| now.saturating_duration_since(*since) >= limits.stalled);
    stalled.min().map(|(_, id)| id)
}

/// A connection that has just arrived is not among them, because its request may be here already.
fn waiting_longest(open: &[(u64, Activity)]) -> Option<(Instant, u64)> {
    let waiting = open.iter().filter_map(|(id, activity)| match activity {
        Activity::Waiting { since, .. } => Some((*since, *id)),
        _ => None,
    });
    waiting.min()
}

fn queued_longest(open: &[(u64, Activity)]) -> Option<u64> {
    let queued = open.iter().filter_map(|(id, activity)| match activity {
        Activity::Queued { since } => Some((*since, *id)),
        _ => None,
    });
    queued.min().map(|(_, id)| id)
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
            (&[busy, waiting(9), blocked(0), queued(0)], 1, Admission::Evict(1)),
            (&[busy, blocked(5), blocked(4)], 1, Admission::CutOff(2)),
            (&[busy, blocked(9)], 1, Admission::Admit),
            (&[busy, blocked(9)], 0, Admission::Wait),
            (&[busy, sending, arrived], 1, Admission::Wait),
            (&[busy, sending, queued(5), queued(4)], 2, Admission::Refuse(3)),
            (&[busy, sending, queued(5)], 2, Admission::Admit),
        ] {
            assert_eq!(decide(open, 2, reserve, 10), expected, "{open:?} with {reserve}");
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
            (0..10_u64).prop_map(blocked),
            (0..10_u64).prop_map(|since| Activity::Queued { since: at(since) }),
        ]
    }

    proptest! {
        #[test]
        fn nobody_who_makes_progress_gives_way_and_the_number_is_limited(
            activities in prop::collection::vec(any_activity(), 0..12),
            connections in 1..6_usize,
            reserve in 0..4_usize,
        ) {
            let has = |kind: fn(&Activity) -> bool| activities.iter().any(kind);
            let of = |id: u64| activities[usize::try_from(id).expect("small")];
            let waits = has(|activity| matches!(activity, Activity::Waiting { .. }));
            let waits_long = has(|activity| matches!(activity, Activity::Waiting { since, .. } if *since < at(10)));
            match decide(&activities, connections, reserve, 10) {
                Admission::Admit => {
                    prop_assert!(activities.len() < connections + reserve);
                    prop_assert!(activities.len() < connections || !waits_long, "the reserve is for busy connections");
                }
                Admission::Evict(id) => prop_assert!(of(id).is_waiting()),
                Admission::CutOff(id) => {
                    let blocked = of(id).blocked_since();
                    prop_assert!(!waits_long && blocked.is_some_and(|since| since + Limits::new(1).stalled <= at(10)));
                }
                Admission::Refuse(id) => {
                    let queued = matches!(of(id), Activity::Queued { .. });
                    prop_assert!(!waits && queued);
                }
                Admission::Wait => {
                    let queued = has(|activity| matches!(activity, Activity::Queued { .. }));
                    prop_assert!(!waits && !queued && activities.len() >= connections + reserve);
                }
            }
        }
    }
}
