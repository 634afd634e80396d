//! The faults that the simulated organisation can have, by name, and where they apply.
//!
//! What they do to an answer is in `misbehaviour`.

mod injection;

use std::time::Duration;

use serde_json::Value;

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
    /// Seconds, as the platform sends (reference 6).
    Seconds(u64),
    /// An HTTP date for this Unix time.
    Date(i64),
    /// The header is missing.
    Absent,
    /// The header is present but invalid.
    Nonsense,
}

/// How an entity is made unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// The entity is a string.
    NotAnObject,
    /// Its `id` is a number.
    NumericId,
    /// It has no `id`.
    MissingId,
    /// Its `id` is null.
    NullId,
    /// `id` is valid; `scope` is a number, `name` a list, `roleDivisions` a string.
    WrongFieldTypes,
}

/// Field names that some guides show and the platform does not use (reference 9, rows 3, 7 and 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alias {
    /// `scopes`: a list of `{id, name}`; `grantType`.
    ScopeObjects,
    /// `scopeIds`: a list of ids; `client_type`.
    ScopeIds,
    /// `oauth_client.scopes`; `client_type`.
    Nested,
}

/// A fault of the platform.
///
/// [`Fault::at`] sets the endpoint at which a fault applies. Otherwise:
/// - `TokenRateLimited` and `InvalidClient` apply to `/oauth/token`;
/// - `OpaqueScopeIds` applies to clients and scopes;
/// - `EmptyRoles` and `RolesWithoutPolicies` apply to the roles;
/// - the variants up to `NoRateLimitHeaders` apply to every endpoint except `/oauth/token`;
/// - all others apply to the list of clients.
///
/// At an endpoint where it has no meaning, a fault does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 429 with the platform's usual body and `Retry-After`.
    RateLimited(RetryAfter),
    /// This status with an `ErrorBody`. 500, 503 and 504 have the error code of the platform, others a made-up one.
    ServerError(u16),
    /// 200 with an HTML page, as from a captive portal.
    HtmlInsteadOfJson,
    /// This status with an HTML page, as from a gateway.
    HtmlError(u16),
    /// 200, but the connection is closed before as many bytes are sent as `Content-Length` says.
    CutBody,
    /// 200 with incomplete JSON.
    Garbage,
    /// 200 with JSON that is not valid UTF-8.
    InvalidUtf8,
    /// 200 without a body.
    EmptyBody,
    /// 200 with valid JSON of an unexpected shape: a list at the top level.
    UnexpectedShape,
    /// The request is not answered until the simulator stops.
    Hang,
    /// The connection is closed without a response.
    CloseWithoutAnswer,
    /// 403 `missing.permissions` that names this permission.
    Forbidden {
        /// As `domain:entity:action`.
        permission: String,
    },
    /// 403 `not.authorized`, which names no permission.
    NotAuthorized,
    /// 401 `bad.credentials`, although the token is valid.
    Unauthorized,
    /// 404 `not.found`.
    NotFound,
    /// 200 with a JSON document that contains this many spaces, streamed without a `Content-Length`.
    HugeBody(u64),
    /// The normal response, sent in chunks with a pause before each.
    SlowBody {
        /// Bytes per chunk.
        chunk: usize,
        /// The pause before each chunk.
        pause: Duration,
    },
    /// The normal response from its first byte on, one byte at a time, with this pause before each.
    Trickle(Duration),
    /// The normal response with this header, instead of the headers of that name.
    Header(&'static str, String),
    /// The normal response with this value at a JSON pointer such as `/organization/id`; `None` removes the field.
    Field(&'static str, Option<Value>),
    /// This status, header and body.
    Says {
        /// The HTTP status.
        status: u16,
        /// Name and value of one header.
        header: (&'static str, String),
        /// The body, sent as JSON whatever it is.
        body: String,
    },
    /// 302 to this URL.
    Redirect(String),
    /// The normal response with these `inin-ratelimit-*` headers.
    Budget {
        /// Requests in the current window.
        count: u32,
        /// Requests allowed per window.
        allowed: u32,
        /// Seconds until the next window.
        reset: u64,
    },
    /// The `inin-ratelimit-*` headers are missing.
    NoRateLimitHeaders,

    /// The token endpoint's own limit: 400 `invalid_request` (reference 1.3).
    TokenRateLimited,
    /// `invalid_client` with the text for a wrong secret and this status. Reports of the platform have 400 and 401.
    InvalidClient(u16),

    /// 200 with no entities and `total` 0. For any list.
    EmptyList,
    /// This many entities are missing at the end, but `total` counts them. For any list.
    TruncatedList(usize),
    /// `entities` is the only field of the page. For any list.
    BareListing,
    /// The field `entities` is missing. For any list.
    MissingEntities,
    /// The first entity occurs twice, but `total` counts it once. For any list.
    DuplicateIdentical,
    /// The first entity occurs again with another name, but `total` counts it once. For any list.
    DuplicateConflicting,
    /// `nextUri` points to the same page. For any list.
    LoopingNextUri,
    /// `nextUri` points to this origin, such as `http://127.0.0.1:1`. For any list.
    ForeignNextUri(String),
    /// `pageCount` has this value, and every page is the same (reference 3, the trap). For any list.
    RepeatedPages(usize),
    /// A field of the page has this value, or is missing. For any list.
    PageField(&'static str, Option<Value>),
    /// A field of the page has another name. For any list.
    RenamedPageField {
        /// The documented name.
        from: &'static str,
        /// The name in the answer.
        to: &'static str,
    },
    /// A client was removed and another added while the pages were read: this client slipped from one page to the one before, which
    /// had been read. The list has the removed client in its place, and `total` is right.
    ShiftedPages(String),

    /// The exporter's own client is missing, and `total` does not count it.
    WithoutSelf,
    /// The last client that is not the exporter's own cannot be read.
    UnreadableRecord(Unreadable),
    /// Every client except the exporter's own has an unknown grant type and an unknown state.
    UnknownEnums,
    /// Every client has fields that are not documented, such as `allowedIps`.
    UnknownFields,
    /// The list omits `authorizedGrantType`, `scope` and `roleDivisions`; a client read by id has them (reference 3.2).
    SparseEntities,
    /// Every optional field of every client is null.
    NullFields,
    /// Fields have the names that some guides show; at [`Endpoint::Scopes`], `entities` is named `scopes`.
    AliasFields(Alias),
    /// `scope` contains opaque ids, which `/oauth/scopes` maps to names by `{id, name}` (reference 9, row 7).
    OpaqueScopeIds,

    /// The list of roles is empty.
    EmptyRoles,
    /// Roles have no `permissionPolicies`.
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
            | Self::PageField(..)
            | Self::RenamedPageField { .. }
            | Self::ShiftedPages(_)
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
