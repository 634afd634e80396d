//! The style and icon of the pages, and the policy that lets a browser load only these.
//!
//! The policy allows the style by its hash: if markup ever got through the escaping, it could not even have a style.

use std::sync::LazyLock;

use hyper::header::HeaderValue;
use sha2::{Digest as _, Sha256};

/// The style sheet, inline in the page.
pub(super) const STYLE: &str = include_str!("../../../templates/status.css");

/// The icon, a key on a shield.
pub(in crate::server) const ICON: &str = include_str!("../../../templates/icon.svg");

/// The icon as a `data:` URI.
pub(super) fn icon_uri() -> String {
    format!("data:image/svg+xml;base64,{}", base64(ICON.as_bytes()))
}

/// The `Content-Security-Policy` of the pages.
pub(in crate::server) fn security_policy() -> HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = base64(&Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'"
        );
        // A base64 hash is always valid in a header. The fallback would lose the style, but not the protection.
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    });
    POLICY.clone()
}

/// RFC 4648, section 4, padded.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let known = digit <= group.len();
            text.push(if known { char::from(DIGITS[number >> (18 - 6 * digit) & 63]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_rfc() {
        // RFC 4648, section 10.
        for (bytes, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }
}
