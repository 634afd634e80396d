//! Whether a client holds the single scopes and permissions that are to be approved, and to effect.
//!
//! A slip of the pen would otherwise stand in the baseline as an approval of something that may come.

use std::collections::BTreeSet;

use crate::baseline::{CONDITIONAL, Holdings, RoleContents};
use crate::cli::rules::distance;
use crate::domain::{Client, Snapshot};
use crate::text::visible;

/// As many as help to find what was meant.
const SHOWN: usize = 10;

/// Refuses what the client does not hold, with what it does hold.
pub(super) fn check(
    client: &Client,
    snapshot: &Snapshot,
    scopes: &[String],
    permissions: &[String],
) -> Result<(), String> {
    let held = Holdings::of(client, snapshot, &RoleContents::of(snapshot));
    let name = client.id.as_str();
    let grant_type = client.grant_type.label();
    // It would stand as an approval of what another grant type makes of it.
    if !scopes.is_empty() && !client.grant_type.scopes_count() {
        return Err(format!("the scopes of client {name} have no effect: its grant type is {grant_type}"));
    }
    if !permissions.is_empty() && !client.grant_type.roles_count() {
        return Err(format!("the roles of client {name} have no effect: its grant type is {grant_type}"));
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
            format!("client {name} holds {permission} under a condition only: write \"{conditional}\"")
        } else if let Some(text) = unconditional {
            format!("client {name} holds it without a condition: write \"{text}\"")
        } else {
            format!("client {name} does not hold the permission {permission}; {}", holds(permission, held))
        });
    }
    Ok(())
}

/// What is nearest to what was written comes first.
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
