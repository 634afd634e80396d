//! `baseline show`: what the file approves, by client, as a table or as JSON. It calls no platform.
//!
//! Not the differences from it (`show`, `difference`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::danger::{is_dangerous_permission, is_dangerous_scope};
use crate::baseline::{Approval, ApprovedClient, Baseline};
use crate::cli::console::say;
use crate::domain::{ClientId, RoleId};
use crate::policy::Policy;
use crate::text::{columns, counted, rfc3339, shortened, utc, visible};

/// Of the JSON document. Increased when a field is removed or changes its meaning.
const SCHEMA_VERSION: u32 = 1;
/// The longest name and the longest reason in the table. The JSON has them in full.
const LONGEST: usize = 40;
/// The columns of the table.
const HEADER: [&str; 8] = ["CLIENT", "NAME", "GRANT TYPE", "SCOPES", "ROLES", "APPROVED", "BY", "REASON"];

/// Prints one line for each client, and then the roles.
pub(super) fn table(baseline: &Baseline, policy: &Policy) {
    let Approval { at, by, reason } = &baseline.approval;
    let clients = counted(baseline.clients.len(), "client");
    let organisation = visible(baseline.organisation.as_str()).into_owned();
    say(format_args!("organisation {organisation}: {clients}"));
    say(format_args!("last approval: {} by {}: {}", utc(*at), visible(by), visible(reason)));
    if baseline.clients.is_empty() {
        return;
    }
    let rows: Vec<[String; 8]> = baseline.clients.iter().map(|(id, client)| row(id, client, policy)).collect();
    let header = HEADER.map(str::to_owned);
    let lines = || std::iter::once(&header).chain(&rows);
    let widths: [usize; 8] =
        std::array::from_fn(|column| lines().map(|line| columns(&line[column])).max().unwrap_or_default());
    say("");
    for line in lines() {
        let cells = line.iter().zip(widths);
        let padded = cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(columns(cell)))));
        say(padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    say("\nThe number of dangerous scopes and permissions is in brackets. `--format json` shows everything in full.");
}

fn row(id: &ClientId, client: &ApprovedClient, policy: &Policy) -> [String; 8] {
    let holdings = &client.holdings;
    let grant = holdings.grant_type;
    let scopes: BTreeSet<&String> = holdings.scopes.iter().chain(&client.scopes).collect();
    let dangerous = scopes.iter().filter(|scope| is_dangerous_scope(policy, grant, scope)).count();
    let contents = holdings.roles.values().filter_map(|role| role.contents.as_deref());
    let permissions: BTreeSet<&String> =
        contents.flat_map(|contents| &contents.permissions).chain(&client.permissions).collect();
    let worst = permissions.iter().filter(|text| is_dangerous_permission(policy, grant, text)).count();
    let roles = holdings.roles.keys().map(|role| role_name(client, role)).collect::<Vec<_>>().join(", ");
    let roles = if roles.is_empty() { "-".to_owned() } else { brief(&roles) };
    let marked = |text: String, dangerous: usize| if dangerous > 0 { format!("{text} ({dangerous})") } else { text };
    [
        visible(id.as_str()).into_owned(),
        client.names.client.as_deref().map_or_else(|| "-".to_owned(), brief),
        grant.label().to_owned(),
        marked(scopes.len().to_string(), dangerous),
        marked(roles, worst),
        utc(client.approval.at),
        brief(&client.approval.by),
        brief(&client.approval.reason),
    ]
}

fn role_name<'a>(client: &'a ApprovedClient, id: &'a RoleId) -> &'a str {
    client.names.roles.get(id).map_or(id.as_str(), String::as_str)
}

fn brief(text: &str) -> String {
    shortened(&visible(text), LONGEST).into_owned()
}

/// The whole baseline. A name is null if the file has none.
pub(super) fn json(baseline: &Baseline, policy: &Policy) -> Value {
    let clients = baseline.clients.iter().map(|(id, client)| described(id, client, policy));
    json!({
        "schema_version": SCHEMA_VERSION,
        "org_id": baseline.organisation.as_str(),
        "approved": approval(&baseline.approval),
        "clients": clients.collect::<Vec<_>>(),
    })
}

fn described(id: &ClientId, client: &ApprovedClient, policy: &Policy) -> Value {
    let ApprovedClient { approval: by, holdings, scopes, permissions, names } = client;
    let grant = holdings.grant_type;
    let scope = |scope: &String| json!({"scope": scope, "dangerous": is_dangerous_scope(policy, grant, scope)});
    let permission =
        |text: &String| json!({"permission": text, "dangerous": is_dangerous_permission(policy, grant, text)});
    let roles = holdings.roles.iter().map(|(id, held)| {
        let divisions = held.divisions.iter().map(|id| json!({"id": id.as_str(), "name": names.divisions.get(id)}));
        let contents = held.contents.as_ref().map(|contents| contents.permissions.iter().map(permission));
        json!({
            "id": id.as_str(),
            "name": names.roles.get(id),
            "divisions": divisions.collect::<Vec<_>>(),
            "permissions": contents.map(Iterator::collect::<Vec<_>>),
        })
    });
    json!({
        "client_id": id.as_str(),
        "client_name": names.client,
        "approved": approval(by),
        "grant_type": grant.label(),
        "state": holdings.state.label(),
        "token_validity": holdings.token_validity,
        "scopes": holdings.scopes.iter().map(scope).collect::<Vec<_>>(),
        "roles": roles.collect::<Vec<_>>(),
        "redirect_uris": holdings.redirect_uris,
        "approved_scopes": scopes.iter().map(scope).collect::<Vec<_>>(),
        "approved_permissions": permissions.iter().map(permission).collect::<Vec<_>>(),
    })
}

fn approval(approval: &Approval) -> Value {
    json!({"at": rfc3339(approval.at), "by": approval.by, "reason": approval.reason})
}
