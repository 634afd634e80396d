//! The report as SARIF 2.1.0 (OASIS standard), for code scanning: rules, results, suppressions.
//!
//! A client is not a file, but code scanning shows only results in files. A result therefore points to the line in the baseline or
//! the policy that names the client, if there is one (`place`), and to the client's id as a logical location.

mod place;
mod rule;

use std::io;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

pub use place::{File, Files};

use rule::level;

use super::json::confidence;
use super::{Audited, ReportedOrganisation, Resolved};
use crate::audit::{Finding, Rule, Status, describe_client_gaps};
use crate::domain::ClientId;
use crate::text::{counted, rfc3339, visible};

/// The key of the fingerprint. A different hash would need a different key.
const FINGERPRINT: &str = "genesyscloudOAuthFinding/v1";

/// The only fingerprint that GitHub reads. Otherwise, it would hash the line of the location, which many results share.
const GITHUB_FINGERPRINT: &str = "primaryLocationLineHash";

/// GitHub rejects a log if one of its runs has more results.
const MOST_RESULTS: usize = 25_000;

/// The largest number of resolved findings that are named. Code scanning itself closes the alerts of results that are gone.
const MOST_RESOLVED: usize = 1_000;

/// Writes one log with a run for each organisation, one run after the other. `files` returns the files of the organisation with this
/// number. Fails only if the writer fails.
pub fn write(
    organisations: &[ReportedOrganisation<'_>],
    exit_code: u8,
    files: &dyn Fn(usize) -> Files,
    mut writer: impl io::Write,
) -> io::Result<()> {
    let log = LogDto {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        runs: Runs { organisations, exit_code, files },
        version: "2.1.0",
    };
    serde_json::to_writer_pretty(&mut writer, &log)?;
    writer.write_all(b"\n")
}

#[derive(Serialize)]
struct LogDto<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: Runs<'a>,
    version: &'static str,
}

/// Makes each run when it is written, so that the memory holds one at a time.
struct Runs<'a> {
    organisations: &'a [ReportedOrganisation<'a>],
    exit_code: u8,
    files: &'a dyn Fn(usize) -> Files,
}

impl Serialize for Runs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbered = self.organisations.iter().enumerate();
        serializer.collect_seq(numbered.map(|(number, one)| run(one, self.exit_code, &(self.files)(number))))
    }
}

fn run(organisation: &ReportedOrganisation<'_>, exit_code: u8, files: &Files) -> Value {
    let rules: Vec<&'static Rule> = organisation
        .audited
        .map(|audited| audited.report.rules.iter().map(|enabled| enabled.rule).collect())
        .unwrap_or_default();
    let (findings, beyond) = most_important(organisation.findings().collect(), MOST_RESULTS);
    let results = organisation.audited.map(|audited| {
        findings.into_iter().map(|finding| result(audited, finding, &rules, files)).collect::<Vec<Value>>()
    });
    let rules: Vec<Value> =
        rules.iter().map(|rule| rule::descriptor(rule, organisation.rule_link(rule.slug))).collect();
    let mut run = json!({
        "tool": {"driver": {
            "name": "genesyscloud-oauth-exporter",
            "fullName": concat!("genesyscloud-oauth-exporter ", env!("CARGO_PKG_VERSION")),
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        }},
        // The organisation is part of the category, so that two organisations do not close each other's alerts.
        "automationDetails": {"id": format!("genesyscloud-oauth/{}/", organisation.org)},
        "invocations": [invocation(organisation, exit_code, beyond)],
        "columnKind": "unicodeCodePoints",
        "results": results.unwrap_or_default(),
    });
    // The project has no public address, so the only one is that of the exporter itself.
    if let Some(url) = organisation.external_url {
        run["tool"]["driver"]["informationUri"] = url.into();
    }
    run
}

/// At most this many findings, open and severe ones first, and the number of the others. If there are fewer, the order stays.
fn most_important(mut findings: Vec<&Finding>, most: usize) -> (Vec<&Finding>, usize) {
    if findings.len() <= most {
        return (findings, 0);
    }
    findings.sort_by_key(|finding| (finding.status, std::cmp::Reverse(finding.severity)));
    let beyond = findings.split_off(most);
    (findings, beyond.into_iter().map(Finding::count).sum())
}

fn invocation(organisation: &ReportedOrganisation<'_>, exit_code: u8, beyond: usize) -> Value {
    let note = |level: &str, text: String| json!({"level": level, "message": {"text": text}});
    let mut notes = Vec::new();
    if let Some(failure) = organisation.failure {
        notes.push(note("error", visible(failure).into_owned()));
    }
    for (collector, why) in organisation.audited.iter().flat_map(|audited| audited.snapshot.input_gaps()) {
        let cure = why.missing_permission.as_deref();
        let cure = cure.map_or(String::new(), |permission| format!(" Grant {permission} to the exporter's role."));
        notes.push(note(
            "warning",
            format!("{} could not be read: {}.{cure}", collector.label(), visible(&why.message)),
        ));
    }
    if let Some(audited) = organisation.audited {
        notes.extend(audited.snapshot.clients.partial().map(|client| {
            let gaps = describe_client_gaps(client, audited.report.evaluated_at);
            note("warning", format!("The client {} could not be fully evaluated: {gaps}.", visible(client.id.as_str())))
        }));
    }
    for role in organisation.audited.iter().flat_map(|audited| &audited.report.role_gaps) {
        let role = visible(role.as_str());
        notes.push(note("warning", format!("Clients hold the role {role}, but not everything about it is known.")));
    }
    if let Some(comparison) = organisation.comparison() {
        notes.push(note("note", comparison));
    }
    for Resolved { finding, client_name, how, .. } in organisation.resolved().into_iter().take(MOST_RESOLVED) {
        let client = finding.client.as_ref().map_or_else(String::new, |id| format!(" {client_name} ({id})"));
        notes
            .push(note("note", visible(&format!("Resolved, {how}:{client}: {}.", finding.evidence.text)).into_owned()));
    }
    let left_out = organisation.left_out();
    if left_out > 0 {
        notes.push(note("note", format!("The filters of this run hide {}.", counted(left_out, "finding"))));
    }
    if beyond > 0 {
        let (most, beyond) = (counted(MOST_RESULTS, "result"), counted(beyond, "less important finding"));
        notes.push(note("warning", format!("A run has at most {most}. {beyond} are only in the other formats.")));
    }
    let mut invocation = json!({
        "executionSuccessful": organisation.complete && organisation.audited.is_some(),
        "exitCode": exit_code,
        "toolExecutionNotifications": notes,
    });
    if let Some(audited) = organisation.audited {
        invocation["endTimeUtc"] = rfc3339(audited.report.evaluated_at).into();
    }
    invocation
}

fn result(audited: Audited<'_>, finding: &Finding, rules: &[&'static Rule], files: &Files) -> Value {
    let client = finding.client.as_ref().and_then(|id| audited.snapshot.client(id));
    let exemption = audited.exemption_of(finding);
    let is_evaluated = finding.status != Status::NotEvaluated;
    let subject = match (client, &finding.client) {
        (Some(client), Some(id)) => format!("{} ({id})", client.name),
        (None, Some(id)) => id.to_string(),
        _ => "The organisation".to_owned(),
    };
    let fingerprint = finding.fingerprint().to_string();
    let mut result = json!({
        "ruleId": finding.rule.slug,
        // SARIF 3.27.9: the level of a result that is not a failure is none.
        "kind": if is_evaluated { "fail" } else { "open" },
        "level": if is_evaluated { level(finding.severity) } else { "none" },
        "message": {"text": plain(&format!("{subject}: {}. {}", finding.evidence.text, finding.reason))},
        "locations": [place::location(audited, finding, exemption, files)],
        "partialFingerprints": {FINGERPRINT: fingerprint, GITHUB_FINGERPRINT: fingerprint},
        "suppressions": suppressions(finding, exemption),
        "properties": {
            "severity": finding.severity.label(),
            "status": finding.status.label(),
            "confidence": confidence(finding.rule.confidence),
            "clientId": finding.client.as_ref().map(ClientId::as_str),
            "clientName": finding.client.as_ref().map(|_| audited.client_name(finding)),
            "firstSeen": audited.first_seen(finding).map(rfc3339),
            "evidenceKind": finding.evidence.kind.label(),
            "evidence": finding.evidence.key.as_str(),
            "matchedPattern": finding.pattern.as_deref(),
            "remediation": finding.rule.remediation,
        },
    });
    if let Some(index) = rules.iter().position(|rule| *rule == finding.rule) {
        result["ruleIndex"] = index.into();
    }
    result
}

/// If one result of a run has suppressions, all must have the list. An empty list means "not suppressed" (SARIF 3.27.23).
fn suppressions(finding: &Finding, exemption: Option<&crate::policy::Exemption>) -> Value {
    let accepted = |why: String| json!([{"kind": "external", "status": "accepted", "justification": why}]);
    match finding.status {
        Status::Approved => accepted("Approved in the baseline.".to_owned()),
        Status::Exempt => accepted(exemption.map_or("Exempt by the policy.".to_owned(), |exemption| {
            let end =
                exemption.expires.map_or("without an expiry date".to_owned(), |end| format!("until {}", rfc3339(end)));
            format!("Exemption {} of {}, {end}: {}", exemption.id, exemption.owner, exemption.reason)
        })),
        Status::Open | Status::NotEvaluated => json!([]),
    }
}

/// A message without links and placeholders: in SARIF, `[text](address)` is a link and `{0}` a placeholder (3.11.5, 3.11.6).
fn plain(message: &str) -> String {
    visible(message).replace("](", "] (").replace('{', "(").replace('}', ")")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample::{self, Sample};

    fn log(sample: &Sample, files: &Files) -> Value {
        let mut bytes = Vec::new();
        write(&[sample.organisation(), sample::failed()], 1, &|_| files.clone(), &mut bytes).expect("written");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn the_log_reads_like_this() {
        let mut sample = sample::settled();
        let keep = ["Partner provisioning portal", "Batch password sync"].map(|name| sample.id(name).clone());
        sample.report.edit_findings(|findings| {
            findings.retain(|finding| finding.client.as_ref().is_some_and(|id| keep.contains(id)));
        });
        let baseline = format!("{{\n  \"clients\": {{\n    \"{}\": {{}}\n  }}\n}}\n", keep[0]);
        let files = Files {
            baseline: Some(File { uri: "ci/base%20line.json".to_owned(), text: baseline }),
            policy: Some(File { uri: "policy.toml".to_owned(), text: "\n".repeat(9) }),
        };
        let text = serde_json::to_string_pretty(&log(&sample, &files)).expect("JSON");
        insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn a_name_becomes_neither_a_link_nor_a_placeholder() {
        assert_eq!(plain("[click](https://example.com) {0}\u{202e}"), "[click] (https://example.com) (0)[U+202E]");
    }

    /// The policy, the baseline, both or none: each as a file with some lines.
    fn all_files() -> [Files; 4] {
        let file = |uri: &str| Some(File { uri: uri.to_owned(), text: "one\ntwo\n".to_owned() });
        let (policy, baseline) = (file("ci/policy.toml"), file("ci/baseline.json"));
        [
            Files::default(),
            Files { policy: policy.clone(), baseline: None },
            Files { policy: None, baseline: baseline.clone() },
            Files { baseline, policy },
        ]
    }

    /// What the validators do not check: GitHub rejects the log if it does not hold for one result.
    #[test]
    fn every_result_has_exactly_one_location_with_a_relative_path_and_a_line() {
        let mut planted = sample::planted();
        let policy = crate::policy::Policy::built_in(&crate::audit::rules::slugs()).expect("it is valid");
        planted.report = crate::audit::evaluate(&planted.snapshot, &policy, None, sample::NOW);
        for (sample, files) in [planted].iter().flat_map(|sample| all_files().map(|files| (sample, files))) {
            let log = log(sample, &files);
            let results = log["runs"][0]["results"].as_array().expect("results");
            let mut paths = std::collections::BTreeSet::new();
            assert!(
                results.iter().any(|result| result["properties"]["clientId"].is_null()),
                "one is on the organisation"
            );
            for result in results {
                assert_eq!(result["locations"].as_array().map(Vec::len), Some(1), "{result}");
                let place = &result["locations"][0]["physicalLocation"];
                let uri = place["artifactLocation"]["uri"].as_str().expect("a path");
                assert!(!uri.is_empty() && !uri.starts_with('/') && !uri.contains(':'), "{uri}");
                assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0), "{result}");
                paths.insert(uri.to_owned());
            }
            let expected = match (&files.policy, &files.baseline) {
                (Some(policy), _) => &policy.uri,
                (None, Some(baseline)) => &baseline.uri,
                (None, None) => "genesyscloud-oauth-clients",
            };
            assert_eq!(paths.into_iter().collect::<Vec<_>>(), [expected], "neither file names a client");
        }
    }

    #[test]
    fn results_at_the_same_line_are_different_alerts() {
        let sample = sample::settled();
        let log = log(&sample, &Files::default());
        let results = log["runs"][0]["results"].as_array().expect("results");
        // GitHub identifies an alert by rule, path and this hash.
        let alerts: std::collections::BTreeSet<_> = results
            .iter()
            .map(|result| (result["ruleId"].to_string(), result["partialFingerprints"][GITHUB_FINGERPRINT].to_string()))
            .collect();
        assert_eq!(alerts.len(), results.len());
    }

    #[test]
    fn a_run_never_has_more_results_than_code_scanning_accepts_and_says_so() {
        let sample = sample::settled();
        let findings: Vec<&Finding> = sample.report.findings().collect();
        let (all, none) = most_important(findings.clone(), findings.len());
        assert_eq!((all, none), (findings.clone(), 0));
        let open = || findings.iter().filter(|finding| finding.status == Status::Open);
        let worst = open().map(|finding| finding.severity).max().expect("one is open");
        let severe = open().filter(|finding| finding.severity == worst).count();
        assert!(severe < findings.len());
        let (few, beyond) = most_important(findings.clone(), severe);
        assert_eq!((few.len(), beyond), (severe, findings.len() - severe));
        assert!(few.iter().all(|finding| finding.status == Status::Open && finding.severity == worst), "{few:?}");
        let invocation = invocation(&sample.organisation(), 1, 7);
        let notes = invocation["toolExecutionNotifications"].to_string();
        assert!(notes.contains("A run has at most 25000 results. 7 less important findings are only"), "{notes}");
    }

    #[test]
    fn every_result_has_a_rule_a_fingerprint_and_a_location_and_only_open_ones_are_not_suppressed() {
        let sample = sample::settled();
        let log = log(&sample, &Files::default());
        let run = &log["runs"][0];
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), sample.report.findings().count());
        let mut suppressed = 0;
        for result in results {
            let rule = &run["tool"]["driver"]["rules"]
                [result["ruleIndex"].as_u64().and_then(|i| usize::try_from(i).ok()).expect("an index")];
            assert_eq!(rule["id"], result["ruleId"]);
            assert_eq!(result["partialFingerprints"][FINGERPRINT].as_str().map(str::len), Some(32));
            assert!(result["locations"][0]["logicalLocations"][0]["name"].is_string(), "{result}");
            let is_open = result["properties"]["status"] == "open";
            assert_eq!(is_open, result["suppressions"] == json!([]), "{result}");
            suppressed += usize::from(!is_open);
        }
        assert_eq!(suppressed, 2);
        assert_eq!(log["runs"][1]["invocations"][0]["executionSuccessful"], false);
    }
}
