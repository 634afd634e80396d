//! No text of the repository has a phrase of `tests/data/phrases.tsv`, which says what to write instead.
//!
//! Where a phrase is right nevertheless, `tests/data/phrases-allowed.tsv` names the file and gives the reason.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use super::prose::{Word, words};

/// The kinds of files that are read; scripts have no extension.
const READ: [&str; 16] =
    ["", "css", "env", "html", "json", "md", "mjs", "py", "rs", "service", "snap", "toml", "ts", "txt", "yaml", "yml"];
/// Written by others, or by tools.
const FOREIGN: [&str; 6] = [
    "LICENSE",
    "THIRD-PARTY-NOTICES",
    "package-lock.json",
    "tests/data/sarif-schema-2.1.0.json",
    "src/simulator/data/",
    "deploy/debian/license",
];

/// One row of the table.
struct Phrase {
    pattern: String,
    parts: Vec<Part>,
    instead: String,
    sample: String,
}

/// What one word of a text is compared with.
enum Part {
    /// `a|b`
    OneOf(Vec<String>),
    /// `!a|b`: any other word, or the end of the clause.
    NoneOf(Vec<String>),
    /// `*`: any word.
    Any,
    /// `^` and `$`: the start or the end of a clause.
    Edge,
}

impl Part {
    fn new(text: &str) -> Self {
        let list = |text: &str| text.split('|').map(str::to_owned).collect();
        match text {
            "*" => Self::Any,
            "^" | "$" => Self::Edge,
            _ => text.strip_prefix('!').map_or_else(|| Self::OneOf(list(text)), |others| Self::NoneOf(list(others))),
        }
    }

    fn matches(&self, word: &str) -> bool {
        match self {
            Self::OneOf(list) => list.iter().any(|one| one == word),
            Self::NoneOf(list) => !list.iter().any(|one| one == word),
            Self::Any => !word.is_empty(),
            Self::Edge => word.is_empty(),
        }
    }

    fn is_shown(&self) -> bool {
        matches!(self, Self::OneOf(_) | Self::Any)
    }
}

/// The rows of a tab-separated file, without comments.
fn rows(file: &str) -> Vec<[String; 3]> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |line: &str| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        <[String; 3]>::try_from(fields).unwrap_or_else(|_| panic!("{file}: three columns are expected: {line}"))
    };
    lines.map(row).collect()
}

struct Table {
    phrases: Vec<Phrase>,
    /// Phrases by their first word.
    by_word: HashMap<String, Vec<usize>>,
    /// Phrases that do not begin with a word.
    others: Vec<usize>,
}

impl Table {
    fn read() -> Self {
        let mut table = Self { phrases: Vec::new(), by_word: HashMap::new(), others: Vec::new() };
        for [pattern, instead, sample] in rows("tests/data/phrases.tsv") {
            let parts: Vec<Part> = pattern.split(' ').map(Part::new).collect();
            let index = table.phrases.len();
            match &parts[0] {
                Part::OneOf(list) => {
                    for word in list {
                        table.by_word.entry(word.clone()).or_default().push(index);
                    }
                }
                _ => table.others.push(index),
            }
            table.phrases.push(Phrase { pattern, parts, instead, sample });
        }
        table
    }

    /// The phrases in a text: where each begins, what was found, and the row.
    fn find<'a>(&'a self, words: &[Word]) -> Vec<(usize, String, &'a Phrase)> {
        let mut found = Vec::new();
        for (start, first) in words.iter().enumerate() {
            let candidates = self.by_word.get(&first.text).into_iter().flatten().chain(&self.others);
            for phrase in candidates.map(|index| &self.phrases[*index]) {
                let Some(here) = words.get(start..start + phrase.parts.len()) else { continue };
                if phrase.parts.iter().zip(here).all(|(part, word)| part.matches(&word.text)) {
                    let parts = phrase.parts.iter().zip(here).filter(|(part, _)| part.is_shown()).map(|(_, word)| word);
                    let shown: Vec<&str> = parts.clone().map(|word| word.text.as_str()).collect();
                    let line = parts.clone().next().map_or(first.line, |word| word.line);
                    found.push((line, shown.join(" "), phrase));
                }
            }
        }
        found
    }

    fn find_in(&self, sentence: &str) -> Vec<&str> {
        let found = self.find(&words(Path::new("sentence.md"), sentence));
        found.into_iter().map(|(_, _, phrase)| phrase.pattern.as_str()).collect()
    }
}

/// All files of the repository, including those that are not committed yet.
fn files() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]).output();
    let listed = String::from_utf8(listed.expect("git").stdout).expect("UTF-8");
    let files: Vec<String> = listed.lines().map(str::to_owned).collect();
    assert!(files.len() > 100, "git lists {} files", files.len());
    files
}

/// Whether the project's own text is in a file.
fn is_text(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    READ.contains(&extension) && !FOREIGN.iter().any(|foreign| path.starts_with(foreign) || path.ends_with(foreign))
}

#[test]
fn no_text_has_a_phrase_to_avoid() {
    let table = Table::read();
    let allowed = rows("tests/data/phrases-allowed.tsv");
    let mut used = vec![false; allowed.len()];
    let mut wrong = Vec::new();
    for file in files().into_iter().filter(|file| is_text(file)) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for (line, found, phrase) in table.find(&words(Path::new(&file), &text)) {
            match allowed.iter().position(|[path, words, _]| *path == file && *words == found) {
                Some(index) => used[index] = true,
                None => wrong.push(format!("{file}:{line}: \"{found}\"; write: {}", phrase.instead)),
            }
        }
    }
    for ([path, words, _], used) in allowed.iter().zip(used) {
        if !used {
            wrong.push(format!("tests/data/phrases-allowed.tsv: {path} no longer has \"{words}\"; remove the row"));
        }
    }
    assert!(wrong.is_empty(), "{} phrases to avoid, see tests/data/phrases.tsv:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_file_has_the_address_of_a_package_registry() {
    let addresses = [("crates", "io"), ("pypi", "org"), ("registry.npmjs", "org"), ("files.pythonhosted", "org")];
    // cargo writes the address of its registry into its lock file.
    for file in files().into_iter().filter(|file| file != "Cargo.lock") {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for (name, domain) in addresses {
            let address = format!("{name}.{domain}");
            assert!(!text.contains(&address), "{file} has {address}: name the registry (\"from PyPI\") instead");
        }
    }
}

#[test]
fn each_phrase_is_found_in_its_sample_and_no_suggestion_has_one() {
    let table = Table::read();
    for phrase in &table.phrases {
        let found = table.find_in(&phrase.sample);
        assert!(found.contains(&phrase.pattern.as_str()), "{} is not found in: {}", phrase.pattern, phrase.sample);
        assert!(table.find_in(&phrase.instead).is_empty(), "the suggestion has a phrase to avoid: {}", phrase.instead);
    }
}

#[test]
fn plain_sentences_have_no_phrase_to_avoid() {
    let table = Table::read();
    for sentence in [
        "The exporter reports the age of the data from the first failed refresh on.",
        "The policy's key `judge` turns this off; `told` is a name in the code.",
        "A role grants whatever the pattern names, whatever the policy says about it, for whatever reason.",
        "An access token stands for a user; `*` stands for any run of characters.",
        "The metric is 0 in order to resolve the alert, and rows are written in order of their labels.",
        "The record is replaced as a whole. Write a whole number of seconds.",
        "It is written as it is read, as soon as it is known.",
        "There is no limit. Over it whole families are left out. The grant is no longer held. There are no roles.",
        "None of the scopes is dangerous, and two of which are exempt.",
        "He is right for good reason, but for each client a series is exported.",
        "Run `docker compose up` to bring up the stack. Take the scope away from the client.",
    ] {
        assert_eq!(table.find_in(sentence), Vec::<&str>::new(), "{sentence}");
    }
}
