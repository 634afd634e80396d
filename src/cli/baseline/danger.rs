//! Which of the scopes and permissions in a baseline are dangerous, for the lists of `baseline`.
//!
//! What counts as a finding is decided in `crate::audit`.

use crate::audit::AppliesTo;
use crate::baseline::CONDITIONAL;
use crate::domain::{GrantType, Permission};
use crate::policy::Policy;

/// Whether the scope is dangerous and has an effect under the grant type.
pub(super) fn is_dangerous_scope(policy: &Policy, grant: GrantType, scope: &str) -> bool {
    AppliesTo::Scoped.covers(grant, policy.scopes.judge) && policy.scopes.dangerous_pattern(scope).is_some()
}

/// Whether the permission is dangerous and has an effect under the grant type. The legacy permission `admin` has no segments and
/// allows everything.
pub(super) fn is_dangerous_permission(policy: &Policy, grant: GrantType, text: &str) -> bool {
    let text = text.strip_suffix(CONDITIONAL).unwrap_or(text);
    let parsed = Permission::parse(text);
    let matched = parsed.is_some_and(|held| policy.permissions.dangerous_patterns(&held).next().is_some());
    grant.roles_count() && (matched || text == "admin")
}
