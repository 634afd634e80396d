//! A number with its noun in the singular or plural.
//!
//! The plural is always formed with an `s`.

use std::fmt::Display;

/// `1 client`, `2 clients`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    if count == N::from(1) { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The first names, separated by commas, and how many more there are.
pub fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let first = names.take(most).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_no_s() {
        assert_eq!([0_usize, 1, 2].map(|count| counted(count, "scope")), ["0 scopes", "1 scope", "2 scopes"]);
    }
}
