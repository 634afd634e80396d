//! The formats of commands that print facts. The formats of reports are in `audit::args`.

use clap::ValueEnum;

/// The formats of commands that print facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TextFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON document for programs.
    Json,
}
