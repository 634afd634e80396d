//! The given values that no error may show, because they are a secret or could be one in the wrong variable.
//!
//! Not the mask of secrets in the data of the platform (`text::masked`).

use super::error::LONGEST_QUOTE;
use super::names::{CLIENT_SECRET, CLIENT_SECRET_ALIAS};
use crate::secret::{ExposeSecret, SecretString};

/// Replaces a hidden value.
const NOT_SHOWN: &str = "[not shown, it may be a secret]";
/// A value of this many characters or more without any of [`PUNCTUATION`] may be a secret.
const TOKEN_LENGTH: usize = 24;
const PUNCTUATION: [char; 4] = ['/', '.', ' ', ':'];
/// A shorter client secret would also be found in ordinary words.
const SHORTEST_SECRET: usize = 7;

/// The texts that must not be shown. The `Debug` output does not contain them.
#[derive(Debug, Default)]
pub(crate) struct Hidden(Vec<SecretString>);

impl Hidden {
    /// Adds the value of a variable if it must not be shown.
    pub(crate) fn add(&mut self, variable: &str, value: &str) {
        let length = value.chars().count();
        let is_secret = [CLIENT_SECRET, CLIENT_SECRET_ALIAS].contains(&variable) && length >= SHORTEST_SECRET;
        if !is_secret && (length < TOKEN_LENGTH || value.contains(PUNCTUATION)) {
            return;
        }
        // Unchanged, escaped, and escaped and cut, as in a quotation.
        let cut: String = value.chars().take(LONGEST_QUOTE).collect();
        let texts = [value.to_owned(), value.escape_debug().to_string(), cut.escape_debug().to_string()];
        self.0.extend(texts.map(SecretString::from));
    }

    /// Adds the client secret.
    pub(crate) fn add_secret(&mut self, secret: Option<&SecretString>) {
        if let Some(secret) = secret {
            self.add(CLIENT_SECRET, secret.expose_secret().trim());
        }
    }

    /// The text without the hidden values.
    pub(crate) fn remove_from(&self, text: impl Into<String>) -> String {
        self.0.iter().fold(text.into(), |text, hidden| text.replace(hidden.expose_secret(), NOT_SHOWN))
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::quoted;
    use super::*;

    #[test]
    fn a_value_that_may_be_a_secret_is_not_shown() {
        let token = "Zq7".repeat(8);
        for (variable, value, shown) in [
            (CLIENT_SECRET, "hunter2", false),
            (CLIENT_SECRET_ALIAS, "a b/c.d:e\"\\f", false),
            (CLIENT_SECRET, &"a/b.".repeat(30), false),
            ("X", &token, false),
            ("X", &token.repeat(4), false),
            ("X", &"-_\"".repeat(8), false),
            ("X", &token[1..], true),
            ("X", "/etc/genesys/client-secret-of-the-exporter", true),
            ("X", "a-very-long-domain-name.example", true),
            ("X", "hunter2", true),
        ] {
            let mut hidden = Hidden::default();
            hidden.add(variable, value);
            for text in [quoted(value), format!("{value} is wrong")] {
                let result = hidden.remove_from(text.as_str());
                assert_eq!(result == text, shown, "{value}: {result}");
                assert!(shown || !result.contains(&value[..4]), "{value}: {result}");
            }
        }
    }
}
