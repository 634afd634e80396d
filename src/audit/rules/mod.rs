//! The audit rules: static metadata and one pure function each, in one file per area.
//!
//! [`all`] lists every rule; the order is the order of the documentation. `context` holds the data that the functions read. A new
//! rule is a static and a function in the file of its area, and one row in `ENTRIES`.

mod context;
mod divisions;
mod drift;
mod drift_evidence;
pub(super) mod exemptions;
mod gain;
mod grants;
mod itself;
mod lifetime;
mod organisation;
mod partial;
mod permissions;
mod redirect_form;
mod redirect_uri;
mod redirects;
mod role_facts;
mod roles;
mod scope_hygiene;
mod scopes;
#[cfg(test)]
mod tests;

pub use super::rule::{
    AppliesTo, Confidence, DANGEROUS_PERMISSION, DANGEROUS_SCOPE, Rule, TOXIC_SCOPES, UNRESOLVED_ROLE, is_enabled,
};
pub(super) use context::{Context, Facts, Subject};
pub use itself::USEFUL_PERMISSIONS;

pub(super) use drift::{kind as drift_kind, kinds as drift_kinds};

use super::sink::Sink;
use crate::policy::Policy;

/// A rule and its function.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) rule: &'static Rule,
    /// Adds the rule's findings.
    pub(super) check: fn(&Context<'_>, &mut Sink<'_>),
    /// Why the rule does not apply to this organisation; `None` if it does.
    pub(super) does_not_apply: fn(&Context<'_>) -> Option<&'static str>,
}

const fn always(rule: &'static Rule, check: fn(&Context<'_>, &mut Sink<'_>)) -> Entry {
    Entry { rule, check, does_not_apply: |_| None }
}

const fn unless(
    rule: &'static Rule,
    check: fn(&Context<'_>, &mut Sink<'_>),
    does_not_apply: fn(&Context<'_>) -> Option<&'static str>,
) -> Entry {
    Entry { rule, check, does_not_apply }
}

/// For rules whose findings are made elsewhere: by `exempt`, by `refresh`, or by no version yet.
fn elsewhere(_: &Context<'_>, _: &mut Sink<'_>) {}

/// Every rule, in the order of the documentation.
pub(super) static ENTRIES: &[Entry] = &[
    always(&scopes::DANGEROUS, scopes::dangerous),
    always(&scopes::MISSING_REQUIRED, scopes::missing_required),
    always(&scopes::ALL_SCOPES, scopes::all_scopes),
    always(&scopes::TOXIC, scopes::toxic),
    unless(&scope_hygiene::UNKNOWN, scope_hygiene::unknown, scope_hygiene::unknown_does_not_apply),
    unless(&scope_hygiene::NO_SCOPES, scope_hygiene::no_scopes, scope_hygiene::no_scopes_does_not_apply),
    always(&scope_hygiene::INEFFECTIVE, scope_hygiene::ineffective),
    always(&scope_hygiene::REDUNDANT, scope_hygiene::redundant),
    always(&grants::IMPLICIT, grants::implicit),
    always(&grants::PASSWORD, grants::password),
    always(&grants::UNKNOWN, grants::unknown),
    always(&grants::FORBIDDEN, grants::forbidden),
    always(&grants::INEFFECTIVE_REDIRECTS, grants::ineffective_redirects),
    always(&roles::ADMIN, roles::admin),
    always(&permissions::DANGEROUS, permissions::dangerous),
    always(&permissions::WILDCARD, permissions::wildcard),
    unless(&divisions::ALL_DIVISIONS, divisions::all_divisions, divisions::all_divisions_does_not_apply),
    always(&divisions::FORBIDDEN, divisions::forbidden),
    always(&roles::FORBIDDEN, roles::forbidden),
    always(&roles::SHARED, roles::shared),
    always(&roles::NO_ROLE, roles::no_role),
    always(&roles::UNRESOLVED, roles::unresolved),
    always(&divisions::UNRESOLVED, divisions::unresolved),
    always(&permissions::MISSING_COMPANION, permissions::missing_companion),
    always(&redirects::INSECURE, redirects::insecure),
    always(&redirects::WILDCARD, redirects::wildcard),
    always(&redirects::EXECUTABLE, redirects::executable),
    unless(&redirects::LOOPBACK, redirects::loopback, redirects::loopback_does_not_apply),
    always(&redirects::CUSTOM_SCHEME, redirects::custom_scheme),
    always(&redirects::FORBIDDEN_HOST, redirects::forbidden_host),
    always(&redirects::TESTER_HOST, redirects::tester_host),
    always(&redirects::MALFORMED, redirects::malformed),
    always(&redirects::MISSING, redirects::missing),
    always(&redirects::EXPOSED_SECRET, redirects::exposed_secret),
    always(&partial::PARTIAL_RECORD, partial::partial_record),
    always(&lifetime::LONG_LIVED, lifetime::long_lived),
    always(&lifetime::SCIM_LIVED, lifetime::scim_lived),
    always(&lifetime::UNUSED, elsewhere),
    always(&lifetime::DISABLED, lifetime::disabled),
    always(&lifetime::DELETION, lifetime::deletion),
    always(&lifetime::NO_OWNER, lifetime::no_owner),
    always(&lifetime::NO_DESCRIPTION, lifetime::no_description),
    always(&organisation::SCOPES_NOT_ENFORCED, organisation::scopes_not_enforced),
    always(&itself::SELF_NOT_LISTED, elsewhere),
    unless(&itself::OVERPRIVILEGED, itself::overprivileged, itself::overprivileged_does_not_apply),
    always(&itself::PATTERN_UNMATCHED, itself::pattern_unmatched),
    always(&exemptions::EXPIRED, elsewhere),
    always(&exemptions::UNUSED, elsewhere),
    always(&exemptions::TOO_BROAD, elsewhere),
    // Drift from the baseline.
    unless(
        &drift::CLIENT_ADDED,
        |context, findings| drift::find(&drift::CLIENT_ADDED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::CLIENT_REMOVED,
        |context, findings| drift::find(&drift::CLIENT_REMOVED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::SCOPE_ADDED,
        |context, findings| drift::find(&drift::SCOPE_ADDED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::GRANT_TYPE_CHANGED,
        |context, findings| drift::find(&drift::GRANT_TYPE_CHANGED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::ROLE_ADDED,
        |context, findings| drift::find(&drift::ROLE_ADDED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::REDIRECT_ADDED,
        |context, findings| drift::find(&drift::REDIRECT_ADDED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::TOKEN_LIFETIME_RAISED,
        |context, findings| drift::find(&drift::TOKEN_LIFETIME_RAISED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::REACTIVATED,
        |context, findings| drift::find(&drift::REACTIVATED, context, findings),
        drift::without_baseline,
    ),
    unless(
        &drift::ROLE_CONTENT,
        |context, findings| drift::find(&drift::ROLE_CONTENT, context, findings),
        drift::without_baseline,
    ),
    unless(&drift::BASELINE_STALE, drift::stale, drift::without_baseline),
];

/// Every rule, in the order of the documentation.
pub fn all() -> impl ExactSizeIterator<Item = &'static Rule> {
    ENTRIES.iter().map(|entry| entry.rule)
}

/// The rules that the policy enables.
pub fn enabled(policy: &Policy) -> impl Iterator<Item = &'static Rule> {
    all().filter(|rule| is_enabled(rule, policy))
}

/// The rule with this slug, if there is one.
pub fn find(slug: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.slug == slug)
}

/// The slugs of all rules, for the policy's parser.
pub fn slugs() -> Vec<&'static str> {
    all().map(|rule| rule.slug).collect()
}
