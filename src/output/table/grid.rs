//! Lays out the findings of one section: as a table, or one fact per line if the terminal is too narrow for that.
//!
//! Nothing is truncated. On a terminal, names and evidence are wrapped; in a pipe, each finding is one line, however long.

use crate::text::{columns, wrapped};

/// Spaces between two columns, and before the first.
const GAP: usize = 2;
/// The columns of the client's name and of the evidence are never narrower.
const NARROWEST: usize = 16;
/// Evidence that is longer is wrapped before names are.
const COMFORTABLE: usize = 40;
/// The widest column for the client's name. In a pipe, a longer name shifts the rest of its line.
const WIDEST_NAME: usize = 40;

/// A finding as text.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Empty for a finding on the organisation.
    pub(super) id: String,
    pub(super) rule: &'static str,
    pub(super) evidence: String,
    /// The number of findings that it stands for.
    pub(super) count: usize,
    /// A paragraph below the row, with the exemption of the finding.
    pub(super) then: Option<String>,
}

/// Widths of the columns. The columns of the id and the rule are as wide as their longest value, since these are never wrapped.
#[derive(Debug, Clone, Copy)]
struct Widths {
    name: usize,
    id: usize,
    rule: usize,
    /// `None` in a pipe.
    evidence: Option<usize>,
}

/// The lines of the rows. `width` is that of the terminal, `None` without a terminal.
pub(super) fn lines(rows: &[Row], width: Option<usize>) -> Vec<String> {
    match Widths::fit(rows, width) {
        Some(widths) => {
            let heading = widths.line("CLIENT", "CLIENT ID", "RULE", "EVIDENCE");
            std::iter::once(heading).chain(rows.iter().flat_map(|row| table_row(row, widths, width))).collect()
        }
        None => rows.iter().flat_map(|row| stacked(row, width)).collect(),
    }
}

fn table_row(row: &Row, widths: Widths, width: Option<usize>) -> Vec<String> {
    let evidence = widths.evidence.map_or_else(|| vec![row.evidence.clone()], |width| wrapped(&row.evidence, width));
    let name = match widths.evidence {
        Some(_) => wrapped(&row.name, widths.name),
        None => vec![row.name.clone()],
    };
    let cell = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
    let mut lines = vec![widths.line(&cell(&name, 0), &row.id, row.rule, &cell(&evidence, 0))];
    let more = 1..name.len().max(evidence.len());
    lines.extend(more.map(|at| widths.line(&cell(&name, at), "", "", &cell(&evidence, at))));
    lines.extend(then(row, width));
    lines
}

fn stacked(row: &Row, width: Option<usize>) -> Vec<String> {
    let mut lines = paragraph(&row.name, 2, width);
    lines.extend(paragraph(&row.id, 4, width));
    lines.extend(paragraph(&format!("{}: {}", row.rule, row.evidence), 4, width));
    lines.extend(then(row, width));
    lines
}

fn then(row: &Row, width: Option<usize>) -> Vec<String> {
    row.then.as_ref().map(|then| paragraph(then, 4, width)).unwrap_or_default()
}

/// The text, indented. Lines that follow the first are indented by two more.
pub(super) fn paragraph(text: &str, indent: usize, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return Some(text)
            .filter(|text| !text.is_empty())
            .map(|text| format!("{:indent$}{text}", ""))
            .into_iter()
            .collect();
    };
    let lines = wrapped(text, width.saturating_sub(indent + GAP).max(NARROWEST));
    let indents = std::iter::once(indent).chain(std::iter::repeat(indent + GAP));
    lines.into_iter().zip(indents).map(|(line, indent)| format!("{:indent$}{line}", "")).collect()
}

impl Widths {
    /// `None` if the terminal is too narrow: no word of the evidence is broken in a table.
    fn fit(rows: &[Row], width: Option<usize>) -> Option<Self> {
        let widest =
            |text: fn(&Row) -> usize, heading: &str| rows.iter().map(text).max().unwrap_or(0).max(heading.len());
        let id = widest(|row| columns(&row.id), "CLIENT ID");
        let rule = widest(|row| columns(row.rule), "RULE");
        let name = widest(|row| columns(&row.name), "CLIENT").min(WIDEST_NAME);
        let Some(width) = width else { return Some(Self { name, id, rule, evidence: None }) };
        let word = widest(|row| row.evidence.split_whitespace().map(columns).max().unwrap_or(0), "EVIDENCE");
        let word = word.max(NARROWEST);
        let room = width.checked_sub(4 * GAP + id + rule).filter(|room| *room >= NARROWEST + word)?;
        let evidence = widest(|row| columns(&row.evidence), "EVIDENCE").min(COMFORTABLE).max(word);
        let name = name.min(room.saturating_sub(evidence).max(NARROWEST));
        Some(Self { name, id, rule, evidence: Some(room - name) })
    }

    fn line(&self, name: &str, id: &str, rule: &str, evidence: &str) -> String {
        let mut line = String::new();
        for (text, width) in [(name, self.name), (id, self.id), (rule, self.rule), (evidence, 0)] {
            line.push_str(&" ".repeat(GAP));
            line.push_str(text);
            line.push_str(&" ".repeat(width.saturating_sub(columns(text))));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, evidence: &str) -> Row {
        let (name, evidence) = (name.to_owned(), evidence.to_owned());
        Row { name, id: "7a3e4c1d".to_owned(), rule: "dangerous-scope", evidence, count: 1, then: None }
    }

    #[test]
    fn a_terminal_wraps_names_and_evidence_and_a_pipe_gets_one_line() {
        let name = "The integration of the contact centre with everything else";
        let evidence = "holds the scopes authorization, users, oauth and a few more, each of them dangerous";
        let rows = [row(name, evidence)];
        assert_eq!(
            lines(&rows, Some(80)).join("\n").lines().map(str::trim_end).collect::<Vec<_>>(),
            [
                "  CLIENT            CLIENT ID  RULE             EVIDENCE",
                "  The integration   7a3e4c1d   dangerous-scope  holds the scopes authorization,",
                "  of the contact                                users, oauth and a few more,",
                "  centre with                                   each of them dangerous",
                "  everything else",
            ]
        );
        let piped = lines(&rows, None);
        assert_eq!(piped.len(), 2);
        assert!(piped[1].contains(name) && piped[1].ends_with(evidence), "{piped:?}");
    }

    #[test]
    fn characters_of_double_width_keep_the_columns_aligned() {
        let rows = [row("客户端", "one"), row("Wallboard", "two")];
        let lines = lines(&rows, Some(100));
        let before: Vec<usize> =
            lines[1..].iter().filter_map(|line| Some(columns(line.split_once("7a3e4c1d")?.0))).collect();
        assert_eq!(before, [13, 13], "{lines:?}");
    }

    #[test]
    fn no_word_is_broken_in_a_table_and_only_what_is_wider_than_the_terminal_below_it() {
        let address = "https://callback.example.com/a/rather/long/path";
        let rows = [row("Wallboard", address)];
        for width in [40, 60, 80, 100, 200] {
            let lines = lines(&rows, Some(width));
            assert_eq!(lines.join("\n").contains(address), width >= 60, "{width}: {lines:?}");
            assert!(lines.iter().all(|line| columns(line.trim_end()) <= width), "{width}: {lines:?}");
        }
    }
}
