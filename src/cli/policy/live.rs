//! The policy's patterns against what the platform has: its scopes and its permissions.
//!
//! Not against what clients hold: that is the audit.

use std::collections::BTreeSet;

use crate::cli::{CLEAN, say};
use crate::domain::Permission;
use crate::genesys::Platform;
use crate::policy::{NamePattern, PermissionPattern, Policy};
use crate::text::counted;

/// A pattern that protects nothing was found.
const UNMATCHED: u8 = 1;

/// What the platform knows.
struct Registry {
    scopes: BTreeSet<String>,
    /// Each with three segments, none of them `*`.
    permissions: BTreeSet<Permission>,
    /// Whether these are all permissions, so that one which is missing does not exist.
    all_permissions: bool,
}

/// Which patterns of the policy match nothing.
pub(super) async fn check(platform: &Platform, policy: &Policy) -> Result<u8, String> {
    let registry = registry(platform).await?;
    let scopes = policy.scopes.dangerous.iter().map(|dangerous| {
        let matched = registry.scopes.iter().any(|scope| dangerous.pattern.matches(scope));
        (matched, "scope", dangerous.pattern.to_string(), dangerous.allow_unmatched)
    });
    let permissions = policy.permissions.dangerous.iter().map(|dangerous| {
        let matched = registry.permissions.iter().any(|permission| dangerous.pattern.meets(permission));
        (matched, "permission", dangerous.pattern.to_string(), dangerous.allow_unmatched)
    });
    let permissions = permissions.filter(|_| registry.all_permissions);
    let unmatched: Vec<_> = scopes.chain(permissions).filter(|(matched, ..)| !matched).collect();
    say(format_args!(
        "organisation {}: {}, {}",
        platform.config().org,
        counted(registry.scopes.len(), "scope"),
        counted(registry.permissions.len(), "permission")
    ));
    if !registry.all_permissions {
        say("  patterns of permissions were not checked: these are the permissions of the roles, not all there are");
    }
    for (_, kind, pattern, allowed) in &unmatched {
        let note = if *allowed { "allowed by allow_unmatched" } else { "nobody is protected by it: correct it" };
        say(format_args!("  no {kind} matches {pattern}: {note}"));
    }
    if unmatched.is_empty() {
        say("  every pattern matches something");
    }
    Ok(if unmatched.iter().all(|(.., allowed)| *allowed) { CLEAN } else { UNMATCHED })
}

/// What somebody wants to try: a name pattern, with three segments a pattern of permissions, too.
pub(super) struct Tried {
    by_name: NamePattern,
    permission: Option<PermissionPattern>,
}

impl Tried {
    /// Reads it, or says why the policy would not take it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: String| Err(format!("{text:?} is no pattern: {why}"));
        if text.is_empty() {
            return wrong("it is empty".to_owned());
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return wrong("it has a blank in it".to_owned());
        }
        let segments: Vec<&str> = text.split(':').collect();
        if let Some(empty) = segments.iter().position(|segment| segment.is_empty()) {
            return wrong(format!("its segment {} is empty", empty + 1));
        }
        if segments.len() > 3 {
            let most = "a scope has two at the most, such as `users:readonly`, and a permission three";
            return wrong(format!("it has {} segments; {most}", segments.len()));
        }
        Ok(Self { by_name: NamePattern::new(text), permission: PermissionPattern::new(text) })
    }
}

/// What one pattern matches.
pub(super) async fn test_glob(platform: &Platform, tried: &Tried) -> Result<u8, String> {
    let registry = registry(platform).await?;
    let scopes: Vec<String> = registry.scopes.into_iter().filter(|scope| tried.by_name.matches(scope)).collect();
    list(&counted(scopes.len(), "scope"), &scopes);
    let mut found = scopes.len();
    if let Some(pattern) = &tried.permission {
        let permissions = registry.permissions.iter().filter(|permission| pattern.meets(permission));
        let permissions: Vec<String> = permissions.map(ToString::to_string).collect();
        let whose = if registry.all_permissions { "" } else { " of the roles" };
        list(&format!("{}{whose}", counted(permissions.len(), "permission")), &permissions);
        found += permissions.len();
    }
    Ok(if found > 0 { CLEAN } else { UNMATCHED })
}

fn list(heading: &str, found: &[String]) {
    say(heading);
    for name in found {
        say(format_args!("  {name}"));
    }
}

async fn registry(platform: &Platform) -> Result<Registry, String> {
    let scopes = platform.scopes().await.map_err(|error| error.to_string())?;
    let scopes = scopes.records.descriptions().keys().cloned().collect();
    let (permissions, all_permissions) = permissions(platform).await?;
    Ok(Registry { scopes, permissions, all_permissions })
}

/// The registry of permissions; where it cannot be read, those that roles grant by name stand for it.
async fn permissions(platform: &Platform) -> Result<(BTreeSet<Permission>, bool), String> {
    if let Ok(permissions) = platform.permissions().await {
        return Ok((permissions.iter().filter_map(|id| Permission::parse(id)).collect(), true));
    }
    let roles = platform.roles().await.map_err(|error| error.to_string())?;
    let granted = roles.records.values().flat_map(|role| role.permissions.iter().cloned());
    let by_name =
        |granted: &Permission| [&granted.domain, &granted.entity, &granted.action].iter().all(|s| &***s != "*");
    Ok((granted.filter(by_name).collect(), false))
}
