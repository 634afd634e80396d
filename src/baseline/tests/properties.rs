//! What holds for any two organisations: approving everything leaves no drift, and names and order mean nothing.

use proptest::prelude::*;

use super::*;

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
        for finding in evaluated(&now, &read, NOW).findings {
            let is_privilege = ["dangerous-scope", "dangerous-permission"].contains(&finding.rule.slug);
            prop_assert!(!is_privilege || finding.status.label() == "approved", "{finding:?}");
        }
    }

    #[test]
    fn names_and_order_change_no_approval(before in cases(), now in cases()) {
        let baseline = Baseline::of(&snapshot(&before, ROLES), &approval());
        let mut other = snapshot(&now.iter().rev().cloned().collect::<Vec<_>>(), ROLES);
        for client in other.clients.iter_mut() {
            client.name = "Another".to_owned();
            client.role_grants.reverse();
            client.redirect_uris.reverse();
        }
        let now = snapshot(&now, ROLES);
        prop_assert_eq!(evaluated(&now, &baseline, NOW).baseline, evaluated(&other, &baseline, NOW).baseline);
        prop_assert_eq!(baseline.differences(&now), baseline.differences(&other));
        let mut renamed = baseline.clone();
        renamed.approve_all(&other, &approval());
        let mut plain = baseline;
        plain.approve_all(&now, &approval());
        prop_assert_eq!(plain.to_json(), renamed.to_json());
    }
}
