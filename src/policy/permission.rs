//! Patterns of permissions: three segments, or a single word for a general permission.
//!
//! Unlike a name pattern, a permission pattern also matches a `*` in a role: the role grants what the pattern names.

use std::fmt;

use super::NamePattern;
use crate::domain::Permission;

/// A pattern `domain:entity:action`, or a single word for a general permission, which is older than the three segments.
///
/// Case is ignored: the pattern is stored in lower case, so that another spelling is the same pattern and the same label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionPattern {
    text: String,
    /// Three segments, or one.
    segments: Vec<NamePattern>,
}

impl PermissionPattern {
    /// Reads a pattern; `None` unless it has exactly three segments, none of them empty.
    pub fn new(text: &str) -> Option<Self> {
        Self::any(text).filter(|pattern| pattern.segments.len() == 3)
    }

    /// Reads a pattern of three segments, or a single word: a general permission such as `admin`.
    pub fn any(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let segments: Vec<&str> = text.split(':').collect();
        let is_word = |segment: &&str| !segment.is_empty() && !segment.contains(char::is_whitespace);
        let valid = matches!(segments.len(), 1 | 3) && segments.iter().all(is_word);
        let segments = segments.into_iter().map(NamePattern::new).collect();
        valid.then_some(Self { text, segments })
    }

    /// The pattern in lower case, the value of the label `permission`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether some permission is both granted by the role and named by the pattern: both can contain `*`.
    pub fn meets(&self, granted: &Permission) -> bool {
        self.meets_folded(&folded(granted))
    }

    /// Like [`Self::meets`], for a permission as text: three segments or a general permission. Further colons belong to the action.
    pub fn meets_text(&self, granted: &str) -> bool {
        self.meets_folded(&granted.to_ascii_lowercase().splitn(3, ':').collect::<Vec<_>>())
    }

    /// Like [`Self::meets`], for segments in lower case.
    pub(super) fn meets_folded<S: AsRef<str>>(&self, granted: &[S]) -> bool {
        let meets =
            |(segment, granted): (&NamePattern, &S)| granted.as_ref() == "*" || segment.matches(granted.as_ref());
        self.segments.len() == granted.len() && self.segments.iter().zip(granted).all(meets)
    }
}

/// The segments in lower case, like the patterns. Computed once and compared with every pattern.
pub(super) fn folded(granted: &Permission) -> [String; 3] {
    [&granted.domain, &granted.entity, &granted.action].map(|segment| segment.to_ascii_lowercase())
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
    fn a_pattern_has_three_segments_without_blanks() {
        for text in ["", "a", "a:b", "a:b:c:d", "a::c", ":b:c", "a:b:", "a: b:c"] {
            assert!(PermissionPattern::new(text).is_none(), "{text:?}");
        }
        let spelled = PermissionPattern::new("OAuth:Client:Add").expect("three segments");
        assert_eq!(Some(&spelled), PermissionPattern::new("oauth:client:add").as_ref());
        assert_eq!(spelled.as_str(), "oauth:client:add", "another spelling has the same label");
    }

    #[test]
    fn a_single_word_matches_only_general_permissions() {
        let admin = PermissionPattern::any("Admin").expect("one word");
        assert!(admin.meets_text("ADMIN") && !admin.meets_text("admins"));
        for other in ["oauth:client:add", "*:*:*", "directory:organization:admin"] {
            assert!(!admin.meets_text(other), "{other}");
        }
        let all = PermissionPattern::any("*:*:*").expect("three segments");
        assert!(all.meets_text("oauth:client:add") && all.meets_text("a:b:c:d") && !all.meets_text("admin"));
        assert!(["", "a:b", "a b", "a:b:c:d"].iter().all(|text| PermissionPattern::any(text).is_none()));
    }

    #[test]
    fn a_pattern_matches_a_grant_that_has_a_permission_in_common() {
        for (pattern, granted, expected) in [
            ("oauth:client:add", "oauth:client:add", true),
            ("oauth:client:add", "oauth:client:addition", false),
            ("oauth:*:add", "oauth:client:ADD", true),
            ("oauth:client:add", "*:*:*", true),
            ("oauth:client:add", "oauth:*:view", false),
            ("recording:*:view*", "recording:recording:viewSensitiveData", true),
            // `all` and `admin` are names of actions.
            ("telephony:plugin:add", "telephony:plugin:all", false),
            ("telephony:plugin:all", "telephony:plugin:*", true),
        ] {
            let pattern = PermissionPattern::new(pattern).expect(pattern);
            let granted = Permission::parse(granted).expect(granted);
            assert_eq!(pattern.meets(&granted), expected, "{pattern} on {granted}");
        }
    }

    /// Every word that a segment in the test can match.
    fn words() -> Vec<String> {
        let letters = ["", "a", "b"];
        let three =
            letters.iter().flat_map(|x| letters.iter().flat_map(move |y| letters.map(|z| format!("{x}{y}{z}"))));
        three.filter(|word| !word.is_empty()).collect()
    }

    /// Whether a pattern matches a word, by the definition: `*` is any run of characters.
    fn covers(pattern: &[u8], word: &[u8]) -> bool {
        match (pattern.split_first(), word.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                covers(rest, word) || word.split_first().is_some_and(|(_, tail)| covers(pattern, tail))
            }
            (Some((p, rest)), Some((w, tail))) => p.eq_ignore_ascii_case(w) && covers(rest, tail),
            _ => false,
        }
    }

    proptest! {
        /// A pattern matches a grant if they have a permission in common. The test looks for one among all possible permissions.
        #[test]
        fn agrees_with_a_search_of_all_permissions(
            pattern in prop::collection::vec("[aAb*]{1,3}", 3),
            granted in prop::collection::vec("[*]|[aAb]{1,3}", 3),
        ) {
            let words = words();
            let meet = |p: &String, g: &String| {
                words.iter().any(|word| covers(p.as_bytes(), word.as_bytes()) && covers(g.as_bytes(), word.as_bytes()))
            };
            let expected = pattern.iter().zip(&granted).all(|(p, g)| meet(p, g));
            let pattern = PermissionPattern::new(&pattern.join(":")).expect("three segments");
            let granted = Permission::parse(&granted.join(":")).expect("three segments");
            prop_assert_eq!(pattern.meets(&granted), expected, "{} on {}", pattern, granted);
        }
    }
}
