//! The notices on a list of findings or clients that the data of organisations in it is not current, or missing.

use super::freshness::FreshnessView;
use crate::domain::Timestamp;
use crate::publish::ServedOrganisation;
use crate::text::{listed, visible};

/// Organisations with a notice of their own. If there are more, one notice names the first ones.
const ALONE: usize = 3;
/// Organisations that the notice about several names.
const NAMED: usize = 10;

/// One notice for each organisation whose data is not current, or one for all if there are many.
pub(super) fn notices<'a>(organisations: impl Iterator<Item = &'a ServedOrganisation>, now: Timestamp) -> Vec<String> {
    let view = |of: &'a ServedOrganisation| (of, FreshnessView::new(&of.freshness, of.evaluated.is_some(), now));
    let stale: Vec<_> = organisations.map(view).filter(|(_, freshness)| !freshness.is_current()).collect();
    if stale.len() <= ALONE {
        let line = |(of, freshness): &(&ServedOrganisation, FreshnessView)| {
            format!("{}: {}", visible(&of.org), freshness.sentence())
        };
        return stale.iter().map(line).collect();
    }
    let names: Vec<_> = stale.iter().map(|(of, _)| visible(&of.org)).collect();
    let names = listed(names.iter().map(|name| &**name), NAMED);
    vec![format!("The data of {} organisations is not current, or missing: {names}.", stale.len())]
}
