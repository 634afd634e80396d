//! Which organisations the index shows: parsed from the query of `/`.

use super::super::query::{Query, written};
use super::standing::Standing;

/// Which organisations are shown. An organisation must match both criteria.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::server) struct Filter {
    /// A part of the label, name, id or region, or of the reason why it is not read; empty matches all.
    pub(super) text: String,
    pub(super) show: Option<Show>,
    /// From 0.
    page: usize,
}

/// What an organisation must have to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Show {
    Paging,
    Unread,
    Flagged,
    Starting,
    Fresh,
}

impl Show {
    pub(super) const ALL: [Self; 5] = [Self::Paging, Self::Unread, Self::Flagged, Self::Starting, Self::Fresh];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Paging => "paging",
            Self::Unread => "not_read",
            Self::Flagged => "flagged",
            Self::Starting => "starting",
            Self::Fresh => "fresh",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Paging => "With new dangerous grants",
            Self::Unread => "Not read",
            Self::Flagged => "With flagged clients",
            Self::Starting => "Starting",
            Self::Fresh => "Fresh",
        }
    }

    /// Whether it depends on details, which can be hidden.
    pub(super) const fn needs_details(self) -> bool {
        matches!(self, Self::Paging | Self::Flagged)
    }

    fn is(self, standing: &Standing<'_>) -> bool {
        match self {
            Self::Paging => standing.is_paging(),
            Self::Unread => standing.is_unread(),
            Self::Flagged => standing.counts().flagged > 0,
            Self::Starting => standing.is_waiting(),
            Self::Fresh => standing.freshness.is_current(),
        }
    }
}

impl Filter {
    /// Parses the query of a URL. The error lists what is unknown, and what is known instead.
    pub(in crate::server) fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut query = Query::parse(query, &["q", "show", "page"]);
        let filter = Self {
            text: query.text("q"),
            show: query.chosen("show", &Show::ALL, Show::label),
            page: query.number("page") - 1,
        };
        query.end(filter).map_err(|mistake| {
            format!(
                "{mistake}\nThis page lists organisations. The search for clients of all organisations is at clients."
            )
        })
    }

    /// Whether it has a criterion.
    pub(super) fn is_some(&self) -> bool {
        !self.text.is_empty() || self.show.is_some()
    }

    /// The number of the page among this many, from 0.
    pub(super) fn page(&self, pages: usize) -> usize {
        self.page.min(pages.saturating_sub(1))
    }

    /// The address of another page with the same criteria.
    pub(super) fn link(&self, page: usize) -> String {
        let number = (page + 1).to_string();
        let page = if page == 0 { "" } else { &number };
        format!(
            "./?{}",
            written([("q", self.text.as_str()), ("show", self.show.map_or("", Show::label)), ("page", page)])
        )
    }

    /// `shows_details` says whether names and ids may be searched: who does not see them must not find out what they contain.
    pub(super) fn shows(&self, standing: &Standing<'_>, shows_details: bool) -> bool {
        if !self.show.is_none_or(|show| show.is(standing)) {
            return false;
        }
        let text = self.text.to_lowercase();
        let contains = |of: &str| of.to_lowercase().contains(&text);
        let named = standing.organisation.evaluated.as_deref().filter(|_| shows_details).is_some_and(|evaluated| {
            let of = &evaluated.snapshot.organisation;
            contains(&of.name) || contains(of.id.as_str()) || contains(&of.region)
        });
        named || contains(&standing.organisation.org) || standing.freshness.reason.as_deref().is_some_and(contains)
    }
}
