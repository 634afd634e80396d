//! The rules of ARCHITECTURE.md that a compiler does not check. A failure names the rule.

#![allow(clippy::expect_used, reason = "a test that cannot read the sources has failed")]

#[path = "architecture/cycles.rs"]
mod cycles;
#[path = "architecture/guides.rs"]
mod guides;
#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/phrases.rs"]
mod phrases;
#[path = "architecture/promises.rs"]
mod promises;
#[path = "architecture/prose.rs"]
mod prose;
#[path = "architecture/sample.rs"]
mod sample;
#[path = "architecture/scripts.rs"]
mod scripts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cycles::cycles;
use imports::Crate;

static CRATE: LazyLock<Crate> = LazyLock::new(|| Crate::of(&sources()));

/// The modules of the crate's root: a module may import only modules that come before it. `lib.rs` has the same order.
const ORDER: [&str; 26] = [
    "domain",
    "metric",
    "secret",
    "text",
    "policy",
    "baseline",
    "audit",
    "ledger",
    "blocking",
    "file",
    "genesys",
    "store",
    "exposition",
    "output",
    "hardening",
    "liveness",
    "publish",
    "refresh",
    "server",
    "signals",
    "systemd",
    "telemetry",
    "config",
    "app",
    "simulator",
    "cli",
];

/// Decisions and their vocabulary: everything up to and including this module is pure.
const LAST_PURE: &str = "ledger";

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

/// A file's own code, without comments and without the tests at its end.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = production.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_module_imports_only_what_comes_before_it() {
    assert_eq!(CRATE.order, ORDER, "lib.rs lists the modules in the order in which they may import each other");
    let place = |module: &str| ORDER.iter().position(|name| *name == module);
    let imports = CRATE.between_modules();
    let wrong = imports.iter().filter(|((from, to), _)| place(to) >= place(from)).map(|(_, example)| example.as_str());
    let wrong: Vec<&str> = wrong.collect();
    assert!(
        wrong.is_empty(),
        "a module imports one that comes after it; see ARCHITECTURE.md, order of modules:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_of_a_folder_import_each_other_in_one_direction() {
    let wrong: Vec<String> = ORDER.iter().flat_map(|module| cycles(&CRATE.within(module))).collect();
    assert!(
        wrong.is_empty(),
        "{} cycles of imports; move what both sides need to a file that imports neither:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// These names say little: of each there is one type at most.
#[test]
fn a_name_that_says_little_is_the_name_of_one_type() {
    for name in ["Organisation", "Outcome", "Reload", "Row"] {
        let files = CRATE.types_called(name);
        assert!(files.len() <= 1, "several types are called {name}; give each another name: {files:?}");
    }
    let files = CRATE.types_called("Judge");
    assert!(files.is_empty(), "no type is called Judge; name what the type evaluates: {files:?}");
}

#[test]
fn the_simulator_shares_nothing_with_the_product() {
    let imports = CRATE.between_modules();
    let foreign: Vec<&String> =
        imports.iter().filter(|((from, _), _)| from == "simulator").map(|(_, example)| example).collect();
    assert!(foreign.is_empty(), "{foreign:?}: a wrong field name could pass on both sides");
    for (path, text) in sources().into_iter().filter(|(path, _)| module(path).as_deref() == Some("simulator")) {
        let is_ours = |rest: &str| !rest.starts_with("simulator");
        let tests_too = text.split("crate::").skip(1).any(is_ours);
        assert!(!tests_too, "{} imports what is not the simulator's", path.display());
    }
    let users = imports.iter().filter(|((from, to), _)| to == "simulator" && from != "cli");
    assert_eq!(users.count(), 0, "only the command `demo` knows the simulator");
}

#[test]
fn decisions_are_pure() {
    let place = |module: &str| ORDER.iter().position(|name| *name == module);
    for (path, text) in sources() {
        let is_pure = |module: String| place(&module).is_some() && place(&module) <= place(LAST_PURE);
        if !module(&path).is_some_and(is_pure) {
            continue;
        }
        for word in
            ["tokio::", "std::fs", "std::net", "SystemTime::now", "Instant::now", "reqwest", "async fn", "prometheus::"]
        {
            assert!(!code(&text).contains(word), "{}: {word} does not belong in a decision", path.display());
        }
    }
}

#[test]
fn secrets_are_exposed_in_one_place() {
    for (path, text) in sources() {
        let exposes = code(&text).contains(".expose_secret()");
        let files = [
            "genesys/token.rs",
            "genesys/token_response.rs",
            "genesys/redact.rs",
            "genesys/proxy.rs",
            "config/credentials.rs",
            "config/hidden.rs",
            "secret.rs",
        ];
        let allowed = files.iter().any(|allowed| path == Path::new("src").join(allowed));
        assert!(
            !exposes || allowed,
            "{}: a secret is exposed where tokens are fetched or secrets compared, a proxy's password where the proxy is chosen, and nowhere else",
            path.display()
        );
    }
}

/// Elsewhere, a named pipe could block the process, and a device could fill its memory.
#[test]
fn files_are_opened_in_one_module() {
    let openers = ["fs::read(", "fs::read_to_string", "fs::write(", "File::open", "File::create", "OpenOptions"];
    for (path, text) in sources() {
        let opens = openers.into_iter().find(|opener| code(&text).contains(opener));
        // A report may be written to a device or a pipe that the user names.
        let allowed = path.starts_with("src/file")
            || path.ends_with("tests.rs")
            || path.iter().any(|folder| folder == "tests")
            || path == Path::new("src/cli/audit/reports.rs")
            || path.starts_with("src/fixtures");
        assert!(opens.is_none() || allowed, "{}: {opens:?}; use `file::read` or `file::replace`", path.display());
    }
}

#[test]
fn metrics_are_registered_by_their_owners_only() {
    for (path, text) in sources() {
        // What registering a family or counting needs.
        let uses = ["Labelled<", "RegisterError", "&Registry"].iter().any(|word| code(&text).contains(word));
        let owner = path.ends_with("metrics.rs")
            || ["src/metric", "src/exposition", "src/app", "src/fixtures"].iter().any(|p| path.starts_with(p));
        assert!(!uses || owner, "{}: metrics belong in a file called metrics.rs", path.display());
        let foreign = code(&text).contains("prometheus::") && !path.ends_with("tests.rs");
        assert!(!foreign, "{}: the crate `prometheus` is the reference of tests only", path.display());
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
