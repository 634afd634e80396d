//! Organisations to show in tests: one with planted risks and hostile names, one clean, one that could not be audited.
//!
//! Not the simulated organisation, which speaks HTTP.

#![allow(clippy::expect_used, reason = "for tests only")]

use std::collections::{BTreeMap, BTreeSet};

use super::{Audited, ReportedOrganisation, Selection};
use crate::audit::{self, Report, Status};
use crate::domain::{
    Client, ClientId, ClientState, Collector, CollectorStatus, Division, DivisionId, Freshness, GrantType, Input,
    NotRead, OrgId, Permission, Role, RoleGrant, RoleId, ScopeTable, Severity, Snapshot, Timestamp,
};
use crate::grants::{Grant, Ledger, Sighting, Standing};
use crate::policy::{DangerousPermission, Exemption, PermissionPattern, Policy};

/// 2026-11-21T00:27:41Z, when the samples are looked at.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_220_861);

/// A name that tries everything: markup, a reading direction, a line break.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\u{202e}gnp.exe\n\"'&amp;";

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) snapshot: Snapshot,
    pub(crate) report: Report,
    pub(crate) ledger: Ledger,
    pub(crate) policy: Policy,
    calls: Vec<(String, u64)>,
}

impl Sample {
    /// The id of the client of that name.
    pub(crate) fn id(&self, name: &str) -> &ClientId {
        &self.snapshot.clients.iter().find(|client| client.name == name).expect("in the sample").id
    }

    /// Keeps the clients of these names, judged as before.
    pub(crate) fn keep_clients(&mut self, names: &[&str]) {
        self.snapshot.clients.retain(|client| names.contains(&client.name.as_str()));
        self.report = audit::evaluate(&self.snapshot, &policy(), None, self.snapshot.taken_at);
    }

    pub(crate) fn organisation(&self) -> ReportedOrganisation<'_> {
        ReportedOrganisation {
            org: "default",
            audited: Some(Audited { snapshot: &self.snapshot, report: &self.report, policy: &self.policy }),
            complete: true,
            failure: None,
            calls: &self.calls,
            selection: Selection::default(),
        }
    }
}

/// An organisation whose first refresh failed.
pub(crate) fn failed() -> ReportedOrganisation<'static> {
    let failure = Some("the platform refused the client's credentials: 400 invalid_client");
    ReportedOrganisation {
        org: "emea",
        audited: None,
        complete: false,
        failure,
        calls: &[],
        selection: Selection::default(),
    }
}

/// About sixty clients with planted risks; roles cannot be read.
pub(crate) fn planted() -> Sample {
    let scopes: [(GrantType, &str, &str, &[&str]); 14] = [
        (GrantType::Code, "Partner provisioning portal", "CODE", &["oauth", "authorization", "users:readonly"]),
        (GrantType::Implicit, "Legacy agent desktop", "TOKEN", &["users", "recordings", "analytics:readonly"]),
        (GrantType::Password, "Batch password sync", "PASSWORD", &["users", "scim"]),
        (GrantType::Saml2Bearer, "Single sign-on bridge", "SAML2BEARER", &["identity-providers"]),
        (GrantType::Code, HOSTILE, "CODE", &["external-contacts", "upload"]),
        (
            GrantType::Code,
            "Speech analytics export with a name that somebody pasted a whole sentence into, and then another one to be sure that every table has to cope with it",
            "CODE",
            &["recordings"],
        ),
        (GrantType::Code, "مزامنة جهات الاتصال", "CODE", &["external-contacts"]),
        (GrantType::Other, "Kiosk (device flow)", "DEVICE", &["telephony"]),
        (GrantType::Code, "Wallboard Zürich", "CODE", &["analytics:readonly", "routing:readonly"]),
        (GrantType::Code, "Quality sampling", "CODE_PKCE", &["recordings:readonly", "quality:readonly"]),
        (GrantType::Implicit, "Browser click-to-dial", "TOKEN", &["conversations"]),
        (GrantType::ClientCredentials, "Nightly workforce export", "CLIENT-CREDENTIALS", &[]),
        (GrantType::ClientCredentials, "Terraform (production)", "CLIENT-CREDENTIALS", &["users"]),
        (GrantType::ClientCredentials, "Prometheus exporter", "CLIENT-CREDENTIALS", &[]),
    ];
    let mut table = ScopeTable::default();
    let mut clients: Vec<Client> = scopes
        .iter()
        .zip(0..)
        .map(|((grant, name, spelling, scopes), n)| client(n, name, (*grant, spelling), scopes, &mut table))
        .collect();
    for n in 14_u32..61 {
        let (team, purpose) = (TEAMS[n as usize % TEAMS.len()], PURPOSES[n as usize % PURPOSES.len()]);
        let (grant, held): ((GrantType, &str), &[&str]) = match n % 9 {
            0 => ((GrantType::Code, "CODE"), &["architect", "users:readonly"]),
            1 | 2 => ((GrantType::Code, "CODE"), &["users:readonly", "presence:readonly"]),
            3 => ((GrantType::Implicit, "TOKEN"), &["organization", "routing:readonly"]),
            4 => ((GrantType::Code, "CODE"), &["integrations"]),
            _ => ((GrantType::ClientCredentials, "CLIENT-CREDENTIALS"), &[]),
        };
        clients.push(client(n, &format!("{team} {purpose}"), grant, held, &mut table));
    }
    let roles = Input::NotRead(NotRead {
        missing_permission: Some("authorization:role:view".to_owned()),
        message: "the platform answers 403: the client lacks authorization:role:view".to_owned(),
    });
    judged(clients, table, roles)
}

/// One harmless client, and everything could be read.
pub(crate) fn clean() -> Sample {
    let mut table = ScopeTable::default();
    let client = client(1, "Wallboard", (GrantType::Code, "CODE"), &["analytics:readonly"], &mut table);
    judged(vec![client], table, Input::Read(BTreeMap::new()))
}

/// The planted organisation with roles that could be read, and with findings that somebody has settled: one is exempt, one approved.
pub(crate) fn settled() -> Sample {
    let mut sample = planted();
    let (role, division) = (RoleId::new("0d1e2f3a-role"), DivisionId::new("4b5c6d7e-division"));
    let permission = |text: &str| Permission::parse(text).expect("three segments");
    let roles = [Role {
        id: role.clone(),
        name: "Provisioning | everything".to_owned(),
        default_role: None,
        is_default: false,
        general: Box::default(),
        permissions: [
            permission("authorization:grant:add"),
            permission("oauth:client:*"),
            permission("routing:queue:view"),
        ]
        .into(),
    }];
    let divisions = [Division { id: division.clone(), name: "Home".to_owned(), home: true }];
    let snapshot = &mut sample.snapshot;
    snapshot.roles = Input::Read(roles.into_iter().map(|role| (role.id.clone(), role)).collect());
    snapshot.divisions = Input::Read(divisions.into_iter().map(|division| (division.id.clone(), division)).collect());
    let described = [("oauth", "Creates and changes OAuth clients"), ("users:readonly", "Reads users")];
    snapshot.registry = Input::Read(described.map(|(id, text)| (id.to_owned(), text.to_owned())).into());
    for client in &mut snapshot.clients {
        client.redirect_uris = match client.name.as_str() {
            "Partner provisioning portal" => ["https://portal.example.com/<cb>".to_owned()].into(),
            _ => Box::default(),
        };
        if client.name == "Terraform (production)" {
            client.role_grants = [None, Some(division.clone()), Some(DivisionId::new("*"))]
                .map(|division| RoleGrant { role: role.clone(), division })
                .into();
        }
    }
    let end = Timestamp::from_seconds(1_814_313_600);
    let reason = "Migration | `tool` @all until summer";
    let exemption =
        Exemption::of_every_client("portal-2027", "dangerous-scope", "integrations team", reason, Some(end));
    sample.policy.exemptions.push(exemption);
    sample.policy.permissions.dangerous.push(DangerousPermission {
        pattern: PermissionPattern::new("oauth:client:add").expect("three segments"),
        severity: Severity::Critical,
        reason: "Mints OAuth clients.".to_owned(),
        allow_unmatched: false,
    });
    sample.report = audit::evaluate(&sample.snapshot, &policy(), None, sample.snapshot.taken_at);
    for finding in &mut sample.report.findings {
        match finding.evidence.key.as_str() {
            "oauth" => {
                finding.status = Status::Exempt;
                finding.evidence.details.push(("exemption", "portal-2027".to_owned()));
            }
            "scim" => finding.status = Status::Approved,
            _ => {}
        }
    }
    sample
}

/// How a well-watched organisation fares, whose roles cannot be read.
pub(crate) fn freshness() -> Freshness {
    let status = |collector, success: bool, milliseconds| CollectorStatus {
        collector,
        success,
        supported: success,
        duration: std::time::Duration::from_millis(milliseconds),
    };
    Freshness {
        interval: std::time::Duration::from_mins(5),
        last_attempt: Some(Timestamp::from_seconds(NOW.seconds() - 120)),
        last_success: Some(Timestamp::from_seconds(NOW.seconds() - 120)),
        last_successful: true,
        collectors: vec![
            status(Collector::Clients, true, 812),
            status(Collector::Scopes, true, 143),
            status(Collector::Roles, false, 96),
            status(Collector::Divisions, true, 120),
        ],
        ..Freshness::default()
    }
}

const TEAMS: [&str; 8] = ["Billing", "Field service", "Retail", "Claims", "HR", "Logistics", "Fraud desk", "Marketing"];
const PURPOSES: [&str; 7] =
    ["CRM connector", "wallboard", "data lake export", "chat widget", "survey sender", "dialler", "report mailer"];

fn client(n: u32, name: &str, grant: (GrantType, &str), scopes: &[&str], table: &mut ScopeTable) -> Client {
    let mut scopes: Vec<_> = scopes.iter().map(|scope| table.intern(scope)).collect();
    scopes.sort_unstable();
    let state = match n % 12 {
        3 => ClientState::Inactive,
        7 => ClientState::Disabled,
        _ => ClientState::Active,
    };
    Client {
        id: ClientId::new(format!("{:08x}-7a3e-4c1d-9b20-{:012x}", n.wrapping_mul(0x9e37_79b9), n)),
        name: name.to_owned(),
        description: None,
        grant_type: grant.0,
        grant_type_spelling: grant.1.into(),
        state,
        scopes: scopes.into(),
        role_grants: Box::default(),
        redirect_uris: Box::default(),
        token_validity: None,
        created: None,
        modified: None,
        created_by: None,
        modified_by: None,
        deletion: None,
    }
}

fn judged(
    mut clients: Vec<Client>,
    scopes: ScopeTable,
    roles: Input<BTreeMap<crate::domain::RoleId, crate::domain::Role>>,
) -> Sample {
    clients.sort_by(|a, b| a.id.cmp(&b.id));
    let taken_at = Timestamp::from_seconds(NOW.seconds() - 120);
    let snapshot = Snapshot {
        organisation: crate::domain::Organisation {
            id: OrgId::new("b1f0c2d4-5e6a-4f71-8c93-0a1b2c3d4e5f"),
            name: "Contoso Contact Centre".to_owned(),
            region: "mypurecloud.ie".to_owned(),
        },
        taken_at,
        own_client: None,
        clients,
        unread: std::collections::BTreeSet::new(),
        unread_roles: std::collections::BTreeSet::new(),
        scopes,
        registry: Input::Read(BTreeMap::new()),
        roles,
        divisions: Input::Read(BTreeMap::new()),
        permissions: Input::Read(std::collections::BTreeSet::new()),
    };
    let report = audit::evaluate(&snapshot, &policy(), None, taken_at);
    let held: BTreeSet<Grant> =
        report.dangerous_scope_grants().map(|(client, scope, _)| Grant::scope(client, scope)).collect();
    // All but these were there when the exporter first looked.
    let later = |grant: &Grant| matches!(grant.evidence.as_str(), "oauth" | "upload" | "telephony");
    let at_first: BTreeSet<Grant> = held.iter().filter(|grant| !later(grant)).cloned().collect();
    let first = Timestamp::from_seconds(NOW.seconds() - 40 * 86_400);
    let sighting = |held: &BTreeSet<Grant>| Sighting {
        held: held.iter().map(|grant| (grant.clone(), Standing::Settled)).collect(),
        ..Sighting::default()
    };
    let ledger = Ledger::default().after_refresh(None, sighting(&at_first), first).after_refresh(
        Some(&at_first),
        sighting(&held),
        Timestamp::from_seconds(NOW.seconds() - 3 * 3_600),
    );
    let calls = vec![("GET /api/v2/oauth/clients".to_owned(), 1), ("GET /api/v2/oauth/scopes".to_owned(), 1)];
    Sample { snapshot, report, ledger, policy: policy(), calls }
}

fn policy() -> Policy {
    // Two rules are enough to see every part of a report, and keep the samples short.
    let slugs = audit::rules::slugs();
    let others = slugs.iter().filter(|slug| !["dangerous-scope", "missing-required-scope"].contains(*slug));
    let off: Vec<String> = others.map(|slug| format!("[rules.{slug}]\nenabled = false\n")).collect();
    Policy::parse(&off.concat(), &slugs).expect("the policy is valid")
}
