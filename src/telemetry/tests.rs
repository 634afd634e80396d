//! The format of log lines, and what cannot get into them.
//!
//! Each test logs to a buffer, with a subscriber for its own thread.

use super::*;
use crate::text::is_treacherous;

fn logged(level: Level, format: LogFormat, act: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    tracing::subscriber::with_default(subscriber(Config { level, format }, move || writer.clone()), act);
    let bytes = buffer.0.lock().expect("one thread").clone();
    String::from_utf8(bytes).expect("text")
}

fn refreshed() {
    let _span = tracing::info_span!("refresh", org = "default").entered();
    tracing::info!(clients = 12, name = "Wall board", "refreshed the organisation");
}

/// Removes the time after checking its form: `2026-01-02T03:04:05.678Z`.
fn without_time<'a>(line: &'a str, before: &str) -> &'a str {
    let rest = line.strip_prefix(before).expect("the time first");
    let (time, rest) = rest.split_at(24);
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00T00:00:00.000Z");
    rest
}

#[test]
fn a_logfmt_line() {
    let line = logged(Level::Info, LogFormat::Logfmt, refreshed);
    let expected = " level=info msg=\"refreshed the organisation\" clients=12 name=\"Wall board\" org=default\n";
    assert_eq!(without_time(&line, "ts="), expected);
}

#[test]
fn a_json_line() {
    let line = logged(Level::Info, LogFormat::Json, refreshed);
    let expected = "\",\"level\":\"info\",\"msg\":\"refreshed the organisation\",\"clients\":12,\
                    \"name\":\"Wall board\",\"org\":\"default\"}\n";
    assert_eq!(without_time(&line, "{\"ts\":\""), expected);
}

#[test]
fn the_target_is_logged_at_debug_and_trace() {
    for format in [LogFormat::Logfmt, LogFormat::Json] {
        assert!(!logged(Level::Info, format, || tracing::warn!("w")).contains("telemetry"));
        assert!(
            logged(Level::Debug, format, || tracing::debug!("d")).contains("genesyscloud_oauth_exporter::telemetry")
        );
    }
}

#[test]
fn the_level_applies_to_own_events_and_dependencies_only_log_warnings() {
    let act = || {
        tracing::trace!("own trace");
        tracing::error!("own error");
        tracing::trace!(target: "reqwest::connect", "authorization: Basic aHVudGVyMg==");
        tracing::info!(target: "hyper_util::client", "headers");
        tracing::warn!(target: "rustls::conn", "dependency warning");
    };
    let all = logged(Level::Trace, LogFormat::Logfmt, act);
    assert!(all.contains("own trace") && all.contains("dependency warning"), "{all}");
    assert!(!all.contains("authorization") && !all.contains("headers"), "{all}");
    let few = logged(Level::Error, LogFormat::Logfmt, act);
    assert!(few.contains("own error") && few.lines().count() == 1, "{few}");
}

#[test]
fn untrusted_text_can_neither_forge_a_line_nor_control_a_terminal() {
    let evil = "x\nts=1 level=error\r\u{1b}[2J\u{7f}\u{9b}31m\u{85}\u{202e}\u{2028}\u{2066}\u{61c}\u{ad}\u{e0041}\0";
    for format in [LogFormat::Logfmt, LogFormat::Json] {
        let line = logged(Level::Info, format, || {
            let _span = tracing::info_span!("s", org = evil).entered();
            tracing::info!(plain = "\u{9b}31m", display = %evil, debug = ?evil, text = evil, "{evil}");
        });
        assert_eq!(line.lines().count(), 1, "{line:?}");
        assert!(line.ends_with('\n') && !line[..line.len() - 1].chars().any(is_treacherous), "{line:?}");
        assert!(line.contains("\\u009b31m"), "{line:?}");
        if format == LogFormat::Json {
            let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(value["text"], evil, "escaped, not changed");
        }
    }
}

#[test]
fn the_message_is_renamed_and_a_value_is_not() {
    let line = logged(Level::Info, LogFormat::Logfmt, || tracing::info!(a = "x message=y"));
    assert_eq!(without_time(&line, "ts="), " level=info a=\"x message=y\"\n");
    let line = logged(Level::Info, LogFormat::Logfmt, || tracing::info!(a = " message=b", "said"));
    assert_eq!(without_time(&line, "ts="), " level=info msg=said a=\" message=b\"\n");
}

#[test]
fn logfmt_uses_the_escapes_of_json() {
    for (value, expected) in [
        ("the exporter's own", "\"the exporter's own\""),
        ("a \"b\" c", "\"a \\\"b\\\" c\""),
        ("zero\u{200b} width", "\"zero\\u200b width\""),
        ("zero\u{200b}width", "\"zero\\u200bwidth\""),
        ("back\\slash 'x'", "\"back\\\\slash 'x'\""),
    ] {
        let line = logged(Level::Info, LogFormat::Logfmt, || tracing::info!(value, "said"));
        assert!(line.contains(&format!("value={expected}")), "{line}");
    }
}

#[test]
fn the_line_about_dropped_lines_has_the_format_of_the_log_at_every_level() {
    for (_, level) in Level::WORDS {
        let line = report_dropped(Config { level, format: LogFormat::Logfmt }, 7);
        let line = String::from_utf8(line).expect("text");
        if level == Level::Info {
            let rest = " level=warn msg=\"log lines were dropped here, because stderr did not accept them\" lines=7\n";
            assert_eq!(without_time(&line, "ts="), rest);
        }
        // `never_block` raises the level.
        assert_eq!(line.contains("lines=7"), level != Level::Error, "{line}");
        assert!(line.lines().count() <= 1, "{line}");
    }
    let line = report_dropped(Config { level: Level::Warn, format: LogFormat::Json }, 7);
    let value: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
    assert_eq!(value["lines"], 7);
}

/// The keys of a line of logfmt, in their order.
fn keys_of(logfmt: &str) -> Vec<String> {
    let (mut keys, mut key, mut quoted, mut in_key) = (Vec::new(), String::new(), false, true);
    let mut rest = logfmt.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' if quoted => drop(rest.next()),
            '"' => quoted = !quoted,
            '=' if in_key => {
                keys.push(std::mem::take(&mut key));
                in_key = false;
            }
            ' ' if !quoted => in_key = true,
            c if in_key => key.push(c),
            _ => {}
        }
    }
    keys
}

#[test]
fn both_formats_have_the_same_keys_in_the_same_order_and_none_twice() {
    let act = || {
        let outer = tracing::info_span!("outer", org = "outer", peer = tracing::field::Empty, tries = 1);
        let _outer = outer.enter();
        outer.record("peer", "later");
        let _inner = tracing::info_span!("inner", org = "inner", ratio = 0.5, odd = f64::NAN).entered();
        tracing::info!(on = true, less = -1, empty = "", quoted = "a=\"b\" c=d", "said");
        tracing::warn!(org = "own", error = &io::Error::other("why") as &dyn std::error::Error);
        tracing::error!(ts = 1, level = 2, target = 3, msg = 4, "r e s e r v e d");
        tracing::debug!(r#type = ?["x"], dotted.name = %"y", "named");
    };
    for level in [Level::Info, Level::Debug] {
        let (logfmt, json) = (logged(level, LogFormat::Logfmt, act), logged(level, LogFormat::Json, act));
        assert_eq!(logfmt.lines().count(), json.lines().count());
        for (logfmt, json) in logfmt.lines().zip(json.lines()) {
            let keys = keys_of(logfmt);
            // In the text, because a parser of JSON hides the first of two equal keys.
            let mut rest = json;
            for key in &keys {
                let needle = format!("\"{key}\":");
                rest = rest.split_once(&needle).unwrap_or_else(|| panic!("{key} in {json}")).1;
            }
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).expect("JSON");
            assert_eq!(object.len(), keys.len(), "{logfmt}\n{json}");
            assert_eq!(json.matches("\":").count(), keys.len(), "{json}");
            let org = if object["level"] == "warn" { "own" } else { "inner" };
            assert_eq!((&object["org"], &object["peer"], &object["tries"]), (&org.into(), &"later".into(), &1.into()));
        }
    }
}
