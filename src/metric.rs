//! What a metric family is: its name, kind, labels and meaning.
//!
//! No values. Whoever owns a family describes it with this, so that registry, text and documentation agree.

/// A metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The full name, with its unit.
    pub name: &'static str,
    /// What it counts or measures.
    pub kind: Kind,
    /// The names of its labels, in order.
    pub labels: &'static [&'static str],
    /// The HELP line: meaning, unit, limits.
    pub help: &'static str,
}

/// How a family's values behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goes up only, but for a restart.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size.
    Histogram,
}

impl Kind {
    /// The word after `# TYPE name`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}
