//! What holds for any two organisations: approving everything leaves no drift, and names and order mean nothing.

use proptest::prelude::*;

use super::*;
use crate::domain::Input;

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let scopes = prop::sample::subsequence(vec!["oauth", "users", "presence"], 0..4);
    let roles = prop::sample::subsequence(vec![("mild", "*"), ("mild", "d"), ("wild", "*"), ("gone", "d")], 0..5);
    let uris = prop::sample::subsequence(vec!["https://x/cb", "http://y"], 0..3);
    let client = (0..6_usize, 0..4_usize, scopes, roles, uris, prop::option::of(300_u32..90_000));
    prop::collection::vec(client, 0..4).prop_map(|clients| {
        let ids = ["c-1", "c-2", "c-3", "c-4"];
        let case = |(id, (grant, state, scopes, roles, uris, validity))| {
            let (grant, state) = (GrantType::ALL[grant], ClientState::ALL[state]);
            Case { id, grant, state, scopes, roles, uris, validity }
        };
        ids.into_iter().zip(clients).map(case).collect()
    })
}

/// The text of a baseline as earlier versions wrote it.
fn without_names(text: &str) -> String {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                fields.retain(|name, _| name != "name" && name != "division_names");
                fields.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).expect("JSON");
    strip(&mut value);
    value.to_string()
}

proptest! {
    #[test]
    fn what_was_approved_as_a_whole_does_not_differ(before in cases(), now in cases()) {
        let (before, now) = (snapshot(&before, ROLES), snapshot(&now, ROLES));
        let mut baseline = Baseline::of(&before, &approval());
        baseline.approve_all(&now, &approval());
        let read = Baseline::parse(&baseline.to_json()).expect("what is written is read");
        prop_assert_eq!(&read, &baseline);
        prop_assert!(read.differences(&now).is_empty());
        prop_assert_eq!(drift(&evaluated(&now, &read, NOW)), Vec::<String>::new());
        for finding in evaluated(&now, &read, NOW).findings() {
            let is_privilege = ["dangerous-scope", "dangerous-permission"].contains(&finding.rule.slug);
            prop_assert!(!is_privilege || finding.status.label() == "approved", "{finding:?}");
        }
    }

    #[test]
    fn names_and_order_change_no_approval(before in cases(), now in cases()) {
        let baseline = Baseline::of(&snapshot(&before, ROLES), &approval());
        let mut other = snapshot(&now.iter().rev().cloned().collect::<Vec<_>>(), ROLES);
        for client in other.clients.iter_mut() {
            client.name = format!("Another {}", client.id).into();
            client.role_grants.reverse();
            client.redirect_uris.reverse();
        }
        if let Input::Read(roles) = &mut other.roles {
            roles.iter_mut().for_each(|role| role.name = format!("Other {}", role.id));
        }
        let now = snapshot(&now, ROLES);
        prop_assert_eq!(evaluated(&now, &baseline, NOW).baseline, evaluated(&other, &baseline, NOW).baseline);
        prop_assert_eq!(baseline.differences(&now), baseline.differences(&other));
        let mut renamed = baseline.clone();
        renamed.approve_all(&other, &approval());
        let mut plain = baseline;
        plain.approve_all(&now, &approval());
        prop_assert!(plain.approves_the_same(&renamed));
        // Names that differ from those of now, or that an old file does not have, change nothing.
        renamed.refresh_names(&other);
        let old = Baseline::parse(&without_names(&plain.to_json())).expect("a file without names is read");
        for baseline in [&renamed, &old] {
            prop_assert!(baseline.approves_the_same(&plain));
            prop_assert_eq!(baseline.differences(&now), plain.differences(&now));
            let (one, another) = (evaluated(&now, baseline, NOW), evaluated(&now, &plain, NOW));
            prop_assert_eq!(one.findings().collect::<Vec<_>>(), another.findings().collect::<Vec<_>>());
            prop_assert_eq!(one.baseline, another.baseline);
        }
        // Every write takes the names of now.
        let mut refreshed = old;
        refreshed.refresh_names(&now);
        plain.refresh_names(&now);
        prop_assert_eq!(refreshed.to_json(), plain.to_json());
        for (id, client) in &renamed.clients {
            prop_assert_eq!(client.names.client.clone(), Some(format!("Another {id}")));
        }
    }
}
