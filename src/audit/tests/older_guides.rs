//! The scope audit of older guides, which a policy reproduces.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::audit::evaluate;
use crate::fixtures::{self, TAKEN_AT as NOW, policy};

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
        let holder = |(id, grant, held): &(String, &str, Vec<String>)| {
            fixtures::client(id).spelled(grant).scopes(held.iter().map(String::as_str))
        };
        let snapshot = fixtures::snapshot().clients(clients.iter().map(holder)).build();
        let report = evaluate(&snapshot, &policy(&text), None, NOW);
        let found: Vec<_> = report
            .findings()
            .filter(|f| ["missing-required-scope", "dangerous-scope"].contains(&f.rule.slug))
            .map(|f| (f.client.as_ref().expect("a client").to_string(), f.rule.slug, f.evidence.key.to_string()))
            .collect();
        let distinct: BTreeSet<_> = found.iter().cloned().collect();
        prop_assert_eq!(distinct.len(), found.len(), "each issue once");
        prop_assert_eq!(distinct, plain_audit(&clients, &required, &dangerous));
    }
}
