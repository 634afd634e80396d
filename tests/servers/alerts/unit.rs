//! The unit tests of the alerts pass, and each mutant of each alert fails one of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::mutants::{self, Mutant};
use super::promql;
use super::rules::{self, FILES, Rule};
use super::tools::{PROMTOOLS, ask, must};
use crate::programs::every_turn;

/// The number of mutants that are tested at the same time.
const THREADS: usize = 2;

#[test]
fn the_rules_are_valid() {
    for promtool in PROMTOOLS {
        must(promtool, ["check", "rules"].into_iter().chain(FILES));
    }
}

#[test]
fn the_unit_tests_pass() {
    for promtool in PROMTOOLS {
        let files = rules::test_files().into_iter().map(|name| format!("alerts/tests/{name}"));
        must(promtool, ["test", "rules"].map(str::to_owned).into_iter().chain(files));
    }
}

/// What happened to users, as unit tests without annotations: these are about which alerts fire, not about their texts.
#[test]
fn what_happened_to_users() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in FILES {
        let text = fs::read_to_string(path).expect("the rules");
        let name = path.rsplit('/').next().expect("a name");
        fs::write(folder.path().join(name), without_annotations(&text)).expect("writable");
    }
    let mut cases = Vec::new();
    for entry in fs::read_dir("tests/data/alerts").expect("a folder") {
        let path = entry.expect("an entry").path();
        let case = folder.path().join(path.file_name().expect("a name"));
        fs::copy(path, &case).expect("writable");
        cases.push(case);
    }
    assert!(cases.len() >= 3, "{cases:?}");
    for promtool in PROMTOOLS {
        must(promtool, ["test", "rules"].map(PathBuf::from).into_iter().chain(cases.iter().cloned()));
    }
}

/// The lines of a rule file outside of `annotations:`, which ends at the next rule.
fn without_annotations(text: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        let depth = line.len() - line.trim_start().len();
        inside = line.trim() == "annotations:" || inside && (depth > 8 || line.is_empty());
        !inside
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// The alerts on scopes and on permissions are the same, so that testing the mutants of one is enough.
#[test]
fn permissions_are_watched_and_tested_as_scopes_are() {
    let permissions = |text: &str| text.replace("scope", "permission").replace("Scope", "Permission");
    let rules = rules::all();
    for scope in rules.iter().filter(|rule| rule.alert.contains("Scope")) {
        let name = permissions(&scope.alert);
        let other = rules.iter().find(|rule| rule.alert == name).unwrap_or_else(|| panic!("there is no {name}"));
        assert_eq!(other.expr, permissions(&scope.expr), "{name}");
        assert_eq!(other.hold, scope.hold, "{name}");
        for test in scope.tests() {
            let read = |name: &str| fs::read_to_string(format!("alerts/tests/{name}")).unwrap_or_default();
            let expected =
                format!("# Generated from {test} by scripts/generate; do not edit.\n{}", permissions(&read(&test)));
            assert!(read(&permissions(&test)) == expected, "the tests of {name} differ; run scripts/generate");
        }
    }
}

#[tokio::test]
async fn no_wrong_alert_passes_its_unit_tests() {
    let _turns = every_turn().await;
    let rules: Vec<Rule> = rules::all().into_iter().filter(|rule| !rule.alert.contains("Permission")).collect();
    let work: Vec<(&Rule, Mutant)> = rules
        .iter()
        .flat_map(|rule| mutants::of(&rule.expr, rule.hold.as_deref()).into_iter().map(move |mutant| (rule, mutant)))
        .collect();
    // Otherwise a mutant would fail only because it is not a valid expression.
    valid(work.iter().map(|(rule, mutant)| rule.with(&mutant.expr, mutant.hold.as_deref())));
    let next = AtomicUsize::new(0);
    let survivors = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((rule, mutant)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if passes(rule, &mutant.expr, mutant.hold.as_deref()) {
                        let survivor = format!("{}: {}\n    {}", rule.alert, mutant.what, mutant.expr);
                        survivors.lock().unwrap_or_else(PoisonError::into_inner).push(survivor);
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (left, of, list) = (survivors.len(), work.len(), survivors.join("\n"));
    assert!(survivors.is_empty(), "{left} of {of} mutants pass every unit test:\n{list}");
}

/// The original passes in the same way as mutants are run, so a mutant fails because of its change.
#[test]
fn an_alert_that_nobody_changed_passes_as_the_mutants_are_run() {
    for rule in rules::all() {
        let same = promql::text(&promql::tokens(&rule.expr));
        assert!(passes(&rule, &same, rule.hold.as_deref()), "{}: {same}", rule.alert);
    }
}

/// Checks with `promtool` that these rules are valid.
fn valid(rules: impl Iterator<Item = String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rules.yml");
    fs::write(&file, rules::file(rules)).expect("writable");
    must("promtool", [Path::new("check"), Path::new("rules"), &file]);
}

/// Whether the unit tests of an alert pass with another expression or `for`.
fn passes(rule: &Rule, expr: &str, hold: Option<&str>) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let tests = folder.path().join("tests");
    fs::create_dir(&tests).expect("writable");
    let rules = rules::file(std::iter::once(rule.with(expr, hold)));
    fs::write(folder.path().join(rule.file), rules).expect("writable");
    let names = rule.tests();
    assert!(!names.is_empty(), "{} has no unit tests", rule.alert);
    names.iter().all(|name| {
        let file = tests.join(name);
        fs::copy(Path::new("alerts/tests").join(name), &file).expect("it is there");
        ask("promtool", [Path::new("test"), Path::new("rules"), &file]).content
    })
}
