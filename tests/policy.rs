//! The policy from end to end: exemptions over findings, older guides' audit, mutated files, documents.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeSet;

use genesyscloud_oauth_exporter::audit::{Outcome, Report, Status, evaluate, explain, rules};
use genesyscloud_oauth_exporter::baseline::{Approval, Baseline};
use genesyscloud_oauth_exporter::domain::{Collector, Snapshot};
use genesyscloud_oauth_exporter::fixtures::{self, TAKEN_AT as NOW, not_read, policy};
use genesyscloud_oauth_exporter::policy::{BUILT_IN, Policy};
use proptest::prelude::*;

/// Rules that the documentation exempts from and that may be written later than the policy.
const SLUGS_OF_EXAMPLES: [&str; 3] = ["password-grant", "implicit-grant", "loopback-redirect"];

fn snapshot(clients: &[(String, &str, Vec<String>)]) -> Snapshot {
    let client = |(id, grant, held): &(String, &str, Vec<String>)| {
        fixtures::client(id).named(format!("Client {id}")).spelled(grant).scopes(held.iter().map(String::as_str))
    };
    fixtures::snapshot()
        .clients(clients.iter().map(client))
        .not_read(Collector::Permissions, not_read("not asked"))
        .build()
}

fn client(number: usize, grant: &'static str, scopes: &[&str]) -> (String, &'static str, Vec<String>) {
    (format!("c-{number:02}"), grant, scopes.iter().map(|scope| (*scope).to_owned()).collect())
}

/// `client rule evidence status exemption` of the rules that this file is about.
fn told(report: &Report) -> Vec<String> {
    let about = |slug: &str| slug == "dangerous-scope" || slug.starts_with("exemption-");
    let findings = report.findings.iter().filter(|finding| about(finding.rule.slug));
    let line = |f: &genesyscloud_oauth_exporter::audit::Finding| {
        let client = f.client.as_ref().map_or("-", |client| client.as_str());
        let exemption = f.exemption.as_deref().unwrap_or("-");
        format!("{client} {} {} {} {exemption}", f.rule.slug, f.evidence.key, f.status.label())
    };
    findings.map(line).collect()
}

const SELECTORS: &str = "[selectors.one]\nid = \"c-01\"\n[selectors.all-code]\ngrant = \"code\"\n";

fn exemption(id: &str, client: &str, more: &str) -> String {
    format!(
        "[[exemption]]\nid = \"{id}\"\nrule = \"dangerous-scope\"\nclient = \"{client}\"\nowner = \"o\"\nreason = \"r\"\n{more}\n"
    )
}

#[test]
fn exemptions_cover_what_they_name_and_as_long_as_they_say() {
    let open = "c-01 dangerous-scope oauth open -";
    let users = "c-01 dangerous-scope users open -";
    let clients = [client(1, "CODE", &["oauth", "users"])];
    for (what, text, expected) in [
        (
            "one piece of evidence",
            exemption("e", "one", "only = \"oauth\""),
            vec!["c-01 dangerous-scope oauth exempt e", users],
        ),
        (
            "all of a client",
            exemption("e", "one", ""),
            vec!["c-01 dangerous-scope oauth exempt e", "c-01 dangerous-scope users exempt e"],
        ),
        (
            "the first counts and both are used",
            exemption("e", "one", "only = \"oauth\"") + &exemption("f", "one", ""),
            vec!["c-01 dangerous-scope oauth exempt e", "c-01 dangerous-scope users exempt f"],
        ),
        (
            "its end has come: the finding is open again",
            exemption("e", "one", "expires = 2026-09-20"),
            vec!["- exemption-expired e open -", open, users],
        ),
        (
            "its last day",
            exemption("e", "one", "only = \"oauth\"\nexpires = 2026-09-21"),
            vec!["c-01 dangerous-scope oauth exempt e", users],
        ),
        (
            "nothing to cover",
            exemption("e", "one", "only = \"upload\""),
            vec!["- exemption-unused e open -", open, users],
        ),
        (
            "everybody, whatever they hold",
            exemption("e", "*", ""),
            vec![
                "- exemption-too-broad e open -",
                "c-01 dangerous-scope oauth exempt e",
                "c-01 dangerous-scope users exempt e",
            ],
        ),
        (
            "a grant type names no client",
            exemption("e", "all-code", ""),
            vec![
                "- exemption-too-broad e open -",
                "c-01 dangerous-scope oauth exempt e",
                "c-01 dangerous-scope users exempt e",
            ],
        ),
        (
            "everybody, but one scope",
            exemption("e", "*", "only = \"users\""),
            vec![open, "c-01 dangerous-scope users exempt e"],
        ),
        (
            "the rule on exemptions is off",
            exemption("e", "one", "expires = 2026-09-20") + "[rules.exemption-expired]\nenabled = false\n",
            vec![open, users],
        ),
    ] {
        let report = evaluate(&snapshot(&clients), &policy(&format!("{SELECTORS}{text}")), None, NOW);
        assert_eq!(told(&report), expected, "{what}");
        let exempt = report.grants.iter().filter(|grant| grant.status == Status::Exempt).count();
        assert_eq!(exempt, expected.iter().filter(|line| line.contains(" exempt ")).count(), "{what}");
    }
}

#[test]
fn an_exemption_that_covers_many_clients_is_too_broad() {
    for (count, broad) in [(10, false), (11, true)] {
        let clients: Vec<_> = (1..=count).map(|number| client(number, "CODE", &["oauth"])).collect();
        let text = exemption("e", "*", "only = \"oauth\"");
        let report = evaluate(&snapshot(&clients), &policy(&text), None, NOW);
        assert_eq!(told(&report).iter().any(|line| line.contains("too-broad")), broad, "{count}");
    }
}

#[test]
fn what_the_baseline_approves_uses_no_exemption() {
    let approval = Approval { by: "sec".to_owned(), at: NOW, reason: "reviewed".to_owned() };
    let baseline = Baseline::of(&snapshot(&[client(1, "CODE", &["oauth"])]), &approval);
    let text = format!("{SELECTORS}{}", exemption("e", "one", "only = \"oauth\""));
    let report = evaluate(&snapshot(&[client(1, "CODE", &["oauth"])]), &policy(&text), Some(&baseline), NOW);
    assert_eq!(told(&report), ["- exemption-unused e open -", "c-01 dangerous-scope oauth approved -"]);
}

#[test]
fn every_rule_is_explained_for_a_client() {
    let text = format!("{SELECTORS}{}[rules.missing-required-scope]\nenabled = false\n", exemption("e", "one", ""));
    let (policy, snapshot) = (
        policy(&text),
        snapshot(&[client(1, "CODE", &["oauth"]), client(2, "CLIENT-CREDENTIALS", &["oauth"]), client(3, "CODE", &[])]),
    );
    let report = evaluate(&snapshot, &policy, None, NOW);
    let outcome = |client: usize, slug: &str| {
        let explained = explain(&snapshot, &policy, &report, &snapshot.clients[client]);
        assert_eq!(explained.len(), rules::ALL.len());
        match explained.into_iter().find(|(rule, _)| rule.slug == slug).expect(slug).1 {
            Outcome::Found(found) => found.iter().map(|f| f.status.label()).collect::<Vec<_>>().join(" "),
            Outcome::Clean => "clean".to_owned(),
            Outcome::NotApplicable(why) => why,
            Outcome::NotEvaluated(why) => format!("not evaluated: {why}"),
            Outcome::Off => "off".to_owned(),
        }
    };
    assert_eq!(outcome(0, "dangerous-scope"), "exempt");
    assert_eq!(
        outcome(1, "dangerous-scope"),
        "it judges clients whose scopes count: user grants, or every client where the policy says so, and this one's grant type is client_credentials"
    );
    assert_eq!(outcome(2, "dangerous-scope"), "clean");
    assert_eq!(outcome(2, "missing-required-scope"), "off");
    assert!(outcome(2, "exemption-unused").contains("the organisation"));
}

const SCOPES: [&str; 7] =
    ["oauth", "users", "users:readonly", "admin:all", "presence", "analytics", "analytics:readonly"];
const GRANTS: [&str; 6] = ["CODE", "TOKEN", "CLIENT-CREDENTIALS", "PASSWORD", "SAML2-BEARER", "DEVICE"];

/// The audit of older guides: over every client, which required scopes it lacks and which dangerous ones it has, by plain
/// comparison of names.
fn plain_audit(
    clients: &[(String, &str, Vec<String>)],
    required: &[String],
    dangerous: &[String],
) -> BTreeSet<(String, &'static str, String)> {
    let mut issues = BTreeSet::new();
    for (id, _, held) in clients {
        for scope in required {
            if !held.contains(scope) {
                issues.insert((id.clone(), "missing-required-scope", scope.clone()));
            }
        }
        for scope in held {
            if dangerous.contains(scope) {
                issues.insert((id.clone(), "dangerous-scope", scope.clone()));
            }
        }
    }
    issues
}

fn scopes(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(SCOPES.to_vec()).prop_map(str::to_owned), 0..most)
}

proptest! {
    /// `judge = "every-client"` and `exact = true` reproduce the plain audit of older guides.
    #[test]
    fn the_plain_scope_audit_of_older_guides_is_a_policy(
        clients in prop::collection::vec((prop::sample::select(GRANTS.to_vec()), scopes(6)), 0..12),
        required in scopes(4),
        mut dangerous in scopes(4),
    ) {
        dangerous.sort();
        dangerous.dedup();
        let clients: Vec<_> =
            clients.into_iter().enumerate().map(|(n, (grant, held))| (format!("c-{n:02}"), grant, held)).collect();
        let patterns: Vec<String> = dangerous
            .iter()
            .map(|scope| format!("{{ match = {scope:?}, severity = \"high\", reason = \"r\", allow_unmatched = true }}"))
            .collect();
        let text = format!(
            "builtin = false\n[scopes]\njudge = \"every-client\"\nexact = true\ndangerous = [{}]\n\
             [[expect]]\nfor = \"*\"\nrequired_scopes = {required:?}\n",
            patterns.join(", ")
        );
        let report = evaluate(&snapshot(&clients), &policy(&text), None, NOW);
        let found: Vec<_> = report
            .findings
            .iter()
            .filter(|f| ["missing-required-scope", "dangerous-scope"].contains(&f.rule.slug))
            .map(|f| (f.client.as_ref().expect("a client").to_string(), f.rule.slug, f.evidence.key.clone()))
            .collect();
        let distinct: BTreeSet<_> = found.iter().cloned().collect();
        prop_assert_eq!(distinct.len(), found.len(), "each issue once");
        prop_assert_eq!(distinct, plain_audit(&clients, &required, &dangerous));
    }
}

/// What a mutation does to a text.
#[derive(Debug, Clone)]
enum Mutation {
    Byte(usize, u8),
    Delete(usize, usize),
    Duplicate(usize, usize),
    Token(usize, &'static str),
    Swap(usize, usize),
    DeleteLine(usize),
}

const TOKENS: [&str; 30] = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    "\"",
    "'''",
    "\n",
    "#",
    "*",
    "::",
    "0",
    "-1",
    "9e999",
    "nan",
    "true",
    "2026-02-30",
    "9999-12-31",
    "99999999999999999999d",
    "é",
    "\u{0}",
    "[[exemption]]\n",
    "[selectors.x]\n",
    "id = \"\"\n",
    "match = ",
    "expires = ",
    "a.b.c = 1\n",
];

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let at = || 0..20_000_usize;
    let mutation = prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        (at(), 1..40_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (at(), 1..200_usize).prop_map(|(at, length)| Mutation::Duplicate(at, length)),
        (at(), prop::sample::select(TOKENS.to_vec())).prop_map(|(at, token)| Mutation::Token(at, token)),
        (at(), at()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        at().prop_map(Mutation::DeleteLine),
    ];
    prop::collection::vec(mutation, 1..4)
}

fn mutated(text: &str, mutations: &[Mutation]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for mutation in mutations {
        let size = bytes.len().max(1);
        match *mutation {
            Mutation::Byte(at, byte) => {
                if let Some(slot) = bytes.get_mut(at % size) {
                    *slot = byte;
                }
            }
            Mutation::Delete(at, length) => {
                let at = at % size;
                bytes.drain(at.min(bytes.len())..(at + length).min(bytes.len()));
            }
            Mutation::Duplicate(at, length) => {
                let at = (at % size).min(bytes.len());
                let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            Mutation::Token(at, token) => {
                let at = (at % size).min(bytes.len());
                bytes.splice(at..at, token.bytes());
            }
            Mutation::Swap(a, b) => {
                if !bytes.is_empty() {
                    bytes.swap(a % size, b % size);
                }
            }
            Mutation::DeleteLine(at) => {
                let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
                let gone = at % lines.len();
                let rest = lines.iter().enumerate().filter(|(n, _)| *n != gone).map(|(_, line)| line.to_vec());
                bytes = rest.collect::<Vec<_>>().join(&b'\n');
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The examples of docs/policy.md, one after another.
fn documented() -> String {
    let text = std::fs::read_to_string("docs/policy.md").expect("docs/policy.md");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.collect::<Vec<_>>().join("\n")
}

fn slugs() -> Vec<&'static str> {
    let mut slugs = rules::slugs();
    slugs.extend(SLUGS_OF_EXAMPLES);
    slugs
}

#[test]
fn the_examples_of_the_documentation_are_a_policy() {
    let text = documented();
    let policy = Policy::parse(&text, &slugs()).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert!(policy.exemptions.len() >= 2 && text.len() > 1500);
}

#[test]
fn the_published_schema_is_the_one_of_the_code() {
    let published = std::fs::read_to_string("docs/policy.schema.json").expect("docs/policy.schema.json");
    let generated = format!("{:#}\n", genesyscloud_oauth_exporter::policy::json_schema());
    assert!(published == generated, "docs/policy.schema.json differs from the code; run scripts/generate");
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(10_000) })]

    /// A mutated policy is refused with a place in the file, or judges; nothing panics.
    #[test]
    fn mutated_policies_give_errors_or_a_report(mutations in mutations(), built_in in prop::bool::weighted(0.2)) {
        thread_local! {
            static DOCUMENTED: String = documented();
            static WORLD: Snapshot = snapshot(&[
                client(1, "CODE", &["oauth", "users"]),
                client(2, "CLIENT-CREDENTIALS", &["oauth"]),
                client(3, "DEVICE", &[]),
            ]);
        }
        let text = DOCUMENTED.with(|text| mutated(if built_in { BUILT_IN } else { text }, &mutations));
        match Policy::parse(&text, &slugs()) {
            Ok(policy) => {
                let report = WORLD.with(|world| evaluate(world, &policy, None, NOW));
                prop_assert_eq!(report.verdicts.len(), 3);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                let lines = text.matches('\n').count() + 1;
                for error in errors {
                    prop_assert!((1..=lines).contains(&error.line) && error.column >= 1, "{} in {}", error, text);
                    prop_assert!(!error.message.trim().is_empty());
                }
            }
        }
    }
}
