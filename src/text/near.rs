//! "Did you mean": finds the known name that was probably meant by a mistyped one.
//!
//! Not the message about it.

/// The known name that is closest to what was typed, if at most a third of its characters are wrong. Case is ignored, and `_` counts as
/// `-`.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = folded(typed);
    let (distance, name) =
        known.into_iter().map(|name| (distance(&typed, &folded(name)), name)).min_by_key(|(distance, _)| *distance)?;
    (distance <= name.chars().count().max(3) / 3).then_some(name)
}

/// `; did you mean NAME?`, or an empty text if nothing is close.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

/// The Levenshtein distance of two texts, in characters.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row.first().copied().unwrap_or_default();
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, other) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(letter != *other)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_the_nearest_one_and_nonsense_finds_none() {
        let known = ["dangerous-scope", "admin-role", "wildcard-permission", "eu-west-1", "exact", "REFRESH_INTERVAL"];
        for (typed, expected) in [
            ("dangerous-scop", Some("dangerous-scope")),
            ("admin_role", Some("admin-role")),
            ("Wildcard-Permissions", Some("wildcard-permission")),
            ("eu-west1", Some("eu-west-1")),
            ("exakt", Some("exact")),
            ("REFRSH_INTERVALL", Some("REFRESH_INTERVAL")),
            ("xyzzyxyzzyxyzzy", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), expected, "{typed}");
        }
        assert_eq!(nearest("a", []), None);
        assert_eq!(did_you_mean("exakt", known), "; did you mean exact?");
        assert_eq!(did_you_mean("zzz", known), "");
    }

    #[test]
    fn distances_count_characters() {
        for (a, b, expected) in
            [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("abc", "acb", 2), ("müller", "muller", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
