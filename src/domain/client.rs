//! One OAuth client as the platform describes it, without its secret.
//!
//! `audit` decides what a grant means.

use std::sync::Arc;

use super::{ClientField, ClientId, DivisionId, Gap, Gaps, Record, RoleId, ScopeIndex, Timestamp};

/// An OAuth client of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The client's identity.
    pub id: ClientId,
    /// The display name. It can change and is not unique.
    pub name: Box<str>,
    /// Free text; `None` if it is empty.
    pub description: Option<Box<str>>,
    /// How the client obtains tokens.
    pub grant_type: GrantType,
    /// The grant type in the platform's spelling, for reports.
    pub grant_type_spelling: Arc<str>,
    /// The state in the client's life cycle.
    pub state: ClientState,
    /// The scopes that the client holds, sorted, without duplicates: indices into the snapshot's [`super::ScopeTable`].
    pub scopes: Box<[ScopeIndex]>,
    /// The roles that the client holds and their divisions, sorted, without duplicates: the union of `roleIds` and `roleDivisions`.
    pub role_grants: Box<[RoleGrant]>,
    /// The addresses to which authorization codes and tokens may be sent.
    pub redirect_uris: Box<[Box<str>]>,
    /// The lifetime of the client's access tokens in seconds. `None` is the platform's default, 86400.
    pub token_validity: Option<u32>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// The id of the user who created it.
    pub created_by: Option<Arc<str>>,
    /// The id of the user who changed it last.
    pub modified_by: Option<Arc<str>>,
    /// When the platform will delete the client. Set while the client is inactive.
    pub deletion: Option<Timestamp>,
    /// The fields that could not be read in full.
    pub gaps: Gaps<ClientField>,
}

impl Client {
    /// The platform's default lifetime of an access token, in seconds (Terraform provider documentation of `oauth_client`).
    pub const DEFAULT_TOKEN_VALIDITY: u32 = 86_400;

    /// The lifetime of the client's access tokens in seconds, with the platform's default if none is set.
    pub fn effective_token_validity(&self) -> u32 {
        self.token_validity.unwrap_or(Self::DEFAULT_TOKEN_VALIDITY)
    }

    /// Adds the last known divisions to role grants that were read without a division. The role itself was read, so the grant
    /// counts in any case, but without its divisions it would look like a different grant.
    fn fill_divisions(&mut self, last_known: &[RoleGrant]) {
        let mut grants = Vec::with_capacity(self.role_grants.len());
        for grant in &self.role_grants {
            let known = last_known.iter().filter(|known| grant.division.is_none() && known.role == grant.role);
            let before = grants.len();
            grants.extend(known.cloned());
            if grants.len() == before {
                grants.push(grant.clone());
            }
        }
        grants.sort();
        grants.dedup();
        self.role_grants = grants.into();
    }

    /// Whether this field has a gap. The values in it are certain, but a value that is missing from it proves nothing.
    pub fn has_gap(&self, field: ClientField) -> bool {
        self.gaps.of(field).is_some()
    }
}

impl Record for Client {
    type Id = ClientId;
    type Field = ClientField;

    fn id(&self) -> &ClientId {
        &self.id
    }

    fn gaps(&self) -> &Gaps<ClientField> {
        &self.gaps
    }

    fn fill(&mut self, last_known: Self, read_at: Timestamp) {
        for field in self.gaps.fill(&last_known.gaps, read_at) {
            match field {
                ClientField::Name => self.name.clone_from(&last_known.name),
                ClientField::Description => self.description.clone_from(&last_known.description),
                ClientField::GrantType => {
                    self.grant_type = last_known.grant_type;
                    self.grant_type_spelling.clone_from(&last_known.grant_type_spelling);
                }
                ClientField::State => self.state = last_known.state,
                ClientField::Scopes => self.scopes.clone_from(&last_known.scopes),
                ClientField::Roles => self.role_grants.clone_from(&last_known.role_grants),
                ClientField::RedirectUris => self.redirect_uris.clone_from(&last_known.redirect_uris),
                ClientField::TokenValidity => self.token_validity = last_known.token_validity,
                ClientField::Created => self.created = last_known.created,
                ClientField::Modified => self.modified = last_known.modified,
                ClientField::CreatedBy => self.created_by.clone_from(&last_known.created_by),
                ClientField::ModifiedBy => self.modified_by.clone_from(&last_known.modified_by),
                ClientField::Deletion => self.deletion = last_known.deletion,
            }
        }
        if self.gaps.of(ClientField::Roles) == Some(Gap::Partial) {
            self.fill_divisions(&last_known.role_grants);
        }
    }
}

/// A role held in a division.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleGrant {
    /// The role.
    pub role: RoleId,
    /// The division; `None` if only the deprecated `roleIds` names the role.
    pub division: Option<DivisionId>,
}

/// How a client obtains tokens. Each client has exactly one grant type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantType {
    /// The client acts for itself. Its roles and their divisions decide what it may do.
    ClientCredentials,
    /// The authorization code grant, with or without PKCE: the client acts for a user who signed in.
    Code,
    /// The implicit grant, which the platform calls TOKEN.
    Implicit,
    /// The resource owner password grant.
    Password,
    /// The SAML 2.0 bearer assertion grant.
    Saml2Bearer,
    /// A value that the exporter does not know. Such a client is evaluated both as a user-grant and as a client-credentials client.
    Other,
}

impl GrantType {
    /// Every grant type, in the order of the metrics' documentation.
    pub const ALL: [Self; 6] =
        [Self::ClientCredentials, Self::Code, Self::Implicit, Self::Password, Self::Saml2Bearer, Self::Other];

    /// Parses the platform's spelling, old or new, in upper or lower case.
    ///
    /// The spelling changed between `-` and `_` over the years (git history of the Python SDK's `o_auth_client.py`).
    pub fn from_platform(spelling: &str) -> Self {
        let letters =
            || spelling.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_uppercase());
        let known = [
            ("CLIENTCREDENTIALS", Self::ClientCredentials),
            ("CODE", Self::Code),
            ("CODEPKCE", Self::Code),
            ("TOKEN", Self::Implicit),
            ("PASSWORD", Self::Password),
            ("SAML2BEARER", Self::Saml2Bearer),
        ];
        known
            .into_iter()
            .find(|(known, _)| letters().eq(known.bytes()))
            .map_or(Self::Other, |(_, grant_type)| grant_type)
    }

    /// The value of the label `grant_type`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::Code => "code",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::Saml2Bearer => "saml2_bearer",
            Self::Other => "other",
        }
    }

    /// Whether the client's scopes limit what its tokens may do.
    pub const fn scopes_count(self) -> bool {
        !matches!(self, Self::ClientCredentials)
    }

    /// Whether the client's roles and divisions decide what its tokens may do.
    pub const fn roles_count(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::Other)
    }
}

/// The state of a client in its life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientState {
    /// The client can obtain tokens.
    Active,
    /// The client cannot obtain new tokens, and the platform will delete it.
    Inactive,
    /// The client's tokens are invalid, and it cannot obtain new ones.
    Disabled,
    /// A value that the exporter does not know.
    Other,
}

impl ClientState {
    /// Every state, in the order of the metrics' documentation.
    pub const ALL: [Self; 4] = [Self::Active, Self::Inactive, Self::Disabled, Self::Other];

    /// Parses the platform's spelling in upper or lower case.
    pub fn from_platform(spelling: &str) -> Self {
        let known = [Self::Active, Self::Inactive, Self::Disabled];
        known.into_iter().find(|state| spelling.eq_ignore_ascii_case(state.label())).unwrap_or(Self::Other)
    }

    /// The value of the label `state`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Disabled => "disabled",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{client, role_grant, unread_client};

    #[test]
    fn a_gap_is_filled_with_the_last_known_value_and_a_role_with_its_last_known_divisions() {
        let (read_at, last) =
            (Timestamp::from_seconds(7), client("c").named("last").role("a", "d-1").role("a", "d-2").alone());
        let mut unread = unread_client("c").alone();
        unread.fill(last.clone(), read_at);
        assert_eq!(
            (&*unread.name, &unread.role_grants, unread.grant_type),
            ("last", &last.role_grants, last.grant_type)
        );
        assert!(ClientField::ALL.iter().all(|field| unread.gaps.of(*field) == Some(Gap::LastKnown(read_at))));
        let ids = client("c").named("now").role("a", None).role("b", None).gap(ClientField::Roles, Gap::Partial);
        let mut partial = ids.alone();
        partial.fill(last, read_at);
        assert_eq!(*partial.role_grants, [role_grant("a", "d-1"), role_grant("a", "d-2"), role_grant("b", None)]);
        assert_eq!((&*partial.name, partial.gaps.of(ClientField::Roles)), ("now", Some(Gap::Partial)));
    }

    #[test]
    fn grant_types_are_read_in_every_spelling_the_platform_has_used() {
        for (spelling, expected) in [
            ("CLIENT-CREDENTIALS", GrantType::ClientCredentials),
            ("CLIENT_CREDENTIALS", GrantType::ClientCredentials),
            ("client-credentials", GrantType::ClientCredentials),
            ("CODE", GrantType::Code),
            ("CODE_PKCE", GrantType::Code),
            ("TOKEN", GrantType::Implicit),
            ("token", GrantType::Implicit),
            ("PASSWORD", GrantType::Password),
            ("SAML2BEARER", GrantType::Saml2Bearer),
            ("SAML2-BEARER", GrantType::Saml2Bearer),
            ("DEVICE", GrantType::Other),
            ("", GrantType::Other),
        ] {
            assert_eq!(GrantType::from_platform(spelling), expected, "{spelling}");
        }
    }

    #[test]
    fn an_unknown_grant_is_evaluated_by_scopes_and_by_roles() {
        assert!(GrantType::Other.scopes_count() && GrantType::Other.roles_count());
        assert!(!GrantType::ClientCredentials.scopes_count());
        assert!(!GrantType::Code.roles_count());
    }

    #[test]
    fn states_are_read_in_any_case() {
        for (spelling, expected) in [
            ("active", ClientState::Active),
            ("Inactive", ClientState::Inactive),
            ("DISABLED", ClientState::Disabled),
            ("deleted", ClientState::Other),
        ] {
            assert_eq!(ClientState::from_platform(spelling), expected, "{spelling}");
        }
    }
}
