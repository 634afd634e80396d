//! The text of the own families without its numbers: escaped and cut into blocks when a series is added or removed.
//!
//! It does not read the numbers.

use super::super::Format;
use super::super::deflated::{Deflated, Text};
use super::super::label::{Escaped, push_escaped};
use super::super::number::{Close, canonical, real};
use super::block::{Block, Form};
use crate::metric::{Family, Handle, Kind, Listed, Registry};

/// A block ends with the series that reaches this length. The shorter the blocks, the less text of a change is written; but checksums are combined
/// block by block, for about 0.2 us each.
const BLOCK: usize = 2 << 10;

/// The blocks of all families in one format.
#[derive(Debug)]
pub(super) struct Layout {
    changes: u64,
    blocks: Vec<Block>,
}

impl Layout {
    pub(super) fn new(registry: &Registry, format: Format) -> Self {
        // Read first: a series that is added while the list is made is noticed at the next scrape.
        let changes = registry.changes();
        let mut blocks = vec![Block::default()];
        for listed in registry.list() {
            push_family(&mut blocks, &listed, format);
        }
        if format == Format::OpenMetrics {
            last(&mut blocks).end("# EOF\n");
        }
        Self { changes, blocks }
    }

    /// Whether the registry has series that are not here.
    pub(super) fn is_outdated(&self, registry: &Registry) -> bool {
        self.changes != registry.changes()
    }

    pub(super) fn plain(&self) -> Vec<u8> {
        let length: usize = self.blocks.iter().map(Block::expected_length).sum();
        let mut text = Vec::with_capacity(length);
        let mut numbers = Vec::new();
        for block in &self.blocks {
            numbers.clear();
            block.read(&mut numbers);
            block.write(&numbers, &mut text);
        }
        text
    }

    /// The compressed blocks, in their order.
    pub(super) fn deflated(&mut self) -> Vec<Deflated> {
        // Its memory is reserved only for the time in which something is compressed.
        let mut compressor: Option<Text> = None;
        self.blocks.iter_mut().map(|block| block.deflated(&mut compressor)).collect()
    }
}

fn push_family(blocks: &mut Vec<Block>, Listed { family, series }: &Listed, format: Format) {
    // OpenMetrics requires the family name `x` and the sample name `x_total` for a counter.
    let (name, total) = match (family.kind, format) {
        (Kind::Counter, Format::OpenMetrics) => (family.name.strip_suffix("_total").unwrap_or(family.name), "_total"),
        _ => (family.name, ""),
    };
    let mut before = head(name, family, format);
    // Both the labels of a series and the series are sorted as the `prometheus` crate does it.
    let mut order: Vec<usize> = (0..family.labels.len()).collect();
    order.sort_by_key(|label| family.labels[*label]);
    let sorted = |values: &[Box<str>]| order.iter().map(|label| values[*label].clone()).collect::<Vec<_>>();
    let mut series: Vec<_> = series.iter().map(|(values, handle)| (sorted(values), handle)).collect();
    series.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (values, handle) in series {
        if last(blocks).expected_length() >= BLOCK {
            blocks.push(Block::default());
        }
        let values = values.iter().map(|value| Escaped::new(value));
        let labels = order.iter().map(|label| family.labels[*label]).zip(values).collect();
        let mut samples = Samples { block: last(blocks), before: std::mem::take(&mut before), name, labels };
        match handle {
            Handle::Counter(_) => samples.push(total, None, Form::Count),
            Handle::Gauge(_) => samples.push(total, None, Form::Whole),
            Handle::Amount(_) => samples.push(total, None, Form::Real),
            Handle::Histogram(histogram) => {
                for bound in histogram.bounds() {
                    let bound = match format {
                        Format::Text => real(*bound),
                        Format::OpenMetrics => canonical(*bound),
                    };
                    samples.push("_bucket", Some(&bound), Form::Count);
                }
                samples.push("_bucket", Some("+Inf"), Form::Count);
                samples.push("_sum", None, Form::Real);
                samples.push("_count", None, Form::Count);
            }
        }
        last(blocks).push_handle(handle.clone());
    }
}

/// The lines HELP and TYPE.
fn head(name: &str, family: &Family, format: Format) -> String {
    let mut head = format!("# HELP {name} ");
    push_escaped(&mut head, family.help, format == Format::OpenMetrics);
    head.push_str("\n# TYPE ");
    for piece in [name, " ", family.kind.label(), "\n"] {
        head.push_str(piece);
    }
    head
}

#[expect(clippy::expect_used, reason = "there is a block from the start")]
fn last(blocks: &mut [Block]) -> &mut Block {
    blocks.last_mut().expect("a block")
}

/// Writes the samples of one series without their numbers.
struct Samples<'a> {
    block: &'a mut Block,
    /// What comes before the first sample.
    before: String,
    name: &'a str,
    labels: Vec<(&'static str, Escaped<'a>)>,
}

impl Samples<'_> {
    fn push(&mut self, suffix: &str, bound: Option<&str>, form: Form) {
        let mut text = std::mem::take(&mut self.before);
        text.push_str(self.name);
        text.push_str(suffix);
        let labels = self.labels.iter().map(|(name, value)| (*name, value.as_str()));
        let mut close = Close::NAME;
        for (name, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            text.push_str(if close == Close::NAME { "{" } else { "\"," });
            for piece in [name, "=\"", value] {
                text.push_str(piece);
            }
            close = Close::LABELS;
        }
        self.block.push_line(&text, close, form);
    }
}
