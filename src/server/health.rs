//! Readiness of the process.
//!
//! Not its liveness (`crate::liveness`).

use crate::publish::Published;

/// Why the exporter is not ready. `None` once every organisation had a first refresh and at least one has data. A shard without
/// organisations is ready: it has nothing to wait for.
///
/// An organisation that was added by a reload does not count: the others are watched as before.
/// Data restored from the state file counts as data, but not as a refresh.
pub(super) fn not_ready(published: &Published) -> Option<String> {
    let organisations = &published.organisations;
    let mut reasons: Vec<String> = organisations
        .iter()
        .filter(|organisation| organisation.is_awaited && organisation.freshness.last_attempt.is_none())
        .map(|organisation| format!("{}: the first refresh is running", organisation.org))
        .collect();
    if !organisations.is_empty() && organisations.iter().all(|organisation| organisation.evaluated.is_none()) {
        reasons.push("no organisation has data".to_owned());
        reasons.extend(organisations.iter().filter_map(|organisation| {
            let failure = organisation.freshness.failure.as_ref()?;
            Some(format!("{}: {failure}", organisation.org))
        }));
    }
    (!reasons.is_empty()).then(|| reasons.join("\n"))
}
