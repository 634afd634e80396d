//! Every test that docs/reliability.md and SECURITY.md name exists, and every promise names one. No test is ignored: see the root.
//!
//! A test is named as cargo prints it, after the binary: `lib::store::tests::NAME`, `behaviour::server::NAME`.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 2] = ["docs/reliability.md", "SECURITY.md"];
/// The test binaries: the folder of each, and the file of its root.
const BINARIES: [(&str, &str, &str); 4] = [
    ("lib", "src", "src/lib.rs"),
    ("architecture", "tests/architecture", "tests/architecture.rs"),
    ("behaviour", "tests/behaviour", "tests/behaviour/main.rs"),
    ("servers", "tests/servers", "tests/servers/main.rs"),
];

/// The quotations in a text that name a test.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| {
        BINARIES.iter().any(|(binary, ..)| word.strip_prefix(binary).is_some_and(|rest| rest.starts_with("::")))
    })
}

/// The file of a module. A module that has no file is in the file of the module around it.
fn file_of(modules: &[&str]) -> Option<PathBuf> {
    let (binary, modules) = modules.split_first()?;
    let (_, folder, root) = BINARIES.iter().find(|(name, ..)| name == binary)?;
    let (mut folder, mut file) = (PathBuf::from(folder), PathBuf::from(root));
    for module in modules {
        let (single, inner) = (folder.join(format!("{module}.rs")), folder.join(module).join("mod.rs"));
        if let Some(found) = [single, inner].into_iter().find(|path| path.exists()) {
            file = found;
        } else if !read(&file).contains(&format!("mod {module} {{")) {
            return None;
        }
        folder.push(module);
    }
    Some(file)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is wrong with the name of a test, if anything.
fn wrong(test: &str) -> Option<&'static str> {
    let path: Vec<&str> = test.split("::").collect();
    let (name, modules) = path.split_last()?;
    let Some(file) = file_of(modules) else { return Some("its module does not exist") };
    let source = read(&file);
    let Some(position) = source.find(&format!("fn {name}(")) else { return Some("it does not exist") };
    // The attributes are in the lines before the function.
    let before = source[..position].trim_end_matches(|c| c != '\n').lines().rev().map(str::trim);
    let mut attributes = before.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    let is_test = attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
    (!is_test).then_some("it is not a test")
}

#[test]
fn every_test_that_a_promise_names_exists_and_runs() {
    for document in DOCUMENTS {
        let text = read(Path::new(document));
        let wrong: Vec<String> = named(&text).filter_map(|test| Some(format!("{test}: {}", wrong(test)?))).collect();
        assert!(wrong.is_empty(), "{document} names tests that show nothing:\n{}", wrong.join("\n"));
        assert!(named(&text).count() > 10, "{document} names tests");
    }
}

/// The promises are the rows of the tables; the first two rows of a table are its head.
#[test]
fn every_promise_names_a_test() {
    for document in DOCUMENTS {
        let text = read(Path::new(document));
        let rows = text.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |"));
        for row in rows {
            assert!(named(row).next().is_some(), "{document}: no test shows this: {row}");
        }
    }
}

#[test]
fn a_name_that_shows_nothing_is_found() {
    for (test, expected) in [
        ("architecture::promises::every_promise_names_a_test", None),
        ("architecture::promises::named", Some("it is not a test")),
        ("architecture::promises::no_such_test", Some("it does not exist")),
        ("architecture::nowhere::every_promise_names_a_test", Some("its module does not exist")),
        ("lib::genesys::paging::tests::loops_other_origins_and_endless_lists_are_refused", None),
    ] {
        assert_eq!(wrong(test), expected, "{test}");
    }
}
