//! The alert rules, read from the files by their indentation.
//!
//! Not a YAML parser: `promtool` checks that the files are valid YAML and valid rules.

use std::collections::BTreeMap;
use std::fs;

/// The rule files.
pub(crate) const FILES: [&str; 2] = ["alerts/security.yml", "alerts/health.yml"];

/// The indentation of a rule and of the comments about it, of a rule's keys, and of the keys of its labels and annotations.
const COMMENT: &str = "      ";
const KEY: &str = "        ";
const INNER: &str = "          ";

/// One alert.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The file name, without the folder.
    pub(crate) file: &'static str,
    /// Its name.
    pub(crate) alert: String,
    /// Its expression, on several lines.
    pub(crate) expr: String,
    /// How long it is pending; `None` if it fires at once.
    pub(crate) hold: Option<String>,
    /// Its labels and annotations; a folded text is joined to one line.
    pub(crate) inner: BTreeMap<String, String>,
    /// Its lines as they are in the file.
    text: String,
}

/// Every alert, in the order of the files.
pub(crate) fn all() -> Vec<Rule> {
    FILES.into_iter().flat_map(of_file).collect()
}

fn of_file(path: &'static str) -> Vec<Rule> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file = path.rsplit('/').next().unwrap_or(path);
    let blocks = text.split("      - alert: ").skip(1);
    blocks.map(|block| rule(file, block)).collect()
}

fn rule(file: &'static str, block: &str) -> Rule {
    let mut lines = block.lines();
    let alert = lines.next().unwrap_or_default().to_owned();
    let mut rule = Rule { file, alert, expr: String::new(), hold: None, inner: BTreeMap::new(), text: String::new() };
    // The key that the following lines belong to.
    let mut key = String::new();
    // The next group is not a part of the last rule of a group.
    let own = lines.take_while(|line| line.is_empty() || line.starts_with(COMMENT));
    for line in own.filter(|line| !line.trim_start().starts_with('#') && !line.is_empty()) {
        rule.text.push_str(line);
        rule.text.push('\n');
        let depth = line.len() - line.trim_start().len();
        match (depth, line.trim().split_once(": ")) {
            (8, _) if line.starts_with(KEY) => {
                line.trim().trim_end_matches([':', '|', ' ']).clone_into(&mut key);
                rule.hold = line.trim().strip_prefix("for: ").map(str::to_owned).or(rule.hold);
            }
            _ if key == "expr" => {
                rule.expr.push_str(line.strip_prefix(INNER).unwrap_or(line));
                rule.expr.push('\n');
            }
            (10, Some((name, value))) => {
                name.clone_into(&mut key);
                let value = if value == ">-" { "" } else { value.trim_matches('"') };
                rule.inner.insert(name.to_owned(), value.to_owned());
            }
            _ => rule.inner.entry(key.clone()).or_default().push_str(line.trim()),
        }
    }
    rule
}

impl Rule {
    /// The alert with another expression and another `for`, for a rule file.
    pub(crate) fn with(&self, expr: &str, hold: Option<&str>) -> String {
        let indented = |text: &str| text.lines().flat_map(|line| [INNER, line, "\n"]).collect::<String>();
        let hold_line = |hold: Option<&str>| hold.map(|hold| format!("{KEY}for: {hold}\n")).unwrap_or_default();
        let lines = |expr: &str, hold: Option<&str>| format!("{KEY}expr: |\n{}{}", indented(expr), hold_line(hold));
        let (from, to) = (lines(&self.expr, self.hold.as_deref()), lines(expr, hold));
        assert!(self.text.contains(&from), "{}: `expr: |` comes first, then `for`", self.alert);
        format!("      - alert: {}\n{}", self.alert, self.text.replacen(&from, &to, 1))
    }

    /// The unit tests of this alert. The file without a second name is first, because it detects most mutants.
    pub(crate) fn tests(&self) -> Vec<String> {
        let mut names: Vec<String> = test_files();
        names.retain(|name| name.split('.').next() == Some(&self.alert));
        names.sort_by_key(String::len);
        names
    }
}

/// A rule file with these rules.
pub(crate) fn file(rules: impl Iterator<Item = String>) -> String {
    format!("groups:\n  - name: mutants\n    rules:\n{}", rules.collect::<String>())
}

/// The names of all files with unit tests.
pub(crate) fn test_files() -> Vec<String> {
    let entries = fs::read_dir("alerts/tests").unwrap_or_else(|error| panic!("alerts/tests: {error}"));
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str().map(str::to_owned)).collect();
    names.sort();
    names
}
