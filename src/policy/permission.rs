//! Patterns of permissions: three segments, which meet what a role grants.
//!
//! Not name patterns: a role's own `*` matches what a pattern names, since such a role grants it.

use std::fmt;

use super::NamePattern;
use crate::domain::Permission;

/// A pattern `domain:entity:action`; case does not count.
#[derive(Debug, Clone)]
pub struct PermissionPattern {
    text: String,
    segments: [NamePattern; 3],
}

impl PartialEq for PermissionPattern {
    /// Case does not count.
    fn eq(&self, other: &Self) -> bool {
        self.segments == other.segments
    }
}

impl Eq for PermissionPattern {}

impl PermissionPattern {
    /// Reads a pattern; `None` where it has not exactly three segments, none of them empty.
    pub fn new(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let segments: Vec<&str> = lower.split(':').collect();
        let [domain, entity, action] = segments.as_slice() else { return None };
        if [domain, entity, action].iter().any(|segment| segment.is_empty() || segment.contains(char::is_whitespace)) {
            return None;
        }
        let segments = [NamePattern::new(*domain), NamePattern::new(*entity), NamePattern::new(*action)];
        Some(Self { text: text.to_owned(), segments })
    }

    /// The pattern as the policy has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether what a role grants and what the pattern names have something in common.
    pub fn meets(&self, granted: &Permission) -> bool {
        let granted = [&granted.domain, &granted.entity, &granted.action];
        self.segments
            .iter()
            .zip(granted)
            .all(|(segment, granted)| &**granted == "*" || segment.matches(&granted.to_ascii_lowercase()))
    }
}

impl fmt::Display for PermissionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_segments_without_blanks_or_nothing() {
        for text in ["", "a", "a:b", "a:b:c:d", "a::c", ":b:c", "a:b:", "a: b:c"] {
            assert!(PermissionPattern::new(text).is_none(), "{text:?}");
        }
        assert_eq!(PermissionPattern::new("OAuth:Client:Add"), PermissionPattern::new("oauth:client:add"));
    }

    #[test]
    fn sets_meet() {
        for (pattern, granted, expected) in [
            ("oauth:client:add", "oauth:client:add", true),
            ("oauth:client:add", "oauth:client:addition", false),
            ("oauth:*:add", "oauth:client:ADD", true),
            ("oauth:client:add", "*:*:*", true),
            ("oauth:client:add", "oauth:*:view", false),
            ("recording:*:view*", "recording:recording:viewSensitiveData", true),
            // `all` and `admin` are literal actions.
            ("telephony:plugin:add", "telephony:plugin:all", false),
            ("telephony:plugin:all", "telephony:plugin:*", true),
        ] {
            let pattern = PermissionPattern::new(pattern).expect(pattern);
            let granted = Permission::parse(granted).expect(granted);
            assert_eq!(pattern.meets(&granted), expected, "{pattern} on {granted}");
        }
    }

    /// Every word that a segment could stand for, written out.
    fn words() -> Vec<String> {
        let letters = ["", "a", "b"];
        let three =
            letters.iter().flat_map(|x| letters.iter().flat_map(move |y| letters.map(|z| format!("{x}{y}{z}"))));
        three.filter(|word| !word.is_empty()).collect()
    }

    /// Whether a word is in the set of a pattern, by the definition: `*` is any run of characters.
    fn holds(pattern: &[u8], word: &[u8]) -> bool {
        match (pattern.split_first(), word.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                holds(rest, word) || word.split_first().is_some_and(|(_, tail)| holds(pattern, tail))
            }
            (Some((p, rest)), Some((w, tail))) => p.eq_ignore_ascii_case(w) && holds(rest, tail),
            _ => false,
        }
    }

    proptest! {
        /// A pattern meets a grant where some permission is in both sets: looked for among all of them.
        #[test]
        fn agrees_with_the_sets_written_out(
            pattern in prop::collection::vec("[aAb*]{1,3}", 3),
            granted in prop::collection::vec("[*]|[aAb]{1,3}", 3),
        ) {
            let words = words();
            let meet = |p: &String, g: &String| {
                words.iter().any(|word| holds(p.as_bytes(), word.as_bytes()) && holds(g.as_bytes(), word.as_bytes()))
            };
            let expected = pattern.iter().zip(&granted).all(|(p, g)| meet(p, g));
            let pattern = PermissionPattern::new(&pattern.join(":")).expect("three segments");
            let granted = Permission::parse(&granted.join(":")).expect("three segments");
            prop_assert_eq!(pattern.meets(&granted), expected, "{} on {}", pattern, granted);
        }
    }
}
