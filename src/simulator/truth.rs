//! What is true of the simulated organisation, to compare an exporter's report with.
//!
//! Counted from the organisation's records, by the reference's spelling rules; planted risks are data, not an audit.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::World;

/// What is true of the organisation at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The organisation's id.
    pub organisation_id: String,
    /// The organisation's name.
    pub organisation_name: String,
    /// The exporter's own client.
    pub own_client_id: String,
    /// How many OAuth clients there are.
    pub clients: usize,
    /// Clients by grant type and state; pairs without a client are absent.
    pub by_grant_and_state: BTreeMap<(Grant, State), usize>,
    /// How many scopes the platform knows.
    pub scopes: usize,
    /// How many roles there are.
    pub roles: usize,
    /// How many divisions there are.
    pub divisions: usize,
    /// How many permissions the platform's registry has.
    pub permissions: usize,
    /// What was planted and is still there, each on a client.
    pub planted: Vec<Planted>,
}

impl Truth {
    /// Clients of a grant type, in any state.
    pub fn of_grant(&self, grant: Grant) -> usize {
        self.by_grant_and_state.iter().filter(|((of, _), _)| *of == grant).map(|(_, count)| count).sum()
    }

    /// Clients in a state, of any grant type.
    pub fn in_state(&self, state: State) -> usize {
        self.by_grant_and_state.iter().filter(|((_, of), _)| *of == state).map(|(_, count)| count).sum()
    }

    /// The ids of the clients with a planted risk, traps left out, sorted.
    pub fn clients_with(&self, risk: Risk) -> Vec<String> {
        let planted = self.planted.iter().filter(|planted| planted.risk == risk && !planted.trap);
        let mut ids: Vec<String> = planted.map(|planted| planted.client_id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

/// A grant type whatever its spelling (reference 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// `CLIENT-CREDENTIALS`, formerly `CLIENT_CREDENTIALS`.
    ClientCredentials,
    /// `CODE`.
    Code,
    /// `TOKEN`, the implicit grant.
    Implicit,
    /// `PASSWORD`.
    Password,
    /// `SAML2-BEARER`, formerly `SAML2BEARER`.
    Saml2Bearer,
    /// A value that the reference does not know.
    Other,
}

impl Grant {
    /// Its name in lower case with underscores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::Code => "code",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::Saml2Bearer => "saml2_bearer",
            Self::Other => "other",
        }
    }

    pub(super) fn of(client: &Value) -> Self {
        let spelling = client["authorizedGrantType"].as_str().unwrap_or_default();
        match spelling.to_ascii_uppercase().replace(['-', '_'], "").as_str() {
            "CLIENTCREDENTIALS" => Self::ClientCredentials,
            "CODE" => Self::Code,
            "TOKEN" => Self::Implicit,
            "PASSWORD" => Self::Password,
            "SAML2BEARER" => Self::Saml2Bearer,
            _ => Self::Other,
        }
    }
}

/// Where a client stands in its life cycle (reference 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `active`.
    Active,
    /// `inactive`.
    Inactive,
    /// `disabled`.
    Disabled,
    /// A value that the reference does not know.
    Other,
}

impl State {
    /// Its name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Disabled => "disabled",
            Self::Other => "other",
        }
    }

    fn of(client: &Value) -> Self {
        match client["state"].as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "inactive" => Self::Inactive,
            "disabled" => Self::Disabled,
            _ => Self::Other,
        }
    }
}

/// Something planted on a client: a risk to be found, or a trap that must not be taken for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The client's id.
    pub client_id: String,
    /// The client's name when it was planted.
    pub client_name: String,
    /// What it is, or with `trap` what it looks like.
    pub risk: Risk,
    /// The scope, permission, role, division or URI that shows it; may be empty.
    pub evidence: String,
    /// Whether it only looks like the risk and must not be reported as such.
    pub trap: bool,
}

macro_rules! risks {
    ($($(#[doc = $doc:literal])+ $name:ident = $slug:literal,)+) => {
        /// A kind of planted risk.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Risk {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Risk {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in lower case with hyphens.
            pub fn slug(self) -> &'static str {
                match self {
                    $(Self::$name => $slug,)+
                }
            }
        }
    };
}

risks! {
    /// A scope that gives control or mass data, on a client that acts for a user.
    DangerousScope = "dangerous-scope",
    /// Every scope of the registry.
    AllScopes = "all-scopes",
    /// A scope that the registry does not have.
    UnknownScope = "unknown-scope",
    /// A user-grant client without any scope.
    NoScopes = "no-scopes",
    /// Scopes on a client-credentials client, where they have no effect.
    IneffectiveScopes = "ineffective-scopes",
    /// `x` beside `x:readonly`.
    RedundantScope = "redundant-scope",
    /// `oauth` with `authorization`.
    ToxicScopes = "toxic-scopes",
    /// The implicit grant.
    ImplicitGrant = "implicit-grant",
    /// The password grant.
    PasswordGrant = "password-grant",
    /// A grant type that nobody knows.
    UnknownGrant = "unknown-grant",
    /// A grant type in the spelling of before 2021-11: only a trap.
    OldGrantSpelling = "old-grant-spelling",
    /// A redirect URI on a client-credentials client.
    IneffectiveRedirects = "ineffective-redirects",
    /// An administrator's role.
    AdminRole = "admin-role",
    /// A permission that gives control.
    DangerousPermission = "dangerous-permission",
    /// `*` as the entity or the action.
    WildcardPermission = "wildcard-permission",
    /// A dangerous permission under a condition.
    ConditionalPermission = "conditional-permission",
    /// A grant on the division `*`.
    AllDivisions = "all-divisions",
    /// A default role of the platform.
    SharedRole = "shared-role",
    /// A client-credentials client without a role.
    NoRole = "no-role",
    /// A role id that no role has.
    UnresolvedRole = "unresolved-role",
    /// A division id that no division has.
    UnresolvedDivision = "unresolved-division",
    /// A role in `roleIds` that `roleDivisions` lacks.
    RoleWithoutDivision = "role-without-division",
    /// A redirect over http to a host that is not loopback.
    InsecureRedirect = "insecure-redirect",
    /// `*` in a redirect URI.
    WildcardRedirect = "wildcard-redirect",
    /// A redirect to the own machine.
    LoopbackRedirect = "loopback-redirect",
    /// A redirect that is neither http nor https.
    CustomSchemeRedirect = "custom-scheme-redirect",
    /// A request bin, a tunnel, or an API tester's callback.
    TesterRedirectHost = "tester-redirect-host",
    /// Userinfo, `..`, an IP literal.
    MalformedRedirect = "malformed-redirect",
    /// A redirect grant without a redirect URI.
    MissingRedirect = "missing-redirect",
    /// A token validity over 86400 s.
    LongLivedToken = "long-lived-token",
    /// A token validity over 172800 s, which only SCIM clients may have.
    ScimLivedToken = "scim-lived-token",
    /// Disabled or inactive, and kept.
    DisabledClient = "disabled-client",
    /// A state that nobody knows.
    UnknownState = "unknown-state",
    /// `dateToDelete` is set.
    DeletionScheduled = "deletion-scheduled",
    /// No description.
    NoDescription = "no-description",
    /// No row in the usage results.
    UnusedClient = "unused-client",
}

pub(super) fn truth(world: &World) -> Truth {
    let mut by_grant_and_state = BTreeMap::new();
    for client in &world.clients {
        *by_grant_and_state.entry((Grant::of(client), State::of(client))).or_default() += 1;
    }
    Truth {
        organisation_id: world.organisation_id.clone(),
        organisation_name: world.organisation_name.clone(),
        own_client_id: world.client_id.clone(),
        clients: world.clients.len(),
        by_grant_and_state,
        scopes: super::founding::scopes().count(),
        roles: world.roles.len(),
        divisions: world.divisions.len(),
        permissions: super::founding::permissions().count(),
        planted: world.planted.clone(),
    }
}
