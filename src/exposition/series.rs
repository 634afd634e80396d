//! Where the series of an audited family come from, and how many they are.
//!
//! Not which families there are (`families`), nor the counts over an organisation (`organisation`).

use super::label::Escaped;
use super::render::Block;
use super::told::ToldGrant;
use super::view::View;
use crate::domain::Client;

/// Where a family's series come from.
pub(super) enum Series {
    /// Few, counted over the organisation; always rendered.
    Organisation(fn(&View<'_>, &mut Block<'_>)),
    /// Some for each client; may be switched off, and dropped by the cap.
    PerClient {
        /// Under the cap the lowest goes first; `None` is never dropped, since somebody is paged by it.
        priority: Option<u8>,
        /// What is written.
        source: Source,
    },
}

/// The series of a per-client family.
pub(super) enum Source {
    /// At most one number a client.
    Number(fn(&Client) -> Option<i64>),
    /// The names and words that describe it.
    Info,
    /// Its open findings.
    OpenFindings,
    /// Its dangerous grants: held, or gone not long ago.
    Grants {
        /// Scopes or patterns of permissions.
        of: Powers,
        /// What is told of each.
        told: Tell,
    },
}

/// Which dangerous grants.
#[derive(Clone, Copy)]
pub(super) enum Powers {
    Scopes,
    Permissions,
}

/// What is told of a dangerous grant.
#[derive(Clone, Copy)]
pub(super) enum Tell {
    /// When it was first seen.
    FirstSeen,
    /// Whether nobody has approved it; nothing while no baseline is loaded.
    Unapproved,
}

impl Tell {
    fn is_told(self, view: &View<'_>) -> bool {
        matches!(self, Self::FirstSeen) || view.audited.report.baseline.is_some()
    }
}

impl Powers {
    fn of<'a>(self, view: &'a View<'_>) -> &'a [ToldGrant<'a>] {
        match self {
            Self::Scopes => &view.told.scopes,
            Self::Permissions => &view.told.permissions,
        }
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
    /// How many series [`Source::write`] adds.
    pub(super) fn count(&self, view: &View<'_>) -> usize {
        match self {
            Self::Number(number) => view.clients().filter(|(_, client)| number(client).is_some()).count(),
            Self::Info => view.clients().count(),
            Self::OpenFindings => view.open_findings.len(),
            Self::Grants { of, told } => {
                if told.is_told(view) {
                    of.of(view).len()
                } else {
                    0
                }
            }
        }
    }

    fn write(&self, view: &View<'_>, block: &mut Block<'_>) {
        match self {
            Self::Number(number) => {
                for (id, client) in view.clients() {
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
            Self::Grants { of, told } if told.is_told(view) => {
                for grant in of.of(view) {
                    // A grant that is gone is told too, so that not every id is in the snapshot.
                    let labels = [&Escaped::new(grant.client.as_str()), &Escaped::new(grant.label)];
                    match told {
                        Tell::FirstSeen => block.add(labels, grant.first_seen),
                        Tell::Unapproved => block.add(labels, grant.unapproved),
                    }
                }
            }
            Self::Grants { .. } => {}
        }
    }
}
