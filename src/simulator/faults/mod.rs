//! How the simulated organisation can misbehave: named scenarios and where they apply.
//!
//! Not what they make of an answer (`misbehaviour`).

mod injection;

use std::time::Duration;

pub use injection::Injection;

/// An endpoint of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /oauth/token` of the login host.
    Token,
    /// `GET /api/v2/oauth/clients`.
    Clients,
    /// `GET /api/v2/oauth/clients/{id}`.
    Client,
    /// `GET /api/v2/oauth/scopes`.
    Scopes,
    /// `GET /api/v2/oauth/scopes/{id}`.
    Scope,
    /// `GET /api/v2/authorization/roles`.
    Roles,
    /// `GET /api/v2/authorization/roles/{id}`.
    Role,
    /// `GET /api/v2/authorization/divisions`.
    Divisions,
    /// `GET /api/v2/authorization/divisions/{id}`, and `/home`.
    Division,
    /// `GET /api/v2/authorization/permissions`.
    Permissions,
    /// `GET /api/v2/authorization/subjects/me`.
    Subject,
    /// `GET`, `HEAD` and `DELETE /api/v2/tokens/me`.
    TokenInfo,
    /// `GET /api/v2/organizations/me`.
    OrganisationInfo,
    /// `POST /api/v2/usage/query`.
    UsageQuery,
    /// `GET /api/v2/usage/query/{id}/results`.
    UsageResults,
}

impl Endpoint {
    pub(super) fn is_listing(self) -> bool {
        matches!(self, Self::Clients | Self::Scopes | Self::Roles | Self::Divisions | Self::Permissions)
    }
}

/// How `Retry-After` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Seconds, as the platform does (reference 6).
    Seconds(u64),
    /// An HTTP date of this unix time.
    Date(i64),
    /// The header is missing.
    Absent,
    /// The header is there and says nothing that could be understood.
    Nonsense,
}

/// In which way an entity cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It is a string.
    NotAnObject,
    /// Its `id` is a number.
    NumericId,
    /// It has no `id`.
    MissingId,
    /// Its `id` is null.
    NullId,
    /// Its `id` can be read; `scope` is a number, `name` a list, `roleDivisions` a string.
    WrongFieldTypes,
}

/// A spelling of fields that guides show and the platform does not use (reference 9, rows 3, 7 and 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alias {
    /// `scopes`: a list of `{id, name}`; `grantType`.
    ScopeObjects,
    /// `scopeIds`: a list of ids; `client_type`.
    ScopeIds,
    /// `oauth_client.scopes`; `client_type`.
    Nested,
}

/// A named way to misbehave.
///
/// Unless [`Fault::at`] names an endpoint, those up to `NoRateLimitHeaders` hold for the whole API but not for
/// `/oauth/token`, `TokenRateLimited` and `InvalidClient` for `/oauth/token`, `OpaqueScopeIds` for clients and scopes,
/// `EmptyRoles` and `RolesWithoutPolicies` for the roles, and the others for the list of clients. A fault at an endpoint where it has no meaning does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 429 with the normalised body and `Retry-After`.
    RateLimited(RetryAfter),
    /// This status with an `ErrorBody`: 500, 502, 503, 504 with the platform's codes, others with a neutral one.
    ServerError(u16),
    /// 200 with a page of HTML, as a captive portal would.
    HtmlInsteadOfJson,
    /// 503 with a page of HTML, as a gateway would.
    HtmlError,
    /// 200 whose `Content-Length` is larger than what comes before the connection is closed.
    CutBody,
    /// 200 with JSON that breaks off.
    Garbage,
    /// 200 with JSON that holds bytes which are no UTF-8.
    InvalidUtf8,
    /// 200 without a body.
    EmptyBody,
    /// 200 with valid JSON of another shape: a list at the top.
    UnexpectedShape,
    /// The request is never answered, until the simulator stops.
    Hang,
    /// The connection is closed without an answer.
    CloseWithoutAnswer,
    /// 403 `missing.permissions` that names this permission.
    Forbidden {
        /// As `domain:entity:action`.
        permission: String,
    },
    /// 403 `not.authorized`, which names nothing.
    NotAuthorized,
    /// 401 `bad.credentials` although the token is good.
    Unauthorized,
    /// 404 `not.found`.
    NotFound,
    /// 200 with a JSON document padded with so many spaces, streamed without a `Content-Length`.
    HugeBody(u64),
    /// The true answer, so many bytes at a time with a pause before each.
    SlowBody {
        /// Bytes at a time.
        chunk: usize,
        /// The pause before each.
        pause: Duration,
    },
    /// 302 to this address.
    Redirect(String),
    /// The `inin-ratelimit-*` headers say this; the answer is the true one.
    Budget {
        /// Requests so far in this window.
        count: u32,
        /// Requests allowed in a window.
        allowed: u32,
        /// Seconds until the next window.
        reset: u64,
    },
    /// The `inin-ratelimit-*` headers are missing.
    NoRateLimitHeaders,

    /// The token endpoint's own limit: 400 `invalid_request` (reference 1.3).
    TokenRateLimited,
    /// `invalid_client` with the text of a wrong secret, and this status: 400 and 401 are both told of.
    InvalidClient(u16),

    /// 200 with no entities and `total` 0. Any listing.
    EmptyList,
    /// So many entities at the end are missing, `total` still counts them. Any listing.
    TruncatedList(usize),
    /// None of the generic listing fields, `entities` alone. Any listing.
    BareListing,
    /// The field `entities` is missing. Any listing.
    MissingEntities,
    /// The first entity comes twice, `total` counts it once. Any listing.
    DuplicateIdentical,
    /// The first entity comes a second time with another name, `total` counts it once. Any listing.
    DuplicateConflicting,
    /// `nextUri` is the page itself. Any listing.
    LoopingNextUri,
    /// `nextUri` leads to this origin, such as `http://127.0.0.1:1`. Any listing.
    ForeignNextUri(String),
    /// `pageCount` is this, and every page is the same (reference 3, the trap). Any listing.
    RepeatedPages(usize),

    /// The exporter's own client is missing, and `total` does not count it.
    WithoutSelf,
    /// The last client that is not the exporter's own cannot be read.
    UnreadableRecord(Unreadable),
    /// Every client but the exporter's own has a grant type and a state that nobody knows.
    UnknownEnums,
    /// Every client has fields that the reference does not know, such as `allowedIps`.
    UnknownFields,
    /// The list omits `authorizedGrantType`, `scope` and `roleDivisions`, by id they are there (reference 3.2).
    SparseEntities,
    /// Every optional field of every client is null.
    NullFields,
    /// Fields are spelled as guides spell them; at [`Endpoint::Scopes`] `entities` is called `scopes`.
    AliasFields(Alias),
    /// `scope` holds opaque ids; `/oauth/scopes` maps them by `{id, name}` (reference 9, row 7).
    OpaqueScopeIds,

    /// No roles at all.
    EmptyRoles,
    /// Roles without `permissionPolicies`.
    RolesWithoutPolicies,
}

impl Fault {
    fn holds_at(&self, endpoint: Endpoint) -> bool {
        match self {
            Self::TokenRateLimited | Self::InvalidClient(_) => endpoint == Endpoint::Token,
            Self::EmptyRoles | Self::RolesWithoutPolicies => endpoint == Endpoint::Roles,
            Self::OpaqueScopeIds => matches!(endpoint, Endpoint::Clients | Endpoint::Client | Endpoint::Scopes),
            Self::EmptyList
            | Self::TruncatedList(_)
            | Self::BareListing
            | Self::MissingEntities
            | Self::DuplicateIdentical
            | Self::DuplicateConflicting
            | Self::LoopingNextUri
            | Self::ForeignNextUri(_)
            | Self::RepeatedPages(_)
            | Self::WithoutSelf
            | Self::UnreadableRecord(_)
            | Self::UnknownEnums
            | Self::UnknownFields
            | Self::SparseEntities
            | Self::NullFields
            | Self::AliasFields(_) => endpoint == Endpoint::Clients,
            _ => endpoint != Endpoint::Token,
        }
    }
}
