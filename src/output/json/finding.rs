//! The document's `findings`: each with its evidence, reason and fingerprint.

use serde::{Serialize, Serializer};

use crate::audit::{Confidence, Finding};
use crate::domain::ClientId;
use crate::output::ReportedOrganisation;
use crate::policy::Exemption;
use crate::text::rfc3339;

/// Serialises one finding at a time: a list of all would be as large as the report.
pub(super) struct Findings<'a>(pub(super) ReportedOrganisation<'a>);

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.findings().map(|finding| FindingDto::new(finding, &self.0)))
    }
}

#[derive(Serialize)]
struct FindingDto<'a> {
    rule: &'static str,
    title: &'static str,
    client_id: Option<&'a str>,
    client_name: Option<&'a str>,
    /// When the dangerous scope or permission was first seen; null if it was held before the first refresh, and for other findings.
    first_seen: Option<String>,
    severity: &'static str,
    status: &'static str,
    confidence: &'static str,
    evidence: EvidenceDto<'a>,
    matched_pattern: Option<&'a str>,
    reason: &'a str,
    remediation: &'static str,
    fingerprint: String,
    exemption: Option<ExemptionDto<'a>>,
}

#[derive(Serialize)]
struct EvidenceDto<'a> {
    kind: &'static str,
    value: &'a str,
    text: &'a str,
    details: Vec<DetailDto<'a>>,
}

/// A name can occur more than once, so the details are a list and not an object.
#[derive(Serialize)]
struct DetailDto<'a> {
    name: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct ExemptionDto<'a> {
    id: &'a str,
    owner: &'a str,
    reason: &'a str,
    ticket: Option<&'a str>,
    expires: Option<String>,
}

impl<'a> From<&'a Exemption> for ExemptionDto<'a> {
    fn from(exemption: &'a Exemption) -> Self {
        Self {
            id: &exemption.id,
            owner: &exemption.owner,
            reason: &exemption.reason,
            ticket: exemption.ticket.as_deref(),
            expires: exemption.expires.map(rfc3339),
        }
    }
}

impl<'a> FindingDto<'a> {
    fn new(finding: &'a Finding, organisation: &ReportedOrganisation<'a>) -> Self {
        let evidence = &finding.evidence;
        let details = evidence.details.iter().map(|(name, value)| DetailDto { name, value });
        Self {
            rule: finding.rule.slug,
            title: finding.rule.title,
            client_id: finding.client.as_ref().map(ClientId::as_str),
            client_name: organisation
                .audited
                .filter(|_| finding.client.is_some())
                .map(|audited| audited.client_name(finding)),
            first_seen: organisation.audited.and_then(|audited| audited.first_seen(finding)).map(rfc3339),
            severity: finding.severity.label(),
            status: finding.status.label(),
            confidence: confidence(finding.rule.confidence),
            evidence: EvidenceDto {
                kind: evidence.kind.label(),
                value: &evidence.key,
                text: &evidence.text,
                details: details.collect(),
            },
            matched_pattern: finding.pattern.as_deref(),
            reason: &finding.reason,
            remediation: finding.rule.remediation,
            fingerprint: finding.fingerprint().to_string(),
            exemption: organisation.audited.and_then(|audited| audited.exemption_of(finding)).map(ExemptionDto::from),
        }
    }
}

/// The confidence as reports spell it.
pub(in crate::output) const fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
    }
}
