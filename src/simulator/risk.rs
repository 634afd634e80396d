//! The kinds of risks that are planted on clients, and traps that look like risks.

/// A risk planted on a client, which an audit must find, or a trap, which an audit must not report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The client's id.
    pub client_id: String,
    /// The client's name when the risk was planted.
    pub client_name: String,
    /// The risk; for a trap, the risk that it looks like.
    pub risk: Risk,
    /// The scope, permission, role, division or URI that shows the risk. May be empty.
    pub evidence: String,
    /// Whether it only looks like the risk and must not be reported.
    pub trap: bool,
}

macro_rules! risks {
    ($($(#[doc = $doc:literal])+ $name:ident = $slug:literal,)+) => {
        /// A kind of risk.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Risk {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Risk {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in lower case with hyphens.
            pub fn slug(self) -> &'static str {
                match self {
                    $(Self::$name => $slug,)+
                }
            }
        }
    };
}

risks! {
    /// A scope that gives control or access to bulk data, on a client that acts for a user.
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
    /// A grant type that is not documented.
    UnknownGrant = "unknown-grant",
    /// A grant type in the spelling used before 2021-11. Always a trap.
    OldGrantSpelling = "old-grant-spelling",
    /// A redirect URI on a client-credentials client.
    IneffectiveRedirects = "ineffective-redirects",
    /// A role of administrators.
    AdminRole = "admin-role",
    /// A permission that gives control.
    DangerousPermission = "dangerous-permission",
    /// `*` as the entity or the action.
    WildcardPermission = "wildcard-permission",
    /// A dangerous permission under a condition.
    ConditionalPermission = "conditional-permission",
    /// A role in the division `*`.
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
    /// A redirect to loopback.
    LoopbackRedirect = "loopback-redirect",
    /// A redirect that is neither http nor https.
    CustomSchemeRedirect = "custom-scheme-redirect",
    /// A request bin, a tunnel, or an API tester's callback.
    TesterRedirectHost = "tester-redirect-host",
    /// A redirect with userinfo, with `..`, or to an IP address.
    MalformedRedirect = "malformed-redirect",
    /// A grant type that redirects, without a redirect URI.
    MissingRedirect = "missing-redirect",
    /// A token validity over 86400 s.
    LongLivedToken = "long-lived-token",
    /// A token validity over 172800 s, which only SCIM clients may have.
    ScimLivedToken = "scim-lived-token",
    /// A client that is disabled or inactive but was not deleted.
    DisabledClient = "disabled-client",
    /// A state that is not documented.
    UnknownState = "unknown-state",
    /// `dateToDelete` is set.
    DeletionScheduled = "deletion-scheduled",
    /// No owner in the description.
    NoOwner = "no-owner",
    /// No description.
    NoDescription = "no-description",
    /// No row in the usage results.
    UnusedClient = "unused-client",
}
