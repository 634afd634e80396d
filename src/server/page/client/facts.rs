//! The identity of a client: facts from the platform, and its owner from the policy's inventory.

use super::super::words::{Moment, grant_words, spoken, state_word};
use crate::domain::{Client, Timestamp};
use crate::publish::Evaluated;
use crate::text::{shortened, visible};

/// Maximum characters of a value; longer values are truncated.
const LONGEST: usize = 500;
/// Redirect URIs that are shown; further ones are counted.
const REDIRECTS: usize = 50;

pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: Option<String>,
    pub(super) is_code: bool,
}

pub(super) fn facts(evaluated: &Evaluated, client: &Client, now: Timestamp) -> Vec<Fact> {
    let mut facts = vec![
        code("Client id", client.id.as_str()),
        Fact {
            note: Some(visible(&client.grant_type_spelling).into_owned()),
            ..text("Grant type", grant_words(client.grant_type))
        },
        text("State", state_word(client.state)),
        text("Owner", evaluated.policy.owner(client).unwrap_or("none in the policy's inventory")),
        text("Description", client.description.as_deref().unwrap_or("none")),
        Fact {
            note: client.token_validity.is_none().then(|| "the platform's default".to_owned()),
            ..text("Token lifetime", &spoken(std::time::Duration::from_secs(client.effective_token_validity().into())))
        },
    ];
    let times = [
        ("Created", client.created, client.created_by.as_deref()),
        ("Changed", client.modified, client.modified_by.as_deref()),
        ("Scheduled deletion", client.deletion, None),
    ];
    for (label, time, by) in times {
        if let Some(time) = time {
            let moment = Moment::new(time, now);
            let past = (time <= now).then_some(moment.ago);
            let by = by.map(|by| format!("by {}", visible(by)));
            let note: Vec<String> = past.into_iter().chain(by).collect();
            facts.push(Fact { note: (!note.is_empty()).then(|| note.join(", ")), ..text(label, &moment.utc) });
        }
    }
    facts.extend(client.redirect_uris.iter().take(REDIRECTS).map(|uri| code("Redirect URI", uri)));
    let more = client.redirect_uris.len().saturating_sub(REDIRECTS);
    if more > 0 {
        facts.push(text("Redirect URIs", &format!("and {more} more")));
    }
    facts
}

fn text(label: &'static str, value: &str) -> Fact {
    Fact { label, value: shortened(&visible(value), LONGEST).into_owned(), note: None, is_code: false }
}

fn code(label: &'static str, value: &str) -> Fact {
    Fact { is_code: true, ..text(label, value) }
}
