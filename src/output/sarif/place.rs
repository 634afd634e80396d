//! The locations of a result: a line in the baseline or the policy, and the client's id.

use serde_json::{Value, json};

use crate::audit::{Finding, Status};
use crate::output::Audited;
use crate::policy::Exemption;
use crate::text::visible;

/// The files that a result can point to.
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
    /// A relative URI if the file is below the working directory.
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
        json!({"artifactLocation": {"uri": self.uri}, "region": {"startLine": line}})
    }
}

pub(super) fn location(audited: Audited<'_>, finding: &Finding, exemption: Option<&Exemption>, files: &Files) -> Value {
    let mut location = json!({"logicalLocations": [logical(audited, finding)]});
    if let Some(place) = physical(finding, exemption, files) {
        location["physicalLocation"] = place;
    }
    location
}

/// The exemption's line for an exempt finding; otherwise the client's line in the baseline or, failing that, in the policy.
fn physical(finding: &Finding, exemption: Option<&Exemption>, files: &Files) -> Option<Value> {
    if finding.status == Status::Exempt
        && let (Some(policy), Some(exemption)) = (&files.policy, exemption)
    {
        return Some(policy.at(exemption.line.max(1)));
    }
    let id = finding.client.as_ref()?.as_str();
    [&files.baseline, &files.policy].into_iter().flatten().find_map(|file| Some(file.at(file.line_of(id)?)))
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
