//! Changes to the records of the organisation, as an administrator would make them.
//!
//! Clients, roles and divisions are given by id or name. Each edit returns whether it changed anything, and updates the
//! client's modification date.

use serde_json::{Value, json};

use super::entity::{PLANTED_SECRET, items, person, policy};
use super::ids;
use super::risk::{Planted, Risk};
use super::world::World;

impl World {
    pub(super) fn grant_scope(&mut self, client: &str, scope: &str) -> bool {
        self.edit(client, |client| push_new(client, "scope", json!(scope)))
    }

    pub(super) fn revoke_scope(&mut self, client: &str, scope: &str) -> bool {
        self.unplant(client, scope);
        self.edit(client, |client| drop_where(client, "scope", |held| held == scope))
    }

    pub(super) fn add_role(&mut self, client: &str, role: &str, division: &str) -> bool {
        let role = id_or(self.role(role), role);
        let division = id_or(self.division(division), division);
        self.edit(client, |client| {
            let pair = push_new(client, "roleDivisions", json!({ "roleId": role, "divisionId": division }));
            push_new(client, "roleIds", json!(role)) || pair
        })
    }

    pub(super) fn remove_role(&mut self, client: &str, role: &str) -> bool {
        let role = id_or(self.role(role), role);
        self.edit(client, |client| {
            let pairs = drop_where(client, "roleDivisions", |pair| pair["roleId"] == role.as_str());
            drop_where(client, "roleIds", |id| id == role.as_str()) || pairs
        })
    }

    pub(super) fn grant_permission(&mut self, role: &str, permission: &str) -> bool {
        let Some(policy) = policy(permission, false) else { return false };
        let Some(role) = self.role_mut(role) else { return false };
        let Some(policies) = role["permissionPolicies"].as_array_mut() else { return false };
        let same = policies.iter_mut().find(|held| {
            held["domain"] == policy["domain"]
                && held["entityName"] == policy["entityName"]
                && held.get("resourceConditionNode").is_none()
        });
        let Some(held) = same else {
            policies.push(policy);
            return true;
        };
        let mut changed = false;
        for action in items(&policy["actionSet"]) {
            changed |= push_new(held, "actionSet", action.clone());
        }
        changed
    }

    pub(super) fn revoke_permission(&mut self, role: &str, permission: &str) -> bool {
        let Some(unwanted) = policy(permission, false) else { return false };
        let Some(role) = self.role_mut(role) else { return false };
        let Some(policies) = role["permissionPolicies"].as_array_mut() else { return false };
        let mut changed = false;
        for held in policies.iter_mut() {
            if held["domain"] == unwanted["domain"] && held["entityName"] == unwanted["entityName"] {
                changed |= drop_where(held, "actionSet", |action| items(&unwanted["actionSet"]).any(|no| no == action));
            }
        }
        policies.retain(|policy| items(&policy["actionSet"]).next().is_some());
        changed
    }

    pub(super) fn rename(&mut self, client: &str, name: &str) -> bool {
        self.edit(client, |client| {
            let changed = client["name"] != name;
            client["name"] = json!(name);
            changed
        })
    }

    /// Adds a client and returns its id. Fields that are missing, such as id, dates and secret, are filled in.
    pub(super) fn add_client(&mut self, mut client: Value) -> String {
        let name = client["name"].as_str().unwrap_or_default().to_owned();
        let id = client["id"].as_str().map_or_else(|| ids::uuid(self.seed, "client", &name), str::to_owned);
        let filled = json!({
            "id": id,
            "secret": PLANTED_SECRET,
            "accessTokenValiditySeconds": 86_400,
            "registeredRedirectUri": [],
            "roleIds": [],
            "roleDivisions": [],
            "scope": [],
            "state": "active",
            "dateCreated": ids::date_with_millis(self.now),
            "dateModified": ids::date(self.now),
            "createdBy": person(self.seed, &name),
            "modifiedBy": person(self.seed, &name),
            "selfUri": format!("/api/v2/oauth/clients/{id}"),
        });
        if let (Some(fields), Value::Object(filled)) = (client.as_object_mut(), filled) {
            for (field, value) in filled {
                fields.entry(field).or_insert(value);
            }
        }
        self.clients.push(client);
        id
    }

    pub(super) fn remove_client(&mut self, client: &str) -> bool {
        let id = id_or(self.client(client), client);
        let before = self.clients.len();
        self.clients.retain(|client| client["id"] != id.as_str());
        self.planted.retain(|planted| planted.client_id != id);
        self.clients.len() < before
    }

    /// Sets a client inactive with a deletion date or, with `None`, active again (reference 3, life cycle).
    pub(super) fn schedule_deletion(&mut self, client: &str, at: Option<i64>) -> bool {
        self.edit(client, |client| {
            client["state"] = json!(if at.is_some() { "inactive" } else { "active" });
            match at {
                Some(at) => client["dateToDelete"] = json!(ids::date(at)),
                None => {
                    if let Some(fields) = client.as_object_mut() {
                        fields.remove("dateToDelete");
                    }
                }
            }
            true
        })
    }

    /// Changes a client's JSON. `change` returns whether it changed anything.
    pub(super) fn edit(&mut self, client: &str, change: impl FnOnce(&mut Value) -> bool) -> bool {
        let modified = ids::date(self.now);
        let Some(client) = self.client_mut(client) else { return false };
        let changed = change(client);
        if changed && client.is_object() {
            client["dateModified"] = json!(modified);
        }
        changed
    }

    pub(super) fn plant(&mut self, client: &str, risk: Risk, evidence: &str) {
        let Some(found) = self.client(client) else { return };
        let planted = Planted {
            client_id: id_or(Some(found), client),
            client_name: found["name"].as_str().unwrap_or_default().to_owned(),
            risk,
            evidence: evidence.to_owned(),
            trap: false,
        };
        if !self.planted.contains(&planted) {
            self.planted.push(planted);
        }
    }

    /// Removes the planted risks of a client that have this evidence.
    pub(super) fn unplant(&mut self, client: &str, evidence: &str) {
        let id = id_or(self.client(client), client);
        self.planted.retain(|planted| planted.client_id != id || planted.evidence != evidence);
    }
}

/// The id of the entity; the key itself, as a dangling id, if there is no entity.
fn id_or(entity: Option<&Value>, key: &str) -> String {
    entity.and_then(|entity| entity["id"].as_str()).unwrap_or(key).to_owned()
}

fn push_new(entity: &mut Value, field: &str, item: Value) -> bool {
    let Some(list) = entity[field].as_array_mut() else {
        if entity.is_object() {
            entity[field] = json!([item]);
            return true;
        }
        return false;
    };
    if list.contains(&item) {
        return false;
    }
    list.push(item);
    true
}

fn drop_where(entity: &mut Value, field: &str, unwanted: impl Fn(&Value) -> bool) -> bool {
    let Some(list) = entity[field].as_array_mut() else { return false };
    let before = list.len();
    list.retain(|item| !unwanted(item));
    list.len() < before
}
