//! When a fault applies: at which endpoint, to how many requests, and after how many requests without it.

use super::{Endpoint, Fault};

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

    /// The fault, if it applies to a request of the endpoint. A fault with a count is used up by it.
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
    /// Restricts the fault to one endpoint.
    pub fn at(self, endpoint: Endpoint) -> Injection {
        Injection::from(self).at(endpoint)
    }

    /// Limits the fault to the next `count` matching requests.
    pub fn times(self, count: u32) -> Injection {
        Injection::from(self).times(count)
    }

    /// Skips the first `count` matching requests.
    pub fn after(self, count: u32) -> Injection {
        Injection::from(self).after(count)
    }
}
