//! The OAuth clients of the demo organisation: a flat table.
//!
//! `plants` derives the risks that follow from the fields of a row, such as the grant type, state, validity, dangerous scopes,
//! division `*` or a missing description. A row lists only its other risks.

use super::catalog_roles::EXPORTER_ROLE;
use super::risk::Risk::{
    self, AdminRole, AllScopes, ConditionalPermission, CustomSchemeRedirect, DangerousPermission, DangerousScope,
    InsecureRedirect, LoopbackRedirect, MalformedRedirect, MissingRedirect, RedundantScope, RoleWithoutDivision,
    SharedRole, TesterRedirectHost, ToxicScopes, UnknownScope, UnresolvedDivision, UnresolvedRole, WildcardPermission,
    WildcardRedirect,
};

/// An OAuth client. Roles and divisions are given by name; a name that does not exist becomes a dangling id.
pub(super) struct ClientRow {
    pub(super) name: &'static str,
    /// Empty if the client has none.
    pub(super) description: &'static str,
    pub(super) grant: &'static str,
    pub(super) state: &'static str,
    /// Seconds; `None` is sent as null.
    pub(super) validity: Option<i64>,
    pub(super) scopes: &'static [&'static str],
    /// Pairs of role and division.
    pub(super) roles: &'static [(&'static str, &'static str)],
    /// Roles that are only in `roleIds`.
    pub(super) bare_roles: &'static [&'static str],
    pub(super) redirects: &'static [&'static str],
    pub(super) deletion_in_days: Option<i64>,
    /// Whether the client made no request in the days that usage queries cover.
    pub(super) dormant: bool,
    /// Planted risks: the risk, its evidence, and whether it is a trap.
    pub(super) plants: &'static [(Risk, &'static str, bool)],
}

/// Means every scope of the registry.
pub(super) const EVERY_SCOPE: &[&str] = &["*"];
/// The exporter's own client.
pub(super) const EXPORTER: &str = "Prometheus OAuth exporter";

/// Scopes that give control or access to bulk data: the list in the reference (4.2) without `routing`, `outbound` and
/// `conversations`, which ordinary tools for agents need, and the dangerous ones among the scopes of 2026.
pub(super) const DANGEROUS_SCOPES: &[&str] = &[
    "architect",
    "authorization",
    "data-privacy",
    "external-contacts",
    "gdpr",
    "identity-providers",
    "infrastructureascode",
    "integrations",
    "logcapture",
    "oauth",
    "organization",
    "organization-authorization",
    "recordings",
    "scim",
    "screen-monitoring",
    "telephony",
    "upload",
    "user-recordings",
    "users",
];

/// Permissions that give control or access to bulk data: the list in the reference (5.7) without
/// `externalContacts:contact:view`, which ordinary integrations need.
pub(super) const DANGEROUS_PERMISSIONS: &[&str] = &[
    "authorization:grant:add",
    "authorization:grant:delete",
    "authorization:role:add",
    "authorization:role:edit",
    "authorization:role:delete",
    "authorization:orgTrustee:add",
    "oauth:client:add",
    "oauth:client:edit",
    "oauth:client:delete",
    "oauth:client:authorize",
    "oauth:token:delete",
    "directory:user:add",
    "directory:user:edit",
    "directory:user:delete",
    "directory:user:setPassword",
    "directory:organization:admin",
    "integrations:integration:edit",
    "integrations:action:edit",
    "integrations:actionFunction:edit",
    "telephony:plugin:all",
    "recording:retentionPolicy:edit",
    "recording:recording:view",
    "gdpr:request:add",
];

const fn row(name: &'static str, description: &'static str, grant: &'static str) -> ClientRow {
    ClientRow {
        name,
        description,
        grant,
        state: "active",
        validity: Some(86_400),
        scopes: &[],
        roles: &[],
        bare_roles: &[],
        redirects: &[],
        deletion_in_days: None,
        dormant: false,
        plants: &[],
    }
}

const fn cc(
    name: &'static str,
    description: &'static str,
    roles: &'static [(&'static str, &'static str)],
) -> ClientRow {
    ClientRow { roles, ..row(name, description, "CLIENT-CREDENTIALS") }
}

const fn code(
    name: &'static str,
    description: &'static str,
    scopes: &'static [&'static str],
    redirects: &'static [&'static str],
) -> ClientRow {
    ClientRow { scopes, redirects, ..row(name, description, "CODE") }
}

const fn implicit(
    name: &'static str,
    description: &'static str,
    scopes: &'static [&'static str],
    redirects: &'static [&'static str],
) -> ClientRow {
    ClientRow { scopes, redirects, ..row(name, description, "TOKEN") }
}

impl ClientRow {
    const fn valid(mut self, seconds: i64) -> Self {
        self.validity = Some(seconds);
        self
    }
    const fn default_validity(mut self) -> Self {
        self.validity = None;
        self
    }
    const fn spelled(mut self, grant: &'static str) -> Self {
        self.grant = grant;
        self
    }
    const fn state(mut self, state: &'static str) -> Self {
        self.state = state;
        self
    }
    const fn deleted_in(mut self, days: i64) -> Self {
        self.state = "inactive";
        self.deletion_in_days = Some(days);
        self
    }
    const fn dormant(mut self) -> Self {
        self.dormant = true;
        self
    }
    const fn scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
    }
    const fn redirects(mut self, redirects: &'static [&'static str]) -> Self {
        self.redirects = redirects;
        self
    }
    const fn bare_roles(mut self, roles: &'static [&'static str]) -> Self {
        self.bare_roles = roles;
        self
    }
    const fn plants(mut self, plants: &'static [(Risk, &'static str, bool)]) -> Self {
        self.plants = plants;
        self
    }
}

const RISK: bool = false;
const TRAP: bool = true;

/// The clients of the demo organisation.
pub(super) const CLIENTS: &[ClientRow] = &[
    cc(EXPORTER, "Read-only audit of OAuth clients; owned by the platform team", &[(EXPORTER_ROLE, "*")]).valid(3_600),
    // Client-credentials clients without serious findings.
    cc("Wallboard Dublin", "Floor 2 screens", &[("Wallboard reader", "Sales EMEA")]).valid(43_200),
    cc("Wallboard Austin", "Care floor screens", &[("Wallboard reader", "Support Americas")]).valid(43_200),
    cc("WFM sync (Verint)", "Schedules and adherence, every 15 minutes", &[("WFM connector", "Home")]),
    cc("Salesforce connector", "CX Cloud, data actions", &[("CRM connector", "Sales EMEA")]).valid(64_800),
    cc("Dynamics 365 connector", "Contact look-up", &[("CRM connector", "Support Americas")]).default_validity(),
    cc("ServiceNow ticket sync", "Work items to incidents", &[("ServiceNow connector", "Support Americas")]),
    cc("Data lake ETL", "Nightly to the warehouse", &[("Data lake reader", "Home"), ("Quality reader", "Home")]),
    cc("CX as Code plan", "Terraform plan on merge requests", &[("CX as Code planner", "Home")]).valid(1_800),
    cc("Power BI refresh", "Dashboards for operations", &[("Wallboard reader", "Home"), ("Quality reader", "Home")]),
    cc("Kafka bridge", "Queue events to the bus", &[("Event bridge", "Home")]).valid(172_800),
    cc("Quality dashboard", "Scores by team", &[("Quality reader", "Support Americas")]),
    cc("Speech analytics topics", "Pushes topics from the linguists", &[("Speech analytics", "Home")]),
    cc("Knowledge publisher", "Confluence to knowledge base", &[("Knowledge editor", "Home")]),
    cc("IVR deployment", "Prompts and flows from the pipeline", &[("IVR deployer", "Home")]).valid(900),
    cc("Outbound list loader", "Leads from the campaign tool", &[("Outbound loader", "Sales EMEA")]),
    cc("Usage billing", "API usage for the invoice", &[("Billing reader", "Home")]).valid(300),
    cc("Queue self-service", "Team leads move agents", &[("Queue admin", "Sales EMEA")]).plants(&[(
        AdminRole,
        "Queue admin",
        TRAP,
    )]),
    cc("Telephony edge monitor", "Trunk state to the alert system", &[("Telephony tools", "Home")]).plants(&[
        (DangerousPermission, "telephony:plugin:all", RISK),
        (WildcardPermission, "telephony:plugin:all", TRAP),
    ]),
    // Client-credentials clients with too many privileges.
    cc("CX as Code apply", "Terraform apply, main branch", &[("CX as Code deployer", "*")]).plants(&[
        (DangerousPermission, "authorization:grant:add", RISK),
        (DangerousPermission, "authorization:role:edit", RISK),
        (DangerousPermission, "integrations:action:edit", RISK),
        (WildcardPermission, "routing:*:*", RISK),
        (WildcardPermission, "architect:flow:*", RISK),
    ]),
    cc("Directory cleanup script", "One-off, 2022", &[("admin", "*")]).dormant().plants(&[
        (AdminRole, "Admin", RISK),
        (SharedRole, "Admin", RISK),
        (DangerousPermission, "directory:user:setPassword", RISK),
        (DangerousPermission, "oauth:client:add", RISK),
    ]),
    cc("Migration toolkit", "PureConnect migration, finished", &[("Master Admin", "*")]).dormant().plants(&[
        (AdminRole, "Master Admin", RISK),
        (SharedRole, "Master Admin", RISK),
        (WildcardPermission, "authorization:*:*", RISK),
    ]),
    cc("Developer portal", "Creates OAuth clients for teams", &[("OAuth client factory", "Home")])
        .plants(&[(DangerousPermission, "oauth:client:add", RISK), (DangerousPermission, "oauth:client:edit", RISK)]),
    cc("Helpdesk password reset", "Resets from the service desk bot", &[("Password reset desk", "*")]).plants(&[(
        DangerousPermission,
        "directory:user:setPassword",
        RISK,
    )]),
    cc("SCIM Entra ID", "Provisioning from Entra ID", &[("SCIM provisioner", "Home")]).valid(38_880_000).plants(&[(
        DangerousPermission,
        "directory:user:add",
        RISK,
    )]),
    cc("SCIM Okta", "Provisioning from Okta, being retired", &[("SCIM provisioner", "Home")])
        .valid(31_536_000)
        .plants(&[(DangerousPermission, "directory:user:delete", RISK)]),
    cc("Recording export to S3", "Archive of calls", &[("Recording exporter", "Banking Back Office")]).plants(&[(
        ConditionalPermission,
        "recording:recording:view",
        RISK,
    )]),
    cc("Partner onboarding bot", "Gives agents of partners their role", &[("Partner onboarding", "Outsourcer Manila")])
        .plants(&[(ConditionalPermission, "authorization:grant:add", RISK)]),
    cc("Retention policy manager", "Legal hold", &[("Retention manager", "Banking Back Office")]).plants(&[(
        DangerousPermission,
        "recording:retentionPolicy:edit",
        RISK,
    )]),
    cc("GDPR tool", "Subject access and erasure", &[("GDPR officer", "*")]).plants(&[(
        DangerousPermission,
        "gdpr:request:add",
        RISK,
    )]),
    cc("Tenant settings sync", "Production to test", &[("Tenant settings sync", "Test and UAT")]).plants(&[
        (AdminRole, "Tenant settings sync", RISK),
        (DangerousPermission, "directory:organization:admin", RISK),
    ]),
    cc("Contact merge job", "Deduplicates contacts", &[("Contact wildcard", "Home")]).plants(&[
        (WildcardPermission, "externalContacts:*:view", RISK),
        (WildcardPermission, "relate:contact:*", RISK),
    ]),
    cc("Function deployer", "Data action functions", &[("Function developer", "Home")]).plants(&[(
        DangerousPermission,
        "integrations:actionFunction:edit",
        RISK,
    )]),
    cc("Directory phonebook", "Names and extensions for the intranet", &[("employee", "Home")])
        .plants(&[(SharedRole, "Employee", RISK)]),
    // Client-credentials clients with inconsistent or leftover settings.
    cc("Legacy IVR bridge", "Kept for the old dialler", &[("Wallboard reader", "Home")])
        .spelled("CLIENT_CREDENTIALS")
        .scopes(&["authorization", "oauth", "routing:readonly"]),
    cc("Chat transcript archive", "To cold storage", &[("Removed in 2023", "Home")]).plants(&[(
        UnresolvedRole,
        "Removed in 2023",
        RISK,
    )]),
    cc("Outsourcer reports", "Weekly figures", &[("Wallboard reader", "Closed site Lima")]).plants(&[(
        UnresolvedDivision,
        "Closed site Lima",
        RISK,
    )]),
    cc("Shift swap service", "Agents trade shifts", &[("Wallboard reader", "Home")])
        .bare_roles(&["WFM connector"])
        .plants(&[(RoleWithoutDivision, "WFM connector", RISK)]),
    cc("Unfinished integration", "", &[]).dormant(),
    cc("Alarm pager", "Sends pages when queues run over", &[("Empty shell", "Home")])
        .redirects(&["https://pager.example.com/oauth/callback"]),
    cc("intern-test-2019", "", &[("supervisor", "*")]).dormant().default_validity().plants(&[(
        SharedRole,
        "Supervisor",
        RISK,
    )]),
    // Authorisation code clients.
    code(
        "CRM screen pop",
        "Embedded in the CRM; owner: sales IT",
        &["conversations", "users:readonly", "presence"],
        &["https://crm.example.com/genesys/callback"],
    )
    .plants(&[(DangerousScope, "users:readonly", TRAP)]),
    code(
        "Agent scripting portal",
        "Guided scripts",
        &["scripts:readonly", "conversations:readonly"],
        &["https://scripts.example.com/cb"],
    ),
    code("Supervisor mobile app", "", &["users", "presence", "routing:readonly"], &["com.example.supervisor://oauth"])
        .plants(&[(CustomSchemeRedirect, "com.example.supervisor://oauth", RISK)]),
    code(
        "Legacy reporting portal",
        "Reports until the new ones are done",
        &["analytics:readonly", "users"],
        &["http://reports.example.com/login"],
    )
    .plants(&[(InsecureRedirect, "http://reports.example.com/login", RISK)]),
    code(
        "Admin console plus",
        "Bulk edits",
        &["oauth", "authorization", "users:readonly"],
        &["https://console.example.com/cb"],
    )
    .plants(&[(ToxicScopes, "authorization+oauth", RISK)]),
    code(
        "Contractor sandbox",
        "Everything ticked, to be narrowed later",
        EVERY_SCOPE,
        &["https://*.contractor.example.net/cb"],
    )
    .plants(&[(AllScopes, "", RISK), (WildcardRedirect, "https://*.contractor.example.net/cb", RISK)]),
    code("Postman tests", "", &["analytics:readonly", "recordings"], &["https://oauth.pstmn.io/v1/callback"])
        .plants(&[(TesterRedirectHost, "https://oauth.pstmn.io/v1/callback", RISK)]),
    code(
        "Bot prototype",
        "Hackathon 2024",
        &["conversations", "integrations"],
        &["https://a1b2c3d4.ngrok-free.app/callback", "https://webhook.site/5f0c1d2e"],
    )
    .dormant()
    .plants(&[
        (TesterRedirectHost, "https://a1b2c3d4.ngrok-free.app/callback", RISK),
        (TesterRedirectHost, "https://webhook.site/5f0c1d2e", RISK),
    ]),
    code(
        "Developer sandbox UI",
        "Runs on laptops",
        &["routing:readonly"],
        &["http://localhost:3000/callback", "http://127.0.0.1:8080/callback"],
    )
    .plants(&[
        (LoopbackRedirect, "http://localhost:3000/callback", RISK),
        (LoopbackRedirect, "http://127.0.0.1:8080/callback", RISK),
        (InsecureRedirect, "http://localhost:3000/callback", TRAP),
    ]),
    code(
        "Partner SSO landing",
        "",
        &["user-basic-info"],
        &[
            "https://login.example.com@evil.example.net/cb",
            "https://partner.example.com/app/../cb",
            "https://203.0.113.17/cb",
        ],
    )
    .plants(&[
        (MalformedRedirect, "https://login.example.com@evil.example.net/cb", RISK),
        (MalformedRedirect, "https://partner.example.com/app/../cb", RISK),
        (MalformedRedirect, "https://203.0.113.17/cb", RISK),
    ]),
    code("Voicebot studio", "Redirect to be set", &["dialog", "language-understanding"], &[]).plants(&[(
        MissingRedirect,
        "",
        RISK,
    )]),
    code("Survey designer", "Post-call surveys", &["quality", "quality:readonly"], &["https://survey.example.com/cb"])
        .plants(&[(RedundantScope, "quality:readonly", RISK)]),
    code(
        "Workforce planner",
        "",
        &["workforce-management:readonly", "workforce-planner:readonly"],
        &["https://planner.example.com/cb"],
    )
    .plants(&[(UnknownScope, "workforce-planner:readonly", RISK)]),
    code("Browser extension", "Click to dial", &[], &["https://ext.example.com/cb"]),
    code(
        "Compliance viewer",
        "Auditors listen to calls",
        &["user-recordings", "quality:readonly"],
        &["https://compliance.example.com/cb"],
    )
    .valid(172_800),
    code("Old intranet widget", "Replaced", &["presence:readonly"], &["https://intranet.example.com/cb"])
        .deleted_in(5)
        .dormant(),
    code("Campaign designer", "Stopped by support", &["outbound"], &["https://campaigns.example.com/cb"])
        .state("disabled")
        .dormant(),
    code(
        "Merger import",
        "State as the acquired organisation had it",
        &["groups:readonly"],
        &["https://import.example.com/cb"],
    )
    .state("quarantined"),
    // Implicit, password and SAML2 bearer clients, and one with an unknown grant type.
    implicit(
        "Embedded softphone",
        "In the agent desktop",
        &["conversations", "stations", "users:readonly"],
        &["https://desk.example.com/softphone"],
    )
    .valid(64_800),
    implicit(
        "Queue monitor (classic)",
        "",
        &["routing:readonly", "analytics:readonly"],
        &["https://monitor.example.com/"],
    ),
    implicit("Kiosk presence board", "Lobby screen", &["presence:readonly"], &["https://lobby.example.com/board"])
        .deleted_in(2)
        .dormant(),
    ClientRow {
        scopes: &["telephony", "users:readonly"],
        ..row("Legacy dialler login", "Old desktop client", "PASSWORD")
    },
    ClientRow { scopes: &["user-basic-info"], ..row("Kiosk clock-in", "", "PASSWORD") }.valid(172_800).dormant(),
    ClientRow {
        scopes: &["users:readonly", "groups:readonly"],
        ..row("SAML bridge", "Signs agents in from the bank's portal", "SAML2-BEARER")
    },
    ClientRow { scopes: &["presence"], ..row("Branch office SSO", "", "SAML2BEARER") },
    ClientRow { scopes: &["devices:readonly"], ..row("Desk phone sign-in", "Pilot of a new grant", "DEVICE") },
];
