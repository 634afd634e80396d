//! Finds the client that an argument names, by its id or by a name that no other client has.
//!
//! What is written to a file uses the id that was found: a name can change and is not unique.

use crate::domain::{Client, Snapshot};

/// The error says how to name the client instead.
pub(super) fn find<'a>(snapshot: &'a Snapshot, wanted: &str) -> Result<&'a Client, String> {
    let by_id = |client: &&Client| client.id.as_str().eq_ignore_ascii_case(wanted);
    if let Some(client) = snapshot.clients.iter().find(by_id) {
        return Ok(client);
    }
    let named: Vec<&Client> = snapshot.clients.iter().filter(|client| client.name == wanted).collect();
    match named.as_slice() {
        [client] => Ok(client),
        [] => Err(format!(
            "no client has the id or the exact name {wanted:?}; ids are shown under Admin > Integrations > OAuth and by \
             `audit --format json`"
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|client| client.id.as_str()).collect();
            Err(format!("{} clients are named {wanted:?}; use the id of one of them: {}", ids.len(), ids.join(", ")))
        }
    }
}
