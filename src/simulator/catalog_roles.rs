//! The roles and divisions of the demo organisation: a flat table.

/// A role. A policy is `domain:entity:action,action`.
pub(super) struct RoleRow {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) kind: Kind,
    pub(super) policies: &'static [&'static str],
    /// Policies that apply only under a condition (`resourceConditionNode`, reference 5.2).
    pub(super) conditional: &'static [&'static str],
}

/// Whether a role is one of the platform's default roles.
pub(super) enum Kind {
    Custom,
    /// With its `defaultRoleId`.
    Default(&'static str),
    /// A default role whose `defaultRoleId` is not documented (reference 5.6).
    DefaultWithoutId,
}

const fn custom(name: &'static str, description: &'static str, policies: &'static [&'static str]) -> RoleRow {
    RoleRow { name, description, kind: Kind::Custom, policies, conditional: &[] }
}

const fn default(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    policies: &'static [&'static str],
) -> RoleRow {
    RoleRow { name, description, kind: Kind::Default(id), policies, conditional: &[] }
}

/// The role of the exporter's own client (reference 9, minimal role).
pub(super) const EXPORTER_ROLE: &str = "Prometheus OAuth exporter";

/// The divisions with their descriptions. The first is the home division.
pub(super) const DIVISIONS: &[(&str, &str)] = &[
    ("Home", "The home division"),
    ("Sales EMEA", "Outbound and inbound sales, Europe"),
    ("Support Americas", "Customer care, North and Latin America"),
    ("Banking Back Office", "Regulated; recordings are kept for seven years"),
    ("Outsourcer Manila", "Overflow partner"),
    ("Test and UAT", "Nothing here is live"),
];

/// There is one role for each team and site, so that the roles do not fit on one page of 100.
pub(super) const TEAMS: &[&str] = &[
    "Claims",
    "Collections",
    "Complaints",
    "Fraud desk",
    "Loyalty",
    "Mortgages",
    "Onboarding",
    "Retention",
    "Roadside",
    "Technical support",
    "Travel",
    "Webchat",
];
/// See [`TEAMS`].
pub(super) const SITES: &[&str] = &["Austin", "Bogota", "Cork", "Gdansk", "Leeds", "Manila", "Porto", "Tampa"];

/// The policies of each role of a team and site.
pub(super) const TEAM_POLICIES: &[&str] =
    &["routing:queue:view", "wfm:publishedSchedule:view", "scripter:publishedScript:view", "knowledge:document:view"];

/// The other roles.
pub(super) const ROLES: &[RoleRow] = &[
    default(
        "admin",
        "Admin",
        "Makes any change to the organisation",
        &[
            "authorization:*:*",
            "directory:organization:admin",
            "directory:user:add,delete,edit,setPassword,view",
            "oauth:client:add,authorize,delete,edit,view",
            "telephony:plugin:all",
        ],
    ),
    RoleRow {
        name: "Master Admin",
        description: "Everything, for the first administrator",
        kind: Kind::DefaultWithoutId,
        policies: &["authorization:*:*", "directory:*:*", "oauth:*:*", "integrations:*:*"],
        conditional: &[],
    },
    default("employee", "Employee", "Every person in the directory", &["directory:user:view"]),
    default("user", "User", "An agent", &["directory:user:view", "routing:queue:view"]),
    default(
        "supervisor",
        "Supervisor",
        "Watches queues and agents",
        &["directory:user:view", "routing:queue:edit,view", "wfm:intraday:view"],
    ),
    custom(
        EXPORTER_ROLE,
        "Read-only: lists OAuth clients and roles",
        &["oauth:client:view", "authorization:role:view", "usage:organization:view"],
    ),
    custom(
        "Queue admin",
        "Queues and skills; not an administrator role despite its name",
        &["routing:queue:add,edit,view", "routing:skill:manage,view"],
    ),
    custom("Wallboard reader", "Queues and live figures", &["routing:queue:view", "wfm:intraday:view"]),
    custom(
        "WFM connector",
        "Schedules in, adherence out",
        &["wfm:schedule:add,edit,generate,view", "wfm:historicalAdherence:view", "wfm:timeOffRequest:view"],
    ),
    custom(
        "CRM connector",
        "Screen pop and contact look-up",
        &["externalContacts:contact:add,edit,view", "routing:queue:view"],
    ),
    custom(
        "ServiceNow connector",
        "Opens tickets from work items",
        &["workitems:workitem:add,edit,view", "workitems:worktype:view"],
    ),
    custom(
        "Data lake reader",
        "Reads nearly everything that can be counted",
        &[
            "directory:user:view",
            "routing:queue:view",
            "outbound:campaign:view",
            "quality:evaluationForm:view",
            "externalContacts:contact:view",
        ],
    ),
    custom(
        "CX as Code deployer",
        "Terraform; applies what was reviewed",
        &[
            "architect:flow:*",
            "routing:*:*",
            "authorization:role:add,edit,view",
            "authorization:grant:add,delete,view",
            "integrations:integration:add,edit,view",
            "integrations:action:edit,view",
        ],
    ),
    custom("CX as Code planner", "Terraform; plans only", &["architect:flow:view", "routing:queue:view"]),
    custom("OAuth client factory", "Creates clients for the developer portal", &["oauth:client:add,edit,view"]),
    custom("Password reset desk", "Sets passwords for people who are locked out", &["directory:user:setPassword,view"]),
    custom(
        "SCIM provisioner",
        "Creates and removes people",
        &["directory:user:add,delete,edit,view", "directory:group:add,edit"],
    ),
    RoleRow {
        name: "Recording exporter",
        description: "Recordings of calls, to the archive",
        kind: Kind::Custom,
        policies: &["recording:retentionPolicy:view"],
        conditional: &["recording:recording:view"],
    },
    RoleRow {
        name: "Partner onboarding",
        description: "May assign roles in one division",
        kind: Kind::Custom,
        policies: &["authorization:division:view", "groups:team:view"],
        conditional: &["authorization:grant:add"],
    },
    custom("Retention manager", "Changes how long recordings are kept", &["recording:retentionPolicy:edit,view"]),
    custom(
        "GDPR officer",
        "Raises subject access and erasure requests",
        &["gdpr:request:add", "externalContacts:contact:delete,view"],
    ),
    custom("Telephony tools", "Trunks and edges; 'all' is the action's name", &["telephony:plugin:all"]),
    custom("Tenant settings sync", "Keeps organisation settings in sync", &["directory:organization:admin"]),
    custom("Contact wildcard", "Any action on any contact entity", &["externalContacts:*:view", "relate:contact:*"]),
    custom("Speech analytics", "Topics and programs", &["speechAndTextAnalytics:topic:add,edit,publish,view"]),
    custom("Quality reader", "Forms and surveys", &["quality:evaluationForm:view", "quality:surveyForm:view"]),
    custom(
        "IVR deployer",
        "Publishes prompts and flows",
        &["architect:flow:unlock,view", "architect:userPrompt:add,edit,view"],
    ),
    custom(
        "Outbound loader",
        "Contact lists and do-not-call lists",
        &["outbound:contactList:add,edit,view", "outbound:contact:add,view", "outbound:dncList:edit,view"],
    ),
    custom(
        "Function developer",
        "Deploys code that runs inside the platform",
        &["integrations:actionFunction:edit,view", "integrations:action:add,edit,view"],
    ),
    custom("Event bridge", "Triggers for the event bus", &["processautomation:trigger:add,edit,view"]),
    custom("Knowledge editor", "Articles for agents and bots", &["knowledge:document:add,edit,view"]),
    custom("Billing reader", "Usage figures for the invoice", &["usage:organization:view"]),
    custom("Empty shell", "Its policies were moved elsewhere", &[]),
];
