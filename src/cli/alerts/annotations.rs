//! The parts of annotations that are templates of Prometheus: the client's name, what is known about it, and the links.
//!
//! A template queries Prometheus when its alert fires. If a query finds nothing, its part is left out or replaced by a path.

use super::span::Span;

/// When the client was last changed, as the platform says.
pub(super) const LAST_CHANGE: &str = "\
{{ with printf
\"max(genesyscloud_oauth_client_modified_timestamp_seconds{org=%q, client_id=%q})\"
$labels.org $labels.client_id | query }} Genesys Cloud recorded the last change of the client at
{{ first . | value | humanizeTimestamp }}.{{ end }}";

/// The name of the client, otherwise its id.
pub(super) fn client_name(memory: Span) -> String {
    let name = info("client_name", memory);
    format!("{name}{{{{ first . | label \"client_name\" }}}}{{{{ else }}}}{{{{ $labels.client_id }}}}{{{{ end }}}}")
}

/// `, grant type code`.
pub(super) fn grant_type(memory: Span) -> String {
    let grant_type = info("grant_type", memory);
    format!("{grant_type}, grant type {{{{ first . | label \"grant_type\" }}}}{{{{ end }}}}")
}

/// The start of a template that has a label of the client: the current one, otherwise the last one.
fn info(label: &str, memory: Span) -> String {
    let memory = memory.promql();
    let series = format!("genesyscloud_oauth_client_info{{org=%[1]q, client_id=%[2]q, {label}!=''}}");
    format!(
        "{{{{ with printf\n\"max by ({label}) ({series}) or on ()\nmax by ({label}) (last_over_time({series}[{memory}]))\"\n\
         $labels.org $labels.client_id | query }}}}"
    )
}

/// What a scope or permission allows, as the policy says.
pub(super) fn reason(kind: &str, memory: Span) -> String {
    let memory = memory.promql();
    let series = format!("genesyscloud_oauth_dangerous_{kind}_info{{org=%[1]q, {kind}=%[2]q}}");
    format!(
        "{{{{ with printf\n\"max by (reason) ({series}) or on ()\nmax by (reason) (last_over_time({series}[{memory}]))\"\n\
         $labels.org $labels.{kind} | query }}}} What it allows: {{{{ first . | label \"reason\" }}}}{{{{ end }}}}"
    )
}

/// Since when a client holds a scope or permission, as a sentence.
pub(super) fn first_seen(kind: &str) -> String {
    format!(
        "{{{{ with printf\n\
         \"max(genesyscloud_oauth_client_dangerous_{kind}_first_seen_timestamp_seconds{{org=%q, client_id=%q, {kind}=%q}})\"\n\
         $labels.org $labels.client_id $labels.{kind} | query }}}} {{{{ with first . | value }}}}The exporter first saw it at\n\
         {{{{ . | humanizeTimestamp }}}}.{{{{ else }}}}It existed before the exporter or the policy first looked.{{{{ end }}}}{{{{ end }}}}"
    )
}

/// The annotation with the runbook of an alert.
pub(super) fn runbook(alert: &str, runbooks: Option<&str>, external_url: Option<&str>, memory: Span) -> String {
    if let Some(base) = runbooks {
        let url = if base.contains("ALERT") { base.replace("ALERT", alert) } else { format!("{base}/{alert}") };
        return format!("runbook_url: {url}");
    }
    if let Some(base) = external_url {
        return format!("runbook_url: {base}/runbooks/{alert}");
    }
    let (series, memory) = ("genesyscloud_oauth_exporter_web_info{external_url!=''}", memory.promql());
    // Any exporter has the runbook, and one that is up is better.
    format!(
        "runbook_url: >-\n  {{{{ with query \"max by (external_url) ({series}) or on ()\n  \
         max by (external_url) (last_over_time({series}[{memory}]))\"\n  \
         | sortByLabel \"external_url\" }}}}{{{{ first . | label \"external_url\" }}}}{{{{ end }}}}/runbooks/{alert}"
    )
}

/// The annotation with the page of the client at the exporter that reports its organisation.
pub(super) fn client_link(external_url: Option<&str>, memory: Span) -> String {
    const CLIENT: &str = "/clients/{{ $labels.client_id | urlquery }}";
    if let Some(base) = external_url {
        return format!("client_url: {base}{CLIENT}");
    }
    let memory = memory.promql();
    let (web, org) =
        ("genesyscloud_oauth_exporter_web_info{external_url!=''}", "genesyscloud_oauth_org_info{org=%[1]q}");
    format!(
        "client_url: >-\n  {{{{ with printf\n  \"max by (external_url) ({web}\n  and on (instance) {org})\n  or on ()\n  \
         max by (external_url) (last_over_time({web}[{memory}])\n  and on (instance) last_over_time({org}[{memory}]))\"\n  \
         $labels.org | query | sortByLabel \"external_url\" }}}}{{{{ first . | label \"external_url\" }}}}{{{{ end }}}}{CLIENT}"
    )
}

/// The sentence in a rule file on where its links lead.
pub(super) fn links_note(external_url: Option<&str>, memory: Span) -> String {
    match external_url {
        Some(url) => format!("The links to the exporter lead to {url}."),
        None => format!(
            "The links to the exporter lead to its --web.external-url, which it exports\n\
             # (genesyscloud_oauth_exporter_web_info, now or within {}). Without one, they are paths.",
            memory.promql()
        ),
    }
}
