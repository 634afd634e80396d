//! Why a call failed, with one variant for each way in which callers react.
//!
//! A message is for people. It contains no secret, and quotes no body except the platform's own JSON.

use std::time::Duration;

use super::refusal::Refusal;
use super::token_response::TokenError;
use crate::domain::InputGap;

/// Why a call failed after all its attempts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No token could be obtained.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// 403.
    #[error("{what}: forbidden (HTTP 403){refusal}: {message}{}", correlation(correlation_id.as_ref()))]
    Forbidden {
        /// The endpoint's label.
        what: &'static str,
        /// Why, as the answer says.
        refusal: Refusal,
        /// The platform's message.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// 429, after the last attempt or with a wait that is too long.
    #[error("{what}: rate limited{}{}", asked(*wait), correlation(correlation_id.as_ref()))]
    RateLimited {
        /// The endpoint's label.
        what: &'static str,
        /// How long the platform asks to wait; zero if it does not say.
        wait: Duration,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// 401, even with a new token.
    #[error("{what}: the platform refuses a new token (HTTP 401): {message}{}", correlation(correlation_id.as_ref()))]
    Unauthorized {
        /// The endpoint's label.
        what: &'static str,
        /// The platform's message.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// 401, because the organisation's allow-list of addresses lacks the exporter's. A new token would be refused as well.
    #[error(
        "{what}: the organisation does not allow calls from the address of the exporter (HTTP 401): {message}{}; add the address to the \
         organisation's allow-list, since a new token does not help",
        correlation(correlation_id.as_ref())
    )]
    Address {
        /// The endpoint's label.
        what: &'static str,
        /// The platform's message.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
    /// Both calls that can identify the organisation of the token were refused with 403 or 404.
    #[error(
        "cannot find out which organisation the token belongs to. GET /api/v2/tokens/me failed: {token}. Its substitute GET \
         /api/v2/organizations/me failed as well: {organisation}. The platform requires no permission for these calls: check \
         the API URL, and let a gateway in between pass at least one of them"
    )]
    NoIdentity {
        /// Why `tokens/me` failed.
        token: Box<ApiError>,
        /// Why `organizations/me` failed.
        organisation: Box<ApiError>,
    },
    /// The platform names another organisation than before.
    #[error(
        "the platform says that this client belongs to the organisation {named}, but the data so far is of {known}; a client never \
         changes its organisation, so the answer is not believed unless the next one says the same; check the API URL"
    )]
    OtherOrganisation {
        /// The organisation of the data so far.
        known: String,
        /// The organisation that the platform names.
        named: String,
    },
    /// 404: the path or the record does not exist.
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
    #[error("{what}: no answer in time; check the region, and that no firewall or proxy blocks the connection")]
    Timeout {
        /// The endpoint's label.
        what: &'static str,
    },
    /// The answer did not end in time.
    #[error(
        "{what}: the answer did not end within {} s, although data kept arriving; check what is between the exporter and the platform",
        limit.as_secs_f64()
    )]
    Endless {
        /// The endpoint's label.
        what: &'static str,
        /// The time limit of one attempt.
        limit: Duration,
    },
    /// No connection, or it broke.
    #[error("{what}: {message}")]
    Network {
        /// The endpoint's label.
        what: &'static str,
        /// The cause of the error.
        message: String,
    },
    /// A 200 with a body that cannot be read, or a listing that contradicts itself.
    #[error("{what}: {message}{}", correlation(correlation_id.as_ref()))]
    Malformed {
        /// The endpoint's label.
        what: &'static str,
        /// What is wrong with the answer.
        message: String,
        /// The platform's id of the request.
        correlation_id: Option<String>,
    },
}

/// Connections cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS cannot be set up, most likely because of the CA certificates of the system.
    #[error(
        "cannot set up TLS: {0}; install the CA certificates of the system (in Debian, the package ca-certificates), or name a file of \
         certificates in --genesys.ca-file or SSL_CERT_FILE, or a directory in SSL_CERT_DIR"
    )]
    Tls(String),
    /// The file of certificates, or that with the password of the proxy, cannot be used.
    #[error("cannot set up connections: {0}")]
    File(String),
}

impl SetupError {
    pub(super) fn new(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string);
        let causes: Vec<String> = causes.collect();
        Self::Tls(if causes.is_empty() { error.to_string() } else { causes.join(": ") })
    }
}

impl ApiError {
    /// Whether the platform answered 403.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }

    /// Why the call is forbidden; `None` for any other error.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Forbidden { refusal, .. } => Some(refusal),
            Self::NoIdentity { token, organisation } => token.refusal().or_else(|| organisation.refusal()),
            _ => None,
        }
    }

    /// Whether the platform refuses the call to this client, until somebody changes something there. A refusal of a proxy in between
    /// says nothing about that.
    pub fn is_unsupported(&self) -> bool {
        self.is_not_found() || self.refusal().is_some_and(Refusal::is_of_platform)
    }

    /// Whether the platform answered 403 or 404, so that another attempt would fail as well.
    pub fn is_refused(&self) -> bool {
        self.is_forbidden() || self.is_not_found()
    }

    /// Whether the platform answered 404.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// The missing permission, if that is the cause and the platform names it.
    pub fn missing_permission(&self) -> Option<&str> {
        match self.refusal() {
            Some(Refusal::Permission(permission)) => Some(permission),
            _ => None,
        }
    }

    /// The gap of an input that could not be read because of this. It does not contain the platform's id of the request, which differs in
    /// each answer: an input that is refused again has the same gap.
    pub fn to_gap(&self) -> InputGap {
        let mut cause = self.clone();
        match &mut cause {
            Self::Forbidden { correlation_id, .. }
            | Self::RateLimited { correlation_id, .. }
            | Self::Unauthorized { correlation_id, .. }
            | Self::Address { correlation_id, .. }
            | Self::NotFound { correlation_id, .. }
            | Self::Status { correlation_id, .. }
            | Self::Malformed { correlation_id, .. } => *correlation_id = None,
            Self::Token(_)
            | Self::NoIdentity { .. }
            | Self::OtherOrganisation { .. }
            | Self::Timeout { .. }
            | Self::Endless { .. }
            | Self::Network { .. } => {}
        }
        InputGap { missing_permission: self.missing_permission().map(str::to_owned), message: cause.to_string() }
    }
}

fn asked(wait: Duration) -> String {
    if wait.is_zero() {
        return " at every attempt".to_owned();
    }
    format!("; the platform asks to wait {} s", wait.as_secs())
}

pub(super) fn correlation(id: Option<&String>) -> String {
    id.map_or_else(String::new, |id| format!(" (correlation id {id})"))
}
