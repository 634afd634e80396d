//! Checks that a client holds the scopes and permissions to approve, and that they take effect.
//!
//! Otherwise a typing error would approve something that the client may gain later.

use std::collections::BTreeSet;

use crate::baseline::{CONDITIONAL, Holdings, RoleContents};
use crate::domain::{Client, Snapshot};
use crate::text::{distance, visible};

/// Number of held names that an error lists.
const SHOWN: usize = 10;

/// The error says what the client holds instead.
pub(super) fn check(
    client: &Client,
    snapshot: &Snapshot,
    scopes: &[String],
    permissions: &[String],
) -> Result<(), String> {
    let held = Holdings::of(client, snapshot, &RoleContents::of(snapshot));
    let name = client.id.as_str();
    let grant_type = client.grant_type.label();
    // Such an approval would become effective if the client's grant type changed.
    if !scopes.is_empty() && !client.grant_type.scopes_count() {
        return Err(format!(
            "client {name} has grant type {grant_type}, for which scopes have no effect; omit --scope"
        ));
    }
    if !permissions.is_empty() && !client.grant_type.roles_count() {
        return Err(format!(
            "client {name} has grant type {grant_type}, for which roles have no effect; omit --permission"
        ));
    }
    if let Some(scope) = scopes.iter().find(|scope| !held.scopes.contains(*scope)) {
        let held = held.scopes.iter().map(String::as_str);
        return Err(format!("client {name} does not hold the scope {scope}; {}", holds(scope, held)));
    }
    let contents = held.roles.values().filter_map(|role| role.contents.as_deref());
    let held: BTreeSet<&str> = contents.flat_map(|contents| &contents.permissions).map(String::as_str).collect();
    if let Some(permission) = permissions.iter().find(|permission| !held.contains(permission.as_str())) {
        let conditional = format!("{permission}{CONDITIONAL}");
        let unconditional = permission.strip_suffix(CONDITIONAL).filter(|text| held.contains(text));
        return Err(if held.contains(conditional.as_str()) {
            format!("client {name} holds {permission} only under a condition; write \"{conditional}\"")
        } else if let Some(text) = unconditional {
            format!("client {name} holds {text} without a condition; write \"{text}\"")
        } else {
            format!("client {name} does not hold the permission {permission}; {}", holds(permission, held))
        });
    }
    Ok(())
}

/// Lists what the client holds, the names closest to `wanted` first.
fn holds<'a>(wanted: &str, held: impl IntoIterator<Item = &'a str>) -> String {
    let mut held: Vec<&str> = held.into_iter().collect();
    held.sort_by_key(|text| distance(wanted, text.trim_end_matches(CONDITIONAL)));
    if held.is_empty() {
        return "it holds none".to_owned();
    }
    let more = held.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    held.truncate(SHOWN);
    format!("it holds: {}{more}", visible(&held.join(", ")))
}
