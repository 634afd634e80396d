//! What happens to each of several simulated organisations: their labels, sizes, and what changes or fails when.

use std::time::Duration;

use tracing::info;

use crate::simulator::{ClientSet, Endpoint, Fault, SimulatedOrganisation};

/// Companies and stages: a label is one of each.
const COMPANIES: [&str; 40] = [
    "northwind",
    "contoso",
    "fabrikam",
    "adventure",
    "tailspin",
    "litware",
    "proseware",
    "wingtip",
    "lucerne",
    "margie",
    "alpine",
    "blueyonder",
    "cohovine",
    "consolidated",
    "datum",
    "fourth",
    "graphic",
    "humongous",
    "lamna",
    "munson",
    "nodpub",
    "relecloud",
    "southridge",
    "thephone",
    "treyresearch",
    "vanarsdel",
    "woodgrove",
    "wideworld",
    "bellows",
    "boulder",
    "cityline",
    "firstup",
    "goodfoods",
    "liberty",
    "olympia",
    "rockvale",
    "seaside",
    "summit",
    "terrace",
    "valley",
];
const STAGES: [&str; 5] = ["production", "test", "training", "emea", "apac"];

/// One simulated organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cast {
    /// From 0.
    pub(super) number: u16,
    pub(super) story: Story,
}

/// What happens to an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    /// It changes as the organisation of the demo with one: after a minute, a client gains a dangerous scope.
    Changes,
    /// A client gains a dangerous scope soon after the start.
    Gains,
    /// The platform refuses the credentials.
    Refused,
    /// The platform answers slowly.
    Slow,
    /// It has no baseline, and a client gains a dangerous scope.
    WithoutBaseline,
    /// The platform answers 503 after a while.
    Fails,
    /// The exporter's client may not read the roles.
    Forbidden,
    /// The platform limits the rate of requests after a while, and answers 429.
    Limited,
    /// Nothing happens.
    Healthy,
}

/// The stories of the first organisations, in their order. Afterwards, most are healthy.
const FIRST: [Story; 7] =
    [Story::Changes, Story::Gains, Story::Refused, Story::WithoutBaseline, Story::Fails, Story::Slow, Story::Forbidden];
/// The stories of every tenth organisation after these.
const LATER: [Story; 4] = [Story::Limited, Story::Refused, Story::Fails, Story::Slow];

const GAINED_AFTER: Duration = Duration::from_secs(15);
const FAILS_AFTER: Duration = Duration::from_secs(20);
/// Of the demo organisation, and what it gains.
const CLIENT: &str = "CRM screen pop";
const SCOPE: &str = "oauth";

impl Cast {
    pub(super) fn all(number: u16) -> Vec<Self> {
        (0..number).map(Self::new).collect()
    }

    fn new(number: u16) -> Self {
        let later = || (number % 10 == 9).then(|| LATER[usize::from(number / 10) % LATER.len()]);
        let story = FIRST.get(usize::from(number)).copied().or_else(later).unwrap_or(Story::Healthy);
        Self { number, story }
    }

    pub(super) fn label(self) -> String {
        let (company, stage) = self.names();
        format!("{company}-{stage}")
    }

    /// The organisation's name on the platform.
    pub(super) fn name(self) -> String {
        let (company, stage) = self.names();
        let (first, rest) = company.split_at(1);
        format!("{}{rest} {stage} (simulated)", first.to_uppercase())
    }

    fn names(self) -> (&'static str, &'static str) {
        let number = usize::from(self.number);
        (COMPANIES[number / STAGES.len() % COMPANIES.len()], STAGES[number % STAGES.len()])
    }

    pub(super) fn client_id(self) -> String {
        format!("5e1f0000-0000-4000-8000-{:012}", 9_847 + u32::from(self.number))
    }

    /// The clients at the beginning. Those with a story need the clients of the demo; `among` is the number of organisations.
    pub(super) fn clients(self, among: u16) -> ClientSet {
        let largest = if among <= 20 { 400 } else { 120 };
        match self.story {
            Story::Healthy => ClientSet::Generated(20 + usize::from(self.number) * 97 % largest),
            _ => ClientSet::Demo,
        }
    }

    pub(super) fn has_baseline(self) -> bool {
        !matches!(self.story, Story::WithoutBaseline | Story::Refused)
    }

    /// What happens, for people; `None` if nothing does.
    pub(super) fn told(self) -> Option<&'static str> {
        Some(match self.story {
            Story::Changes => "after a minute, a client gains a dangerous scope that nobody approved",
            Story::Gains => "after 15 s, a client gains a dangerous scope that nobody approved",
            Story::Refused => "the platform refuses the credentials",
            Story::WithoutBaseline => "has no baseline; after 15 s, a client gains a dangerous scope",
            Story::Fails => "after 20 s, the platform answers 503",
            Story::Slow => "the platform answers slowly",
            Story::Forbidden => "the exporter's client may not read the roles",
            Story::Limited => "after 20 s, the platform answers 429",
            Story::Healthy => return None,
        })
    }

    /// What is so from the start, once the baseline is made.
    pub(super) fn begin(self, organisation: &SimulatedOrganisation) {
        match self.story {
            Story::Refused => organisation.set_fault(Fault::InvalidClient(401)),
            Story::Slow => {
                let slow = Fault::SlowBody { chunk: 1 << 10, pause: Duration::from_millis(50) };
                organisation.set_fault(slow.at(Endpoint::Clients));
            }
            Story::Forbidden => {
                let permission = "authorization:role:view".to_owned();
                organisation.set_fault(Fault::Forbidden { permission }.at(Endpoint::Roles));
            }
            _ => {}
        }
    }

    /// Applies what is due at this time since the start. It is called again and again.
    pub(super) fn advance(self, organisation: &SimulatedOrganisation, elapsed: Duration) {
        let happened = match self.story {
            Story::Changes => {
                let changes = organisation.advance_to(elapsed).into_iter();
                changes.map(|change| change.sentence).collect()
            }
            Story::Gains | Story::WithoutBaseline if elapsed >= GAINED_AFTER => {
                let gained = organisation.grant_scope(CLIENT, SCOPE);
                gained.then(|| format!("\"{CLIENT}\" gains the scope {SCOPE}")).into_iter().collect()
            }
            Story::Fails if elapsed >= FAILS_AFTER => {
                organisation.set_fault(Fault::ServerError(503));
                Vec::new()
            }
            Story::Limited if elapsed >= FAILS_AFTER => {
                organisation.set_rate_limit(0);
                Vec::new()
            }
            _ => Vec::new(),
        };
        for change in happened {
            info!(org = self.label(), change, "the simulated organisation changed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_hundred_organisations_have_their_own_labels_and_clients_and_most_are_healthy() {
        let all = Cast::all(200);
        let labels: BTreeSet<String> = all.iter().map(|cast| cast.label()).collect();
        let clients: BTreeSet<String> = all.iter().map(|cast| cast.client_id()).collect();
        assert_eq!((labels.len(), clients.len()), (200, 200));
        let healthy = all.iter().filter(|cast| cast.story == Story::Healthy).count();
        assert!((160..190).contains(&healthy), "{healthy}");
        for story in FIRST.iter().chain(&LATER) {
            assert!(all.iter().any(|cast| cast.story == *story), "{story:?}");
        }
    }
}
