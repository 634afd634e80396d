//! Reads the file that `--env-file` names.
//!
//! The file is not loaded into the environment of the process, and no file is read unless it is named.

use std::path::Path;

use crate::file::{self, ReadError};

/// Longest file that is accepted.
const MAX_BYTES: u64 = 1 << 20;

/// The names and values in the file, in order; a name that occurs twice is returned twice.
///
/// Errors never quote a line, because it may contain a secret.
pub(crate) fn pairs(path: &Path) -> Result<Vec<(String, String)>, Vec<String>> {
    let text = file::read(path, MAX_BYTES).map_err(|error| {
        vec![match error {
            ReadError::TooLarge(_) => {
                format!("{} is longer than 1 MiB; name a file with lines NAME=value", path.display())
            }
            error => format!("{} cannot be read: {error}", path.display()),
        }]
    })?;
    let mut pairs = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in (1_usize..).zip(dotenvy::from_read_iter(text.as_slice())) {
        match line {
            Ok(pair) => pairs.push(pair),
            Err(dotenvy::Error::LineParse(..)) => problems.push(format!(
                "entry {number} of {} is not NAME=value; put a value with spaces or a dollar sign in single quotes",
                path.display()
            )),
            Err(dotenvy::Error::Io(error)) => {
                problems.push(format!("{} is not valid text: {error}", path.display()));
                break;
            }
            Err(_) => problems.push(format!("entry {number} of {} cannot be read", path.display())),
        }
    }
    if problems.is_empty() { Ok(pairs) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<Vec<(String, String)>, Vec<String>> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("exporter.env");
        std::fs::write(&path, content).expect("a file");
        pairs(&path)
    }

    #[test]
    fn comments_quotes_and_windows_line_ends_are_accepted() {
        let read = read(b"\xef\xbb\xbfA=1\r\n# note\r\nexport B='a $x b'\r\nC=\n").expect("readable");
        let expected = [("A", "1"), ("B", "a $x b"), ("C", "")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn an_invalid_line_is_named_by_number_and_not_quoted() {
        let problems = read(b"A=1\nhunter2 hunter2\nB='open\n").expect_err("two bad lines");
        assert!(problems[0].contains("entry 2 of"), "{problems:?}");
        assert!(!problems.join(" ").contains("hunter2"), "{problems:?}");
    }

    #[test]
    fn a_missing_file_and_a_binary_file_are_errors() {
        assert!(pairs(Path::new("/nonexistent/exporter.env")).expect_err("missing")[0].contains("cannot be read"));
        assert!(read(b"A=\xff\xfe\n").is_err());
    }
}
