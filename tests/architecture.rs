//! The rules of ARCHITECTURE.md that a compiler does not check. A failure names the rule.

#![allow(clippy::expect_used, reason = "a test that cannot read the sources has failed")]

#[path = "architecture/phrases.rs"]
mod phrases;
#[path = "architecture/prose.rs"]
mod prose;
#[path = "architecture/scripts.rs"]
mod scripts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each module; a module imports from lower floors, or from its own.
const FLOORS: [(&str, u8); 23] = [
    ("domain", 0),
    ("metric", 0),
    ("secret", 0),
    ("text", 0),
    ("audit", 1),
    ("baseline", 1),
    ("grants", 1),
    ("policy", 1),
    ("exposition", 2),
    ("genesys", 2),
    ("output", 2),
    ("store", 2),
    ("publish", 3),
    ("refresh", 3),
    ("server", 3),
    ("signals", 3),
    ("systemd", 3),
    ("telemetry", 3),
    ("app", 4),
    ("cli", 4),
    ("config", 4),
    ("fixtures", 9),
    ("simulator", 9),
];

/// Sideways imports that are allowed, beside those within a module: the folder says why in its `//!`.
const SIDEWAYS: [(&str, &str); 11] = [
    ("audit", "baseline"),
    ("audit", "policy"),
    // Floor 3: the loop publishes, the server serves what is published.
    ("refresh", "publish"),
    ("server", "publish"),
    // The service manager is informed of what is published, and whether the tasks run.
    ("systemd", "publish"),
    ("systemd", "server"),
    // Floor 4.
    ("app", "config"),
    ("cli", "app"),
    ("cli", "config"),
    ("config", "cli"),
    ("cli", "simulator"),
];

/// A flat table may be longer, nothing else.
const LONGEST: usize = 400;
const FLAT_TABLES: [&str; 1] = ["src/simulator/catalog.rs"];

fn sources() -> BTreeMap<PathBuf, String> {
    files_below("src")
}

fn files_below(root: &str) -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                found.insert(path, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(Path::new(root), &mut found);
    found
}

/// The module of the top level that a file belongs to; `None` for `lib.rs` and `main.rs`.
fn module(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?.as_os_str().to_str()?;
    let name = first.trim_end_matches(".rs");
    (!["lib", "main"].contains(&name)).then(|| name.to_owned())
}

fn floor(module: &str) -> u8 {
    FLOORS.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("{module} has no floor in FLOORS")).1
}

/// A file's own code, without comments and without the tests at its end.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = production.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a file of `src` contains nothing but tests.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// The modules of ours that a text imports, `use crate::{a, b}` and `crate::a::` alike.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (position, _) in code.match_indices("crate::") {
        // `$crate`, `pub(crate)` and the name of another crate that ends like this are not imports.
        let rest = &code[position + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if (c == ',' && depth == 1) || depth == 0 {
                    let name: String = item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    found.push(name);
                    item.clear();
                } else {
                    item.push(c);
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found.retain(|name| FLOORS.iter().any(|(module, _)| module == name));
    found
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(from) = module(&path) else { continue };
        for to in imports(&code(&text)) {
            // Test data imports what it builds, and only tests import it.
            if from == "fixtures" || (to == "fixtures" && is_test(&path)) {
                continue;
            }
            let sideways = floor(&from) == floor(&to) && SIDEWAYS.contains(&(from.as_str(), to.as_str()));
            let simulated = to == "simulator" && from != "cli";
            if from != to && (simulated || (floor(&to) >= floor(&from) && !sideways && to != "simulator")) {
                wrong.push(format!(
                    "{}: {from} (floor {}) imports {to} (floor {})",
                    path.display(),
                    floor(&from),
                    floor(&to)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "an import points up; see ARCHITECTURE.md, floors:\n{}", wrong.join("\n"));
}

#[test]
fn the_simulator_shares_nothing_with_the_product() {
    for (path, text) in sources().into_iter().filter(|(path, _)| module(path).as_deref() == Some("simulator")) {
        let foreign: Vec<String> = imports(&text).into_iter().filter(|name| name != "simulator").collect();
        assert!(
            foreign.is_empty(),
            "{} imports {foreign:?}: a wrong field name could pass on both sides",
            path.display()
        );
    }
}

#[test]
fn decisions_are_pure() {
    let floors = ["domain", "metric", "audit", "baseline", "grants", "policy"];
    for (path, text) in sources() {
        if !module(&path).is_some_and(|module| floors.contains(&module.as_str())) {
            continue;
        }
        for word in
            ["tokio::", "std::fs", "std::net", "SystemTime::now", "Instant::now", "reqwest", "async fn", "prometheus::"]
        {
            assert!(!code(&text).contains(word), "{}: {word} does not belong on floors 0 and 1", path.display());
        }
    }
}

#[test]
fn secrets_are_exposed_in_one_place() {
    for (path, text) in sources() {
        let exposes = code(&text).contains(".expose_secret()");
        let allowed = ["genesys/token.rs", "genesys/grant.rs", "genesys/redact.rs", "config/credentials.rs"]
            .iter()
            .any(|allowed| path == Path::new("src").join(allowed));
        assert!(
            !exposes || allowed,
            "{}: a secret is exposed where tokens are fetched, and nowhere else",
            path.display()
        );
    }
}

#[test]
fn metrics_are_registered_by_their_owners_only() {
    for (path, text) in sources() {
        let uses = code(&text).contains("prometheus::") || code(&text).contains("use prometheus");
        let owner = path.ends_with("metrics.rs")
            || path.starts_with("src/exposition")
            || ["src/app", "src/cli/doctor.rs", "src/cli/audit", "src/cli/policy", "src/cli/baseline", "src/server"]
                .iter()
                .any(|p| path.starts_with(p));
        assert!(!uses || owner, "{}: metrics belong in a file called metrics.rs", path.display());
    }
}

#[test]
fn every_file_says_what_it_is_and_none_is_too_long() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{}: the first line says what the file is", path.display());
        let lines = text.lines().count();
        let table = FLAT_TABLES.iter().any(|table| path == Path::new(table));
        assert!(table || lines <= LONGEST, "{}: {lines} lines are more than {LONGEST}", path.display());
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert!(
            !["utils", "util", "helpers", "common", "misc", "types"].contains(&stem),
            "{}: a file is named by what it is about",
            path.display()
        );
    }
}

#[test]
fn nothing_waits_by_sleeping_in_tests_and_nothing_is_ignored() {
    let mut files = sources();
    files.extend(files_below("tests"));
    for (path, text) in files.into_iter().filter(|(path, _)| path != Path::new("tests/architecture.rs")) {
        assert!(!text.contains("#[ignore"), "{}: a test that is ignored cannot fail", path.display());
        let tests =
            if path.starts_with("tests") { text.as_str() } else { text.split("#[cfg(test)]").nth(1).unwrap_or("") };
        assert!(!tests.contains("sleep("), "{}: await a condition, do not sleep", path.display());
    }
}
