//! The source of a secret. The value is kept in a type that does not print it.
//!
//! The value is exposed only where it is used: for token requests and redaction in `genesys`, where `config::credentials`
//! checks it, and here, where two are compared. `genesys::token` reads a secret's file.

use std::path::PathBuf;

pub use secrecy::{ExposeSecret, SecretString};

/// Longest file that is accepted as a secret.
pub const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where a secret comes from.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// The value itself, from the environment.
    Value(SecretString),
    /// A file, read again at every use so that rotating the secret needs no restart.
    File(PathBuf),
}

impl PartialEq for SecretSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(this), Self::Value(other)) => this.expose_secret() == other.expose_secret(),
            (Self::File(this), Self::File(other)) => this == other,
            _ => false,
        }
    }
}
