//! The hot writer: series of the audited and the freshness families into one growing buffer.
//!
//! Not which series there are: that is in `families` and `freshness`.
//!
//! What is fast, and why: a series is a handful of copies. Family name, `org` and the name of the next label are one
//! string made once a family and organisation; label values come escaped, a client's id once a page; numbers are
//! written without `fmt`. And there is one text for both formats: every family here is a gauge whose HELP needs no
//! escape in either, which [`plain_gauges`] proves when the tables are compiled. `exposition/tests/reference.rs` has the
//! plain writer that this one is compared with.

use super::label::Escaped;
use super::number::{Close, Value};
use crate::metric::{Family, Kind};

/// Whether these families are the same text in both formats: gauges, and no HELP with a character to be escaped.
pub(super) const fn plain_gauges(families: &[Family]) -> bool {
    let mut index = 0;
    while index < families.len() {
        let family = &families[index];
        if !matches!(family.kind, Kind::Gauge) {
            return false;
        }
        let help = family.help.as_bytes();
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

/// Writes a family: its head, and what `series` adds; nothing where that is nothing.
pub(super) fn family(text: &mut Vec<u8>, family: &Family, series: impl FnOnce(&mut Vec<u8>)) {
    let start = text.len();
    for piece in ["# HELP ", family.name, " ", family.help, "\n# TYPE ", family.name, " ", family.kind.label(), "\n"] {
        text.extend_from_slice(piece.as_bytes());
    }
    let head_end = text.len();
    series(text);
    if text.len() == head_end {
        text.truncate(start);
    }
}

/// The series of one family, of one organisation where it has the label `org`.
#[derive(Debug)]
pub(super) struct Block<'a> {
    text: &'a mut Vec<u8>,
    /// Up to where the first value stands that differs.
    head: String,
    /// Between the values that differ.
    separators: Vec<String>,
    close: Close,
    series: usize,
}

impl<'a> Block<'a> {
    /// The series of a family whose first label is `org`.
    pub(super) fn of_organisation(text: &'a mut Vec<u8>, family: &Family, org: &Escaped<'_>) -> Self {
        let mut names = family.labels.iter().skip(1);
        let mut head = format!("{}{{org=\"{}", family.name, org.as_str());
        if let Some(name) = names.next() {
            head.push_str(&separator(name));
        }
        Self { text, head, separators: names.map(|name| separator(name)).collect(), close: Close::LABELS, series: 0 }
    }

    /// The one series of a family without labels.
    pub(super) fn of_process(text: &'a mut Vec<u8>, family: &Family) -> Self {
        Self { text, head: family.name.to_owned(), separators: Vec::new(), close: Close::NAME, series: 0 }
    }

    /// Adds a series; `values` are those of the labels behind `org`, in the family's order.
    #[inline]
    pub(super) fn add<const N: usize>(&mut self, values: [&Escaped<'_>; N], number: impl Into<Value>) {
        debug_assert_eq!(self.separators.len(), N.saturating_sub(1), "{} has as many labels as values", self.head);
        self.text.extend_from_slice(self.head.as_bytes());
        let mut separators = self.separators.iter();
        for (position, value) in values.into_iter().enumerate() {
            if position > 0
                && let Some(separator) = separators.next()
            {
                self.text.extend_from_slice(separator.as_bytes());
            }
            self.text.extend_from_slice(value.as_str().as_bytes());
        }
        number.into().write_end(self.text, self.close);
        self.series += 1;
    }

    /// How many series were added.
    pub(super) const fn series(&self) -> usize {
        self.series
    }
}

fn separator(name: &str) -> String {
    format!("\",{name}=\"")
}
