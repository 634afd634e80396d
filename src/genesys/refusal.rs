//! Why the platform refuses a call with 403: decided by the code and the message of its error body, never by what the call usually needs.
//!
//! The codes are those that every operation of the platform's API description lists.

use std::fmt;
use std::sync::LazyLock;

use super::wire::ErrorBody;
use crate::audit::rules;
use crate::domain::Permission;
use crate::policy::Policy;

/// The code of a 401 for an address outside the organisation's allow-list.
pub(super) const ADDRESS_REFUSED: &str = "ip.not.authorized";

/// Why a call is forbidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The role of the client lacks this permission, which the platform names. If it names several, the least powerful.
    Permission(String),
    /// The role of the client lacks a permission that the platform does not name.
    UnnamedPermission,
    /// The organisation enforces scopes, and the client lacks one.
    Scope,
    /// The organisation does not have the feature.
    FeatureOff,
    /// An access policy of the organisation denies it.
    Policy,
    /// The answer is not the platform's: a proxy, gateway or firewall refuses the call.
    Between,
    /// The platform gives another reason.
    Other,
}

impl Refusal {
    /// Reads the reason in the body of a 403.
    pub(super) fn of(body: &ErrorBody) -> Self {
        let message = body.message.as_deref().unwrap_or_default();
        let named = least(message);
        let Some(code) = body.code.as_deref() else {
            // Every error of the platform has a code or at least the id of its context.
            return match named {
                Some(permission) => Self::Permission(permission),
                None if body.context_id.is_some() => Self::UnnamedPermission,
                None => Self::Between,
            };
        };
        match code.to_ascii_lowercase().as_str() {
            "not.enabled" | "feature.not.enabled" | "feature.disabled" => Self::FeatureOff,
            "app.not.authorized.for.scope" => Self::Scope,
            "authz.policy.denied" => Self::Policy,
            "not.authorized" => named.map_or(Self::UnnamedPermission, Self::Permission),
            code if code.starts_with("missing.") && code.contains("permission") => {
                named.map_or(Self::UnnamedPermission, Self::Permission)
            }
            _ => Self::Other,
        }
    }

    /// Whether the refusal is of the platform, so that the exporter's client cannot read this input until somebody changes something
    /// there.
    pub fn is_of_platform(&self) -> bool {
        *self != Self::Between
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission(permission) => write!(f, ", the role of this client lacks {permission}"),
            Self::UnnamedPermission => {
                f.write_str(", the role of this client lacks a permission that the platform does not name")
            }
            Self::Scope => f.write_str(", the organisation enforces scopes and this client lacks one; no permission changes that"),
            Self::FeatureOff => f.write_str(", the feature is not enabled in this organisation; no permission changes that"),
            Self::Policy => f.write_str(", an access policy of the organisation denies it; no permission changes that"),
            Self::Between => f.write_str(
                ", and the answer is not the platform's: a proxy, gateway or firewall in between refuses the call; let it pass requests to \
                 the API host",
            ),
            Self::Other => Ok(()),
        }
    }
}

/// The least powerful of the permissions that a message names: none that the built-in policy calls dangerous if there is another, and
/// rather one that only reads.
fn least(message: &str) -> Option<String> {
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '*' | '_' | '-'))
    };
    message
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '*' | '_' | '-')))
        .filter(|word| word.split(':').count() == 3 && word.split(':').all(is_segment))
        .min_by_key(|word| (is_dangerous(word), power(word)))
        .map(str::to_owned)
}

fn is_dangerous(permission: &str) -> bool {
    static BUILT_IN: LazyLock<Option<Policy>> = LazyLock::new(|| Policy::built_in(&rules::slugs()).ok());
    let (Some(policy), Some(permission)) = (&*BUILT_IN, Permission::parse(permission)) else { return true };
    policy.permissions.dangerous_patterns(&permission).next().is_some()
}

/// How much a permission allows, by its action.
fn power(permission: &str) -> u8 {
    if permission.contains('*') {
        return 3;
    }
    match permission.rsplit(':').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "view" | "read" | "search" | "readonly" => 0,
        "add" | "create" | "edit" | "update" | "delete" | "admin" | "all" | "assign" | "grant" | "manage" => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: &str, message: &str) -> ErrorBody {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ErrorBody { message: text(message), code: text(code), context_id: None }
    }

    #[test]
    fn each_answer_that_forbids_a_call_has_its_own_reason() {
        let named = |permission: &str| Refusal::Permission(permission.to_owned());
        let any = "You must have at least one of the following permissions assigned: ";
        for (code, message, expected) in [
            ("missing.permissions", "following permission(s): oauth:client:view", named("oauth:client:view")),
            ("missing.any.permissions", &*format!("{any}[a:trigger:edit, a:trigger:view]"), named("a:trigger:view")),
            (
                "missing.any.permissions",
                &format!("{any}[authorization:role:*, authorization:role:edit]"),
                named("authorization:role:edit"),
            ),
            // `oauth:client:edit` is dangerous, so the other one is less, although its action says nothing.
            (
                "missing.any.permissions",
                &format!("{any}[oauth:client:edit, usage:report:run]"),
                named("usage:report:run"),
            ),
            ("missing.any.permissions", &format!("{any}[oauth:client:edit]"), named("oauth:client:edit")),
            (
                "missing.division.permission",
                "authorization:division:view in division X",
                named("authorization:division:view"),
            ),
            ("missing.permissions", "You lack something.", Refusal::UnnamedPermission),
            ("MISSING.PERMISSIONS", "a:b:view", named("a:b:view")),
            ("not.authorized", "You are not authorized to perform the requested action.", Refusal::UnnamedPermission),
            ("not.enabled", "routing:queue:view is not enabled", Refusal::FeatureOff),
            ("authz.policy.denied", "Denied by policy", Refusal::Policy),
            ("app.not.authorized.for.scope", "The application lacks the scope", Refusal::Scope),
            ("some.new.code", "No: at 10:20:30 a:b:edit", Refusal::Other),
            ("", "You are missing the following permission(s): a:b:view", named("a:b:view")),
            ("", "Forbidden", Refusal::Between),
            ("", "", Refusal::Between),
        ] {
            assert_eq!(Refusal::of(&body(code, message)), expected, "{code} {message}");
        }
        let of_platform = ErrorBody { context_id: Some("c".to_owned()), ..body("", "") };
        assert_eq!(Refusal::of(&of_platform), Refusal::UnnamedPermission);
    }
}
