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

    /// The custom properties with a colour, of the light style and of the dark one.
    fn colours() -> [std::collections::BTreeMap<&'static str, &'static str>; 2] {
        let (light, dark) = STYLE.split_once("@media (prefers-color-scheme:dark)").expect("a dark style");
        let (dark, _) = dark.split_once("*{").expect("the rules");
        let of = |style: &'static str| {
            let properties =
                style.split([';', '{', '}', '\n']).filter_map(|line| line.trim().strip_prefix("--")?.split_once(':'));
            properties.filter(|(_, value)| value.starts_with('#')).collect::<std::collections::BTreeMap<_, _>>()
        };
        let light = of(light);
        let mut both = light.clone();
        both.extend(of(dark));
        [light, both]
    }

    /// WCAG 2.2, relative luminance.
    fn luminance(colour: &str) -> f64 {
        let digits: Vec<u32> = colour.chars().filter_map(|digit| digit.to_digit(16)).collect();
        let bytes: Vec<u32> = match digits.len() {
            3 => digits.iter().map(|digit| digit * 17).collect(),
            _ => digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect(),
        };
        let linear = |byte: &u32| {
            let value = f64::from(*byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        bytes.iter().map(linear).zip([0.2126, 0.7152, 0.0722]).map(|(value, weight)| value * weight).sum()
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_fills_have_enough_contrast_in_light_and_dark() {
        for colours in colours() {
            let fills = "critical high medium low info client_credentials code_grant implicit password saml2_bearer other active \
                         inactive disabled";
            for fill in fills.split_whitespace() {
                let ratio = contrast(colours[fill], colours["card"]);
                assert!(ratio >= 3.0, "--{fill} on --card: {ratio:.2} (WCAG 1.4.11 asks for 3)");
            }
            let texts = [
                ("text", "card"),
                ("muted", "card"),
                ("muted", "bg"),
                ("link", "card"),
                ("link", "bg"),
                ("card", "link"),
                ("text", "code"),
            ];
            let badges = ["critical", "high", "medium", "low", "info", "good", "wait", "bad"];
            let badges = badges.map(|name| (format!("{name}-fg"), format!("{name}-bg")));
            let texts = texts.map(|(text, ground)| (text.to_owned(), ground.to_owned()));
            for (text, ground) in texts.into_iter().chain(badges) {
                let ratio = contrast(colours[text.as_str()], colours[ground.as_str()]);
                assert!(ratio >= 4.5, "--{text} on --{ground}: {ratio:.2} (WCAG 1.4.3 asks for 4.5)");
            }
        }
    }

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
