//! Parses a URL that links begin with: that of the exporter, of Grafana, or of the runbooks.
//!
//! Not the URLs that the exporter calls (`endpoints`).

use url::Url;

/// The longest URL, in bytes. Browsers and receivers of alerts accept about 2000, and a path follows.
const LONGEST: usize = 1000;

/// Parses a URL to which a path is appended, and removes a slash at its end.
///
/// Errors never quote the text, because it may contain credentials.
pub fn link_base(text: &str) -> Result<String, String> {
    let Ok(url) = Url::parse(text) else {
        return Err("is not a URL; use for example https://oauth-exporter.example.net".to_owned());
    };
    if !["https", "http"].contains(&url.scheme()) {
        return Err("must start with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password, because it is shown in alerts and reports".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a query or a fragment, because a path is appended to it".to_owned());
    }
    if url.as_str().len() > LONGEST {
        return Err(format!("must not be longer than {LONGEST} bytes"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_kept_without_a_slash_at_its_end() {
        for (text, expected) in [
            ("https://oauth.example.net", "https://oauth.example.net"),
            ("https://oauth.example.net/", "https://oauth.example.net"),
            ("HTTPS://OAuth.example.net:8443/tools/oauth//", "https://oauth.example.net:8443/tools/oauth"),
            ("http://[::1]:9847/", "http://[::1]:9847"),
            (
                "https://b\u{fc}cher.example.net/a b/{{x}}/\"",
                "https://xn--bcher-kva.example.net/a%20b/%7B%7Bx%7D%7D/%22",
            ),
        ] {
            assert_eq!(link_base(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_no_link_can_begin_with_is_rejected_without_quoting_it() {
        for (text, why) in [
            ("", "is not a URL"),
            ("oauth.example.net", "is not a URL"),
            ("/oauth", "is not a URL"),
            ("https://", "is not a URL"),
            ("localhost:9847", "must start with https://"),
            ("javascript:alert(1)", "must start with https://"),
            ("file:///etc/passwd", "must start with https://"),
            ("https://kim:hunter2@oauth.example.net", "user name or password"),
            ("https://oauth.example.net/?a=b", "a query"),
            ("https://oauth.example.net/#top", "a fragment"),
        ] {
            let error = link_base(text).expect_err(text);
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
        assert!(link_base(&format!("https://oauth.example.net/{}", "x".repeat(LONGEST))).is_err());
    }
}
