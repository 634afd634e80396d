//! Reads the answer to a token request: a token and its lifetime, or why there is none.
//!
//! Pure. `token` decides when to send a request, and `transport` when to repeat it.

use std::time::Duration;

use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

use super::fields::integer;
use crate::secret::{ExposeSecret, SecretString};

/// The assumed lifetime of a token without a readable `expires_in`, in seconds: the shortest lifetime that the platform allows.
const LEAST_LIFETIME: i64 = 300;
/// The longest lifetime that the platform allows, in seconds: 450 days. A wrong answer must not overflow the clock.
const MOST_LIFETIME: i64 = 38_880_000;

/// The errors of a token endpoint (RFC 6749, sections 4.1.2.1 and 5.2), and what each means here. Nothing else of a refusal is
/// quoted, because any text of it could contain the secret in some encoding.
const KNOWN_ERRORS: [(&str, &str); 9] = [
    ("invalid_request", "invalid_request: the platform cannot read the request"),
    ("invalid_client", "invalid_client"),
    ("invalid_grant", "invalid_grant: the client is not allowed to sign in"),
    ("unauthorized_client", "unauthorized_client: the client does not have the grant type client credentials"),
    ("unsupported_grant_type", "unsupported_grant_type: the login URL does not support client credentials"),
    ("invalid_scope", "invalid_scope: the platform does not accept --genesys.token-scope"),
    ("access_denied", "access_denied: the client is not allowed to sign in"),
    ("server_error", "server_error: the login host has an error of its own"),
    ("temporarily_unavailable", "temporarily_unavailable: the login host is overloaded"),
];

/// The descriptions of `invalid_client` that the platform is known to send, which are safe to quote.
const KNOWN_DESCRIPTIONS: [&str; 2] = ["client not found", "authentication failed"];

/// The outcome of a token fetch. The value of the label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenFetch {
    Success,
    InvalidClient,
    RateLimited,
    Rejected,
    Timeout,
    Network,
    ServerError,
    Malformed,
}

impl TokenFetch {
    pub(super) const ALL: [Self; 8] = [
        Self::Success,
        Self::InvalidClient,
        Self::RateLimited,
        Self::Rejected,
        Self::Timeout,
        Self::Network,
        Self::ServerError,
        Self::Malformed,
    ];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::InvalidClient => "invalid_client",
            Self::RateLimited => "rate_limited",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::ServerError => "server_error",
            Self::Malformed => "malformed",
        }
    }
}

/// Why a token could not be obtained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The id or the secret is wrong, or both belong to another region.
    #[error(
        "token: the platform does not know this client or refuses its secret ({0}); check GENESYSCLOUD_OAUTHCLIENT_ID \
         and GENESYSCLOUD_OAUTHCLIENT_SECRET, and that GENESYSCLOUD_REGION is the organisation's own region"
    )]
    InvalidClient(String),
    /// The rate limit of the token endpoint, HTTP 400 or 429.
    #[error(
        "token: rate limited: the platform refuses more tokens for now; check that no other program uses this client"
    )]
    RateLimited,
    /// Any other refusal.
    #[error(
        "token: refused with HTTP {status}: {message}; check that the client is active and has the grant type client \
         credentials"
    )]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Which refusal it is, in the exporter's own words.
        message: String,
    },
    /// No answer in time.
    #[error(
        "token: no answer from the login host in time; check the region, and that no firewall or proxy blocks the connection"
    )]
    Timeout,
    /// The answer did not end in time.
    #[error(
        "token: the answer of the login host did not end within {} s, although data kept arriving; check what is between the \
         exporter and the platform",
        .0.as_secs_f64()
    )]
    Endless(Duration),
    /// No connection, or it broke.
    #[error("token: {0}")]
    Network(String),
    /// 5xx: the status, and the correlation id in parentheses.
    #[error("token: the login host answers HTTP {0}{1}")]
    ServerError(u16, String),
    /// A 200 without a usable token.
    #[error("token: the answer of the login host is not a token: {0}; check the login URL")]
    Malformed(String),
    /// The file with the secret cannot be read.
    #[error("token: cannot read the secret's file: {0}")]
    SecretFile(String),
}

impl TokenError {
    /// The outcome for the metrics; `None` if no request was sent.
    pub(super) fn outcome(&self) -> Option<TokenFetch> {
        match self {
            Self::InvalidClient(_) => Some(TokenFetch::InvalidClient),
            Self::RateLimited => Some(TokenFetch::RateLimited),
            Self::Rejected { .. } => Some(TokenFetch::Rejected),
            Self::Timeout | Self::Endless(_) => Some(TokenFetch::Timeout),
            Self::Network(_) => Some(TokenFetch::Network),
            Self::ServerError(..) => Some(TokenFetch::ServerError),
            Self::Malformed(_) => Some(TokenFetch::Malformed),
            Self::SecretFile(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Value,
}

/// Of any type, so that an odd field hides no other.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Denied {
    error: Value,
    error_description: Value,
    description: Value,
}

/// The header and the lifetime of a token, or what is wrong with the answer.
pub(super) fn granted(body: &[u8]) -> Result<(HeaderValue, Duration), String> {
    // The message of serde_json can quote the body, so only the position is reported.
    let granted: Granted = serde_json::from_slice(body)
        .map_err(|error| format!("it cannot be read at line {}, column {}", error.line(), error.column()))?;
    let mut header = HeaderValue::from_str(&format!("Bearer {}", granted.access_token.expose_secret()))
        .map_err(|_| "the token contains characters that cannot be sent".to_owned())?;
    header.set_sensitive(true);
    match u64::try_from(lifetime(&granted.expires_in)) {
        Ok(0) | Err(_) => Err("the token has expired already".to_owned()),
        Ok(seconds) => Ok((header, Duration::from_secs(seconds))),
    }
}

/// A lifetime that cannot be read does not make the token useless.
fn lifetime(expires_in: &Value) -> i64 {
    integer(expires_in).unwrap_or(LEAST_LIFETIME).min(MOST_LIFETIME)
}

/// Why a token was refused. `cited` is the correlation id in parentheses, or empty.
pub(super) fn denied(status: u16, body: &[u8], cited: &str) -> TokenError {
    let denied: Denied = serde_json::from_slice(body).unwrap_or_default();
    let error = denied.error.as_str();
    let known = KNOWN_ERRORS.iter().find(|(code, _)| error == Some(code)).map(|(_, meaning)| *meaning);
    let described = |text: &&&str| [&denied.error_description, &denied.description].iter().any(|said| *said == **text);
    let description = KNOWN_DESCRIPTIONS.iter().find(described).copied();
    let unknown = match error {
        Some(_) => "an error that is not in the standard, which is not shown because it could contain the secret",
        None => "no reason given",
    };
    let message = description.or(known).unwrap_or(unknown).to_owned() + cited;
    match error {
        Some("invalid_client") => TokenError::InvalidClient(message),
        _ if status == 429 || is_token_rate_limit(body) => TokenError::RateLimited,
        // According to guides, 401 means a wrong secret. If the body states an error, that decides.
        None if status == 401 => TokenError::InvalidClient(message),
        _ => TokenError::Rejected { status, message },
    }
}

/// Whether the body reports the token endpoint's rate limit: HTTP 400, `invalid_request`, `rate limit exceeded; ...`.
pub(super) fn is_token_rate_limit(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("rate limit exceeded")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_body_is_a_token_or_an_error_that_does_not_quote_it(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = granted(&body);
            let error = denied(400, &body, "").to_string();
            prop_assert!(error.contains("no reason given") || error.contains("rate limited"), "{}", error);
        }

        #[test]
        fn no_text_of_a_refusal_is_quoted(text in "[a-zA-Z0-9+/=%. -]{12,60}", field in "error|error_description|description|x") {
            prop_assume!(!text.contains("rate limit"));
            for known in ["invalid_request", "invalid_client", "none"] {
                let body = serde_json::json!({ "error": known, field.clone(): text.clone(), text.clone(): 1 }).to_string();
                let error = denied(400, body.as_bytes(), "").to_string();
                prop_assert!(!error.contains(&text), "{}", error);
            }
        }
    }

    #[test]
    fn the_body_decides_which_refusal_it_is() {
        let invalid =
            br#"{"error":"invalid_client","description":"client not found","error_description":"client not found"}"#;
        let limit = br#"{"error":"invalid_request","error_description":"rate limit exceeded; try later"}"#;
        let not_found = TokenError::InvalidClient("client not found".to_owned());
        assert_eq!(denied(400, invalid, ""), not_found);
        assert_eq!(denied(401, invalid, ""), not_found);
        assert_eq!(denied(400, limit, ""), TokenError::RateLimited);
        assert_eq!(denied(401, b"<html>", ""), TokenError::InvalidClient("no reason given".to_owned()));
        let rejected = |status, body: &str| match denied(status, body.as_bytes(), " (correlation id x)") {
            TokenError::Rejected { status, message } => format!("{status} {message}"),
            other => panic!("{other:?}"),
        };
        assert!(
            rejected(400, r#"{"error":"unauthorized_client"}"#).starts_with("400 unauthorized_client: the client does")
        );
        assert!(rejected(400, r#"{"error":"hunter2"}"#).starts_with("400 an error that is not in the standard"));
        assert!(rejected(400, r#"{"error":"invalid_scope","description":7}"#).ends_with("(correlation id x)"));
        assert_eq!(rejected(302, ""), "302 no reason given (correlation id x)");
    }

    #[test]
    fn a_lifetime_is_read_in_any_notation_and_an_odd_one_does_not_cost_the_token() {
        for (text, expected) in [
            ("86400", Some(86_400)),
            (r#""300""#, Some(300)),
            ("300.0", Some(300)),
            ("3e2", Some(300)),
            (r#"" 300 ""#, Some(300)),
            ("null", Some(300)),
            (r#""TOP-SECRET""#, Some(300)),
            (r#""NaN""#, Some(300)),
            ("1e300", Some(300)),
            ("300.5", Some(300)),
            ("[1]", Some(300)),
            ("{}", Some(300)),
            ("true", Some(300)),
            ("18446744073709551615", Some(300)),
            ("9000000000", Some(38_880_000)),
            ("0", None),
            ("-1", None),
            (r#""0""#, None),
        ] {
            let body = format!(r#"{{"access_token":"TOP-SECRET","expires_in":{text}}}"#);
            let lifetime = granted(body.as_bytes()).map(|(_, lifetime)| lifetime.as_secs());
            assert_eq!(lifetime.ok(), expected, "{text}");
        }
        let missing = granted(br#"{"access_token":"TOP-SECRET"}"#).map(|(_, lifetime)| lifetime.as_secs());
        assert_eq!(missing, Ok(300));
    }

    #[test]
    fn a_malformed_token_is_not_quoted() {
        let error = granted(br#"{"access_token":["TOP-SECRET"]}"#).expect_err("no text");
        assert!(!error.contains("TOP-SECRET"), "{error}");
        let token = granted(br#"{"access_token":"TOP-SECRET","token_type":"bearer"}"#).expect("a token");
        assert!(!format!("{token:?}").contains("TOP-SECRET"));
    }
}
