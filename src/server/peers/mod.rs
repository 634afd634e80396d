//! The open connections: what each of them is doing, and which one gives way when they are too many.
//!
//! A connection is served in `connection`, and accepted in `accept`.

mod activity;
mod choice;
mod registry;
mod stream;

pub(super) use registry::{Peers, Place, WARN_EVERY};
pub(super) use stream::Observed;
