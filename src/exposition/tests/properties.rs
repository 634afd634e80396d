//! What holds in any world: the bytes of the plain writer, one family in one place, and one gzip member.
//!
//! Not whether real scrapers can read it: that is `tests/behaviour/exposition.rs`.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::reference;
use crate::audit::Status;
use crate::domain::{ClientState, GrantType, OrgId, Organisation, Timestamp};
use crate::exposition::{AUDITED_FAMILIES, Config, Encoding, FRESHNESS_FAMILIES, Format, StatusPart};
use crate::fixtures::world::{self, Org, Sketch, permission_grants, scope_grant};
use crate::ledger::{Grant, Ledger, Memory, Standing};
use crate::metric::Registry;

const POLICY: &str = r#"
[scopes]
dangerous = [{ match = "a*", severity = "critical", reason = "x" }, { match = "*\"*", severity = "high", reason = "x" }]
[[expect]]
for = "*"
required_scopes = ["b"]
"#;

const STANDINGS: [Standing; 3] = [Standing::Unapproved, Standing::Exempt, Standing::Settled];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![r#"[a-z\\"\n 🦀]{0,12}"#, "(?s).{0,8}", "[é\"]{250,260}"]
}

fn any_org() -> impl Strategy<Value = Org> {
    let scopes = prop::collection::vec(prop::sample::select(vec!["a", "a:readonly", "b", "c\"\\\n", "oauth"]), 0..4);
    let time = prop::option::of((-10_i64..2_000_000_000).prop_map(Timestamp::from_seconds));
    let client = (any_text(), any_text(), 0..6_usize, 0..4_usize, scopes, (time.clone(), time.clone(), time));
    let clients = prop::collection::vec(client, 0..6);
    let ledger = prop::collection::vec((any_text(), any_text(), prop::option::of(0_i64..5), 0..3_u32), 0..4);
    let permission = prop::sample::select(vec!["oauth:client:add", "*:client:a\"dd", "users:user:view", "oauth:*:*"]);
    let memory = (prop::option::of(0_i64..5), 0..3_u32);
    // The client, the permission, its standing, and when it was first seen.
    let permissions = prop::collection::vec((any_text(), permission, 0..5_usize, memory), 0..6);
    let baseline = prop::option::of(prop::array::uniform4(0..3_usize));
    let exemptions = prop::collection::vec((any_text(), 0_i64..9), 0..3);
    let statuses = prop::collection::vec(0..4_usize, 0..10);
    (any_text(), any_text(), clients, ledger, statuses, (permissions, baseline, exemptions)).prop_map(
        |(org, name, mut clients, ledger, statuses, (mut permissions, baseline, exemptions))| {
            let mut ids = BTreeSet::new();
            clients.retain(|client| ids.insert(client.0.clone()));
            clients.sort_by(|a, b| a.0.cmp(&b.0));
            let sketches: Vec<Sketch<'_>> = clients
                .iter()
                .map(|(id, name, grant_type, state, scopes, _)| {
                    Sketch(id, name, GrantType::ALL[*grant_type], ClientState::ALL[*state], scopes)
                })
                .collect();
            let organisation = Organisation { id: OrgId::new("o"), name, region: "r".to_owned() };
            let mut org = world::org(&org, organisation, POLICY, &sketches);
            for (client, (.., times)) in org.snapshot.clients.iter_mut().zip(&clients) {
                (client.created, client.modified, client.deletion) = *times;
            }
            for (finding, status) in statuses.into_iter().enumerate() {
                org.set_status(finding, Status::ALL[status]);
            }
            org.report.baseline = baseline.map(world::compared_baseline);
            org.report.exemptions = exemptions
                .into_iter()
                .enumerate()
                .map(|(n, (id, end))| (format!("{n}{id}"), Timestamp::from_seconds(end)))
                .collect();
            let mut distinct = BTreeSet::new();
            permissions.retain(|(client, permission, ..)| distinct.insert((client.clone(), *permission)));
            let memory = |seen: Option<i64>, missed: u32, standing: usize| match missed {
                2 => world::GONE,
                missed => {
                    let first_seen = seen.map(Timestamp::from_seconds);
                    Memory::Held { first_seen, missed, standing: STANDINGS[standing % STANDINGS.len()] }
                }
            };
            let mut entries: Vec<_> = org
                .report
                .dangerous_scope_grants()
                .enumerate()
                .map(|(n, (client, scope, _))| (Grant::scope(client, scope), memory(Some(5), 0, n)))
                .collect();
            for (client, scope, seen, missed) in ledger {
                entries.push((scope_grant(&client, &scope), memory(seen, missed, scope.len())));
            }
            for (client, permission, standing, (seen, missed)) in permissions {
                let memory = memory(seen, missed, standing);
                entries.extend(permission_grants(&client, permission).map(|grant| (grant, memory)));
            }
            org.ledger = Ledger::from_entries(entries, std::collections::BTreeSet::new());
            org
        },
    )
}

fn any_world() -> impl Strategy<Value = Vec<Org>> {
    prop::collection::vec(any_org(), 0..4).prop_map(|mut world| {
        let mut names = BTreeSet::new();
        world.retain(|org| names.insert(org.label.clone()));
        world
    })
}

fn any_config() -> impl Strategy<Value = Config> {
    let per_client: Vec<String> =
        AUDITED_FAMILIES.iter().filter(|f| f.labels.contains(&"client_id")).map(|f| f.name.to_owned()).collect();
    (prop::sample::subsequence(per_client, 0..3), 0..60_usize)
        .prop_map(|(disabled_families, max_client_series)| Config { disabled_families, max_client_series })
}

/// The family that a sample line belongs to.
fn family_of(line: &str) -> &str {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    ["_total", "_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| {
            name.strip_suffix(suffix).filter(|name| name.starts_with("demo_") || name.contains("_refreshes"))
        })
        .unwrap_or(name)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_writer_writes_what_the_plain_one_does(world in any_world(), config in any_config()) {
        let (audited, _) = world::render(&world, &config);
        let none = Registry::default();
        for format in [Format::Text, Format::OpenMetrics] {
            let text = world::scrape(&(audited.clone(), StatusPart::default()), &none, format, Encoding::Identity);
            let end = if format == Format::OpenMetrics { "# EOF\n" } else { "" };
            prop_assert_eq!(text, reference::render(&world, &config) + end);
        }
        for (size, org) in audited.sizes().iter().zip(&world) {
            let dropped: BTreeSet<&str> = size.dropped.iter().filter(|(_, n)| *n > 0).map(|(name, _)| *name).collect();
            prop_assert_eq!(dropped, reference::dropped(org, &config).into_iter().collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn a_gzip_answer_is_one_member_that_holds_the_plain_answer(world in any_world(), config in any_config()) {
        let parts = world::render(&world, &config);
        for format in [Format::Text, Format::OpenMetrics] {
            let plain = world::scrape(&parts, &world::own(), format, Encoding::Identity);
            prop_assert_eq!(world::scrape(&parts, &world::own(), format, Encoding::Gzip), plain);
        }
    }

    #[test]
    fn a_family_is_in_one_place_with_one_help_and_one_type_and_no_series_appears_twice(world in any_world()) {
        let parts = world::render(&world, &Config::default());
        let text = world::scrape(&parts, &world::own(), Format::OpenMetrics, Encoding::Identity);
        let mut lines = text.split_terminator('\n').peekable();
        let (mut families, mut series) = (BTreeSet::new(), BTreeSet::new());
        while let Some(help) = lines.next() {
            if help == "# EOF" {
                prop_assert!(lines.next().is_none(), "something behind the end");
                break;
            }
            let name = help.strip_prefix("# HELP ").and_then(|rest| rest.split(' ').next()).expect("HELP comes first");
            prop_assert!(families.insert(name.to_owned()), "{} appears twice", name);
            let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE ")).expect("TYPE comes second");
            prop_assert_eq!(kind.split(' ').next(), Some(name));
            let mut count = 0;
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                prop_assert_eq!(family_of(line), name);
                let (labels, _) = line.rsplit_once(' ').expect("a number");
                prop_assert!(series.insert(labels.to_owned()), "{} appears twice", labels);
                count += 1;
            }
            prop_assert!(count > 0, "{} has no series", name);
        }
        prop_assert!(text.ends_with("# EOF\n"));
    }
}

#[test]
fn families_are_named_once_and_by_our_conventions() {
    let mut names = BTreeSet::new();
    for (family, prefix) in AUDITED_FAMILIES
        .iter()
        .map(|family| (family, "genesyscloud_oauth_"))
        .chain(FRESHNESS_FAMILIES.iter().map(|family| (family, "genesyscloud_oauth_exporter_")))
    {
        assert!(names.insert(family.name), "{} appears twice", family.name);
        assert!(family.name.starts_with(prefix), "{}", family.name);
        assert!(!family.labels.contains(&"type"), "{}", family.name);
        assert!(family.help.ends_with('.'), "{}", family.name);
        assert!(!family.name.contains("timestamp") || family.name.ends_with("_timestamp_seconds"), "{}", family.name);
        let names_something = family.labels.iter().any(|label| label.ends_with("_name"));
        assert!(!names_something || family.name.ends_with("_info"), "{} has a name in it", family.name);
    }
    assert!(
        AUDITED_FAMILIES.iter().all(|family| family.help.to_lowercase().contains("absen")),
        "absence has a meaning"
    );
}
