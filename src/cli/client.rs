//! Finds the client that an argument names, by its id or by a name that no other client has.
//!
//! What is written to a file uses the id that was found: a name can change and is not unique.

use crate::domain::{Client, Snapshot};
use crate::text::{nearest, visible};

/// Number of similar names that an error lists.
const SHOWN: usize = 5;

/// The error says how to name the client instead.
pub(super) fn find<'a>(snapshot: &'a Snapshot, wanted: &str) -> Result<&'a Client, String> {
    let by_id = |client: &&Client| client.id.as_str().eq_ignore_ascii_case(wanted);
    if let Some(client) = snapshot.clients.iter().find(by_id) {
        return Ok(client);
    }
    let named: Vec<&Client> = snapshot.clients.iter().filter(|client| *client.name == *wanted).collect();
    match named.as_slice() {
        [client] => Ok(client),
        [] => Err(format!(
            "no client has the id or the exact name {wanted:?}{}; ids are shown under Admin > Integrations > OAuth and by \
             `audit --format json`",
            similar(snapshot, wanted)
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|client| client.id.as_str()).collect();
            Err(format!("{} clients are named {wanted:?}; use the id of one of them: {}", ids.len(), ids.join(", ")))
        }
    }
}

/// `; did you mean "NAME" (ID)?` for the clients whose names contain the text, and the one whose name or id is nearest to it.
fn similar(snapshot: &Snapshot, wanted: &str) -> String {
    let typed = wanted.trim().to_lowercase();
    let contains = |client: &&Client| !typed.is_empty() && client.name.to_lowercase().contains(&typed);
    let near = nearest(wanted, snapshot.clients.iter().flat_map(|client| [&*client.name, client.id.as_str()]));
    let is_near = |client: &&Client| near.is_some_and(|near| *client.name == *near || client.id.as_str() == near);
    let found: Vec<&Client> = snapshot.clients.iter().filter(|client| is_near(client) || contains(client)).collect();
    let named = |client: &&Client| format!("\"{}\" ({})", visible(&client.name), visible(client.id.as_str()));
    match found.len().saturating_sub(SHOWN) {
        _ if found.is_empty() => String::new(),
        0 => format!("; did you mean {}?", found.iter().map(named).collect::<Vec<_>>().join(" or ")),
        more => {
            let shown: Vec<String> = found.iter().take(SHOWN).map(named).collect();
            format!("; did you mean {}, or one of {more} more?", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;

    #[test]
    fn a_mistyped_or_partial_name_gets_a_hint() {
        let sample = sample::planted();
        let error = |wanted: &str| find(&sample.snapshot, wanted).expect_err(wanted);
        let id = sample.id("Batch password sync");
        for typed in
            ["batch password sync", "Batch pasword sync", "password", "Batch password sync ", &id.as_str()[..35]]
        {
            assert!(
                error(typed).contains(&format!("; did you mean \"Batch password sync\" ({id})?; ids are")),
                "{}",
                error(typed)
            );
        }
        assert!(error("e").contains(" more?; ids are"), "{}", error("e"));
        for nonsense in ["xyzzyxyzzy", ""] {
            assert!(!error(nonsense).contains("did you mean"), "{}", error(nonsense));
        }
        assert!(find(&sample.snapshot, id.as_str()).is_ok());
    }
}
