//! Readers of files, headers and settings, fed with `tests/corpus` and damaged copies: they answer, and never panic.
//!
//! The readers of the platform's answers and of the state file are private: `src/genesys/fuzz.rs`, `src/store/format/fuzz.rs`. The
//! policy's own mutations are in `policy.rs`.

use std::fs;

use genesyscloud_oauth_exporter::audit::rules;
use genesyscloud_oauth_exporter::baseline::Baseline;
use genesyscloud_oauth_exporter::config::{self, Settings};
use genesyscloud_oauth_exporter::domain::{ClientState, GrantType, OrgId, Organisation};
use genesyscloud_oauth_exporter::exposition::{Config, Encoding, Format, negotiate};
use genesyscloud_oauth_exporter::fixtures::world::{self, Sketch};
use genesyscloud_oauth_exporter::fixtures::{Damage, corpus, damaged};
use genesyscloud_oauth_exporter::policy::Policy;
use genesyscloud_oauth_exporter::store::snapshot_file;
use proptest::prelude::*;

use crate::soak::parser::{Exposition, parse};

/// Whether the reader of this folder accepts the bytes. Each error has a text.
fn accepts(kind: &str, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let error = match kind {
        "policy" => Policy::parse(&text, &rules::slugs()).err().map(|errors| errors[0].to_string()),
        "baseline" => Baseline::parse(&text).err().map(|error| error.to_string()),
        "snapshot" => {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("snapshot.json");
            fs::write(&path, bytes).expect("writable");
            snapshot_file::read(&path).err()
        }
        _ => {
            let (accept, encoding) = text.split_once('\n').unwrap_or((&text, ""));
            let (format, encoding) = negotiate(Some(accept), Some(encoding));
            // OpenMetrics and gzip are served only to those who name them.
            assert!(format == Format::Text || accept.to_ascii_lowercase().contains("openmetrics"), "{accept}");
            assert!(
                encoding == Encoding::Identity || text.contains('*') || text.to_ascii_lowercase().contains("gzip"),
                "{text}"
            );
            return true;
        }
    };
    assert!(error.as_ref().is_none_or(|error| !error.trim().is_empty()), "an error without a text");
    error.is_none()
}

const KINDS: [&str; 4] = ["policy", "baseline", "snapshot", "accept"];

#[test]
fn the_corpus_of_files_and_headers_is_read_or_refused() {
    for kind in KINDS {
        for (name, bytes) in corpus(kind) {
            let expected = name.starts_with("valid-") || kind == "accept";
            assert_eq!(accepts(kind, &bytes), expected, "{kind}/{name}");
        }
    }
}

/// What the scrapers of Prometheus send, with the answer that they expect.
#[test]
fn real_scrapers_get_what_they_prefer() {
    for (name, bytes) in corpus("accept") {
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (accept, encoding) = text.split_once('\n').expect("two lines");
        let expected = match name.as_str() {
            "valid-prometheus-2" | "valid-prometheus-3" => (Format::OpenMetrics, Encoding::Gzip),
            "valid-browser" => (Format::Text, Encoding::Gzip),
            _ => continue,
        };
        assert_eq!(negotiate(Some(accept), Some(encoding)), expected, "{name}");
    }
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![r#"[a-z\\"\n{}=,# 🦀]{0,12}"#, "(?s).{0,8}"]
}

/// Both formats, read back by the strict parser. Only their names of counters differ.
fn read_back(clients: &[(String, String, usize, usize)]) -> [Exposition; 2] {
    let sketches: Vec<Sketch<'_>> = clients
        .iter()
        .map(|(id, name, grant, state)| Sketch(id, name, GrantType::ALL[*grant], ClientState::ALL[*state], &["oauth"]))
        .collect();
    let organisation = Organisation { id: OrgId::new("o"), name: "O\"\\\n".to_owned(), region: "r".to_owned() };
    let org = world::org("default", organisation, "", &sketches);
    let parts = world::render(std::slice::from_ref(&org), &Config::default());
    [(Format::Text, Encoding::Gzip), (Format::OpenMetrics, Encoding::Identity)].map(|(format, encoding)| {
        let text = world::scrape(&parts, &world::own(), format, encoding);
        parse(&text, format == Format::OpenMetrics).unwrap_or_else(|rule| panic!("{rule}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_damaged_file_or_header_is_read_or_refused(
        kind in prop::sample::select(KINDS.to_vec()), which: prop::sample::Index, damage in prop::collection::vec(any::<Damage>(), 1..5),
    ) {
        let corpus = corpus(kind);
        accepts(kind, &damaged(&corpus[which.index(corpus.len())].1, &damage));
    }

    /// Durations, addresses, URLs, sizes and switches: a setting or an error that names the flag.
    #[test]
    fn any_text_for_a_setting_is_read_or_refused_by_name(
        flag in prop::sample::select(vec![
            "web.listen-address", "web.telemetry-path", "web.max-connections", "refresh.interval", "refresh.stale-after",
            "refresh.deadline", "genesys.retry-base", "genesys.max-body-bytes", "genesys.burst", "metrics.max-client-series",
            "genesys.clients-path", "log.level", "web.expose-report",
        ]),
        text in prop_oneof!["[0-9]{0,22}[a-z%]{0,3}", "[0-9.]{1,12}(ms|s|m|h|d|KiB|GiB)", "[a-z/:\\[\\]@.%0-9-]{0,20}", "(?s).{0,12}"],
    ) {
        let gathered = config::read(&[(flag.to_owned(), text.clone())], Vec::<(String, String)>::new());
        if let Err(errors) = Settings::offline(&gathered) {
            prop_assert!(errors.iter().any(|error| error.to_string().contains(flag)), "{flag} {text:?}: {errors:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every name comes back from both formats as it was put in.
    #[test]
    fn the_exposition_is_parsed_back_and_both_formats_say_the_same(
        clients in prop::collection::btree_map(any_name(), (any_name(), 0..6_usize, 0..4_usize), 0..5),
    ) {
        let clients: Vec<_> = clients.into_iter().map(|(id, (name, grant, state))| (id, name, grant, state)).collect();
        let [text, open] = read_back(&clients);
        prop_assert_eq!(text.families.keys().collect::<Vec<_>>(), open.families.keys().collect::<Vec<_>>());
        for (name, family) in text.families.iter().filter(|(_, family)| family.kind == "gauge") {
            let pairs = |samples: &[crate::soak::parser::Sample]| -> Vec<_> {
                samples.iter().map(|sample| (sample.series.clone(), sample.value.to_bits())).collect()
            };
            prop_assert_eq!(pairs(&family.samples), pairs(open.samples(name)));
        }
        let read: Vec<_> = text.samples("genesyscloud_oauth_client_info").iter()
            .map(|sample| (sample.labels["client_id"].clone(), sample.labels["client_name"].clone())).collect();
        let put: Vec<_> = clients.iter().map(|(id, name, ..)| (id.clone(), name.clone())).collect();
        prop_assert_eq!(read, put);
    }
}
