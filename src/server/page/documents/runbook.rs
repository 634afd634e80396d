//! The runbooks of `docs/runbooks`, which `build.rs` renders and compresses.

use std::io::Read as _;

use askama::Template;
use flate2::read::DeflateDecoder;

use super::super::frame::Frame;
use super::entry::Entry;

/// Name, severity, summary and length of each page, in the order of the pages.
const TABLE: &str = include_str!(concat!(env!("OUT_DIR"), "/runbooks.tsv"));
/// All pages, one after another. They stay compressed, because they are read rarely.
const PAGES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/runbooks.deflate"));

/// One runbook.
pub(super) struct Runbook {
    /// The name of the alert.
    pub(super) name: &'static str,
    severity: &'static str,
    summary: &'static str,
    /// Where the page begins, and its length, in bytes.
    place: (u64, u64),
}

/// Every runbook, sorted by name.
pub(super) fn all() -> impl Iterator<Item = Runbook> {
    let mut start = 0;
    TABLE.lines().filter_map(move |line| {
        let mut cells = line.split('\t');
        let (name, severity, summary) = (cells.next()?, cells.next()?, cells.next()?);
        let length = cells.next()?.parse().ok()?;
        let place = (start, length);
        start += length;
        Some(Runbook { name, severity, summary, place })
    })
}

impl Runbook {
    pub(super) fn entry(&self) -> Entry {
        let Self { name, severity, summary, place: _ } = *self;
        Entry {
            name: name.to_owned(),
            severity: severity.to_owned(),
            tone: tone(severity),
            summary: summary.to_owned(),
        }
    }

    /// Severe alerts come first in the list.
    pub(super) fn rank(&self) -> usize {
        let rank = ["critical", "warning", "info"].iter().position(|severity| *severity == self.severity);
        rank.unwrap_or(usize::MAX)
    }

    /// The page as HTML.
    fn html(&self) -> std::io::Result<String> {
        let (start, length) = self.place;
        let mut pages = DeflateDecoder::new(PAGES);
        std::io::copy(&mut pages.by_ref().take(start), &mut std::io::sink())?;
        let mut page = String::new();
        pages.take(length).read_to_string(&mut page)?;
        Ok(page)
    }
}

pub(super) fn page(runbook: &Runbook, frame: Frame<'_>) -> askama::Result<String> {
    let Runbook { name, severity, .. } = *runbook;
    let body = runbook.html().map_err(|cause| askama::Error::Custom(Box::new(cause)))?;
    Page { frame, name, severity, tone: tone(severity), body }.render()
}

/// Severities of alerts, which are not those of findings.
fn tone(severity: &str) -> &'static str {
    match severity {
        "critical" => "critical",
        "warning" => "medium",
        _ => "info",
    }
}

#[derive(Template)]
#[template(path = "runbook.html")]
struct Page<'a> {
    frame: Frame<'a>,
    name: &'static str,
    severity: &'static str,
    tone: &'static str,
    /// HTML that `build.rs` made from a document of this repository.
    body: String,
}
