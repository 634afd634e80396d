//! The locations of a result: a line of a file, and the client's id.
//!
//! GitHub rejects the complete log if one result has no file ("expected a physical location"), or if a file is not below the
//! root of the repository ("SARIF URI scheme did not match"). Every result therefore has a relative path and a line.

use serde_json::{Value, json};

use crate::audit::{Finding, Status};
use crate::output::Audited;
use crate::policy::Exemption;
use crate::text::visible;

/// The path of results if the audit used no file of the repository. No such file exists. It never changes, because code scanning
/// identifies an alert by its path.
const WITHOUT_FILE: &str = "genesyscloud-oauth-clients";

/// The files of the repository that a result can point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The baseline that the audit used.
    pub baseline: Option<File>,
    /// The policy that the audit used.
    pub policy: Option<File>,
}

/// A file, with the name that the report uses for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// A URI relative to the root of the repository.
    pub uri: String,
    /// The content of the file.
    pub text: String,
}

impl File {
    /// The number of the first line with the id in quotes, counted from 1.
    fn line_of(&self, id: &str) -> Option<usize> {
        let quoted = format!("\"{id}\"");
        self.text.lines().position(|line| line.contains(&quoted)).map(|line| line + 1)
    }

    fn at(&self, line: usize) -> Value {
        at(&self.uri, line)
    }
}

fn at(uri: &str, line: usize) -> Value {
    json!({"artifactLocation": {"uri": uri}, "region": {"startLine": line.max(1)}})
}

pub(super) fn location(audited: Audited<'_>, finding: &Finding, exemption: Option<&Exemption>, files: &Files) -> Value {
    json!({
        "physicalLocation": physical(finding, exemption, files),
        "logicalLocations": [logical(audited, finding)],
    })
}

/// The exemption's line for an exempt finding; otherwise the client's line in the baseline or in the policy; otherwise the first
/// line of the policy or of the baseline.
fn physical(finding: &Finding, exemption: Option<&Exemption>, files: &Files) -> Value {
    let Files { baseline, policy } = files;
    if finding.status == Status::Exempt
        && let (Some(policy), Some(exemption)) = (policy, exemption)
    {
        return policy.at(exemption.line);
    }
    let named = finding.client.as_ref().and_then(|id| {
        [baseline, policy].into_iter().flatten().find_map(|file| Some(file.at(file.line_of(id.as_str())?)))
    });
    let first_line = || policy.as_ref().or(baseline.as_ref()).map(|file| file.at(1));
    named.or_else(first_line).unwrap_or_else(|| at(WITHOUT_FILE, 1))
}

fn logical(audited: Audited<'_>, finding: &Finding) -> Value {
    let organisation = audited.snapshot.organisation.id.as_str();
    match &finding.client {
        Some(id) => {
            let name = audited.snapshot.client(id).map_or(id.as_str(), |client| &client.name);
            json!({"name": id.as_str(), "fullyQualifiedName": format!("{organisation}/{id}"), "kind": "resource",
                   "properties": {"clientName": visible(name)}})
        }
        None => json!({"name": organisation, "fullyQualifiedName": organisation, "kind": "resource"}),
    }
}
