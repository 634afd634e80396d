//! E-mail addresses in text that people wrote. Files for review must not store them.
//!
//! Not the secrets in such text (`masked`).

use std::borrow::Cow;

/// What replaces an address.
const REPLACEMENT: &str = "[e-mail]";

/// Whether something in the text looks like an e-mail address. A lone `@` does not.
pub fn has_address(text: &str) -> bool {
    text.split_whitespace().any(is_address)
}

/// The text with every e-mail address replaced. Borrowed if there is none.
pub fn without_addresses(text: &str) -> Cow<'_, str> {
    if !has_address(text) {
        return Cow::Borrowed(text);
    }
    let replaced = |word| if is_address(word) { REPLACEMENT } else { word };
    Cow::Owned(text.split_whitespace().map(replaced).collect::<Vec<_>>().join(" "))
}

fn is_address(word: &str) -> bool {
    let inner = |side: &str| side.contains(char::is_alphanumeric);
    word.split_once('@').is_some_and(|(name, host)| inner(name) && inner(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_replaced_and_nothing_else() {
        for (text, expected) in [
            ("", ""),
            ("CRM  connector", "CRM  connector"),
            ("Meet @ 5", "Meet @ 5"),
            ("@team", "@team"),
            ("Sync kim@example.com", "Sync [e-mail]"),
            ("Sync (Kim <kim@example.com>) nightly", "Sync (Kim [e-mail] nightly"),
            ("kim+tag@sub.example.com", "[e-mail]"),
        ] {
            assert_eq!(without_addresses(text), expected);
            assert_eq!(has_address(text), text != expected, "{text}");
        }
    }
}
