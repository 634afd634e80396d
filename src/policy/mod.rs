//! The policy: what is dangerous, what is required, and which severities count.
//!
//! `audit` evaluates clients by it. A [`Policy`] is always valid, because `parse` reports every mistake in a file.

mod check;
mod content;
mod exemption;
mod extension;
mod fields;
mod json_schema;
mod layer;
mod parse;
mod pattern;
mod permission;
mod reading;
mod scalar;
mod schema;
mod selector;
mod shared;
#[cfg(test)]
mod tests;

pub use content::{
    DangerousPattern, DangerousPermission, Defaults, OrgPolicy, PermissionPolicy, Policy, RedirectPolicy, RolePolicy,
    RuleSetting, ScopePolicy, ScopedClients, ToxicCombination,
};
pub(crate) use content::{Expectation, Owner};
pub use exemption::Exemption;
pub use extension::Extension;
pub use json_schema::json_schema;
pub use parse::BUILT_IN;
pub use pattern::NamePattern;
pub use permission::PermissionPattern;
pub use reading::{PolicyError, Reading};
pub(crate) use selector::Selector;
