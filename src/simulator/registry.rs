//! The scopes and permissions that the platform knows: flat lists.

const SCOPES: &str = include_str!("data/scopes.txt");
const PERMISSIONS: &str = include_str!("data/permissions.txt");

/// The ids of all scopes (reference 4.2).
pub(super) fn scopes() -> impl Iterator<Item = &'static str> {
    SCOPES.lines().filter(|line| !line.is_empty())
}

/// All permissions, as `domain:entity:action` (reference 5.7).
pub(super) fn permissions() -> impl Iterator<Item = &'static str> {
    PERMISSIONS.lines().filter(|line| !line.is_empty())
}
