//! The index of several organisations, the worst first: what `/` shows unless there is exactly one.
//!
//! The page of each organisation is the status page. The number of rows on a page is limited, however many organisations there are.

mod filter;
mod row;
mod standing;

use askama::Template;

use super::form::Choice;
use super::frame::Frame;
use super::freshness::files_in_force;
use super::options::Options;
use super::query;
use super::words::Moment;
use crate::domain::Timestamp;
use crate::publish::Published;
use crate::text::{counted, visible};
pub(in crate::server) use filter::Filter;
use filter::Show;
use row::IndexRow;
use standing::Standing;

/// The organisations on one page.
const PART: usize = 500;

/// Renders the page.
pub(super) fn page(
    published: &Published,
    filter: &Filter,
    now: Timestamp,
    options: &Options<'_>,
) -> askama::Result<String> {
    let shows_details = options.closed.is_none();
    let organisations = published.organisations.iter();
    let mut all: Vec<Standing<'_>> =
        organisations.map(|organisation| Standing::new(organisation, shows_details, now)).collect();
    all.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let found: Vec<&Standing<'_>> = all.iter().filter(|standing| filter.shows(standing, shows_details)).collect();
    let pages = found.len().div_ceil(PART).max(1);
    let number = filter.page(pages);
    let has_report = shows_details && published.organisations.iter().any(|of| of.evaluated.is_some());
    let shown = found.iter().skip(number * PART).take(PART);
    let choices = Show::ALL.into_iter().filter(|show| shows_details || !show.needs_details());
    Page {
        frame: Frame::new("/", options.telemetry_path, has_report, now),
        closed: options.closed,
        files_in_force: files_in_force(published.reload, now),
        totals: Totals::new(&all, shows_details),
        text: visible(&filter.text).into_owned(),
        longest: query::LONGEST,
        choices: choices
            .map(|show| Choice { value: show.label(), words: show.words(), is_chosen: filter.show == Some(show) })
            .collect(),
        is_filtered: filter.is_some(),
        total: all.len(),
        found: found.len(),
        rows: shown.map(|standing| IndexRow::new(standing, now)).collect(),
        number: number + 1,
        pages,
        previous: (number > 0).then(|| filter.link(number - 1)),
        next: (number + 1 < pages).then(|| filter.link(number + 1)),
    }
    .render()
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page<'a> {
    frame: Frame<'a>,
    closed: Option<&'static str>,
    /// When the policies and baselines in force were read; `None` if their last load succeeded.
    files_in_force: Option<Moment>,
    totals: Totals,
    text: String,
    longest: usize,
    choices: Vec<Choice>,
    is_filtered: bool,
    total: usize,
    found: usize,
    rows: Vec<IndexRow>,
    number: usize,
    pages: usize,
    previous: Option<String>,
    next: Option<String>,
}

/// What all organisations have together.
struct Totals {
    /// The banner: its CSS class, its word and its sentence.
    tone: &'static str,
    word: &'static str,
    sentence: String,
    title: String,
    tiles: Vec<Tile>,
}

/// A number in large print.
struct Tile {
    label: &'static str,
    value: usize,
    tone: &'static str,
    note: String,
    /// What the number counts.
    link: String,
}

impl Totals {
    fn new(all: &[Standing<'_>], shows_details: bool) -> Self {
        let paging = all.iter().filter(|standing| standing.is_paging()).count();
        let unread = all.iter().filter(|standing| standing.is_unread()).count();
        let waiting = all.iter().filter(|standing| standing.is_waiting()).count();
        let fresh = all.len() - unread - waiting;
        let (tone, word) = match (paging, unread, waiting, all.len()) {
            (0, 0, 0, 0) => ("wait", "None"),
            (0, 0, 0, _) => ("good", "Fresh"),
            (0, 0, ..) => ("wait", "Starting"),
            (0, ..) => ("bad", "Not all read"),
            _ => ("bad", "Attention"),
        };
        Self {
            tone,
            word,
            sentence: sentence(all.len(), (paging, unread, waiting), shows_details),
            title: match (paging, unread) {
                (0, 0) => word.to_owned(),
                (0, unread) => format!("{unread} not read"),
                (paging, 0) => format!("{paging} with new dangerous grants"),
                (paging, unread) => format!("{paging} with new dangerous grants, {unread} not read"),
            },
            tiles: tiles(all, (paging, unread, fresh), shows_details),
        }
    }
}

/// The totals as a sentence: what pages, and what is not known.
fn sentence(total: usize, (paging, unread, waiting): (usize, usize, usize), shows_details: bool) -> String {
    if total == 0 {
        return "This process watches no organisation.".to_owned();
    }
    let verb =
        |number: usize, one: &str, several: &str| format!("{number} {}", if number == 1 { one } else { several });
    let of = counted(total, "organisation");
    let mut parts = Vec::new();
    if shows_details {
        parts.push(match paging {
            0 if unread + waiting > 0 => format!("None of {of} is known to have new dangerous grants"),
            0 => format!("None of {of} has new dangerous grants"),
            1 => format!("1 of {of} has new dangerous grants, for which the alerts page"),
            _ => format!("{paging} of {of} have new dangerous grants, for which the alerts page"),
        });
    }
    if unread > 0 {
        parts.push(verb(unread, "is not read", "are not read"));
    }
    if waiting > 0 {
        parts.push(verb(waiting, "waits for its first refresh", "wait for their first refresh"));
    }
    if unread + waiting == 0 {
        parts.push(format!("the data of all {total} is fresh"));
    } else if !shows_details {
        parts.insert(0, format!("Of {of}"));
    }
    let mut text = if shows_details { parts.join("; ") } else { parts.join(", ") };
    text.push('.');
    // The first letter is a digit, or one of these ASCII words.
    text[..1].to_uppercase() + &text[1..]
}

fn tiles(all: &[Standing<'_>], (paging, unread, fresh): (usize, usize, usize), shows_details: bool) -> Vec<Tile> {
    let is_certain = fresh == all.len();
    let mut tiles = vec![
        Tile {
            label: "Organisations",
            value: all.len(),
            tone: "plain",
            note: format!("{fresh} fresh"),
            link: "./".to_owned(),
        },
        Tile {
            label: "Not read",
            value: unread,
            tone: if unread > 0 {
                "critical"
            } else if is_certain {
                "good"
            } else {
                "wait"
            },
            note: if unread == 0 {
                "no refresh failed".to_owned()
            } else {
                "the last refresh failed or is overdue".to_owned()
            },
            link: format!("./?show={}", Show::Unread.label()),
        },
    ];
    if shows_details {
        let sum = |of: fn(&Standing<'_>) -> usize| all.iter().map(of).sum::<usize>();
        let grants = sum(|standing| standing.counts().paging);
        let (clients, flagged) = (sum(|standing| standing.counts().clients), sum(|standing| standing.counts().flagged));
        tiles.insert(
            1,
            Tile {
                label: "With new dangerous grants",
                value: paging,
                tone: if paging > 0 {
                    "critical"
                } else if is_certain {
                    "good"
                } else {
                    "wait"
                },
                note: if paging == 0 {
                    "nothing pages".to_owned()
                } else {
                    format!("{} page", counted(grants, "grant"))
                },
                link: format!("./?show={}", Show::Paging.label()),
            },
        );
        tiles.push(Tile {
            label: "Flagged clients",
            value: flagged,
            tone: "plain",
            note: format!("of {}", counted(clients, "client")),
            link: "clients?status=flagged".to_owned(),
        });
    }
    tiles
}

#[cfg(test)]
mod tests;
