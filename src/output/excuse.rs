//! Looks up the exemption of an exempt finding, to show its owner and reason.
//!
//! Whether a finding is exempt is decided in `audit`.

use super::Audited;
use crate::audit::{Finding, Status};
use crate::policy::Exemption;

/// The exemption of an exempt finding; `None` for any other.
pub fn excuse<'a>(audited: Audited<'a>, finding: &Finding) -> Option<&'a Exemption> {
    if finding.status != Status::Exempt {
        return None;
    }
    let exemptions = &audited.policy.exemptions;
    let detail = || finding.evidence.details.iter().find(|(label, _)| *label == "exemption").map(|(_, id)| id);
    let id = finding.exemption.as_ref().or_else(detail);
    if let Some(exemption) = id.and_then(|id| exemptions.iter().find(|exemption| exemption.id == *id)) {
        return Some(exemption);
    }
    let client = finding.client.as_ref().and_then(|id| audited.snapshot.client(id));
    exemptions.iter().find(|exemption| {
        exemption.rule == finding.rule.slug
            && client.is_none_or(|client| exemption.is_about(client))
            && exemption.only.as_ref().is_none_or(|only| *only == finding.evidence.key)
            && exemption.expires.is_none_or(|end| end > audited.report.evaluated_at)
    })
}
