//! Why a call failed, in variants that change what the caller does.
//!
//! Messages are for people and hold no secret and no body that is not the platform's own JSON.

use std::time::Duration;

use super::token_response::TokenError;

/// Why a call failed after all its attempts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No token could be had.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// 403: a permission is missing, or the feature is not enabled.
    #[error("{what}: forbidden (HTTP 403){}: {message}{}", permission_hint(permission.as_ref()), correlation(correlation_id.as_ref()))]
    Forbidden {
        /// The endpoint's label.
        what: &'static str,
        /// The permission that would cure it.
        permission: Option<String>,
        /// The platform's message.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// 429, and the wait that the platform asks for is too long or the attempts are used up.
    #[error("{what}: rate limited{}{}", asked(*wait), correlation(correlation_id.as_ref()))]
    RateLimited {
        /// The endpoint's label.
        what: &'static str,
        /// How long not to come back; zero where the platform did not say.
        wait: Duration,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// 401 with a fresh token.
    #[error("{what}: the platform refuses a fresh token: {message}{}", correlation(correlation_id.as_ref()))]
    Unauthorized {
        /// The endpoint's label.
        what: &'static str,
        /// The platform's message.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// Neither call that tells whose token it is has an answer for us, for good.
    #[error(
        "the platform does not tell whose token this is. GET /api/v2/tokens/me: {token}. GET /api/v2/organizations/me, \
         asked instead: {organisation}. The platform asks for no permission there: is the API URL right, and does a \
         gateway in between let one of them pass?"
    )]
    NoIdentity {
        /// Why the token does not tell.
        token: Box<ApiError>,
        /// Why the organisation does not.
        organisation: Box<ApiError>,
    },
    /// 404.
    #[error("{what}: not found (HTTP 404){}", correlation(correlation_id.as_ref()))]
    NotFound {
        /// The endpoint's label.
        what: &'static str,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// Any other status.
    #[error("{what}: HTTP {status}: {message}{}", correlation(correlation_id.as_ref()))]
    Status {
        /// The endpoint's label.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// The platform's message.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// No answer in time.
    #[error("{what}: no answer in time; is the region right and the way to it open?")]
    Timeout {
        /// The endpoint's label.
        what: &'static str,
    },
    /// No connection, or it broke.
    #[error("{what}: {message}")]
    Network {
        /// The endpoint's label.
        what: &'static str,
        /// What the network said.
        message: String,
    },
    /// A 200 that cannot be read, or a listing that contradicts itself.
    #[error("{what}: {message}{}", correlation(correlation_id.as_ref()))]
    Malformed {
        /// The endpoint's label.
        what: &'static str,
        /// What is wrong with it.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
}

impl ApiError {
    /// Whether the cause is a missing permission.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }

    /// Whether asking again would be answered the same: forbidden, or not there.
    pub fn is_refused(&self) -> bool {
        self.is_forbidden() || self.is_not_found()
    }

    /// Whether the platform has no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// The missing permission, where that is the cause and it is known.
    pub fn missing_permission(&self) -> Option<&str> {
        match self {
            Self::Forbidden { permission, .. } => permission.as_deref(),
            Self::NoIdentity { token, organisation } => {
                token.missing_permission().or_else(|| organisation.missing_permission())
            }
            _ => None,
        }
    }
}

fn permission_hint(permission: Option<&String>) -> String {
    permission.map_or_else(String::new, |permission| format!(", the role of this client lacks {permission}"))
}

fn asked(wait: Duration) -> String {
    if wait.is_zero() {
        return "; every attempt was refused".to_owned();
    }
    format!(", the platform asks to wait {} s", wait.as_secs())
}

pub(super) fn correlation(id: Option<&String>) -> String {
    id.map_or_else(String::new, |id| format!(" (correlation id {id})"))
}
