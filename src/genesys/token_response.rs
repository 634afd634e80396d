//! Reads the answer to a token request: a token and its lifetime, or why there is none.
//!
//! Pure. `token` decides when to send a request, and `transport` when to repeat it.

use std::time::Duration;

use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::secret::{ExposeSecret, SecretString};

/// The assumed lifetime of a token without `expires_in`, in seconds: the shortest lifetime that the platform allows.
const LEAST_LIFETIME: u64 = 300;

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
        /// The platform's message.
        message: String,
    },
    /// No answer in time.
    #[error(
        "token: no answer from the login host in time; check the region, and that no firewall or proxy blocks the connection"
    )]
    Timeout,
    /// No connection, or it broke.
    #[error("token: cannot reach the login host: {0}")]
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
            Self::Timeout => Some(TokenFetch::Timeout),
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
    expires_in: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Denied {
    error: Option<String>,
    error_description: Option<String>,
    description: Option<String>,
}

/// The header and the lifetime of a token, or what is wrong with the answer.
pub(super) fn granted(body: &[u8]) -> Result<(HeaderValue, Duration), String> {
    // The message of serde_json can quote the body, so only the position is reported.
    let granted: Granted = serde_json::from_slice(body)
        .map_err(|error| format!("it cannot be read at line {}, column {}", error.line(), error.column()))?;
    let mut header = HeaderValue::from_str(&format!("Bearer {}", granted.access_token.expose_secret()))
        .map_err(|_| "the token contains characters that cannot be sent".to_owned())?;
    header.set_sensitive(true);
    match granted.expires_in.unwrap_or(LEAST_LIFETIME) {
        0 => Err("the token has expired already".to_owned()),
        // The platform's longest lifetime is 450 days. A wrong answer must not overflow the clock.
        seconds => Ok((header, Duration::from_secs(seconds.min(38_880_000)))),
    }
}

pub(super) fn denied(status: u16, body: &[u8], quote: impl Fn(&str) -> String) -> TokenError {
    let denied: Denied = serde_json::from_slice(body).unwrap_or_default();
    let description = denied.error_description.or(denied.description);
    let message = quote(description.as_deref().or(denied.error.as_deref()).unwrap_or("no reason given"));
    match denied.error.as_deref() {
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
            if let Err(error) = granted(br#"{"access_token":"TOP-SECRET","expires_in":-1}"#) {
                prop_assert!(!error.contains("TOP-SECRET"));
            }
            let error = denied(400, &body, |_| "redacted".to_owned()).to_string();
            prop_assert!(error.contains("redacted") || error.contains("rate limited"), "{}", error);
        }
    }

    #[test]
    fn the_body_decides_which_refusal_it_is() {
        let invalid =
            br#"{"error":"invalid_client","description":"client not found","error_description":"client not found"}"#;
        let limit = br#"{"error":"invalid_request","error_description":"rate limit exceeded; try later"}"#;
        let other = br#"{"error":"unauthorized_client","description":"grant type not allowed"}"#;
        assert_eq!(denied(400, invalid, str::to_owned), TokenError::InvalidClient("client not found".to_owned()));
        assert_eq!(denied(401, invalid, str::to_owned), TokenError::InvalidClient("client not found".to_owned()));
        assert_eq!(denied(400, limit, str::to_owned), TokenError::RateLimited);
        assert_eq!(denied(401, b"<html>", str::to_owned), TokenError::InvalidClient("no reason given".to_owned()));
        assert_eq!(
            denied(400, other, str::to_owned),
            TokenError::Rejected { status: 400, message: "grant type not allowed".to_owned() }
        );
        assert_eq!(
            denied(302, b"", str::to_owned),
            TokenError::Rejected { status: 302, message: "no reason given".to_owned() }
        );
    }

    #[test]
    fn a_malformed_token_is_not_quoted() {
        let error = granted(br#"{"access_token":"TOP-SECRET","expires_in":"TOP-SECRET"}"#).expect_err("no number");
        assert!(!error.contains("TOP-SECRET"), "{error}");
        let token = granted(br#"{"access_token":"TOP-SECRET","token_type":"bearer"}"#).expect("a token");
        assert_eq!(token.1, Duration::from_mins(5));
        assert!(!format!("{token:?}").contains("TOP-SECRET"));
    }
}
