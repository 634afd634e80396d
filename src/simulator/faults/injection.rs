//! When a fault holds: its endpoint, its count, and how many requests go well before.

use super::{Endpoint, Fault, RetryAfter};
use crate::simulator::world::World;

/// What `Retry-After` says in a storm of the drift schedule, in seconds.
const STORM_RETRY_AFTER: u64 = 5;

/// A fault with its endpoint and its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    fault: Fault,
    endpoint: Option<Endpoint>,
    remaining: Option<u32>,
    skip: u32,
}

impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self { fault, endpoint: None, remaining: None, skip: 0 }
    }
}

impl Injection {
    /// Holds at one endpoint only.
    #[must_use]
    pub fn at(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Holds for the next so many matching requests, then is gone.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }

    /// Lets so many matching requests go well first.
    #[must_use]
    pub fn after(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }
}

/// The faults that hold for a request of the endpoint; counted ones are used up by it.
pub(in crate::simulator) fn matching(world: &mut World, endpoint: Endpoint) -> Vec<Fault> {
    let mut matching = Vec::new();
    for injection in &mut world.injections {
        let holds = injection.endpoint.map_or_else(|| injection.fault.holds_at(endpoint), |at| at == endpoint);
        if !holds {
            continue;
        }
        if injection.skip > 0 {
            injection.skip -= 1;
            continue;
        }
        match &mut injection.remaining {
            Some(0) => continue,
            Some(remaining) => *remaining -= 1,
            None => {}
        }
        matching.push(injection.fault.clone());
    }
    world.injections.retain(|injection| injection.remaining != Some(0));
    if world.storm && endpoint != Endpoint::Token {
        matching.insert(0, Fault::RateLimited(RetryAfter::Seconds(STORM_RETRY_AFTER)));
    }
    matching
}
