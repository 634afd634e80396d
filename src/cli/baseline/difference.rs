//! The differences from the baseline as JSON, for programs. Nothing is left out, unlike in the text (`show`).

use serde_json::{Value, json};

use super::show::View;
use crate::baseline::{Difference, HeldRole, Holdings, RoleContents};
use crate::domain::{ClientId, DivisionId, RoleId, Snapshot};
use crate::policy::Policy;

/// One object for each client, in the order of the differences.
pub(super) fn json(differences: &[(ClientId, Vec<Difference>)], snapshot: &Snapshot, policy: &Policy) -> Vec<Value> {
    let contents = RoleContents::of(snapshot);
    let one = |(id, found): &(ClientId, Vec<Difference>)| {
        let view = View { snapshot, policy, client: snapshot.client(id) };
        let held = view.client.map(|client| Holdings::of(client, snapshot, &contents));
        let found = found.iter().map(|difference| described(&view, difference, held.as_ref()));
        json!({
            "client_id": id.as_str(),
            "client_name": view.client.map(|client| &client.name),
            "differences": found.collect::<Vec<_>>(),
        })
    };
    differences.iter().map(one).collect()
}

fn described(view: &View<'_>, difference: &Difference, held: Option<&Holdings>) -> Value {
    let role_of = |id: &RoleId| held.and_then(|held| held.roles.get(id));
    let mut value = match difference {
        Difference::ClientAdded => json!({"kind": "client_added", "client": held.map(|held| client(view, held))}),
        Difference::ClientRemoved => json!({"kind": "client_removed"}),
        Difference::GrantType(before, now) => {
            json!({"kind": "grant_type", "before": before.label(), "now": now.label()})
        }
        Difference::State(before, now) => json!({"kind": "state", "before": before.label(), "now": now.label()}),
        Difference::TokenValidity(before, now) => json!({"kind": "token_validity", "before": before, "now": now}),
        Difference::ScopeAdded(scope) => {
            json!({"kind": "scope_added", "scope": scope, "dangerous": view.is_dangerous_scope(scope)})
        }
        Difference::ScopeRemoved(scope) => json!({"kind": "scope_removed", "scope": scope}),
        Difference::RoleAdded(id, divisions) => {
            json!({"kind": "role_added", "role": role(view, id, role_of(id)), "divisions": named(view, divisions)})
        }
        Difference::DivisionAdded(id, division) => json!({
            "kind": "division_added", "role": role(view, id, role_of(id)), "divisions": named(view, [division]),
        }),
        Difference::RoleRemoved(id) => json!({"kind": "role_removed", "role": role(view, id, None)}),
        Difference::DivisionRemoved(id, division) => json!({
            "kind": "division_removed", "role": role(view, id, None), "divisions": named(view, [division]),
        }),
        Difference::RoleContent { role: id, added, removed } => json!({
            "kind": "role_permissions", "role": role(view, id, None),
            "added": permissions(view, added), "removed": permissions(view, removed),
        }),
        Difference::RedirectAdded(uri) => json!({"kind": "redirect_uri_added", "redirect_uri": uri}),
        Difference::RedirectRemoved(uri) => json!({"kind": "redirect_uri_removed", "redirect_uri": uri}),
    };
    value["drift"] = difference.is_drift().into();
    value
}

/// Everything that a new client holds.
fn client(view: &View<'_>, held: &Holdings) -> Value {
    let scope = |scope: &String| json!({"scope": scope, "dangerous": view.is_dangerous_scope(scope)});
    let roles = held.roles.iter().map(
        |(id, granted)| json!({"role": role(view, id, Some(granted)), "divisions": named(view, &granted.divisions)}),
    );
    json!({
        "grant_type": held.grant_type.label(),
        "state": held.state.label(),
        "token_validity": held.token_validity,
        "scopes": held.scopes.iter().map(scope).collect::<Vec<_>>(),
        "roles": roles.collect::<Vec<_>>(),
        "redirect_uris": held.redirect_uris,
    })
}

/// The permissions are null if they could not be read, or if the client did not gain them.
fn role(view: &View<'_>, id: &RoleId, granted: Option<&HeldRole>) -> Value {
    let contents = granted.and_then(|granted| granted.contents.as_deref());
    json!({
        "id": id.as_str(),
        "name": view.snapshot.role(id).map(|role| &role.name),
        "permissions": contents.map(|contents| permissions(view, &contents.permissions)),
    })
}

fn permissions<'a>(view: &View<'_>, permissions: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    let one = |text: &String| json!({"permission": text, "dangerous": view.is_dangerous_permission(text)});
    permissions.into_iter().map(one).collect()
}

fn named<'a>(view: &View<'_>, divisions: impl IntoIterator<Item = &'a DivisionId>) -> Vec<Value> {
    let known = view.snapshot.divisions.read();
    let name = |id| known.and_then(|divisions| divisions.get(id)).map(|division| &division.name);
    divisions.into_iter().map(|id| json!({"id": id.as_str(), "name": name(id)})).collect()
}
