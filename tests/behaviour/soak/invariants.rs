//! What must hold in every scrape of a soak, and between two scrapes of one scraper.
//!
//! Pure: from what was scraped to the rules that it breaks.

#![allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "the figures are integers below 2^53")]

use std::collections::{BTreeMap, BTreeSet};

use genesyscloud_oauth_exporter::simulator::Truth;

use super::allowed::Allowed;
use super::parser::{Exposition, Sample};

const OWN: &str = "genesyscloud_oauth_exporter_";
const AUDITED: &str = "genesyscloud_oauth_";

/// The families that page. A series of them stays for 26 hours after its grant is gone, so none vanishes in a soak.
const SCOPE_UNAPPROVED: &str = "client_dangerous_scope_unapproved";
const SCOPE_SEEN: &str = "client_dangerous_scope_first_seen_timestamp_seconds";
const PERMISSION_UNAPPROVED: &str = "client_dangerous_permission_unapproved";
const PERMISSION_SEEN: &str = "client_dangerous_permission_first_seen_timestamp_seconds";
const PAGING: [&str; 4] = [SCOPE_UNAPPROVED, SCOPE_SEEN, PERMISSION_UNAPPROVED, PERMISSION_SEEN];

/// Collects the rules that are broken.
#[derive(Debug, Default)]
pub(super) struct Broken(pub(super) Vec<String>);

impl Broken {
    fn unless(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            self.0.push(rule());
        }
    }

    fn equal(&mut self, what: &str, left: f64, right: f64) {
        self.unless(left == right, || format!("{what}: {left} is not {right}"));
    }
}

fn sum(scrape: &Exposition, family: &str) -> f64 {
    scrape.sum(&format!("{AUDITED}{family}"), &[])
}

fn count(scrape: &Exposition, family: &str) -> f64 {
    scrape.samples(&format!("{AUDITED}{family}")).len() as f64
}

pub(super) fn own(scrape: &Exposition, family: &str) -> f64 {
    scrape.value(&format!("{OWN}{family}")).unwrap_or(f64::NAN)
}

/// The families about the organisation, which come from one generation.
fn audited(scrape: &Exposition) -> impl Iterator<Item = (&String, &Vec<Sample>)> {
    let about_it = |name: &str| name.starts_with(AUDITED) && !name.starts_with(OWN);
    scrape.families.iter().filter(move |(name, _)| about_it(name)).map(|(name, family)| (name, &family.samples))
}

/// What holds in one scrape of an organisation that has data. `plain` if it is in the text format, whose size the exporter reports.
pub(super) fn one_scrape(scrape: &Exposition, plain: bool, broken: &mut Broken) {
    let clients = sum(scrape, "clients");
    broken.unless(clients > 0.0, || "no clients, although there is data".to_owned());
    let verdicts = ["clients_flagged", "clients_not_evaluated", "clients_compliant"];
    broken.equal("the verdicts and the clients", verdicts.iter().map(|family| sum(scrape, family)).sum(), clients);
    broken.equal("snapshot_clients and the clients", own(scrape, "snapshot_clients"), clients);
    broken.equal("client_info and client_scopes", count(scrape, "client_info"), count(scrape, "client_scopes"));
    broken.unless(count(scrape, "client_info") <= clients, || "more names than clients".to_owned());
    broken.unless(sum(scrape, "clients_partial") <= clients, || "more partial clients than clients".to_owned());
    let of = |family: &str, labels: &[(&str, &str)]| scrape.sum(&format!("{AUDITED}{family}"), labels);
    let occurrences = sum(scrape, "dangerous_scope_occurrences");
    let evaluated =
        ["open", "exempt", "approved"].map(|status| of("findings", &[("rule", "dangerous-scope"), ("status", status)]));
    broken.equal("findings and occurrences", evaluated.iter().sum(), occurrences);
    broken.equal("clients by scope and occurrences", sum(scrape, "dangerous_scope_clients"), occurrences);
    let findings = scrape.samples(&format!("{AUDITED}findings"));
    for rule in findings.iter().filter_map(|sample| sample.labels.get("rule")).collect::<BTreeSet<_>>() {
        let held = of("client_findings", &[("rule", rule)]);
        let open = of("findings", &[("rule", rule), ("status", "open")]);
        broken.unless(held <= open, || format!("{rule}: {held} open findings of clients, but {open} in all"));
    }
    broken.equal("unapproved and first seen", count(scrape, SCOPE_UNAPPROVED), count(scrape, SCOPE_SEEN));
    broken.equal("unapproved and first seen", count(scrape, PERMISSION_UNAPPROVED), count(scrape, PERMISSION_SEEN));
    let lines: usize = audited(scrape).map(|(_, samples)| samples.len()).sum();
    broken.equal("snapshot_series and the series", own(scrape, "snapshot_series"), lines as f64);
    if plain {
        let bytes: usize = audited(scrape).flat_map(|(_, samples)| samples).map(|sample| sample.bytes).sum();
        broken.equal("snapshot_bytes and the bytes", own(scrape, "snapshot_bytes"), bytes as f64);
    }
    let (success, attempt) =
        (own(scrape, "last_refresh_success_timestamp_seconds"), own(scrape, "last_refresh_attempt_timestamp_seconds"));
    broken.unless(success <= attempt, || format!("the last success {success} is after the last attempt {attempt}"));
    let successful = own(scrape, "last_refresh_successful") == 1.0;
    let failures = own(scrape, "consecutive_refresh_failures");
    broken.unless(successful == (success == attempt), || {
        format!("successful: {successful}, but {success} and {attempt}")
    });
    broken.unless(successful == (failures == 0.0), || {
        format!("successful: {successful}, but {failures} failures in a row")
    });
}

/// What a clean refresh shows, compared with the organisation. `granted` are the grants that nobody approved.
pub(super) fn truth(scrape: &Exposition, truth: &Truth, granted: &[(String, &'static str)], broken: &mut Broken) {
    for ((grant, state), expected) in &truth.by_grant_and_state {
        let labels = [("grant_type", grant.as_str()), ("state", state.as_str())];
        let shown = scrape.sum(&format!("{AUDITED}clients"), &labels);
        broken.equal(&format!("the {labels:?} clients of a clean refresh"), shown, *expected as f64);
    }
    broken.equal("all clients of a clean refresh", sum(scrape, "clients"), truth.clients as f64);
    broken.equal("the names of a clean refresh", count(scrape, "client_info"), truth.clients as f64);
    broken.equal("the scopes of a clean refresh", sum(scrape, "scopes_known"), truth.scopes as f64);
    for (client, scope) in granted {
        let labels = [("client_id", client.as_str()), ("scope", *scope)];
        let shown = scrape.sum(&format!("{AUDITED}{SCOPE_UNAPPROVED}"), &labels);
        broken.equal(&format!("the unapproved grant {scope} of {client}"), shown, 1.0);
    }
}

/// What one scraper saw so far, in order.
#[derive(Debug)]
pub(super) struct History {
    allowed: Allowed,
    last: Option<(u64, Exposition)>,
    /// By series that pages: its last value above 0, and how often it rose.
    rises: BTreeMap<String, (f64, u64)>,
}

impl History {
    pub(super) fn new(allowed: Allowed) -> Self {
        Self { allowed, last: None, rises: BTreeMap::new() }
    }

    /// Compares a scrape with the one before. `epoch` is the same in both if no file was reloaded between them.
    pub(super) fn follows(&mut self, scrape: Exposition, epoch: u64, broken: &mut Broken) {
        if let Some((last_epoch, last)) = self.last.take() {
            counters(&last, &scrape, broken);
            freshness(&last, &scrape, last_epoch == epoch, broken);
            for family in PAGING {
                self.paging(family, &last, &scrape, broken);
            }
        }
        self.last = Some((epoch, scrape));
    }

    fn paging(&mut self, family: &str, last: &Exposition, scrape: &Exposition, broken: &mut Broken) {
        let name = format!("{AUDITED}{family}");
        let now: BTreeMap<String, &Sample> =
            scrape.samples(&name).iter().map(|sample| (sample.series.clone(), sample)).collect();
        let before: BTreeMap<String, f64> =
            last.samples(&name).iter().map(|sample| (sample.series.clone(), sample.value)).collect();
        for series in before.keys().filter(|series| !now.contains_key(*series)) {
            broken.unless(false, || format!("{series} vanished"));
        }
        for (series, sample) in now {
            let was = before.get(&series).copied().unwrap_or_default();
            let (highest, rises) = self.rises.entry(series.clone()).or_insert((was, 0));
            let label = |name: &str| sample.labels.get(name).map(String::as_str);
            let allowed = self.allowed.rises(label("client_id").unwrap_or_default(), label("scope"));
            if sample.value > 0.0 && sample.value != was {
                *rises += 1;
                broken.unless(*rises <= allowed, || {
                    format!("{series} rose from {was} to {}, {rises} times after {allowed} grants", sample.value)
                });
                let goes_back = family.contains("first_seen") && sample.value <= *highest;
                broken.unless(!goes_back, || format!("{series} is {} again, after {highest}", sample.value));
                *highest = sample.value;
            } else if sample.value < was {
                broken.unless(allowed > 0, || format!("{series} fell from {was}, although nothing was revoked"));
            }
        }
    }
}

/// Counters and histograms never fall and never vanish.
fn counters(last: &Exposition, scrape: &Exposition, broken: &mut Broken) {
    for (name, family) in last.families.iter().filter(|(_, family)| family.kind != "gauge") {
        // The CPU time is read from the kernel, which can correct it.
        if name.starts_with("process_cpu") {
            continue;
        }
        let now: BTreeMap<&str, f64> =
            scrape.samples(name).iter().map(|sample| (sample.series.as_str(), sample.value)).collect();
        for sample in &family.samples {
            let value = now.get(sample.series.as_str()).copied().unwrap_or(f64::NAN);
            broken.unless(value >= sample.value, || {
                format!("{} fell from {} to {value}", sample.series.clone(), sample.value)
            });
        }
    }
}

/// Without a success and a reload, the audited data stays. The number of refreshes and their outcome change in one scrape.
fn freshness(last: &Exposition, scrape: &Exposition, same_epoch: bool, broken: &mut Broken) {
    let success = |scrape: &Exposition| own(scrape, "last_refresh_success_timestamp_seconds");
    let attempt = |scrape: &Exposition| own(scrape, "last_refresh_attempt_timestamp_seconds");
    broken.unless(success(scrape) >= success(last), || "the last success went back".to_owned());
    broken.unless(attempt(scrape) >= attempt(last), || "the last attempt went back".to_owned());
    if same_epoch && success(scrape) == success(last) {
        let (before, now): (Vec<_>, Vec<_>) = (audited(last).collect(), audited(scrape).collect());
        let pairs =
            |samples: &[Sample]| -> Vec<_> { samples.iter().map(|s| (s.series.clone(), s.value.to_bits())).collect() };
        let differs = before.iter().zip(&now).find(|(one, other)| one.0 != other.0 || pairs(one.1) != pairs(other.1));
        let differs = differs.map(|(one, _)| one.0);
        broken.unless(differs.is_none() && before.len() == now.len(), || {
            format!("{differs:?} changed without a successful refresh")
        });
    }
    let refreshes = |scrape: &Exposition, outcome| scrape.sum(&format!("{OWN}refreshes"), &[("outcome", outcome)]);
    let counted = refreshes(scrape, "success") - refreshes(last, "success");
    broken.unless((counted > 0.0) == (success(scrape) > success(last)), || {
        format!(
            "{counted} refreshes succeeded, but the last success went from {} to {}",
            success(last),
            success(scrape)
        )
    });
}
