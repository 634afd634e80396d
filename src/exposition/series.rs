//! Writes and counts the per-client series of an audited family.
//!
//! The table of families is in `families`; series about the whole organisation are in `organisation`.

use super::grant_series::GrantSample;
use super::label::Escaped;
use super::render::Block;
use super::view::{Numbers, View};
use crate::ledger::GrantKind;

/// Which series a family has.
pub(super) enum Series {
    /// A few per organisation; always rendered.
    Organisation(fn(&View<'_>, &mut Block<'_>)),
    /// Some per client; they can be disabled, and dropped by the cap.
    PerClient {
        /// The cap drops the lowest priority first. `None` is never dropped: alerts that page depend on it.
        priority: Option<u8>,
        source: Source,
    },
}

/// The series of a per-client family.
pub(super) enum Source {
    /// At most one series per client.
    Number(fn(&Numbers) -> Option<i64>),
    /// One series per client, with the labels that describe it.
    Info,
    /// One series per client, rule and severity with an open finding.
    OpenFindings,
    /// One series per dangerous grant that is held or was held recently.
    Grants { kind: GrantKind, value: GrantValue },
}

/// The value of a series on a dangerous grant.
#[derive(Clone, Copy)]
pub(super) enum GrantValue {
    FirstSeen,
    /// Exported only while a baseline is loaded.
    Unapproved,
}

impl GrantValue {
    fn is_exported(self, view: &View<'_>) -> bool {
        matches!(self, Self::FirstSeen) || view.audited.report.baseline.is_some()
    }
}

fn grants_of_kind<'a>(kind: GrantKind, view: &'a View<'_>) -> &'a [GrantSample<'a>] {
    match kind {
        GrantKind::Scope => &view.grants.scopes,
        GrantKind::Permission => &view.grants.permissions,
    }
}

impl Series {
    pub(super) fn write(&self, view: &View<'_>, block: &mut Block<'_>) {
        match self {
            Self::Organisation(count) => count(view, block),
            Self::PerClient { source, .. } => source.write(view, block),
        }
    }
}

impl Source {
    /// The number of series that [`Source::write`] adds.
    pub(super) fn count(&self, view: &View<'_>) -> usize {
        match self {
            Self::Number(number) => view.numbers.iter().filter(|client| number(client).is_some()).count(),
            Self::Info => view.numbers.len(),
            Self::OpenFindings => view.open_findings.len(),
            Self::Grants { kind, value } => {
                if value.is_exported(view) {
                    grants_of_kind(*kind, view).len()
                } else {
                    0
                }
            }
        }
    }

    fn write(&self, view: &View<'_>, block: &mut Block<'_>) {
        match self {
            Self::Number(number) => {
                for (id, client) in view.numbers() {
                    if let Some(number) = number(client) {
                        block.add([&id], number);
                    }
                }
            }
            Self::Info => {
                for (id, client) in view.clients() {
                    let grant_type = Escaped::word(client.grant_type.label());
                    let state = Escaped::word(client.state.label());
                    block.add([&id, &Escaped::new(&client.name), &grant_type, &state], true);
                }
            }
            Self::OpenFindings => {
                for findings in &view.open_findings {
                    let (rule, severity) = (Escaped::word(findings.rule), Escaped::word(findings.severity.label()));
                    block.add([&view.id_of(findings), &rule, &severity], findings.count);
                }
            }
            Self::Grants { kind, value } if value.is_exported(view) => {
                for grant in grants_of_kind(*kind, view) {
                    // Grants that are gone are exported too, so the snapshot may not have the client.
                    let labels = [&Escaped::new(grant.client.as_str()), &Escaped::new(grant.label)];
                    match value {
                        GrantValue::FirstSeen => block.add(labels, grant.first_seen),
                        GrantValue::Unapproved => block.add(labels, grant.unapproved),
                    }
                }
            }
            Self::Grants { .. } => {}
        }
    }
}
