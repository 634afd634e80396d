//! Parses single values: switches, whole numbers, sizes, durations and words from a list.
//!
//! Not where the values come from. Each function takes the text and returns the value or an error message.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::duration;
use super::error::quoted;

const KIB: u64 = 1024;

/// `true`, `1`, `yes`, `on` and their opposites, in any case.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{} is not a boolean; use true or false", quoted(text))),
    }
}

/// A whole number within limits, both included.
pub(crate) fn whole<N: FromStr + PartialOrd + Display>(text: &str, limits: &RangeInclusive<N>) -> Result<N, String> {
    let expected = || format!("{} is not a whole number from {} to {}", quoted(text), limits.start(), limits.end());
    // `from_str` would accept a leading plus sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(expected());
    }
    text.parse::<N>().ok().filter(|number| limits.contains(number)).ok_or_else(expected)
}

/// A duration within limits, both included.
pub(crate) fn span(text: &str, limits: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let value = duration::parse(text)?;
    if limits.contains(&value) {
        return Ok(value);
    }
    let (from, to) = (duration::show(*limits.start()), duration::show(*limits.end()));
    Err(format!("{} is not between {from} and {to}", quoted(text)))
}

/// A parser for [`whole`] with these limits.
pub(crate) fn within<N>(limits: RangeInclusive<N>) -> impl FnOnce(&str) -> Result<N, String>
where
    N: FromStr + PartialOrd + Display,
{
    move |text| whole(text, &limits)
}

/// A parser for [`span`] with these limits.
pub(crate) fn lasting(limits: RangeInclusive<Duration>) -> impl FnOnce(&str) -> Result<Duration, String> {
    move |text| span(text, &limits)
}

/// Bytes, plain or with the suffix `KiB`, `MiB` or `GiB`, from 1 KiB to 1 GiB.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let wrong =
        || format!("{} is not a size from 1KiB to 1GiB; use for example 64MiB, 512KiB or 1048576", quoted(text));
    let (number, factor) = [("KiB", KIB), ("MiB", KIB * KIB), ("GiB", KIB * KIB * KIB)]
        .into_iter()
        .find_map(|(suffix, factor)| text.strip_suffix(suffix).map(|number| (number, factor)))
        .unwrap_or((text, 1));
    let bytes = whole(number, &(1..=KIB * KIB * KIB)).ok().and_then(|count| count.checked_mul(factor));
    bytes
        .filter(|bytes| (KIB..=KIB * KIB * KIB).contains(bytes))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(wrong)
}

/// The value of one of several words.
pub(crate) fn choice<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("{} is not one of {}", quoted(text), known.join(", "))
    })
}

/// The names in a comma-separated list.
pub(crate) fn names<C: FromIterator<String>>(list: Option<&str>) -> C {
    let names = list.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn switches_accept_the_usual_words() {
        for (text, expected) in
            [("true", true), ("1", true), ("Yes", true), ("ON", true), ("false", false), ("0", false), ("no", false)]
        {
            assert_eq!(switch(text), Ok(expected), "{text}");
        }
        for text in ["", "2", "ja", "tru", " true"] {
            assert!(switch(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_outside_the_limits_are_rejected() {
        assert_eq!(whole("1", &(1..=10_u32)), Ok(1));
        assert_eq!(whole("10", &(1..=10_u32)), Ok(10));
        for text in ["0", "11", "-1", "+1", "1.0", "", "a", "99999999999999999999", "1 "] {
            let error = whole(text, &(1..=10_u32)).expect_err(text);
            assert!(error.ends_with("is not a whole number from 1 to 10"), "{error}");
        }
    }

    #[test]
    fn a_duration_outside_the_limits_is_rejected_with_the_limits() {
        let limits = Duration::from_secs(1)..=Duration::from_hours(24);
        assert_eq!(span("1s", &limits), Ok(Duration::from_secs(1)));
        assert_eq!(span("1d", &limits), Ok(Duration::from_hours(24)));
        assert_eq!(span("999ms", &limits), Err("\"999ms\" is not between 1s and 1d".to_owned()));
        assert!(span("25h", &limits).is_err());
    }

    #[test]
    fn sizes_have_a_suffix_or_are_bytes() {
        for (text, expected) in
            [("1KiB", 1024), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824), ("2048", 2048), ("1024", 1024)]
        {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "KiB", "1023", "0", "2GiB", "64MB", "64 MiB", "64mib", "1.5MiB", "18446744073709551615GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_word_is_rejected_with_the_list() {
        let words = [("basic", 1), ("body", 2)];
        assert_eq!(choice("body", &words), Ok(2));
        assert_eq!(choice("Basic", &words), Err("\"Basic\" is not one of basic, body".to_owned()));
    }

    proptest! {
        #[test]
        fn suffixes_multiply(count in 1_usize..=1024) {
            prop_assert_eq!(size(&format!("{count}MiB")), Ok(count * 1024 * 1024));
            prop_assert_eq!(size(&format!("{}", count * 1024)), size(&format!("{count}KiB")));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = size(&text);
            let _ = whole(&text, &(1..=10_u32));
        }
    }
}
