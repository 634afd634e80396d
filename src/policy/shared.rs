//! Keeps one copy of equal policies: most organisations of a process follow the same one.
//!
//! Not a cache of files. A policy is read each time, because whether it is valid depends on the time.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Policy;

/// The policies that are in use.
static IN_USE: Mutex<Vec<Weak<Policy>>> = Mutex::new(Vec::new());

impl Policy {
    /// The policy that is in use and equal to this one, if there is one; otherwise this one.
    pub fn shared(self) -> Arc<Self> {
        // A list is enough: equal policies are one, and those that differ are few or are compared in microseconds.
        let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|policy| policy.strong_count() > 0);
        if let Some(known) = in_use.iter().filter_map(Weak::upgrade).find(|known| **known == self) {
            return known;
        }
        let policy = Arc::new(self);
        in_use.push(Arc::downgrade(&policy));
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Reading;

    fn read(text: &str) -> Arc<Policy> {
        let extension = crate::policy::Extension::default();
        let reading = Reading { rules: &["dangerous-scope"], now: None, extension: &extension };
        Policy::read(text, reading).expect("valid").shared()
    }

    #[test]
    fn equal_policies_are_one_and_a_policy_that_nobody_uses_is_freed() {
        let text = "[defaults]\nmax_token_validity = 4321\n";
        let (one, same, other) = (read(text), read(text), read("[defaults]\nmax_token_validity = 4322\n"));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
        let freed = Arc::downgrade(&one);
        drop((one, same));
        assert_eq!(freed.strong_count(), 0);
        assert_eq!(read(text).defaults.max_token_validity, 4321);
    }
}
