//! Checks the password of a request, and remembers the outcome, so that a scrape does not pay for bcrypt each time.
//!
//! What is remembered is a digest with a random key of this process, never a password. The hashes of the file are in `users`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use super::users::Users;

/// The number of right passwords that are remembered, and of wrong ones. A wrong one displaces no right one.
const REMEMBERED: usize = 256;
/// The number of checks at the same time: each uses a core while it runs.
const CHECKS_AT_ONCE: usize = 1;

type Key = [u8; 32];

/// Checks passwords.
pub(super) struct Passwords {
    secret: Key,
    turns: Arc<Semaphore>,
    remembered: Mutex<Remembered>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Remembered {
    right: VecDeque<Key>,
    wrong: VecDeque<Key>,
}

/// The name and the password of a request.
struct Credentials {
    name: Zeroizing<String>,
    password: Zeroizing<Vec<u8>>,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Checked {
    Right,
    /// The password or the name is wrong, or there is none.
    Wrong,
    /// Too many other checks are waiting.
    Busy,
}

impl Passwords {
    /// Nothing is remembered yet. Fails if the system has no random numbers.
    pub(super) fn new() -> Result<Self, String> {
        let mut secret = [0; 32];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut secret).map_err(|_| "the system provides no random numbers")?;
        Ok(Self { secret, turns: Arc::new(Semaphore::new(CHECKS_AT_ONCE)), remembered: Mutex::default() })
    }

    /// Whether a request has the password of a user. `queue` waits for a permit, or gives up.
    pub(super) async fn check(
        &self,
        users: &Users,
        headers: &HeaderMap,
        queue: impl AsyncFnOnce(&Arc<Semaphore>) -> Option<OwnedSemaphorePermit>,
    ) -> Checked {
        let Some(credentials) = Credentials::of(headers) else { return Checked::Wrong };
        let choice = self.digest([credentials.name.as_bytes()]);
        let choice = usize::from(u16::from_be_bytes([choice[0], choice[1]]));
        let (hash, exists) = users.hash_of(&credentials.name, choice);
        let key = self.digest([credentials.name.as_bytes(), hash.bytes().as_ref(), &credentials.password]);
        if let Some(known) = self.recall(&key) {
            return known;
        }
        let Some(turn) = queue(&self.turns).await else { return Checked::Busy };
        // The check before this one may have been of the same password.
        if let Some(known) = self.recall(&key) {
            return known;
        }
        let checking = tokio::task::spawn_blocking(move || {
            let right = hash.is_of(&credentials.password);
            drop(turn);
            right
        });
        let right = exists && checking.await.unwrap_or(false);
        self.remember(key, right);
        if right { Checked::Right } else { Checked::Wrong }
    }

    fn recall(&self, key: &Key) -> Option<Checked> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.right.contains(key) {
            return Some(Checked::Right);
        }
        remembered.wrong.contains(key).then_some(Checked::Wrong)
    }

    fn remember(&self, key: Key, right: bool) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = if right { &mut remembered.right } else { &mut remembered.wrong };
        if !keys.contains(&key) {
            keys.truncate(REMEMBERED - 1);
            keys.push_front(key);
        }
    }

    /// With the length of each part, so that parts cannot be shifted.
    fn digest<const N: usize>(&self, parts: [&[u8]; N]) -> Key {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

impl Credentials {
    /// The first `Authorization` header, as RFC 7617 defines it.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let name = Zeroizing::new(std::str::from_utf8(&decoded[..colon]).ok()?.to_owned());
        Some(Self { name, password: Zeroizing::new(decoded[colon + 1..].to_vec()) })
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn credentials_are_read_as_the_standard_says() {
        let read = |value: &str| {
            let found = Credentials::of(&headers(value))?;
            Some((found.name.to_string(), String::from_utf8_lossy(&found.password).into_owned()))
        };
        let pair = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        assert_eq!(read("Basic YWxpY2U6aHVudGVyMg=="), pair("alice", "hunter2"));
        assert_eq!(read("bAsIc  YWxpY2U6aHVudGVyMg=="), pair("alice", "hunter2"));
        assert_eq!(read("Basic YTpiOmM="), pair("a", "b:c"));
        assert_eq!(read("Basic Og=="), pair("", ""));
        for other in
            ["", "Basic", "Basic ", "Basic YWxpY2U=", "Basic !!!!", "Bearer YWxpY2U6aHVudGVyMg==", "Basic /zo="]
        {
            assert_eq!(read(other), None, "{other}");
        }
        assert!(Credentials::of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn a_limited_number_is_remembered_and_wrong_ones_displace_no_right_one() {
        let passwords = Passwords::new().expect("random numbers");
        let key = |number: usize| passwords.digest([&number.to_be_bytes()]);
        passwords.remember(key(0), true);
        for number in 1..=2 * REMEMBERED {
            passwords.remember(key(number), false);
            passwords.remember(key(number), false);
        }
        assert_eq!(passwords.recall(&key(0)), Some(Checked::Right));
        assert_eq!(passwords.recall(&key(1)), None, "the oldest is forgotten");
        assert_eq!(passwords.recall(&key(2 * REMEMBERED)), Some(Checked::Wrong));
        let remembered = passwords.remembered.lock().expect("not poisoned");
        assert_eq!((remembered.right.len(), remembered.wrong.len()), (1, REMEMBERED));
    }

    #[test]
    fn what_is_remembered_depends_on_the_process_and_on_where_a_part_ends() {
        let passwords = Passwords::new().expect("random numbers");
        assert_ne!(passwords.digest([b"ab", b"c"]), passwords.digest([b"a", b"bc"]));
        assert_ne!(passwords.digest([b"ab"]), Passwords::new().expect("random numbers").digest([b"ab"]));
    }
}
