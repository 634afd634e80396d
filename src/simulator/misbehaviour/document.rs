//! Faults that change the JSON of a response.

use serde_json::{Map, Value, json};

use crate::simulator::entity::items;
use crate::simulator::faults::{Alias, Endpoint, Fault, Unreadable};
use crate::simulator::request::Incoming;
use crate::simulator::world::World;
use crate::simulator::{ids, registry};

/// The optional fields of a client (reference 3.2).
const OPTIONAL: &[&str] = &[
    "accessTokenValiditySeconds",
    "description",
    "registeredRedirectUri",
    "roleIds",
    "dateCreated",
    "dateModified",
    "createdBy",
    "modifiedBy",
    "scope",
    "roleDivisions",
    "dateToDelete",
    "selfUri",
];

pub(super) fn alter(fault: &Fault, world: &World, endpoint: Endpoint, request: &Incoming, document: &mut Value) {
    if let Fault::Field(pointer, value) = fault {
        field(document, pointer, value.clone());
    }
    if endpoint.is_listing() {
        listing(fault, request, document);
    }
    match (fault, endpoint) {
        (Fault::EmptyRoles, Endpoint::Roles) => empty(document),
        (Fault::RolesWithoutPolicies, Endpoint::Roles) => {
            for_each(document, |role| {
                role.remove("permissionPolicies");
            });
        }
        (Fault::OpaqueScopeIds, _) => opaque(world, endpoint, document),
        (Fault::AliasFields(_), Endpoint::Scopes) => {
            let entities = document["entities"].take();
            document["scopes"] = entities;
            remove(document, &["entities"]);
        }
        (_, Endpoint::Clients) => clients(fault, world, document),
        _ => {}
    }
}

/// Sets or removes the field at a JSON pointer, whose parent must exist.
fn field(document: &mut Value, pointer: &str, value: Option<Value>) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let Some(fields) = document.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value)),
        None => drop(fields.remove(name)),
    }
}

/// Faults that apply to any list.
fn listing(fault: &Fault, request: &Incoming, document: &mut Value) {
    let Some(entities) = document["entities"].as_array_mut() else { return };
    let page = format!("{}?pageNumber={}", request.path, request.parameter("pageNumber").unwrap_or("1"));
    match fault {
        Fault::EmptyList => empty(document),
        Fault::TruncatedList(missing) => entities.truncate(entities.len().saturating_sub(*missing)),
        Fault::BareListing => {
            let entities = document["entities"].take();
            *document = json!({ "entities": entities });
        }
        Fault::MissingEntities => remove(document, &["entities"]),
        Fault::DuplicateIdentical => entities.extend(entities.first().cloned()),
        Fault::DuplicateConflicting => {
            let mut second = entities.first().cloned().unwrap_or_default();
            second["name"] = json!("Another name for the same id");
            entities.push(second);
        }
        Fault::LoopingNextUri => document["nextUri"] = json!(page),
        Fault::ForeignNextUri(origin) => document["nextUri"] = json!(format!("{origin}{}?pageNumber=2", request.path)),
        Fault::RepeatedPages(count) => document["pageCount"] = json!(count),
        Fault::PageField(name, Some(value)) => document[*name] = value.clone(),
        Fault::PageField(name, None) => remove(document, &[*name]),
        Fault::RenamedPageField { from, to } => {
            if let Some(value) = document.as_object_mut().and_then(|fields| fields.remove(*from)) {
                document[*to] = value;
            }
        }
        _ => {}
    }
}

/// Faults that apply to the list of clients.
fn clients(fault: &Fault, world: &World, document: &mut Value) {
    let own = world.client_id.as_str();
    match fault {
        Fault::WithoutSelf => {
            if let Some(entities) = document["entities"].as_array_mut() {
                entities.retain(|client| client["id"] != own);
            }
            let others = world.clients.iter().filter(|client| client["id"] != own).count();
            document["total"] = json!(others);
        }
        Fault::ShiftedPages(missing) => for_each(document, |client| {
            if client.get("id").is_some_and(|id| id == missing.as_str()) {
                client.insert("id".to_owned(), json!("00000000-0000-4000-8000-00000000dead"));
            }
        }),
        Fault::UnreadableRecord(how) => {
            let entities = document["entities"].as_array_mut();
            let last = entities.and_then(|entities| entities.iter_mut().rfind(|client| client["id"] != own));
            if let Some(client) = last {
                unreadable(*how, client);
            }
        }
        Fault::UnknownEnums => for_each(document, |client| {
            if client.get("id").is_some_and(|id| id != own) {
                client.insert("authorizedGrantType".to_owned(), json!("QUANTUM-HANDSHAKE"));
                client.insert("state".to_owned(), json!("hibernating"));
            }
        }),
        Fault::UnknownFields => for_each(document, |client| {
            client.insert("allowedIps".to_owned(), json!(["198.51.100.0/24"]));
            client.insert("somethingNew".to_owned(), json!({ "nested": [1, null, { "deep": true }] }));
        }),
        Fault::SparseEntities => for_each(document, |client| {
            for field in ["authorizedGrantType", "scope", "roleDivisions"] {
                client.remove(field);
            }
        }),
        Fault::NullFields => for_each(document, |client| {
            for field in OPTIONAL {
                client.insert((*field).to_owned(), Value::Null);
            }
        }),
        Fault::AliasFields(alias) => for_each(document, |client| rename(*alias, client)),
        _ => {}
    }
}

fn unreadable(how: Unreadable, client: &mut Value) {
    match how {
        Unreadable::NotAnObject => *client = json!("not an object"),
        Unreadable::NumericId => client["id"] = json!(42),
        Unreadable::MissingId => remove(client, &["id"]),
        Unreadable::NullId => client["id"] = Value::Null,
        Unreadable::WrongFieldTypes => {
            client["scope"] = json!(7);
            client["name"] = json!(["a", "list"]);
            client["roleDivisions"] = json!("everywhere");
        }
    }
}

fn rename(alias: Alias, client: &mut Map<String, Value>) {
    let scopes = client.remove("scope").unwrap_or_default();
    let grant = client.remove("authorizedGrantType").unwrap_or_default();
    let (grant_key, scope_key, scopes) = match alias {
        Alias::ScopeObjects => {
            let objects: Vec<Value> = items(&scopes).map(|id| json!({ "id": id, "name": id })).collect();
            ("grantType", "scopes", json!(objects))
        }
        Alias::ScopeIds => ("client_type", "scopeIds", scopes),
        Alias::Nested => ("client_type", "oauth_client", json!({ "scopes": scopes })),
    };
    client.insert(grant_key.to_owned(), grant);
    client.insert(scope_key.to_owned(), scopes);
}

/// Replaces scope names by opaque ids, which the registry maps to names.
fn opaque(world: &World, endpoint: Endpoint, document: &mut Value) {
    let id = |scope: &Value| json!(ids::uuid(world.seed, "scope", scope.as_str().unwrap_or_default()));
    let mask = |client: &mut Map<String, Value>| {
        let masked: Vec<Value> = client.get("scope").into_iter().flat_map(items).map(id).collect();
        client.insert("scope".to_owned(), json!(masked));
    };
    match endpoint {
        Endpoint::Clients => for_each(document, mask),
        Endpoint::Client => {
            if let Some(client) = document.as_object_mut() {
                mask(client);
            }
        }
        Endpoint::Scopes => {
            let entities = registry::scopes().map(|name| json!({ "id": id(&json!(name)), "name": name }));
            document["entities"] = entities.collect();
        }
        _ => {}
    }
}

fn empty(document: &mut Value) {
    document["entities"] = json!([]);
    document["total"] = json!(0);
    document["pageCount"] = json!(0);
    remove(document, &["nextUri"]);
}

fn remove(document: &mut Value, names: &[&str]) {
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

fn for_each(document: &mut Value, change: impl Fn(&mut Map<String, Value>)) {
    let entities = document["entities"].as_array_mut().into_iter().flatten();
    entities.filter_map(Value::as_object_mut).for_each(change);
}
