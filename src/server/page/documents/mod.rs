//! The pages of runbooks and rules, and their lists: what the links in alerts and reports lead to.
//!
//! They have nothing of an organisation, so everyone who can reach the port may see them.

mod entry;
mod rule;
mod runbook;

use askama::Template;

use super::frame::Frame;
use crate::domain::Timestamp;
use crate::text::{shortened, visible};
use entry::Entry;

/// The longest name in the message that a page does not exist, in characters.
const LONGEST: usize = 80;

/// A path below which documents are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Shelf {
    Runbooks,
    Rules,
}

/// The name of a document, or of none, below a shelf's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Wanted {
    shelf: Shelf,
    /// Empty for the list.
    name: String,
    /// The path of the request.
    path: String,
}

impl Shelf {
    const ALL: [Self; 2] = [Self::Runbooks, Self::Rules];

    /// The first segment of the path.
    const fn segment(self) -> &'static str {
        match self {
            Self::Runbooks => "runbooks",
            Self::Rules => "rules",
        }
    }

    fn entries(self) -> Vec<Entry> {
        match self {
            Self::Runbooks => {
                let mut runbooks: Vec<_> = runbook::all().collect();
                runbooks.sort_by_key(runbook::Runbook::rank);
                runbooks.iter().map(runbook::Runbook::entry).collect()
            }
            Self::Rules => crate::audit::rules::all().map(rule::entry).collect(),
        }
    }
}

impl Wanted {
    /// What a path asks for; `None` if it is not the path of a document or of a list.
    pub(in crate::server) fn parse(path: &str) -> Option<Self> {
        let (segment, name) = path.strip_prefix('/')?.split_once('/').unwrap_or((path.get(1..)?, ""));
        let shelf = Shelf::ALL.into_iter().find(|shelf| shelf.segment() == segment)?;
        Some(Self { shelf, name: name.to_owned(), path: path.to_owned() })
    }

    /// Whether there is such a document.
    pub(in crate::server) fn exists(&self) -> bool {
        self.name.is_empty() || self.shelf.entries().iter().any(|entry| entry.name == self.name)
    }

    /// The message that there is none, with the names that exist, for a program.
    pub(in crate::server) fn unknown(&self) -> String {
        let names: Vec<String> = self.shelf.entries().into_iter().map(|entry| entry.name).collect();
        format!("{} There are:\n{}", self.missing(), names.join("\n"))
    }

    fn missing(&self) -> String {
        let what = match self.shelf {
            Shelf::Runbooks => "runbook",
            Shelf::Rules => "rule",
        };
        format!("There is no {what} with the name {}.", shortened(&visible(&self.name), LONGEST))
    }
}

/// Renders the document, or the list of all. The list says so if there is no such document.
pub(in crate::server) fn page(wanted: &Wanted, now: Timestamp, telemetry_path: &str) -> askama::Result<String> {
    let frame = Frame::new(&wanted.path, telemetry_path, false, now);
    let name = wanted.name.as_str();
    match wanted.shelf {
        Shelf::Runbooks => {
            if let Some(runbook) = runbook::all().find(|runbook| runbook.name == name) {
                return runbook::page(&runbook, frame);
            }
        }
        Shelf::Rules => {
            if let Some(rule) = crate::audit::rules::find(name) {
                return rule::page(rule, frame);
            }
        }
    }
    let (title, about) = match wanted.shelf {
        Shelf::Runbooks => ("Runbooks", "What each alert means, what to look at, and what to do."),
        Shelf::Rules => ("Rules of the audit", "What each rule finds, why it matters, and what to do about a finding."),
    };
    let missing = (!name.is_empty()).then(|| wanted.missing());
    List { frame, title, about, missing, shelf: wanted.shelf.segment(), entries: wanted.shelf.entries() }.render()
}

#[derive(Template)]
#[template(path = "documents.html")]
struct List<'a> {
    frame: Frame<'a>,
    title: &'static str,
    about: &'static str,
    missing: Option<String>,
    shelf: &'static str,
    entries: Vec<Entry>,
}

#[cfg(test)]
mod tests;
