//! A few lines of the own families: written from the numbers of a scrape, and compressed only while the numbers stay the same.
//!
//! A block whose numbers differ from the scrape before is sent uncompressed, inside the compressed stream: to compress 2 kB takes
//! longer than to send them, and numbers that changed probably change again.

use super::super::deflated::{Deflated, Text};
use super::super::number::{Close, Value};
use crate::metric::Handle;

/// The maximum length of a stored block of deflate (RFC 1951, section 3.2.4).
const STORED: u16 = u16::MAX;

/// Lines that follow each other.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The text before each number, without the closing of the labels.
    prefixes: String,
    lines: Vec<Line>,
    handles: Vec<Handle>,
    after: &'static str,
    /// The numbers of the last scrape, in the order of the lines.
    last: Vec<u64>,
    /// The text with these numbers, if it was compressed.
    deflated: Option<Deflated>,
}

#[derive(Debug)]
struct Line {
    /// Where its part of `prefixes` ends.
    end: usize,
    close: Close,
    form: Form,
}

/// What the 64 bits of a number mean.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// A `u64`.
    Count,
    /// An `i64`.
    Whole,
    /// An `f64`.
    Real,
}

impl Block {
    pub(super) fn push_line(&mut self, prefix: &str, close: Close, form: Form) {
        self.prefixes.push_str(prefix);
        self.lines.push(Line { end: self.prefixes.len(), close, form });
    }

    /// The handle with the numbers of the last lines: one, or all of a histogram.
    pub(super) fn push_handle(&mut self, handle: Handle) {
        self.handles.push(handle);
    }

    /// Ends the block with a text.
    pub(super) const fn end(&mut self, after: &'static str) {
        self.after = after;
    }

    /// About the length of its text.
    pub(super) fn expected_length(&self) -> usize {
        self.prefixes.len() + self.lines.len() * 8 + self.after.len()
    }

    /// Appends the numbers of now.
    pub(super) fn read(&self, numbers: &mut Vec<u64>) {
        for handle in &self.handles {
            match handle {
                Handle::Counter(counter) => numbers.push(counter.get()),
                Handle::Gauge(gauge) => numbers.push(gauge.get().cast_unsigned()),
                Handle::Amount(amount) => numbers.push(amount.get().to_bits()),
                Handle::Histogram(histogram) => {
                    let (count, sum) = histogram.read(|bucket| numbers.push(bucket));
                    numbers.extend([count, sum.to_bits(), count]);
                }
            }
        }
    }

    /// Appends the text with these numbers.
    pub(super) fn write(&self, numbers: &[u64], text: &mut Vec<u8>) {
        let mut start = 0;
        for (line, number) in self.lines.iter().zip(numbers) {
            text.extend_from_slice(&self.prefixes.as_bytes()[start..line.end]);
            start = line.end;
            let value = match line.form {
                Form::Count => Value::from(*number),
                Form::Whole => Value::Whole(number.cast_signed()),
                Form::Real => Value::Real(f64::from_bits(*number)),
            };
            value.write_end(text, line.close);
        }
        text.extend_from_slice(self.after.as_bytes());
    }

    /// The text with the numbers of now as a part of a deflate stream. `compressor` is created when it is needed.
    pub(super) fn deflated(&mut self, compressor: &mut Option<Text>) -> Deflated {
        let mut numbers = Vec::with_capacity(self.lines.len());
        self.read(&mut numbers);
        let changed = numbers != self.last;
        if !changed && let Some(deflated) = &self.deflated {
            return deflated.clone();
        }
        let mut text = Vec::with_capacity(self.expected_length());
        self.write(&numbers, &mut text);
        if changed {
            (self.last, self.deflated) = (numbers, None);
            return stored(&text);
        }
        let compressor = compressor.get_or_insert_with(Text::deflating);
        compressor.push(&text);
        self.deflated.insert(compressor.finish()).clone()
    }
}

/// The text in blocks that are not compressed. They begin and end on a byte boundary.
fn stored(text: &[u8]) -> Deflated {
    let mut bytes = Vec::with_capacity(text.len() + 5 * (text.len() / usize::from(STORED) + 1));
    for chunk in text.chunks(STORED.into()) {
        let length = u16::try_from(chunk.len()).unwrap_or(STORED);
        bytes.push(0);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&(!length).to_le_bytes());
        bytes.extend_from_slice(chunk);
    }
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(text);
    Deflated { bytes: bytes.into(), length: text.len() as u64, checksum }
}
