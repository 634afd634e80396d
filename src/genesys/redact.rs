//! Makes texts from the platform safe to quote: printable, and without the exporter's own secrets.
//!
//! No other text needs this, because bodies other than the platform's own JSON errors are never quoted.

use url::form_urlencoded;

use crate::secret::{ExposeSecret, SecretString};

/// Shorter texts are not redacted: they are not secrets, and without them a message would not be readable.
const SHORTEST: usize = 4;
/// A part of a secret of this length, in any encoding, makes a text unquotable. Shorter parts occur by chance.
const GIVEAWAY: usize = 8;
/// The part of a text that is searched and can be quoted, in bytes.
const LONGEST_SEARCHED: usize = 4096;
/// Replaces a text that contains a secret in another form than verbatim.
const WITHHELD: &str = "the text of the answer is not shown, because it contains a secret of this exporter";

/// The secrets that must not be quoted. The `Debug` output does not contain them.
#[derive(Debug, Clone, Default)]
pub(super) struct Redactor {
    /// Each secret verbatim and URL-encoded, the longest first.
    verbatim: Vec<SecretString>,
    /// Each secret in the encodings in which it could be echoed, reduced by [`letters`].
    encoded: Vec<SecretString>,
}

impl Redactor {
    /// Adds a secret.
    pub(super) fn hide(&mut self, secret: &str) {
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for form in [secret.to_owned(), form] {
            if form.len() >= SHORTEST {
                self.verbatim.push(SecretString::from(form));
            }
        }
        self.verbatim.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
        let bytes = secret.as_bytes();
        let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
        for bytes in [bytes, &reversed] {
            self.encoded.push(SecretString::from(letters(&String::from_utf8_lossy(bytes))));
            self.encoded.push(SecretString::from(hex(bytes)));
            // In base64, a text looks different at each of three positions.
            for start in 0..3.min(bytes.len()) {
                self.encoded.push(SecretString::from(letters(&base64(&bytes[start..]))));
            }
        }
    }

    /// The text with each secret replaced by `[redacted]`, or another text if it contains a part of a secret in any other form.
    pub(super) fn redact(&self, text: &str) -> String {
        let text = &text[..text.floor_char_boundary(LONGEST_SEARCHED)];
        let shown = self
            .verbatim
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), "[redacted]"));
        if self.gives_away(&shown) { WITHHELD.to_owned() } else { shown }
    }

    /// Whether a text contains a part of a secret: in base64, hexadecimal or percent-encoding, in other case, reversed, or with
    /// other characters in between.
    fn gives_away(&self, text: &str) -> bool {
        let mut form = text.to_owned();
        loop {
            let reduced = letters(&form);
            if self.encoded.iter().any(|secret| shares_a_part(&reduced, secret.expose_secret())) {
                return true;
            }
            // Encoded once or several times.
            let decoded = percent_decoded(&form);
            if decoded.len() >= form.len() {
                return false;
            }
            form = decoded;
        }
    }
}

fn shares_a_part(text: &str, secret: &str) -> bool {
    secret.as_bytes().windows(GIVEAWAY).any(|part| text.as_bytes().windows(GIVEAWAY).any(|window| window == part))
}

/// Only the letters and digits of a text, in lower case.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Base64 of the whole groups of three bytes, without padding.
fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let symbol = |bits: u32| char::from(SYMBOLS[(bits & 63) as usize]);
    bytes
        .chunks_exact(3)
        .flat_map(|group| {
            let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            [symbol(bits >> 18), symbol(bits >> 12), symbol(bits >> 6), symbol(bits)]
        })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    // The form decoder accepts any text once its separators are encoded.
    let literal = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(literal.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

/// The text if it is a UUID.
pub(super) fn uuid(text: &str) -> Option<&str> {
    let mut groups = text.split('-');
    let shape = [8, 4, 4, 4, 12];
    let fits = shape.iter().all(|length| {
        groups.next().is_some_and(|group| group.len() == *length && group.bytes().all(|c| c.is_ascii_hexdigit()))
    });
    (fits && groups.next().is_none()).then_some(text)
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
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "Xk9_pQ-7vTzW3mR+aB/c8";

    fn redactor(secret: &str) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.hide(secret);
        redactor
    }

    #[test]
    fn a_secret_is_redacted_in_both_forms_and_the_rest_is_kept() {
        let mut redactor = redactor("s3cr+t/=");
        redactor.hide("abc");
        let text = redactor.redact("got s3cr+t/= and client_secret=s3cr%2Bt%2F%3D&x=abc");
        assert_eq!(text, "got [redacted] and client_secret=[redacted]&x=abc");
        assert!(!format!("{redactor:?}").contains("s3cr"));
    }

    #[test]
    fn a_text_with_a_secret_in_any_encoding_is_not_shown() {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let percent: String = hex(SECRET.as_bytes())
            .as_bytes()
            .chunks(2)
            .flat_map(|byte| ['%', byte[0].into(), byte[1].into()])
            .collect();
        let spaced: String = SECRET.chars().flat_map(|c| [c, ' ']).collect();
        for (form, text) in [
            ("base64", base64(SECRET.as_bytes())),
            ("base64 at another position", base64(format!("x:{SECRET}").as_bytes())),
            ("base64 at the third position", base64(format!("id:{SECRET}xx").as_bytes())),
            ("base64 for URLs", base64(SECRET.as_bytes()).replace('+', "-").replace('/', "_")),
            ("hexadecimal", hex(SECRET.as_bytes())),
            ("upper hexadecimal", hex(SECRET.as_bytes()).to_uppercase()),
            ("upper case", SECRET.to_uppercase()),
            ("lower case", SECRET.to_lowercase()),
            ("encoded twice", encode(&encode(SECRET))),
            ("encoded three times", encode(&encode(&encode(SECRET)))),
            ("every byte encoded", percent),
            ("reversed", SECRET.chars().rev().collect()),
            ("split", spaced),
            ("a part", SECRET[..12].to_owned()),
        ] {
            assert_eq!(redactor(SECRET).redact(&format!("bad client: {text} (x)")), WITHHELD, "{form}: {text}");
        }
    }

    #[test]
    fn the_platforms_own_messages_are_shown() {
        for text in [
            "Unable to perform the requested action. You are missing the following permission(s): oauth:client:view",
            "100 % of %2Fapi%2Fv2 & = + is limited",
            "",
        ] {
            assert_eq!(redactor(SECRET).redact(text), text);
        }
    }

    #[test]
    fn only_a_uuid_is_a_uuid() {
        for text in ["6f1d1a0e-0000-4000-8000-00000000000a", "6F1D1A0E-0000-4000-8000-00000000000A"] {
            assert_eq!(uuid(text), Some(text));
        }
        for text in
            ["", "6f1d1a0e", "6f1d1a0e-0000-4000-8000-00000000000g", "6f1d1a0e-0000-4000-8000-00000000000a-", SECRET]
        {
            assert_eq!(uuid(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_redacted_without_a_panic(text in ".{0,60}", secret in ".{0,40}") {
            let _ = redactor(&secret).redact(&text);
        }
    }
}
