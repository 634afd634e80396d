//! The files that the guides for developers name exist.

use std::fs;
use std::path::Path;

/// Whether a quotation is the path of a file in the repository. Capital letters in it mean a name that the reader chooses.
fn is_path(word: &str) -> bool {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c);
    let begins = word.starts_with(|c: char| c.is_ascii_lowercase());
    begins && word.contains('/') && word.chars().all(is_name) && !word.starts_with("target/")
}

#[test]
fn files_that_the_guides_for_developers_name_exist() {
    for guide in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(guide).expect("UTF-8");
        let quoted = text.split('`').skip(1).step_by(2);
        for path in quoted.filter(|word| is_path(word)) {
            let found = Path::new(path).exists() || Path::new("src").join(path).exists();
            assert!(found, "{guide} names {path}, which does not exist");
        }
    }
}
