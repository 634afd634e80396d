//! Makes texts from the platform safe to quote: printable, and without the exporter's own secrets.
//!
//! No other text needs this, because bodies other than the platform's own JSON are never quoted.

use url::form_urlencoded;

use crate::secret::{ExposeSecret, SecretString};

/// Shorter texts are not redacted: they are not secrets, and without them a message would not be readable.
const SHORTEST: usize = 4;

/// The secrets that must not be quoted. The `Debug` output does not contain them.
#[derive(Debug, Clone, Default)]
pub(super) struct Redactor(Vec<SecretString>);

impl Redactor {
    /// Adds a secret, both verbatim and URL-encoded as in a form.
    pub(super) fn hide(&mut self, secret: &str) {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for form in [secret.to_owned(), encoded] {
            if form.len() >= SHORTEST {
                self.0.push(SecretString::from(form));
            }
        }
    }

    /// The text with each secret replaced by `[redacted]`.
    pub(super) fn redact(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), "[redacted]"))
    }
}

/// The text on one line, cut after 300 characters, without control characters and marks that change the text direction.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    let visible = |c: char| {
        let turns_direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns_direction { ' ' } else { c }
    };
    let mut printable: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        printable.push('…');
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_redacted_in_both_forms_and_the_rest_is_kept() {
        let mut redactor = Redactor::default();
        redactor.hide("s3cr+t/=");
        redactor.hide("abc");
        let text = redactor.redact("got s3cr+t/= and client_secret=s3cr%2Bt%2F%3D&x=abc");
        assert_eq!(text, "got [redacted] and client_secret=[redacted]&x=abc");
        assert!(!format!("{redactor:?}").contains("s3cr"));
    }
}
