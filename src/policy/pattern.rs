//! Patterns of names: `*` stands for any run of characters, everything else for itself.
//!
//! Not for redirect URIs (parsed, never globbed) and not for permissions (matched by segment).

use std::fmt;

use wildmatch::WildMatchPattern;

/// A pattern that matches a whole name, case and all.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    // The second character would be "any one character"; a name cannot hold NUL, so that only `*` is special.
    matcher: WildMatchPattern<'*', '\0'>,
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

impl NamePattern {
    /// Takes any text as a pattern.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let matcher = WildMatchPattern::new(&text);
        Self { text, matcher }
    }

    /// Whether the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.matches(name)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_star_is_special_and_the_whole_name_must_match() {
        for (pattern, name, expected) in [
            ("users", "users", true),
            ("users", "users:readonly", false),
            ("users", "user", false),
            ("users*", "users:readonly", true),
            ("*:readonly", "users:readonly", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("us?rs", "users", false),
            ("us?rs", "us?rs", true),
            ("[u]sers", "users", false),
            ("Users", "users", false),
            ("", "", true),
            ("", "users", false),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name), expected, "{pattern} on {name}");
        }
    }

    /// The textbook definition, exponential and plainly right.
    fn reference(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                reference(rest, name) || name.split_first().is_some_and(|(_, tail)| reference(pattern, tail))
            }
            (Some((p, rest)), Some((n, tail))) => p == n && reference(rest, tail),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_textbook(pattern in "[ab*?:]{0,8}", name in "[ab?:]{0,10}") {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(NamePattern::new(pattern).matches(&name), reference(&p, &n));
        }
    }
}
