//! Access tokens, and the number of requests per minute.

use std::time::Duration;

use tokio::time::Instant;

use super::ids;

/// Number of tokens that stay valid. An exporter uses one at a time.
const KEPT: usize = 1_000;
/// The window of the platform's rate limit (reference 6).
const WINDOW: Duration = Duration::from_mins(1);

/// The tokens that were issued to the exporter's own client.
#[derive(Debug)]
pub(super) struct Tokens {
    seed: u64,
    issued: u64,
    live: Vec<(String, Instant)>,
    /// Tokens that every endpoint refuses with this status, although they have not expired.
    refused: Vec<(String, u16)>,
    /// `expires_in` of the next token, in seconds.
    pub(super) lifetime: u32,
}

impl Tokens {
    pub(super) fn new(seed: u64, lifetime: u32) -> Self {
        Self { seed, issued: 0, live: Vec::new(), refused: Vec::new(), lifetime }
    }

    pub(super) fn issue(&mut self) -> String {
        self.issued += 1;
        let token = ids::uuid(self.seed, "token", &self.issued.to_string()).replace('-', "");
        if self.live.len() == KEPT {
            self.live.remove(0);
        }
        self.live.push((token.clone(), Instant::now() + Duration::from_secs(u64::from(self.lifetime))));
        token
    }

    /// The tokens that were issued and not revoked, expired ones included.
    pub(super) fn live(&self) -> Vec<String> {
        self.live.iter().map(|(token, _)| token.clone()).collect()
    }

    /// The number of tokens issued since the start.
    pub(super) fn issued(&self) -> u64 {
        self.issued
    }

    /// Whether the token was issued by this simulator and has not expired.
    pub(super) fn accepts(&self, token: &str) -> bool {
        let now = Instant::now();
        self.live.iter().any(|(known, end)| known == token && *end > now)
    }

    /// Lets every endpoint refuse the tokens that were issued so far.
    pub(super) fn refuse_all(&mut self, status: u16) {
        self.refused = self.live.iter().map(|(token, _)| (token.clone(), status)).collect();
    }

    /// The status with which this token is refused, although it has not expired.
    pub(super) fn refusal(&self, token: &str) -> Option<u16> {
        self.refused.iter().find(|(known, _)| known == token).map(|(_, status)| *status)
    }

    pub(super) fn revoke(&mut self, token: &str) {
        self.live.retain(|(known, _)| known != token);
    }

    pub(super) fn expire_all(&mut self) {
        self.live.clear();
    }
}

/// Counts the requests per minute, for the `inin-ratelimit-*` headers.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) allowed: u32,
    count: u32,
    since: Instant,
}

/// The values of the `inin-ratelimit-*` headers of one response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub(super) count: u32,
    pub(super) allowed: u32,
    /// Seconds until the next window, at least 1. Not a Unix time (reference 6).
    pub(super) reset: u64,
}

impl Budget {
    pub(super) fn new(allowed: u32) -> Self {
        Self { allowed, count: 0, since: Instant::now() }
    }

    pub(super) fn spend(&mut self) -> Spent {
        if self.since.elapsed() >= WINDOW {
            self.since = Instant::now();
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        let reset = WINDOW.saturating_sub(self.since.elapsed()).as_secs().max(1);
        Spent { count: self.count, allowed: self.allowed, reset }
    }
}
