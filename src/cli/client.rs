//! The client that an argument names: by its id, or by a name that only it has.
//!
//! Names never identify anything in a file: what is written goes by the id that was found.

use crate::domain::{Client, Snapshot};

/// The client, or what to give instead.
pub(super) fn find<'a>(snapshot: &'a Snapshot, wanted: &str) -> Result<&'a Client, String> {
    let by_id = |client: &&Client| client.id.as_str().eq_ignore_ascii_case(wanted);
    if let Some(client) = snapshot.clients.iter().find(by_id) {
        return Ok(client);
    }
    let named: Vec<&Client> = snapshot.clients.iter().filter(|client| client.name == wanted).collect();
    match named.as_slice() {
        [client] => Ok(client),
        [] => Err(format!(
            "no client has the id or the exact name {wanted:?}; the ids are in Admin > Integrations > OAuth, and in \
             `audit --format json`"
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|client| client.id.as_str()).collect();
            Err(format!("{} clients are called {wanted:?}; name one by its id: {}", ids.len(), ids.join(", ")))
        }
    }
}
