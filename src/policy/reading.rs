//! What reading a policy file takes besides its text, and the errors that it reports.
//!
//! Not the reading itself (`parse`).

use super::Extension;
use crate::domain::Timestamp;

/// One mistake in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct PolicyError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// What reading a policy needs besides its text.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The slugs of the rules that exist.
    pub rules: &'a [&'a str],
    /// The time from which `exemption_max` counts; `None` turns this check off.
    pub now: Option<Timestamp>,
    /// Scopes that settings add to the policy.
    pub extension: &'a Extension,
}
