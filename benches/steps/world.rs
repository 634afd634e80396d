//! An organisation of any size, as the platform's API describes it: records of about 1.1 kB, 60 % of them with roles.
//!
//! The fields are those of the vendor's documentation. `changed` differs in each record.

use std::sync::Arc;

use genesyscloud_oauth_exporter::domain::{Client, Input, Records, ScopeTable, Snapshot};
use genesyscloud_oauth_exporter::fixtures::{self, TAKEN_AT};
use genesyscloud_oauth_exporter::genesys::offline::Offline;
use genesyscloud_oauth_exporter::ledger::Ledger;
use genesyscloud_oauth_exporter::store::snapshot_file;
use serde_json::{Value, json};

const SCOPES: &str = include_str!("../../src/simulator/data/scopes.txt");
const PERMISSIONS: &str = include_str!("../../src/simulator/data/permissions.txt");
const PAGE: usize = 100;
const ROLES: usize = 60;

/// The pages of the list of clients.
pub(crate) struct World {
    pub(crate) number: usize,
    pub(crate) pages: Vec<Vec<u8>>,
}

impl World {
    pub(crate) fn new(number: usize, version: usize) -> Self {
        Self::of(1, number, version)
    }

    /// The organisation with this number, so that several have clients of their own.
    pub(crate) fn of(organisation: u64, number: usize, version: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(organisation);
        let scopes: Vec<&str> = SCOPES.split_whitespace().collect();
        let records: Vec<Value> = (0..number).map(|n| record(n, version, &scopes, &mut random)).collect();
        let page = |entities: &[Value]| json!({"entities": entities, "total": number}).to_string().into_bytes();
        Self { number, pages: records.chunks(PAGE).map(page).collect() }
    }

    /// The organisation with its roles and registries.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Self::with_roles(self.read_by(&mut Offline::default()))
    }

    /// The clients, read by a reader that may know them.
    pub(crate) fn read_by(&self, reader: &mut Offline) -> (Records<Client>, ScopeTable) {
        reader.read(&self.pages).expect("pages")
    }

    /// These clients with the roles and registries of the organisation.
    pub(crate) fn with_roles((clients, scopes): (Records<Client>, ScopeTable)) -> Snapshot {
        let registry: Vec<&str> = SCOPES.split_whitespace().collect();
        let permissions: Vec<&str> = PERMISSIONS.split_whitespace().collect();
        let mut random = fastrand::Rng::with_seed(2);
        let mut builder = fixtures::snapshot().registry(&registry).permissions(&permissions).taken_at(TAKEN_AT);
        for role in 0..ROLES {
            let granted: Vec<&str> = random.choose_multiple(permissions.iter().copied(), 40);
            builder = builder.role(fixtures::role(&role_id(role)).named(&format!("role {role}")).permits(&granted));
        }
        Snapshot { clients, scopes, divisions: Input::Read(Arc::default()), ..builder.build() }
    }

    /// The bytes of the state file.
    pub(crate) fn state_file(snapshot: &Snapshot, ledger: &Ledger) -> Vec<u8> {
        let kept = snapshot_file::Kept {
            org: "default".to_owned(),
            snapshot: Arc::new(snapshot.clone()),
            incomplete: None,
            ledger: Arc::new(ledger.clone()),
        };
        let mut bytes = Vec::new();
        snapshot_file::write_to(&mut bytes, &[kept]).expect("into memory");
        bytes
    }
}

fn role_id(number: usize) -> String {
    format!("{number:08x}-1111-4222-8333-444455556666")
}

fn record(number: usize, version: usize, scopes: &[&str], random: &mut fastrand::Rng) -> Value {
    let hex = format!("{:032x}", random.u128(..));
    let id = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    let with_roles = random.u8(0..10) < 6;
    let number_of_roles = random.usize(1..=4);
    let roles: Vec<usize> = random.choose_multiple(0..ROLES, number_of_roles);
    let pairs: Vec<Value> =
        roles.iter().map(|role| json!({"roleId": role_id(*role), "divisionId": "*"})).filter(|_| with_roles).collect();
    let number_of_scopes = random.usize(1..=12);
    let held: Vec<&str> = random.choose_multiple(scopes.iter().copied(), number_of_scopes);
    let user = format!("{:08x}-aaaa-4bbb-8ccc-dddd{:08x}", number % 40, number % 40);
    json!({
        "id": id,
        "name": format!("synthetic-{number:06}"),
        "description": format!("Synthetic client {number} of a benchmark, version {version}. Owner: team {}", number % 30),
        "accessTokenValiditySeconds": 86_400,
        "registeredRedirectUri": if with_roles { vec![] } else { vec![format!("https://app-{number}.example.com/oauth/callback")] },
        "dateCreated": "2024-02-01T10:20:30.123Z",
        "dateModified": "2025-05-06T07:08:09.000Z",
        "createdBy": {"id": user, "selfUri": format!("/api/v2/users/{user}")},
        "modifiedBy": {"id": user, "selfUri": format!("/api/v2/users/{user}")},
        "authorizedGrantType": if with_roles { "CLIENT-CREDENTIALS" } else { "CODE" },
        "scope": if with_roles { vec![] } else { held },
        "roleDivisions": pairs,
        "roleIds": if with_roles { roles.iter().map(|role| role_id(*role)).collect::<Vec<_>>() } else { vec![] },
        "state": "active",
        "dateToDelete": Value::Null,
        "secret": "",
        "selfUri": "/api/v2/oauth/clients/0",
    })
}
