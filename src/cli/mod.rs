//! Not built yet.

pub mod args;
