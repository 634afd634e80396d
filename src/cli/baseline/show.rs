//! Prints the differences from the baseline for review: with names beside ids, and dangerous grants marked.
//!
//! The names are those of now, not those in the file. What counts as drift is decided in `crate::baseline`.

use std::collections::BTreeSet;

use super::danger::{is_dangerous_permission, is_dangerous_scope};
use crate::baseline::{Contents, Difference, Holdings, RoleContents};
use crate::cli::console::say;
use crate::domain::{Client, ClientId, DivisionId, RoleId, Snapshot};
use crate::policy::Policy;
use crate::text::{counted, visible};

/// Number of entries of a list that are shown.
const SHOWN: usize = 20;

/// Prints the differences of each client under its id and name.
pub(super) fn show(differences: &[(ClientId, Vec<Difference>)], snapshot: &Snapshot, policy: &Policy) {
    let contents = RoleContents::of(snapshot);
    for (id, found) in differences {
        say(heading(id, snapshot));
        let view = View { snapshot, policy, client: snapshot.client(id) };
        let held = view.client.map(|client| Holdings::of(client, snapshot, &contents));
        for difference in found {
            for line in view.lines(difference, held.as_ref()) {
                say(format_args!("  {}", visible(&line)));
            }
        }
    }
}

/// The client's id and, if the client exists, its name.
pub(super) fn heading(id: &ClientId, snapshot: &Snapshot) -> String {
    match snapshot.client(id) {
        Some(client) => format!("{} {}", visible(id.as_str()), visible(&client.name)),
        None => visible(id.as_str()).into_owned(),
    }
}

/// What is needed to describe the differences of one client.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) policy: &'a Policy,
    pub(super) client: Option<&'a Client>,
}

impl View<'_> {
    fn lines(&self, difference: &Difference, held: Option<&Holdings>) -> Vec<String> {
        match difference {
            Difference::ClientAdded => held.map_or_else(|| vec!["+ client".to_owned()], |held| self.everything(held)),
            Difference::ClientRemoved => vec!["- client".to_owned()],
            Difference::GrantType(before, now) => vec![format!("~ grant type {} -> {}", before.label(), now.label())],
            Difference::State(before, now) => vec![format!("~ state {} -> {}", before.label(), now.label())],
            Difference::TokenValidity(before, now) => vec![format!("~ token validity {before} s -> {now} s")],
            Difference::ScopeAdded(scope) => vec![self.scope(scope)],
            Difference::ScopeRemoved(scope) => vec![format!("- scope {scope}")],
            Difference::RoleAdded(role, divisions) => self.role(role, divisions, held),
            Difference::DivisionAdded(role, division) => {
                vec![self.role_line(role, std::slice::from_ref(division), held)]
            }
            Difference::RoleRemoved(role) => vec![format!("- role {}", self.role_name(role))],
            Difference::DivisionRemoved(role, division) => {
                vec![format!("- role {} in {}", self.role_name(role), self.division_name(division))]
            }
            Difference::RoleContent { role, added, removed } => {
                let counts = format!("{} added, {} removed", counted(added.len(), "permission"), removed.len());
                let mut lines = vec![format!("~ role {}: {counts}", self.role_name(role))];
                lines.extend(self.permissions("+ ", added));
                lines.extend(self.permissions("- ", removed));
                lines
            }
            Difference::RedirectAdded(uri) => vec![format!("+ redirect URI {uri}")],
            Difference::RedirectRemoved(uri) => vec![format!("- redirect URI {uri}")],
        }
    }

    /// Everything that a new client holds.
    fn everything(&self, held: &Holdings) -> Vec<String> {
        let mut lines = vec![format!("+ client, {}, {}", held.grant_type.label(), held.state.label())];
        // Dangerous scopes come first, because the list may be cut.
        let mut scopes: Vec<&String> = held.scopes.iter().collect();
        scopes.sort_by_key(|scope| !self.is_dangerous_scope(scope));
        lines.extend(bounded(scopes.into_iter().map(|scope| self.scope(scope)), ""));
        for (role, granted) in &held.roles {
            let divisions: Vec<DivisionId> = granted.divisions.iter().cloned().collect();
            lines.extend(self.role(role, &divisions, Some(held)));
        }
        lines.extend(bounded(held.redirect_uris.iter().map(|uri| format!("+ redirect URI {uri}")), ""));
        lines
    }

    fn scope(&self, scope: &str) -> String {
        format!("+ scope {scope}{}", if self.is_dangerous_scope(scope) { ", dangerous" } else { "" })
    }

    fn role(&self, role: &RoleId, divisions: &[DivisionId], held: Option<&Holdings>) -> Vec<String> {
        let mut lines = vec![self.role_line(role, divisions, held)];
        lines.extend(
            contents(role, held).map(|contents| self.permissions("", &contents.permissions)).into_iter().flatten(),
        );
        lines
    }

    fn role_line(&self, role: &RoleId, divisions: &[DivisionId], held: Option<&Holdings>) -> String {
        let mut line = format!("+ role {}", self.role_name(role));
        if !divisions.is_empty() {
            let names = divisions.iter().map(|division| self.division_name(division));
            line = format!("{line} in {}", bounded(names, "").join(", "));
        }
        let Some(contents) = contents(role, held) else { return format!("{line}: its permissions could not be read") };
        let dangerous = contents.permissions.iter().filter(|text| self.is_dangerous_permission(text)).count();
        let dangerous = if dangerous > 0 { format!(", {dangerous} dangerous") } else { String::new() };
        format!("{line}: {}{dangerous}", counted(contents.permissions.len(), "permission"))
    }

    /// One permission per line. Dangerous permissions come first and are marked with `!`.
    fn permissions<'a>(&self, sign: &str, permissions: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        let (dangerous, others): (BTreeSet<&String>, BTreeSet<&String>) =
            permissions.into_iter().partition(|text| self.is_dangerous_permission(text));
        let dangerous = dangerous.into_iter().map(|text| format!("  ! {sign}{text}"));
        let others = others.into_iter().map(|text| format!("    {sign}{text}"));
        bounded(dangerous.chain(others), "    ")
    }

    pub(super) fn is_dangerous_scope(&self, scope: &str) -> bool {
        self.client.is_some_and(|client| is_dangerous_scope(self.policy, client.grant_type, scope))
    }

    pub(super) fn is_dangerous_permission(&self, text: &str) -> bool {
        self.client.is_some_and(|client| is_dangerous_permission(self.policy, client.grant_type, text))
    }

    fn role_name(&self, id: &RoleId) -> String {
        let role = self.snapshot.role(id);
        named(role.map(|role| role.name.as_str()), id.as_str())
    }

    fn division_name(&self, id: &DivisionId) -> String {
        let division = self.snapshot.divisions.read().and_then(|divisions| divisions.get(id));
        named(division.map(|division| division.name.as_str()), id.as_str())
    }
}

fn contents<'a>(role: &RoleId, held: Option<&'a Holdings>) -> Option<&'a Contents> {
    held?.roles.get(role)?.contents.as_deref()
}

fn named(name: Option<&str>, id: &str) -> String {
    name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

fn bounded(lines: impl Iterator<Item = String>, indent: &str) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("{indent}and {more} more"));
    }
    lines
}
