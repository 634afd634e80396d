//! Patterns of names: `*` matches any run of characters, every other character only itself.
//!
//! Redirect URIs are parsed instead, and permissions are matched by segment (`permission`).

use std::fmt;

use wildmatch::WildMatchPattern;

/// A pattern that must match a complete name. Case matters.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    // The second parameter is the wildcard for a single character. No name contains NUL, so only `*` is special.
    matcher: WildMatchPattern<'*', '\0'>,
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

impl NamePattern {
    /// Any text is a valid pattern.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let matcher = WildMatchPattern::new(&text);
        Self { text, matcher }
    }

    /// Whether the pattern matches the complete name.
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
    fn only_the_star_is_special_and_the_complete_name_must_match() {
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

    /// The definition, written down directly: exponential time, but obviously correct.
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
        fn agrees_with_the_definition(pattern in "[ab*?:]{0,8}", name in "[ab?:]{0,10}") {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(NamePattern::new(pattern).matches(&name), reference(&p, &n));
        }
    }
}
