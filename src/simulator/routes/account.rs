//! The endpoints about the caller: its token, its grants, its organisation (reference 4.3 and 5.4).

use serde_json::{Value, json};

use crate::simulator::entity::items;
use crate::simulator::ids;
use crate::simulator::world::World;

/// `TokenInfo`. The client is in the field `OAuthClient` (with a capital O), without secret and redirect URIs.
pub(super) fn token_info(world: &World) -> Value {
    const KEPT: &[&str] = &[
        "id",
        "name",
        "dateCreated",
        "dateModified",
        "createdBy",
        "modifiedBy",
        "authorizedGrantType",
        "scope",
        "roleDivisions",
        "state",
        "dateToDelete",
    ];
    let mut client = world.client(&world.client_id).cloned().unwrap_or_default();
    if let Some(fields) = client.as_object_mut() {
        fields.retain(|name, _| KEPT.contains(&name.as_str()));
    }
    client["organization"] = named(world);
    json!({
        "organization": named(world),
        "homeOrganization": named(world),
        "authorizedScope": [],
        "OAuthClient": client,
    })
}

pub(super) fn organisation(world: &World) -> Value {
    let mut organisation = named(world);
    organisation["domain"] = json!("northwind-simulated");
    organisation["thirdPartyOrgName"] = json!("northwind");
    organisation["state"] = json!("active");
    organisation["features"] = json!({ "purecloud": true, "realtimeCIC": false });
    organisation["selfUri"] = json!(format!("/api/v2/organizations/{}", world.organisation_id));
    organisation
}

fn named(world: &World) -> Value {
    json!({ "id": world.organisation_id, "name": world.organisation_name })
}

/// `AuthzSubject`: the exporter's own grants.
pub(super) fn subject(world: &World) -> Value {
    let own = world.client(&world.client_id).cloned().unwrap_or_default();
    let grant = |pair: &Value| {
        let role = world.role(pair["roleId"].as_str()?)?;
        let policy = |policy: &Value| {
            json!({
                "actions": policy["actionSet"],
                "condition": policy["resourceConditionNode"],
                "domain": policy["domain"],
                "entityName": policy["entityName"],
            })
        };
        let policies: Vec<Value> = items(&role["permissionPolicies"]).map(policy).collect();
        // For a grant in all divisions, this format is a guess: it is not documented.
        let division = pair["divisionId"].as_str().and_then(|id| world.division(id)).cloned();
        Some(json!({
            "subjectId": world.client_id,
            "division": division.unwrap_or_else(|| json!({ "id": pair["divisionId"], "name": "*" })),
            "role": { "id": role["id"], "name": role["name"], "policies": policies, "default": role["default"] },
            "grantMadeAt": ids::date(world.founded - 30 * ids::DAY),
        }))
    };
    let grants: Vec<Value> = items(&own["roleDivisions"]).filter_map(grant).collect();
    json!({ "id": world.client_id, "name": own["name"], "grants": grants, "version": 1 })
}
