//! The report as Markdown, for a comment on a pull request: counts, then the findings by severity.
//!
//! Anybody who can edit a client chooses its name. Names are written as code spans, in which nothing is a link, a mention or
//! markup.

use std::fmt::Write as _;

use super::rule_outcomes::RuleOutcomes;
use super::standing::{COLUMNS, Standing, sentence, standings};
use super::{Audited, ReportedOrganisation, Resolved, Summary};
use crate::audit::{Finding, Status, describe_client_gaps, describe_input_gap};
use crate::domain::{Severity, Snapshot};
use crate::text::{counted, rfc3339, utc, visible};

/// GitHub refuses a comment of more than 65,536 characters. Findings beyond this limit, in bytes, are only counted.
const MOST: usize = 60_000;
/// Bytes of the limit that are reserved for the summary after the findings.
const RESERVE: usize = 4_000;

/// The report of all organisations, the worst first.
pub fn render(organisations: &[ReportedOrganisation<'_>]) -> String {
    let mut text = String::from("## OAuth clients\n");
    if organisations.is_empty() {
        text.push_str("\nNo organisation was audited.\n");
    }
    let standings = standings(organisations);
    if standings.len() > 1 {
        comparison(&mut text, &standings);
    }
    for (position, standing) in standings.iter().enumerate() {
        let (before, remaining) = (text.len(), standings.len() - position);
        // Each gets an equal share of what is left.
        let most = before + (MOST - RESERVE).saturating_sub(before) / remaining;
        one(&mut text, standing.organisation, most);
        if text.len() > MOST && position > 0 {
            text.truncate(before);
            push(&mut text, format_args!("\n… and {}; the other report formats show them\n", more(remaining)));
            break;
        }
    }
    text
}

fn more(organisations: usize) -> String {
    if organisations == 1 { "1 more organisation".to_owned() } else { format!("{organisations} more organisations") }
}

/// One line for each organisation, as many as fit into half of the limit.
fn comparison(text: &mut String, standings: &[Standing<'_>]) {
    push(
        text,
        format_args!("\n{}\n\n| organisation | result | {} |\n|---|---|", sentence(standings), COLUMNS.join(" | ")),
    );
    text.push_str(&"--:|".repeat(COLUMNS.len()));
    text.push('\n');
    for (position, standing) in standings.iter().enumerate() {
        let counts: Vec<String> = match standing.counts {
            Some(counts) => counts.iter().map(usize::to_string).collect(),
            None => vec![String::new(); COLUMNS.len()],
        };
        // In a table, a pipe ends the cell, even in a code span.
        let org = code(standing.organisation.org).replace('|', "\\|");
        let line = format!("| {org} | {} | {} |\n", standing.outcome.label(), counts.join(" | "));
        if text.len() + line.len() > MOST / 2 {
            push(text, format_args!("\n… and {}\n", more(standings.len() - position)));
            return;
        }
        text.push_str(&line);
    }
}

/// Findings beyond `most` bytes of the text are only counted.
fn one(text: &mut String, organisation: &ReportedOrganisation<'_>, most: usize) {
    let Some(audited) = organisation.audited else {
        let why = organisation.failure.unwrap_or("no reason was given");
        push(text, format_args!("\n### {}\n\n**NOT AUDITED**: {}\n", code(organisation.org), prose(why)));
        return;
    };
    let (snapshot, summary) = (audited.snapshot, Summary::new(audited.snapshot, audited.report));
    let of = &snapshot.organisation;
    push(text, format_args!("\n### {} ({}, {})\n\n", code(&of.name), code(organisation.org), utc(snapshot.taken_at)));
    if !organisation.complete {
        let why = organisation.failure.unwrap_or("clients are missing");
        push(text, format_args!("**INCOMPLETE**: {}. Clients that are not listed were not evaluated.\n\n", prose(why)));
    }
    if let Some(comparison) = organisation.comparison() {
        push(text, format_args!("{}\n\n", prose(&comparison)));
    }
    table(text, &summary);
    for severity in Severity::ALL {
        let open: Vec<&Finding> = organisation
            .findings()
            .filter(|finding| finding.status == Status::Open && finding.severity == severity)
            .collect();
        let count = open.iter().map(|finding| finding.count()).sum::<usize>();
        let title = match organisation.open_word() {
            "open" => format!("{} ({count})", capital(severity.label())),
            word => format!("{} {} ({count})", capital(word), severity.label()),
        };
        section(text, &title, &open, most, |finding| item(organisation, snapshot, finding, finding.rule.remediation));
    }
    resolved(text, organisation, most);
    for status in [Status::Exempt, Status::Approved, Status::NotEvaluated] {
        let settled: Vec<&Finding> = organisation.findings().filter(|finding| finding.status == status).collect();
        let title = format!("{} ({})", capital(&status.label().replace('_', " ")), settled.len());
        section(text, &title, &settled, most, |finding| {
            item(organisation, snapshot, finding, &exemption_text(audited, finding))
        });
    }
    ends(text, organisation, audited, most);
}

fn table(text: &mut String, summary: &Summary) {
    text.push_str("| | critical | high | medium | low | info | all |\n|---|--:|--:|--:|--:|--:|--:|\n");
    for (title, counts) in
        [("open findings", summary.open_by_severity), ("flagged clients", summary.flagged_by_severity)]
    {
        let all: usize = counts.iter().map(|(_, count)| count).sum();
        let counts: Vec<String> = counts.iter().map(|(_, count)| count.to_string()).collect();
        push(text, format_args!("| {title} | {} | {all} |\n", counts.join(" | ")));
    }
}

/// A heading and as many items as fit into the limit.
fn section(text: &mut String, title: &str, findings: &[&Finding], most: usize, line: impl Fn(&Finding) -> String) {
    if findings.is_empty() {
        return;
    }
    push(text, format_args!("\n#### {title}\n\n"));
    for (position, finding) in findings.iter().enumerate() {
        let line = line(finding);
        if text.len() + line.len() > most {
            push(
                text,
                format_args!(
                    "- … and {} more; the other report formats list them\n",
                    findings[position..].iter().map(|finding| finding.count()).sum::<usize>()
                ),
            );
            return;
        }
        text.push_str(&line);
    }
}

/// The findings that ended since the earlier audit, as many as fit into the limit.
fn resolved(text: &mut String, organisation: &ReportedOrganisation<'_>, most: usize) {
    let resolved = organisation.resolved();
    let count = |some: &[Resolved<'_>]| some.iter().map(|resolved| resolved.count).sum::<usize>();
    if resolved.is_empty() {
        return;
    }
    push(text, format_args!("\n#### Resolved ({})\n\n", count(&resolved)));
    for (position, Resolved { finding, client_name, how, .. }) in resolved.iter().enumerate() {
        let client = finding.client.as_ref().map_or_else(
            || "The organisation".to_owned(),
            |id| format!("{} ({})", code(client_name), code(id.as_str())),
        );
        let (rule, severity) = (rule(organisation, finding.rule.slug), finding.severity);
        let line = format!("- {client}: {}, {rule}, {severity}, {how}\n", code(&finding.evidence.text));
        if text.len() + line.len() > most {
            push(
                text,
                format_args!("- … and {} more; the other report formats list them\n", count(&resolved[position..])),
            );
            return;
        }
        text.push_str(&line);
    }
}

fn item(organisation: &ReportedOrganisation<'_>, snapshot: &Snapshot, finding: &Finding, then: &str) -> String {
    let client = finding.client.as_ref().map_or_else(
        || "The organisation".to_owned(),
        |id| {
            let name = snapshot.client(id).map_or("", |client| &client.name);
            format!("{} ({})", code(name), code(id.as_str()))
        },
    );
    let evidence = code(&finding.evidence.text);
    let rule = rule(organisation, finding.rule.slug);
    format!("- {client}: {evidence}, {rule}. {} {}\n", prose(&finding.reason), prose(then))
}

/// The slug of a rule, as a link to its page if there is one.
fn rule(organisation: &ReportedOrganisation<'_>, slug: &str) -> String {
    // A parenthesis would end the link.
    let link = organisation.rule_link(slug).map(|link| link.replace('(', "%28").replace(')', "%29"));
    link.map_or_else(|| slug.to_owned(), |link| format!("[{slug}]({link})"))
}

/// The owner, expiry and reason of the exemption; empty without one.
fn exemption_text(audited: Audited<'_>, finding: &Finding) -> String {
    match audited.exemption_of(finding) {
        Some(exemption) => {
            let end =
                exemption.expires.map_or("without an expiry date".to_owned(), |end| format!("until {}", rfc3339(end)));
            format!("Exempt by {}, {end}: {}", exemption.owner, exemption.reason)
        }
        None => String::new(),
    }
}

/// The counts, and everything that could not be evaluated: a report never says only that all is well.
fn ends(text: &mut String, organisation: &ReportedOrganisation<'_>, audited: Audited<'_>, most: usize) {
    let (snapshot, report) = (audited.snapshot, audited.report);
    let summary = Summary::new(snapshot, report);
    push(
        text,
        format_args!(
            "\n{} clients: {} flagged, {} not evaluated, {} compliant. {} findings: {} open, {} exempt, {} approved, \
             {} not evaluated. {}\n",
            summary.clients,
            summary.flagged,
            summary.not_evaluated,
            summary.compliant,
            report.findings().map(Finding::count).sum::<usize>(),
            summary.findings(Status::Open),
            summary.findings(Status::Exempt),
            summary.findings(Status::Approved),
            summary.findings(Status::NotEvaluated),
            RuleOutcomes::of(report).sentence(),
        ),
    );
    for (collector, why) in snapshot.input_gaps() {
        let cure = why.missing_permission.as_deref();
        let cure =
            cure.map_or(String::new(), |permission| format!(" Grant {} to the exporter's role.", code(permission)));
        push(text, format_args!("\n**NOT READ** {}.{cure}\n", prose(&describe_input_gap(collector, why))));
    }
    let partial = snapshot.clients.partial().map(|client| {
        let gaps = describe_client_gaps(client, report.evaluated_at);
        format!("\n**PARTIAL RECORD** {}: {gaps}.\n", code(client.id.as_str()))
    });
    bounded(text, most, snapshot.clients.partial().count(), partial);
    let unknown = report.role_gaps.iter().map(|role| {
        let role = code(role.as_str());
        format!("\n**UNKNOWN ROLE** {role}: clients hold it, but not everything about it is known.\n")
    });
    bounded(text, most, report.role_gaps.len(), unknown);
    let left_out = organisation.left_out();
    if left_out > 0 {
        push(text, format_args!("\nThe filters of this run hide {}.\n", counted(left_out, "finding")));
    }
}

/// As many lines as fit into the limit and half of the reserve, and the number of the others.
fn bounded(text: &mut String, most: usize, count: usize, lines: impl Iterator<Item = String>) {
    for (position, line) in lines.enumerate() {
        if text.len() + line.len() > most + RESERVE / 2 {
            push(text, format_args!("\n… and {} more; the other report formats list them\n", count - position));
            return;
        }
        text.push_str(&line);
    }
}

fn push(text: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(piece);
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Untrusted text as a code span (`CommonMark` 6.1), in which nothing is markup and GitHub creates no mention or link.
fn code(name: &str) -> String {
    let name = visible(name);
    let longest = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Without the spaces, a backtick at the start or end of a name would extend the fence. An empty span is not a span.
    let edge = if name.is_empty() || name.starts_with(['`', ' ']) || name.ends_with(['`', ' ']) { " " } else { "" };
    // The table of organisations escapes pipes itself.
    let name = if name.is_empty() { "(no name)".into() } else { name };
    format!("{fence}{edge}{name}{edge}{fence}")
}

/// A sentence from a policy, the platform or a rule, escaped so that it contains no markup, link or mention.
fn prose(sentence: &str) -> String {
    let mut text = String::with_capacity(sentence.len() + 16);
    for character in visible(sentence).chars() {
        match character {
            // The comment separates the sign from the name that it would mention.
            '@' => text.push_str("@<!-- -->"),
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                text.push('\\');
                text.push(character);
            }
            _ => text.push(character),
        }
    }
    text.replace("://", "&#58;//").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;

    #[test]
    fn the_comment_reads_like_this() {
        let mut sample = sample::settled();
        let keep = ["Partner provisioning portal", sample::HOSTILE, "Batch password sync"];
        let keep = keep.map(|name| sample.id(name).clone());
        sample.report.edit_findings(|findings| {
            findings.retain(|finding| finding.client.as_ref().is_some_and(|id| keep.contains(id)));
        });
        insta::assert_snapshot!(render(&[sample.organisation(), sample::failed()]));
    }

    #[test]
    fn names_stay_text() {
        for (name, expected) in [
            ("Wallboard", "`Wallboard`"),
            ("a|b", "`a|b`"),
            ("`rm`", "`` `rm` ``"),
            ("a``b`c", "```a``b`c```"),
            ("[x](https://example.com) @team <b>", "`[x](https://example.com) @team <b>`"),
            ("a\n# b", "`a[U+000A]# b`"),
            ("", "` (no name) `"),
        ] {
            assert_eq!(code(name), expected);
        }
    }

    #[test]
    fn sentences_contain_no_markup_and_mention_nobody() {
        for (sentence, expected) in [
            ("plain, with a.b: and (c)", "plain, with a.b: and (c)"),
            ("@team", "@<!-- -->team"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("[a](https://b) `c` *d* _e_", "\\[a\\](https&#58;//b) \\`c\\` \\*d\\* \\_e\\_"),
            ("www.example.com | #12", "www&#46;example.com \\| \\#12"),
            ("&lt;", "&amp;lt;"),
        ] {
            assert_eq!(prose(sentence), expected);
        }
    }

    #[test]
    fn a_comment_is_never_too_long_and_the_remaining_findings_are_counted() {
        let mut sample = sample::planted();
        sample.report.edit_findings(|findings| *findings = vec![findings[0].clone(); 5_000]);
        let text = render(&[sample.organisation()]);
        assert!(text.len() < 65_536, "{}", text.len());
        let listed = text.matches("\n- `").count();
        assert!(listed > 50 && text.contains(&format!("and {} more", 5_000 - listed)), "{listed}");
        assert!(text.contains("5000 findings: 5000 open"), "the counts include every finding");
    }

    #[test]
    fn records_that_could_not_be_read_are_counted_if_there_are_too_many() {
        let mut sample = sample::planted();
        for role in 0..5_000 {
            sample.report.role_gaps.insert(crate::domain::RoleId::new(&*format!("role-{role}")));
        }
        let text = render(&[sample.organisation()]);
        assert!(text.len() < 65_536, "{}", text.len());
        let listed = text.matches("**UNKNOWN ROLE**").count();
        assert!(listed > 50 && text.contains(&format!("and {} more", 5_000 - listed)), "{listed}");
    }

    #[test]
    fn a_comment_on_two_hundred_organisations_is_not_too_long_and_begins_with_the_worst() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let long = "x|".repeat(10);
        let mut all = vec![ReportedOrganisation { org: &long, ..clean.organisation() }; 190];
        all.extend(vec![planted.organisation(); 9]);
        all.push(sample::failed());
        let text = render(&all);
        assert!(text.len() < 65_536, "{}", text.len());
        assert!(text.starts_with("## OAuth clients\n\n200 organisations: 199 audited, 0 incomplete, 1 not audited.\n"));
        let (table, sections) = text.split_once("\n### ").expect("sections");
        assert!(sections.starts_with("`emea`\n\n**NOT AUDITED**"), "{sections}");
        assert!(text.contains(" more organisations; the other report formats show them\n"));
        assert_eq!(table.lines().filter(|line| line.starts_with("| `")).count(), 200, "each has a line");
        assert!(table.contains(&format!("| `{}` |", "x\\|".repeat(10))), "a pipe stays in its cell");
        let flagged = text.matches("\n### `Contoso").count();
        assert!(flagged > 9, "each of the worst has a section, with a share of the space: {flagged}");
    }
}
