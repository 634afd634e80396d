//! What the JSON entities that are served have in common, and how to read them.
//!
//! The entities of the demo organisation are in `founding`.

use serde_json::{Value, json};

use super::catalog::EXPORTER;
use super::ids;
use super::options::Options;

/// The `secret` of every client entity, which an exporter must never disclose (reference 3.2).
pub const PLANTED_SECRET: &str = "SIMULATED-SECRET-MUST-NEVER-LEAVE";

/// The id of a client, role or division by its name in the tables.
pub(super) fn id_of(options: &Options, kind: &str, name: &str) -> String {
    match (kind, name) {
        ("client", EXPORTER) => options.client_id.clone(),
        ("division", "*") => "*".to_owned(),
        _ => ids::uuid(options.seed, kind, name),
    }
}

/// A `DomainEntityRef` to one of twelve people. It has no name, as is often the case (reference 3.2).
pub(super) fn person(seed: u64, of: &str) -> Value {
    let number = ids::rng(seed, "author", of).u8(..12);
    let id = ids::uuid(seed, "user", &number.to_string());
    json!({ "id": id, "selfUri": format!("/api/v2/users/{id}") })
}

/// A `DomainPermissionPolicy` of `domain:entity:action,action` (reference 5.2).
pub(super) fn policy(text: &str, conditional: bool) -> Option<Value> {
    let mut parts = text.splitn(3, ':');
    let (domain, entity, actions) = (parts.next()?, parts.next()?, parts.next()?);
    let mut policy = json!({
        "domain": domain,
        "entityName": entity,
        "policyName": format!("{domain} {entity}"),
        "policyDescription": "",
        "actionSet": actions.split(',').collect::<Vec<_>>(),
        "namedResources": [],
        "allowConditions": conditional,
    });
    if conditional {
        policy["resourceConditionNode"] = json!({
            "variableName": "Conversation.queues",
            "operator": "IN",
            "operands": [{ "type": "SCALAR", "value": "Overflow" }],
            "conjunction": "AND",
            "terms": [],
        });
    }
    Some(policy)
}

/// The role ids of a client from `roleDivisions` and `roleIds`, in order; an id may occur twice (reference 5.5).
pub(super) fn roles_of(client: &Value) -> impl Iterator<Item = &str> {
    let pairs = items(&client["roleDivisions"]).filter_map(|pair| pair["roleId"].as_str());
    pairs.chain(items(&client["roleIds"]).filter_map(Value::as_str))
}

/// The items of an array; empty if the value is not an array.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
