//! What the faults do to a request: they alter its true answer, replace it, or leave it unanswered.
//!
//! The faults themselves are in `faults`.

mod document;
mod instead;

use super::faults::{Endpoint, Fault, RetryAfter};
use super::reply::{Payload, Reply};
use super::request::Incoming;
use super::world::World;

pub(super) use instead::instead;

/// `Retry-After` in a storm of the drift schedule, in seconds.
const STORM_RETRY_AFTER: u64 = 5;

/// The faults that apply to a request of the endpoint. Faults with a count are used up by it.
pub(super) fn matching(world: &mut World, endpoint: Endpoint) -> Vec<Fault> {
    let mut matching: Vec<Fault> =
        world.injections.iter_mut().filter_map(|injection| injection.taken(endpoint)).collect();
    world.injections.retain(|injection| !injection.is_over());
    if world.storm && endpoint != Endpoint::Token {
        matching.insert(0, Fault::RateLimited(RetryAfter::Seconds(STORM_RETRY_AFTER)));
    }
    matching
}

/// Applies the faults that change a response.
pub(super) fn alter(faults: &[Fault], world: &World, endpoint: Endpoint, request: &Incoming, reply: &mut Reply) {
    for fault in faults {
        match fault {
            Fault::NoRateLimitHeaders => reply.headers.retain(|(name, _)| !name.starts_with("inin-ratelimit")),
            Fault::Budget { count, allowed, reset } => {
                reply.headers.retain(|(name, _)| !name.starts_with("inin-ratelimit"));
                reply.headers.push(("inin-ratelimit-count", count.to_string()));
                reply.headers.push(("inin-ratelimit-allowed", allowed.to_string()));
                reply.headers.push(("inin-ratelimit-reset", reset.to_string()));
            }
            Fault::Header(name, value) => {
                reply.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                reply.headers.push((name, value.clone()));
            }
            Fault::Trickle(pause) => reply.trickle = Some(*pause),
            other => {
                if reply.status == 200
                    && let Payload::Json(document) = &mut reply.payload
                {
                    document::alter(other, world, endpoint, request, document);
                }
            }
        }
    }
    for fault in faults {
        let Payload::Json(document) = &reply.payload else { continue };
        match fault {
            Fault::CutBody => reply.payload = Payload::Cut(document.to_string().into()),
            Fault::SlowBody { chunk, pause } => {
                let bytes = document.to_string().into();
                reply.payload = Payload::Slow { bytes, chunk: (*chunk).max(1), pause: *pause };
            }
            _ => {}
        }
    }
}
