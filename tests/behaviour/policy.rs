//! The policies in the documentation are valid and match the schema, and mutations of them never make the program panic.

use genesyscloud_oauth_exporter::audit::{evaluate, rules};
use genesyscloud_oauth_exporter::domain::Snapshot;
use genesyscloud_oauth_exporter::fixtures::{self, TAKEN_AT, client};
use genesyscloud_oauth_exporter::policy::{BUILT_IN, Policy};
use proptest::prelude::*;

/// Rules that the documentation exempts clients from, and that may not exist yet.
const SLUGS_OF_EXAMPLES: [&str; 3] = ["password-grant", "implicit-grant", "loopback-redirect"];

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

    /// A mutated policy is rejected with a place in the file, or can be evaluated; nothing panics.
    #[test]
    fn mutated_policies_give_errors_or_a_report(mutations in mutations(), built_in in prop::bool::weighted(0.2)) {
        thread_local! {
            static DOCUMENTED: String = documented();
            static WORLD: Snapshot = fixtures::snapshot()
                .client(client("c-01").spelled("CODE").scopes(["oauth", "users"]))
                .client(client("c-02").spelled("CLIENT-CREDENTIALS").scopes(["oauth"]))
                .client(client("c-03").spelled("DEVICE"))
                .build();
        }
        let text = DOCUMENTED.with(|text| mutated(if built_in { BUILT_IN } else { text }, &mutations));
        match Policy::parse(&text, &slugs()) {
            Ok(policy) => {
                let report = WORLD.with(|world| evaluate(world, &policy, None, TAKEN_AT));
                prop_assert_eq!(report.verdicts().count(), 3);
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
