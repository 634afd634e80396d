//! One organisation in the index: its label, how fresh its data is, and the worst facts, each with a link to what it counts.

use super::super::findings::Name;
use super::super::freshness::until_next;
use super::super::link::Links;
use super::super::words::{Moment, spoken};
use super::standing::{Counts, Standing};
use crate::domain::Timestamp;
use crate::text::{counted, shortened, visible};

/// Characters of a reason that are shown. The organisation's page has the complete one.
const REASON: usize = 300;

pub(super) struct IndexRow {
    pub(super) org: Name,
    /// The organisation's page.
    pub(super) link: String,
    /// What the platform calls it, if details are shown.
    pub(super) name: Option<Name>,
    pub(super) region: String,
    /// The CSS class of the state's badge.
    pub(super) tone: &'static str,
    pub(super) state: &'static str,
    pub(super) failed: Option<String>,
    pub(super) reason: Option<String>,
    /// The time of the data.
    pub(super) taken: Option<Moment>,
    pub(super) next: String,
    pub(super) facts: Option<Facts>,
}

pub(super) struct Facts {
    pub(super) clients: Number,
    pub(super) flagged: Number,
    pub(super) critical: Number,
    pub(super) high: Number,
    pub(super) paging: Number,
    /// Without such grants: why an alert fires nevertheless, or that there is no baseline.
    pub(super) note: &'static str,
    pub(super) is_paging: bool,
}

/// A number, and the address of what it counts.
pub(super) struct Number {
    pub(super) count: usize,
    /// What it counts, in the singular or plural.
    pub(super) unit: &'static str,
    pub(super) link: String,
}

impl IndexRow {
    pub(super) fn new(standing: &Standing<'_>, now: Timestamp) -> Self {
        let Standing { organisation, freshness, counts } = standing;
        let links = Links::of_one("", &organisation.org);
        let of = organisation.evaluated.as_deref().filter(|_| counts.is_some()).map(|of| &of.snapshot.organisation);
        let failures = organisation.freshness.consecutive_failures;
        let has_data = organisation.evaluated.is_some();
        Self {
            org: Name::new(&organisation.org),
            link: links.all_clients().to_owned(),
            name: of.map(|of| Name::new(&of.name)),
            region: of.map_or(String::new(), |of| visible(&of.region).into_owned()),
            tone: freshness.tone,
            state: freshness.word,
            failed: (failures > 0).then(|| format!("{} failed", counted(failures, "attempt"))),
            reason: freshness.reason.as_deref().map(|reason| shortened(reason, REASON).into_owned()),
            taken: organisation.freshness.last_success.filter(|_| has_data).map(|time| Moment::new(time, now)),
            next: match (organisation.freshness.last_attempt, until_next(&organisation.freshness, now)) {
                (None, _) => "running".to_owned(),
                (Some(_), Some(left)) => format!("in {}", spoken(left)),
                (Some(_), None) => "due".to_owned(),
            },
            facts: counts.map(|counts| Facts::new(counts, &links)),
        }
    }
}

impl Facts {
    fn new(counts: Counts, links: &Links) -> Self {
        let Counts { clients, flagged, critical, high, paging, is_firing, has_baseline } = counts;
        let number = |count, unit, link| Number { count, unit, link };
        Self {
            clients: number(
                clients,
                if clients == 1 { "client" } else { "clients" },
                format!("{}#clients-1", links.all_clients()),
            ),
            flagged: number(flagged, "flagged", links.clients([("status", "flagged")])),
            critical: number(critical, "critical", links.findings([("severity", "critical")])),
            high: number(high, "high", links.findings([("severity", "high")])),
            paging: number(
                paging,
                if has_baseline { "unapproved" } else { "new in 24 h" },
                links.findings([("paging", "yes"), ("status", "all")]),
            ),
            note: match (has_baseline, is_firing && paging == 0) {
                (_, true) => "held before: an alert fires until the next refresh",
                (true, false) => "",
                (false, false) => "no baseline",
            },
            is_paging: is_firing || paging > 0,
        }
    }
}
