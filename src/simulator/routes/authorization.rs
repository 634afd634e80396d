//! Roles, divisions and the registry of permissions (reference 5).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::listing;
use crate::simulator::registry;
use crate::simulator::reply::Reply;
use crate::simulator::request::Incoming;
use crate::simulator::world::World;

/// Domains whose permissions are not division-aware, because they apply to the entire organisation (reference 5.3).
const NOT_DIVISION_AWARE: &[&str] = &["authorization", "oauth", "integrations", "sso", "telephony", "usage", "audits"];

pub(super) fn roles(world: &World, request: &Incoming, correlation: &str) -> Reply {
    let ids: Vec<&str> = request.parameters("id").collect();
    let defaults: Vec<&str> = request.parameters("defaultRoleId").collect();
    let asked = |role: &&Value, key: &str, wanted: &[&str]| {
        wanted.is_empty() || role[key].as_str().is_some_and(|value| wanted.contains(&value))
    };
    let chosen = world.roles.iter().filter(|role| asked(role, "id", &ids) && asked(role, "defaultRoleId", &defaults));
    let chosen: Vec<Value> = chosen.map(|role| counted(role, request)).collect();
    listing::page(&chosen, request, correlation)
}

pub(super) fn role(world: &World, request: &Incoming, id: &str) -> Option<Value> {
    world.roles.iter().find(|role| role["id"] == id).map(|role| counted(role, request))
}

/// Removes `userCount` if the request asks for that (reference 5.1: default true).
fn counted(role: &Value, request: &Incoming) -> Value {
    let mut role = role.clone();
    if request.parameter("userCount") == Some("false")
        && let Some(fields) = role.as_object_mut()
    {
        fields.remove("userCount");
    }
    role
}

pub(super) fn divisions(world: &World, request: &Incoming, correlation: &str) -> Reply {
    let ids: Vec<&str> = request.parameters("id").collect();
    let asked = |division: &&Value| ids.is_empty() || division["id"].as_str().is_some_and(|id| ids.contains(&id));
    let chosen: Vec<Value> = world.divisions.iter().filter(asked).cloned().collect();
    listing::page(&chosen, request, correlation)
}

pub(super) fn division(world: &World, id: &str) -> Option<Value> {
    let wanted = |division: &&Value| if id == "home" { division["homeDivision"] == true } else { division["id"] == id };
    world.divisions.iter().find(wanted).cloned()
}

/// One entity per domain. Its `permissionMap` contains lists of `DomainPermission` by entity type (reference 5.3).
pub(super) fn permissions(request: &Incoming, correlation: &str) -> Reply {
    let mut domains: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for permission in registry::permissions() {
        let mut parts = permission.splitn(3, ':');
        let (Some(domain), Some(entity), Some(action)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let entry = domains.entry(domain).or_default().entry(entity).or_insert_with(|| json!([]));
        if let Some(list) = entry.as_array_mut() {
            list.push(json!({
                "domain": domain,
                "entityType": entity,
                "action": action,
                "label": format!("{entity} {action}"),
                "allowsConditions": false,
                "divisionAware": !NOT_DIVISION_AWARE.contains(&domain),
            }));
        }
    }
    let all = domains.into_iter().map(|(domain, map)| json!({ "domain": domain, "permissionMap": map }));
    let all: Vec<Value> = all.collect();
    listing::page(&all, request, correlation)
}
