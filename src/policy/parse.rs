//! The policy file: TOML as people write it, turned into a [`Policy`], or every mistake in it.
//!
//! Not what a key means: `schema` names the keys, `check` the shapes, `layer` the meaning.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::DeTable;

use super::fields::Fields;
use super::layer::Layer;
use super::schema::ROOT;
use super::{
    BUILT_IN, Defaults, Extension, OrgPolicy, PermissionPolicy, Policy, RedirectPolicy, RolePolicy, ScopePolicy,
    ScopedClients, check,
};
use crate::domain::{Client, Severity, Timestamp};

/// One mistake in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct PolicyError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// What reading a policy depends on beside its text.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The slugs of the rules that exist.
    pub rules: &'a [&'a str],
    /// The time from which `exemption_max` counts; `None` does not count it.
    pub now: Option<Timestamp>,
    /// What the settings add.
    pub extension: &'a Extension,
}

pub(super) fn over_built_in(text: &str, reading: Reading<'_>) -> Result<Policy, Vec<PolicyError>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // Half a document would make further mistakes out of each one.
        let span = |error: &toml::de::Error| error.span().unwrap_or_default();
        return Err(sorted(text, errors.iter().map(|error| (span(error), error.message().to_owned()))));
    }
    let mut policy = empty();
    if Fields::new(document.get_ref()).switch("builtin").unwrap_or(true) {
        lay(BUILT_IN, &mut policy, reading)?;
    }
    lay(text, &mut policy, reading)?;
    reading.extension.lay(&mut policy);
    Ok(policy)
}

fn lay(text: &str, policy: &mut Policy, reading: Reading<'_>) -> Result<(), Vec<PolicyError>> {
    let document = DeTable::parse(text)
        .map_err(|error| sorted(text, [(error.span().unwrap_or_default(), error.message().to_owned())]))?;
    let mut mistakes = check::Mistakes::new();
    check::table(document.get_ref(), &document.span(), ROOT, &mut mistakes);
    mistakes.extend(Layer::new(text, reading).lay(Fields::new(document.get_ref()), policy));
    if mistakes.is_empty() { Ok(()) } else { Err(sorted(text, mistakes)) }
}

/// What a policy says that says nothing: the file `builtin = false`.
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

/// The mistakes in the order of the file, each once.
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

/// Line and column of an offset, both from 1.
pub(super) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}
