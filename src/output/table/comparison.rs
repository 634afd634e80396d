//! The last part of the table if there are several organisations: one line for each, the worst first.

use super::Table;
use crate::output::ReportedOrganisation;
use crate::output::standing::{COLUMNS, Standing, sentence, standings};
use crate::text::{columns, visible};

/// The name, the outcome and the counts.
const CELLS: usize = COLUMNS.len() + 2;
/// Spaces between two columns.
const GAP: usize = 2;

impl Table {
    /// Nothing for a single organisation, about which the rest of the table says everything.
    pub(super) fn comparison(&mut self, organisations: &[ReportedOrganisation<'_>]) {
        if organisations.len() < 2 {
            return;
        }
        let standings = standings(organisations);
        self.line("");
        self.heading("All organisations");
        let listed = standings.len().min(self.style.most);
        let mut rows = vec![heading()];
        rows.extend(standings.iter().take(listed).map(row));
        let widths: [usize; CELLS] =
            std::array::from_fn(|cell| rows.iter().map(|row| columns(&row[cell])).max().unwrap_or_default());
        let width = widths.iter().sum::<usize>() + GAP * (CELLS - 1);
        if self.style.width.is_none_or(|terminal| width <= terminal) {
            for row in &rows {
                self.line(&aligned(row, widths));
            }
        } else {
            for row in rows.iter().skip(1) {
                let counts = row[2..].iter().zip(COLUMNS).filter(|(count, _)| !count.is_empty());
                let counts: Vec<String> = counts.map(|(count, what)| format!("{what} {count}")).collect();
                let parts = [row[1].clone(), counts.join(", ")].into_iter().filter(|part| !part.is_empty());
                self.sentence(0, &format!("{}: {}", row[0], parts.collect::<Vec<_>>().join(", ")));
            }
        }
        self.beyond(standings.len() - listed);
        self.sentence(0, &sentence(&standings));
    }
}

fn heading() -> [String; CELLS] {
    let names = ["organisation", "result"].into_iter().chain(COLUMNS).map(str::to_uppercase);
    filled(names)
}

fn row(standing: &Standing<'_>) -> [String; CELLS] {
    let name = visible(standing.organisation.org).into_owned();
    let counts = standing.counts.into_iter().flatten().map(|count| count.to_string());
    filled([name, standing.outcome.label().to_owned()].into_iter().chain(counts))
}

/// The cells of a row; those that are missing are empty.
fn filled(cells: impl IntoIterator<Item = String>) -> [String; CELLS] {
    let mut cells = cells.into_iter();
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// Words are aligned to the left, and numbers to the right.
fn aligned(row: &[String; CELLS], widths: [usize; CELLS]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(number, (cell, width))| {
        let space = " ".repeat(width.saturating_sub(columns(cell)));
        if number < 2 { format!("{cell}{space}") } else { format!("{space}{cell}") }
    });
    cells.collect::<Vec<_>>().join(&" ".repeat(GAP))
}

#[cfg(test)]
mod tests {
    use super::super::{MOST, Style, render};
    use super::*;
    use crate::fixtures::sample;

    fn end(organisations: &[ReportedOrganisation<'_>], style: Style) -> String {
        let table = render(organisations, style);
        let (_, end) = table.split_once("\nAll organisations\n").expect("a comparison");
        end.to_owned()
    }

    #[test]
    fn the_end_of_a_table_of_several_organisations_compares_them() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let all =
            [ReportedOrganisation { org: "test", ..clean.organisation() }, planted.organisation(), sample::failed()];
        let style = Style { width: Some(120), colour: false, most: MOST };
        insta::assert_snapshot!(end(&all, style));
        let narrow = Style { width: Some(50), ..style };
        insta::assert_snapshot!("narrow", end(&all, narrow));
        assert!(render(&all, narrow).lines().all(|line| columns(line) <= 50));
        assert!(!render(&all[..1], style).contains("All organisations"));
    }

    #[test]
    fn the_comparison_is_bounded_unless_all_is_asked_for() {
        let clean = sample::clean();
        let mut all = vec![clean.organisation(); 200];
        all.push(sample::failed());
        let style = Style { width: None, colour: false, most: MOST };
        let bounded = end(&all, style);
        assert!(bounded.contains("  … and 151 more; --all lists them\n"), "{bounded}");
        assert!(bounded.contains("\nemea          NOT AUDITED"), "the worst is listed: {bounded}");
        assert!(bounded.ends_with("201 organisations: 200 audited, 0 incomplete, 1 not audited.\n"), "{bounded}");
        assert_eq!(end(&all, Style { most: usize::MAX, ..style }).lines().count(), 203);
    }
}
