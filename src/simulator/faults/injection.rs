//! When a fault applies: at which endpoint, to how many requests, and after how many requests without it.

use super::{Endpoint, Fault, RetryAfter};
use crate::simulator::world::World;

/// `Retry-After` in a storm of the drift schedule, in seconds.
const STORM_RETRY_AFTER: u64 = 5;

/// A fault, with the requests that it applies to.
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
    /// Restricts the fault to one endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Limits the fault to the next `count` matching requests. After them it is removed.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }

    /// Skips the first `count` matching requests.
    #[must_use]
    pub fn after(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }
}

/// The faults that apply to a request at the endpoint. The request counts towards their limits.
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
