//! Secrets: held in a type that does not print them.
//!
//! Exposed in one place only, `genesys::token`. Reading a secret's file is done there too.

use std::path::PathBuf;

pub use secrecy::{ExposeSecret, SecretString};

/// Where a secret comes from.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// Given in the environment.
    Value(SecretString),
    /// In a file, read again at every use so that rotation needs no restart.
    File(PathBuf),
}
