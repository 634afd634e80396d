//! The log of the running program in both formats.
//!
//! Not how a line is escaped (`src/telemetry`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::signals::Running;
use crate::support::program;

/// The keys of each event of a run, by its level and message.
type Keys = BTreeMap<(String, String), BTreeSet<Vec<String>>>;

const LAST: &str = "refresh complete";

/// What the demo logs until its first refresh has ended.
async fn log_of_demo(format: &str) -> String {
    let mut command = program();
    command.args(["demo", "--web.listen-address=127.0.0.1:0", "--log.level=debug", "--log.format", format]);
    command.env("GENESYSCLOUD_ACCESS_TOKEN", "hunter2").stdout(std::process::Stdio::null());
    let running = Running::start(command, tempfile::tempdir().expect("a folder"));
    running.until_logged(LAST).await;
    let log = running.log();
    // The last line may be incomplete.
    log.rsplit_once('\n').expect("lines").0.to_owned()
}

/// Reads a line of logfmt, in which no key has quotes.
fn pairs_of_logfmt(line: &str) -> Vec<(String, String)> {
    let (mut pairs, mut rest) = (Vec::new(), line);
    while let Some((key, after)) = rest.split_once('=') {
        let end = if after.starts_with('"') {
            let mut quoted = after.char_indices().skip(1);
            loop {
                match quoted.next().expect("a closing quote") {
                    (_, '\\') => drop(quoted.next()),
                    (at, '"') => break at + 1,
                    _ => {}
                }
            }
        } else {
            after.find(' ').unwrap_or(after.len())
        };
        let value = &after[..end];
        let value =
            if value.starts_with('"') { serde_json::from_str(value).expect("escapes") } else { value.to_owned() };
        pairs.push((key.to_owned(), value));
        rest = after[end..].trim_start_matches(' ');
    }
    assert_eq!(rest, "", "{line}");
    pairs
}

fn keys(events: impl Iterator<Item = Vec<(String, String)>>) -> Keys {
    let mut keys = Keys::new();
    for pairs in events {
        let of = |key: &str| pairs.iter().find(|(known, _)| known == key).expect(key).1.clone();
        let mut names: Vec<String> = pairs.iter().map(|(key, _)| key.clone()).collect();
        names.sort();
        keys.entry((of("level"), of("msg"))).or_default().insert(names);
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_of_a_run_has_the_same_keys_in_both_formats_and_org_at_the_top() {
    let (logfmt, json) = tokio::join!(log_of_demo("logfmt"), log_of_demo("json"));
    let objects: Vec<Map<String, Value>> =
        json.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    for object in &objects {
        assert!(object.values().all(|value| !value.is_object() && !value.is_array() && !value.is_null()), "{object:?}");
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let in_json =
        keys(objects.iter().map(|object| object.iter().map(|(key, value)| (key.clone(), text(value))).collect()));
    let in_logfmt = keys(logfmt.lines().map(pairs_of_logfmt));
    // One run can connect or wait more often than another one. What both log has the same keys.
    let both: Vec<_> = in_json.keys().filter(|event| in_logfmt.contains_key(*event)).collect();
    assert!(both.len() >= 5, "{both:?}");
    for event in both {
        assert_eq!(in_json[event], in_logfmt[event], "{event:?}");
    }
    let refreshed = objects.iter().find(|object| object["msg"] == LAST).expect("it was logged");
    assert_eq!(refreshed["org"], "default", "{refreshed:?}");
    let warned = objects
        .iter()
        .find(|object| object["level"] == "warn" && text(&object["msg"]).contains("GENESYSCLOUD_ACCESS_TOKEN"));
    assert!(warned.is_some() && !json.contains("hunter2"), "{json}");
}
