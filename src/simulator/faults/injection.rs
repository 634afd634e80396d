//! When a fault holds: its endpoint, its count, and how many requests go well before.

use super::{Endpoint, Fault};

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

    /// The fault, where it holds for a request of the endpoint; one that is counted is used up by it.
    pub(in crate::simulator) fn taken(&mut self, endpoint: Endpoint) -> Option<Fault> {
        if !self.endpoint.map_or_else(|| self.fault.holds_at(endpoint), |at| at == endpoint) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        match &mut self.remaining {
            Some(0) => return None,
            Some(remaining) => *remaining -= 1,
            None => {}
        }
        Some(self.fault.clone())
    }

    /// Whether its count is used up.
    pub(in crate::simulator) fn is_over(&self) -> bool {
        self.remaining == Some(0)
    }
}

impl Fault {
    /// The fault at one endpoint only.
    pub fn at(self, endpoint: Endpoint) -> Injection {
        Injection::from(self).at(endpoint)
    }

    /// The fault for the next so many matching requests.
    pub fn times(self, count: u32) -> Injection {
        Injection::from(self).times(count)
    }

    /// The fault after so many matching requests went well.
    pub fn after(self, count: u32) -> Injection {
        Injection::from(self).after(count)
    }
}
