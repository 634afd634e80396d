//! The calls of the platform API, with their label values.
//!
//! Their paths are in `platform`, and the format of their answers is in `wire`.

/// A call of the platform API. The value of the label `endpoint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /oauth/token`
    Token,
    /// `GET /api/v2/tokens/me`
    TokensMe,
    /// `GET /api/v2/organizations/me`
    OrganizationsMe,
    /// `GET /api/v2/oauth/clients`
    Clients,
    /// `GET /api/v2/oauth/clients/{id}`
    Client,
    /// `GET /api/v2/oauth/scopes`
    Scopes,
    /// `GET /api/v2/authorization/roles`
    Roles,
    /// `GET /api/v2/authorization/divisions`
    Divisions,
    /// `GET /api/v2/authorization/permissions`
    Permissions,
    /// `GET /api/v2/authorization/subjects/me`
    SubjectsMe,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 10] = [
        Self::Token,
        Self::TokensMe,
        Self::OrganizationsMe,
        Self::Clients,
        Self::Client,
        Self::Scopes,
        Self::Roles,
        Self::Divisions,
        Self::Permissions,
        Self::SubjectsMe,
    ];

    /// The value of the label `endpoint`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::TokensMe => "tokens_me",
            Self::OrganizationsMe => "organizations_me",
            Self::Clients => "clients",
            Self::Client => "client",
            Self::Scopes => "scopes",
            Self::Roles => "roles",
            Self::Divisions => "divisions",
            Self::Permissions => "permissions",
            Self::SubjectsMe => "subjects_me",
        }
    }
}
