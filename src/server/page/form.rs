//! The search form, filled in with the current search.

use super::search::{Search, Wanted};
use super::words::{grant_words, severity_word, state_word};
use crate::domain::{ClientState, GrantType, Severity};
use crate::text::visible;

pub(super) struct Form {
    pub(super) text: String,
    pub(super) fields: [Field; 4],
    /// A dangerous scope that is searched for; empty without one.
    pub(super) scope: String,
    pub(super) is_active: bool,
}

/// A drop-down field.
pub(super) struct Field {
    pub(super) title: &'static str,
    pub(super) name: &'static str,
    pub(super) options: Vec<Choice>,
}

pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) words: &'static str,
    pub(super) is_chosen: bool,
}

/// The choices of a severity.
pub(super) fn severities(chosen: Option<Severity>) -> [Choice; 5] {
    Severity::ALL.map(|severity| Choice {
        value: severity.label(),
        words: severity_word(severity),
        is_chosen: chosen == Some(severity),
    })
}

impl Form {
    pub(super) fn new(search: &Search) -> Self {
        let grants = GrantType::ALL.map(|grant| Choice {
            value: grant.label(),
            words: grant_words(grant),
            is_chosen: search.grant == Some(grant),
        });
        let states = ClientState::ALL.map(|state| Choice {
            value: state.label(),
            words: state_word(state),
            is_chosen: search.state == Some(state),
        });
        let wanted = Wanted::ALL.map(|wanted| Choice {
            value: wanted.label(),
            words: wanted.words(),
            is_chosen: search.status == Some(wanted),
        });
        let field = |title, name, options| Field { title, name, options };
        Self {
            text: visible(&search.text).into_owned(),
            fields: [
                field("Open finding", "severity", severities(search.severity).into()),
                field("Grant type", "grant", grants.into()),
                field("State", "state", states.into()),
                field("Verdict", "status", wanted.into()),
            ],
            scope: visible(&search.scope).into_owned(),
            is_active: search.is_some(),
        }
    }
}
