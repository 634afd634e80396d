//! Writes the series of the audited families and of the families about refreshes.
//!
//! Which series exist is decided in `families` and `freshness`.
//!
//! This is the hot path, and a series costs a handful of copies. The family name, `org` and the name of the next label form
//! one string that is built once per family and organisation. Label values are escaped in advance, a client's id once per
//! rendering. Numbers are written without `fmt`. One text of the audited families serves both formats: each is a gauge with a HELP
//! text that needs no escape in either format, which [`plain_gauges`] checks at compile time. The tests compare this writer with the
//! plain one in `exposition/tests/reference.rs`.

use super::deflated::Text;
use super::label::Escaped;
use super::number::{Close, Value};
use crate::metric::{Family, Kind};

/// Whether these families have the same text in both formats: all are gauges, and no HELP text needs an escape.
pub(super) const fn plain_gauges(families: &[Family]) -> bool {
    let mut index = 0;
    while index < families.len() {
        if !matches!(families[index].kind, Kind::Gauge) {
            return false;
        }
        index += 1;
    }
    plain_help(families)
}

/// Whether no HELP text of these families needs an escape.
pub(super) const fn plain_help(families: &[Family]) -> bool {
    let mut index = 0;
    while index < families.len() {
        let help = families[index].help.as_bytes();
        let mut position = 0;
        while position < help.len() {
            if matches!(help[position], b'\\' | b'"' | b'\n') {
                return false;
            }
            position += 1;
        }
        index += 1;
    }
    true
}

/// The HELP and TYPE lines of a family.
pub(super) fn head(family: &Family) -> String {
    let Family { name, help, kind, .. } = family;
    let kind = kind.label();
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

/// Writes a family: HELP, TYPE and the series that `series` adds. A family without series is left out.
pub(super) fn family(text: &mut Text, family: &Family, series: impl FnOnce(&mut Text)) {
    let head = head(family);
    // Not compressed before it is known that a series follows.
    text.pending().extend_from_slice(head.as_bytes());
    let before = text.len();
    series(text);
    if text.len() == before {
        text.remove(head.len());
    }
}

/// Writes the series of one family, for one organisation if the family has the label `org`.
#[derive(Debug)]
pub(super) struct Block<'a> {
    text: &'a mut Text,
    /// The text before the first value that differs between series.
    head: String,
    /// The texts between the values that differ.
    separators: Vec<String>,
    close: Close,
    series: usize,
}

impl<'a> Block<'a> {
    /// For a family with `org` as its first label.
    pub(super) fn of_organisation(text: &'a mut Text, family: &Family, org: &Escaped<'_>) -> Self {
        let mut names = family.labels.iter().skip(1);
        let mut head = format!("{}{{org=\"{}", family.name, org.as_str());
        if let Some(name) = names.next() {
            head.push_str(&separator(name));
        }
        Self { text, head, separators: names.map(|name| separator(name)).collect(), close: Close::LABELS, series: 0 }
    }

    /// For a family without labels, which has one series.
    pub(super) fn of_process(text: &'a mut Text, family: &Family) -> Self {
        Self { text, head: family.name.to_owned(), separators: Vec::new(), close: Close::NAME, series: 0 }
    }

    /// Adds a series. `values` are the values of the labels after `org`, in the family's order.
    #[inline]
    pub(super) fn add<const N: usize>(&mut self, values: [&Escaped<'_>; N], number: impl Into<Value>) {
        debug_assert_eq!(self.separators.len(), N.saturating_sub(1), "{} has as many labels as values", self.head);
        let text = self.text.pending();
        text.extend_from_slice(self.head.as_bytes());
        let mut separators = self.separators.iter();
        for (position, value) in values.into_iter().enumerate() {
            if position > 0
                && let Some(separator) = separators.next()
            {
                text.extend_from_slice(separator.as_bytes());
            }
            text.extend_from_slice(value.as_str().as_bytes());
        }
        number.into().write_end(text, self.close);
        self.text.compress_if_long();
        self.series += 1;
    }

    /// The number of series added so far.
    pub(super) const fn series(&self) -> usize {
        self.series
    }
}

fn separator(name: &str) -> String {
    format!("\",{name}=\"")
}
