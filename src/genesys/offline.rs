//! Reads the pages of a list of clients from memory, as `platform` reads them from the network. For benchmarks only.

use std::sync::Arc;

use super::assembly::{ClientAssembly, KnownClients};
use super::known::digest;
use super::page::Page;
use crate::domain::{Client, Records, ScopeTable};

/// A reader that knows the records of the last list.
#[derive(Debug, Default)]
pub struct Offline {
    known: KnownClients,
    scopes: ScopeTable,
}

impl Offline {
    /// Reads all pages of a list.
    pub fn read(&mut self, pages: &[Vec<u8>]) -> Result<(Records<Client>, ScopeTable), String> {
        let mut assembly = ClientAssembly::new(Arc::default(), self.scopes.clone(), &self.known);
        for page in pages {
            for record in parsed(page)?.entities {
                assembly.add(record, digest(record))?;
            }
        }
        let (listed, known) = assembly.finish(None)?;
        self.known = known;
        self.scopes = listed.scopes.clone();
        Ok((listed.clients, listed.scopes))
    }

    /// Only finds the records and their digests. Returns a digest of all.
    pub fn digest(pages: &[Vec<u8>]) -> Result<u64, String> {
        let mut all = 0;
        for page in pages {
            all = parsed(page)?.entities.into_iter().fold(all, |all, record| all ^ digest(record));
        }
        Ok(all)
    }
}

fn parsed(page: &[u8]) -> Result<Page<'_>, String> {
    let text = std::str::from_utf8(page).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}
