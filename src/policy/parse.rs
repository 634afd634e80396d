//! Reads a policy file (TOML) into a [`Policy`], or returns every mistake in it.
//!
//! `schema` lists the keys, `check` checks their shapes, and `layer` applies their values.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::DeTable;

use super::fields::Fields;
use super::layer::Layer;
use super::schema::ROOT;
use super::{
    Defaults, Extension, OrgPolicy, PermissionPolicy, Policy, PolicyError, Reading, RedirectPolicy, RolePolicy,
    ScopePolicy, ScopedClients, check,
};
use crate::domain::{Client, Severity};
use crate::text::place;

/// The built-in policy, in the same format as a user's file.
pub const BUILT_IN: &str = include_str!("builtin.toml");

impl Policy {
    /// Reads a user's policy file and merges it on top of the built-in policy; `rules` are the slugs that exist.
    ///
    /// On failure, returns every mistake with its position in the file.
    pub fn parse(text: &str, rules: &[&str]) -> Result<Self, Vec<PolicyError>> {
        Self::read(text, Reading { rules, now: None, extension: &Extension::default() })
    }

    /// Like [`Policy::parse`], but also adds what the settings add, and checks `exemption_max` if the time is given.
    pub fn read(text: &str, reading: Reading<'_>) -> Result<Self, Vec<PolicyError>> {
        over_built_in(text, reading)
    }

    /// The policy without a file.
    pub fn built_in(rules: &[&str]) -> Result<Self, Vec<PolicyError>> {
        Self::parse("", rules)
    }
}

fn over_built_in(text: &str, reading: Reading<'_>) -> Result<Policy, Vec<PolicyError>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // A document with syntax errors is incomplete: checking it would report follow-up mistakes.
        let span = |error: &toml::de::Error| error.span().unwrap_or_default();
        return Err(sorted(text, errors.iter().map(|error| (span(error), error.message().to_owned()))));
    }
    let mut policy = empty();
    if Fields::new(document.get_ref()).switch("builtin").unwrap_or(true) {
        merge(BUILT_IN, &mut policy, reading)?;
    }
    merge(text, &mut policy, reading)?;
    reading.extension.add_to(&mut policy);
    Ok(policy)
}

/// Checks one file and merges it on top of the policy so far.
fn merge(text: &str, policy: &mut Policy, reading: Reading<'_>) -> Result<(), Vec<PolicyError>> {
    let document = DeTable::parse(text)
        .map_err(|error| sorted(text, [(error.span().unwrap_or_default(), error.message().to_owned())]))?;
    let mut mistakes = check::Mistakes::new();
    check::table(document.get_ref(), &document.span(), ROOT, &mut mistakes);
    mistakes.extend(Layer::new(text, reading).merge(Fields::new(document.get_ref()), policy));
    if mistakes.is_empty() { Ok(()) } else { Err(sorted(text, mistakes)) }
}

/// The policy of a file that contains only `builtin = false`.
fn empty() -> Policy {
    Policy {
        defaults: Defaults {
            fail_on: Severity::High,
            flag_at: Severity::Medium,
            max_token_validity: Client::DEFAULT_TOKEN_VALIDITY,
            unused_after_days: 90,
            exemption_max_days: None,
            require_expiry: false,
            baseline_max_age_days: None,
        },
        org: OrgPolicy { production: true, scope_enforcement: None },
        scopes: ScopePolicy {
            dangerous: Vec::new(),
            judge: ScopedClients::default(),
            exact: false,
            toxic: Vec::new(),
            all_scopes_percent: 80,
            all_scopes_cap: None,
        },
        permissions: PermissionPolicy::default(),
        roles: RolePolicy::default(),
        redirects: RedirectPolicy::default(),
        exemptions: Vec::new(),
        rules: BTreeMap::new(),
        expectations: Vec::new(),
        owners: Vec::new(),
    }
}

/// The mistakes in the order of the file, without duplicates.
fn sorted(text: &str, mistakes: impl IntoIterator<Item = (Range<usize>, String)>) -> Vec<PolicyError> {
    let mut errors: Vec<PolicyError> = mistakes
        .into_iter()
        .map(|(span, message)| {
            let (line, column) = place(text, span.start);
            PolicyError { line, column, message }
        })
        .collect();
    errors.sort();
    errors.dedup();
    errors
}
