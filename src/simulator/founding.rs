//! Creates an organisation: turns the tables into the JSON entities that are served.

use serde_json::{Value, json};

use super::catalog::{self, ClientRow, EVERY_SCOPE, EXPORTER};
use super::catalog_roles::{DIVISIONS, Kind, ROLES, RoleRow, SITES, TEAM_POLICIES, TEAMS};
use super::entity::{PLANTED_SECRET, id_of, person, policy};
use super::generated;
use super::ids::{self, DAY};
use super::options::{ClientSet, Options};
use super::plants::plants;
use super::registry::scopes;
use super::risk::Planted;

/// The records of a new organisation.
pub(super) struct Founded {
    pub(super) clients: Vec<Value>,
    pub(super) roles: Vec<Value>,
    pub(super) divisions: Vec<Value>,
    pub(super) planted: Vec<Planted>,
    pub(super) dormant: Vec<String>,
}

pub(super) fn found(options: &Options) -> Founded {
    let mut founded = Founded {
        clients: Vec::new(),
        roles: roles(options.seed),
        divisions: divisions(options.seed),
        planted: Vec::new(),
        dormant: Vec::new(),
    };
    let own = catalog::CLIENTS.iter().filter(|row| row.name == EXPORTER);
    match &options.clients {
        ClientSet::Demo => catalog::CLIENTS.iter().for_each(|row| founded.admit(options, row)),
        ClientSet::Generated(count) => {
            own.for_each(|row| founded.admit(options, row));
            let synthetic = (1..*count).map(|number| generated::client(options, &founded.roles, number));
            let synthetic: Vec<Value> = synthetic.collect();
            founded.clients.extend(synthetic);
        }
        ClientSet::Custom(entities) => {
            founded.clients.clone_from(entities);
            if !entities.iter().any(|entity| entity["id"] == options.client_id.as_str()) {
                own.for_each(|row| founded.admit(options, row));
            }
        }
    }
    founded
}

impl Founded {
    fn admit(&mut self, options: &Options, row: &ClientRow) {
        let client = client(options, row);
        self.planted.extend(plants(options, &client, row));
        if row.dormant {
            self.dormant.push(row.name.to_owned());
        }
        self.clients.push(client);
    }
}

fn client(options: &Options, row: &ClientRow) -> Value {
    let id = id_of(options, "client", row.name);
    let created = options.now - ids::rng(options.seed, "created", row.name).i64(40..1_800) * DAY - 3_607;
    let modified = created + (options.now - created) / 3;
    // The table names a role by its name or its default role id.
    let role_id = |key: &str| {
        let name =
            ROLES.iter().find(|role| matches!(role.kind, Kind::Default(id) if id == key)).map_or(key, |r| r.name);
        id_of(options, "role", name)
    };
    let pairs: Vec<Value> = row
        .roles
        .iter()
        .map(|(role, division)| json!({ "roleId": role_id(role), "divisionId": id_of(options, "division", division) }))
        .collect();
    let role_names = row.roles.iter().map(|(role, _)| role).chain(row.bare_roles);
    let scopes: Vec<&str> = if row.scopes == EVERY_SCOPE { scopes().collect() } else { row.scopes.to_vec() };
    let author = person(options.seed, row.name);
    let mut client = json!({
        "id": id,
        "name": row.name,
        "accessTokenValiditySeconds": row.validity,
        "registeredRedirectUri": row.redirects,
        "secret": PLANTED_SECRET,
        "roleIds": role_names.map(|role| role_id(role)).collect::<Vec<_>>(),
        "dateCreated": ids::date_with_millis(created),
        "dateModified": ids::date(modified),
        "createdBy": author,
        "modifiedBy": author,
        "authorizedGrantType": row.grant,
        "scope": scopes,
        "roleDivisions": pairs,
        "state": row.state,
        "selfUri": format!("/api/v2/oauth/clients/{id}"),
    });
    if !row.description.is_empty() {
        client["description"] = json!(row.description);
    }
    if let Some(days) = row.deletion_in_days {
        client["dateToDelete"] = json!(ids::date(options.now + days * DAY));
    }
    client
}

fn divisions(seed: u64) -> Vec<Value> {
    let division = |(number, (name, description)): (usize, &(&str, &str))| {
        let id = ids::uuid(seed, "division", name);
        json!({
            "id": id,
            "name": name,
            "description": description,
            "homeDivision": number == 0,
            "selfUri": format!("/api/v2/authorization/divisions/{id}"),
        })
    };
    DIVISIONS.iter().enumerate().map(division).collect()
}

fn roles(seed: u64) -> Vec<Value> {
    let named = ROLES.iter().map(|row| role(seed, row.name, row.description, row.policies, Some(row)));
    let teams = TEAMS.iter().flat_map(|team| SITES.iter().map(move |site| (team, site)));
    let teams = teams.map(|(team, site)| {
        role(seed, &format!("{team} {site}"), "Agents of one team at one site", TEAM_POLICIES, None)
    });
    // The named roles, which the clients hold, come last, so that a reader of only the first 25 roles resolves hardly any of them.
    teams.chain(named).collect()
}

/// A `DomainOrganizationRole` (reference 5.2).
fn role(seed: u64, name: &str, description: &str, policies: &[&str], row: Option<&RoleRow>) -> Value {
    let id = ids::uuid(seed, "role", name);
    let conditional = row.map_or(&[][..], |row| row.conditional);
    let mut all: Vec<Value> = policies.iter().filter_map(|text| policy(text, false)).collect();
    all.extend(conditional.iter().filter_map(|text| policy(text, true)));
    let kind = row.map(|row| &row.kind);
    let mut role = json!({
        "id": id,
        "name": name,
        "description": description,
        "permissions": [],
        "permissionPolicies": all,
        "userCount": ids::rng(seed, "users", name).u32(..400),
        "roleNeedsUpdate": false,
        "base": matches!(kind, Some(Kind::Default(_) | Kind::DefaultWithoutId)),
        "default": matches!(kind, Some(Kind::Default(_) | Kind::DefaultWithoutId)),
        "selfUri": format!("/api/v2/authorization/roles/{id}"),
    });
    if let Some(Kind::Default(default_id)) = kind {
        role["defaultRoleId"] = json!(default_id);
        if *default_id == "admin" {
            // Legacy "general" permissions (reference 5.2).
            role["permissions"] = json!(["admin", "group_creation"]);
        }
    }
    role
}
