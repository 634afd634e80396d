//! The description of a metric family, and what the exporter counts about itself.
//!
//! The module that owns a family declares it once, so that registry, exposition and documentation agree.

mod labelled;
mod registry;
mod value;

pub use labelled::Labelled;
pub use registry::{Listed, RegisterError, Registry};
pub use value::{Amount, Counter, Gauge, Handle, Histogram, Metric};

/// A metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The full name, including the unit.
    pub name: &'static str,
    /// The TYPE of the family.
    pub kind: Kind,
    /// The names of its labels, in the order in which they are written.
    pub labels: &'static [&'static str],
    /// The HELP text: one sentence with the meaning, and what absence of the series means.
    pub help: &'static str,
}

/// The type of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only increases, and starts at 0 again after a restart.
    Counter,
    /// Can increase and decrease.
    Gauge,
    /// Counts observations in buckets.
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
