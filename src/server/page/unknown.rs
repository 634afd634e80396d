//! What a request gets that names an organisation which does not exist: the names that were probably meant.

use super::query::LONGEST;
use crate::publish::Published;
use crate::text::{distance, listed, shortened, visible};

/// Organisations that the message names.
const NAMED: usize = 10;
/// Characters of what was typed that are compared. A label has at most 64.
const COMPARED: usize = 80;

/// Why there is no organisation with this label: a message that lists those that were probably meant, or else the first ones.
pub(in crate::server) fn unknown_organisation(published: &Published, label: &str) -> String {
    let labels: Vec<&str> = published.organisations.iter().map(|organisation| organisation.org.as_str()).collect();
    let asked = visible(label);
    let asked = shortened(&asked, LONGEST);
    let near = near_to(label, &labels);
    let (what, some) = if near.is_empty() { ("The organisations are", labels) } else { ("Did you mean", near) };
    let shown: Vec<_> = some.into_iter().map(visible).collect();
    let names = listed(shown.iter().map(|name| &**name), NAMED);
    let end = if what == "Did you mean" { '?' } else { '.' };
    format!("There is no organisation {asked}.\n{what} {names}{end}")
}

/// The labels that are close to what was typed, or contain it, or are contained in it, the nearest first.
fn near_to<'a>(typed: &str, labels: &[&'a str]) -> Vec<&'a str> {
    // What is much longer than any label would take long to compare.
    let typed: String = typed.to_lowercase().chars().take(COMPARED).collect();
    if typed.is_empty() {
        return Vec::new();
    }
    let near = labels.iter().filter_map(|label| {
        let folded = label.to_lowercase();
        // What was typed may be only the beginning.
        let start: String = folded.chars().take(typed.chars().count()).collect();
        let wrong = distance(&typed, &folded).min(distance(&typed, &start) + 1);
        let contains = folded.contains(&typed) || typed.contains(&folded);
        (contains || wrong <= start.chars().count().max(3) / 3).then_some((wrong, *label))
    });
    let mut near: Vec<(usize, &str)> = near.collect();
    near.sort_unstable();
    near.into_iter().map(|(_, label)| label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_labels_come_first_and_labels_that_contain_the_text_count_as_near() {
        let labels = ["production-eu", "production-us", "test", "Entwicklung", "組織/東京"];
        for (typed, expected) in [
            ("production", &["production-eu", "production-us"][..]),
            ("prodcution", &["production-eu", "production-us"]),
            ("prodction-us", &["production-us", "production-eu"]),
            ("TEST", &["test"]),
            ("testing", &["test"]),
            ("entwicklnug", &["Entwicklung"]),
            ("東京", &["組織/東京"]),
            ("nothing like it", &[]),
            ("", &[]),
        ] {
            assert_eq!(near_to(typed, &labels), expected, "{typed}");
        }
        assert_eq!(near_to(&"production-eu ".repeat(10_000), &labels).len(), 1, "a long text is truncated");
    }
}
