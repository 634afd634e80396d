//! The baseline: what each client may hold, by client id, with who approved it.
//!
//! This module does no I/O: `refresh` reads the file, and `cli` writes it. No baseline is not the same as an empty baseline:
//! if none is loaded, no approval is required.

mod approved;
mod difference;
mod document;
mod holdings;
mod names;
#[cfg(test)]
mod tests;

pub use approved::{Approval, ApprovedClient, Baseline};
pub use difference::Difference;
pub use document::BaselineError;
pub use holdings::{CONDITIONAL, Contents, HeldRole, Holdings, RoleContents, UNKNOWN_DIVISION, names_permission};
pub use names::Names;
