//! Matches patterns against the scopes and permissions that exist on the platform.
//!
//! Not against what clients hold (`audit`).

use std::collections::BTreeSet;

use crate::cli::console::say;
use crate::cli::exit::CLEAN;
use crate::domain::Permission;
use crate::genesys::Platform;
use crate::policy::{NamePattern, PermissionPattern, Policy};
use crate::text::counted;

/// Exit code: a pattern matches nothing.
const UNMATCHED: u8 = 1;

/// The scopes and permissions that exist on the platform.
struct Registry {
    scopes: BTreeSet<String>,
    /// Each has three segments, none of them `*`.
    permissions: BTreeSet<Permission>,
    /// Whether the permissions are complete. If not, a permission that is missing here may exist.
    all_permissions: bool,
}

/// Prints the patterns of the policy that match nothing.
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
        say(
            "  permission patterns were not checked: the registry of permissions could not be read, and the permissions that \
             roles grant are not all",
        );
    }
    for (_, kind, pattern, allowed) in &unmatched {
        let note = if *allowed {
            "allowed by allow_unmatched"
        } else {
            "it has no effect; correct it, or set allow_unmatched"
        };
        say(format_args!("  no {kind} matches {pattern}: {note}"));
    }
    if unmatched.is_empty() {
        say("  every pattern matches something");
    }
    Ok(if unmatched.iter().all(|(.., allowed)| *allowed) { CLEAN } else { UNMATCHED })
}

/// A pattern to test: a pattern for scopes and, if it has three segments, for permissions too.
pub(super) struct Tried {
    by_name: NamePattern,
    permission: Option<PermissionPattern>,
}

impl Tried {
    /// Parses a pattern. The error says why the policy would reject it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: String| Err(format!("{text:?} is not a pattern: {why}"));
        if text.is_empty() {
            return wrong("it is empty".to_owned());
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return wrong("it contains white space or a control character".to_owned());
        }
        let segments: Vec<&str> = text.split(':').collect();
        if let Some(empty) = segments.iter().position(|segment| segment.is_empty()) {
            return wrong(format!("segment {} is empty", empty + 1));
        }
        if segments.len() > 3 {
            let most = "a scope has at most two, such as `users:readonly`, and a permission has three";
            return wrong(format!("it has {} segments; {most}", segments.len()));
        }
        Ok(Self { by_name: NamePattern::new(text), permission: PermissionPattern::new(text) })
    }
}

/// Prints what a pattern matches.
pub(super) async fn test_glob(platform: &Platform, tried: &Tried) -> Result<u8, String> {
    let registry = registry(platform).await?;
    let scopes: Vec<String> = registry.scopes.into_iter().filter(|scope| tried.by_name.matches(scope)).collect();
    list(&counted(scopes.len(), "scope"), &scopes);
    let mut found = scopes.len();
    if let Some(pattern) = &tried.permission {
        let permissions = registry.permissions.iter().filter(|permission| pattern.meets(permission));
        let permissions: Vec<String> = permissions.map(ToString::to_string).collect();
        let source = if registry.all_permissions { "" } else { " that roles grant" };
        list(&format!("{}{source}", counted(permissions.len(), "permission")), &permissions);
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

/// The registry of permissions, and `true`. If it cannot be read, the permissions that roles grant by name, and `false`.
async fn permissions(platform: &Platform) -> Result<(BTreeSet<Permission>, bool), String> {
    if let Ok(permissions) = platform.permissions().await {
        return Ok((permissions.iter().filter_map(|id| Permission::parse(id)).collect(), true));
    }
    let roles = platform.roles().await.map_err(|error| error.to_string())?;
    let granted = roles.records.iter().flat_map(|role| role.permissions.iter().cloned());
    let by_name =
        |granted: &Permission| [&granted.domain, &granted.entity, &granted.action].iter().all(|s| &***s != "*");
    Ok((granted.filter(by_name).collect(), false))
}
