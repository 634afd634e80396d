//! Mutants of alerts: each expression with one change, by rules that apply to any alert.
//!
//! A mutant that is not a valid expression is an error of this file; it does not count as detected (see `survivors`).

use super::promql::{Tokens, closing, compares, enclosed, levels, strength, text, tokens};

/// An alert with one change.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// The change, as text.
    pub(crate) what: String,
    /// The changed expression.
    pub(crate) expr: String,
    /// The changed `for`.
    pub(crate) hold: Option<String>,
}

/// Every mutant of an alert with this expression and this `for`.
pub(crate) fn of(expr: &str, hold: Option<&str>) -> Vec<Mutant> {
    let original = tokens(expr);
    let mut changed: Vec<(String, Tokens)> = Vec::new();
    for mutate in [terms, bounds, numbers, ranges, functions, aggregations, labels_of_lists, matching, matchers] {
        mutate(&original, &mut |what, tokens| changed.push((what, tokens)));
    }
    let same = hold.map(str::to_owned);
    let mut mutants: Vec<Mutant> =
        changed.into_iter().map(|(what, tokens)| Mutant { what, expr: text(&tokens), hold: same.clone() }).collect();
    let holds = hold.map_or(vec!["5m".to_owned()], around);
    mutants.extend(holds.into_iter().map(|hold| Mutant {
        what: format!("for: {hold}"),
        expr: text(&original),
        hold: Some(hold),
    }));
    mutants
}

/// The tokens with those of a range replaced.
fn exchanged(tokens: &[String], range: std::ops::Range<usize>, with: &[&str]) -> Tokens {
    let with = with.iter().map(|token| (*token).to_owned());
    [&tokens[..range.start], &with.collect::<Tokens>(), &tokens[range.end..]].concat()
}

/// Names a place, so that equal changes at different places have different names.
fn at(tokens: &[String], place: usize) -> String {
    let from = place.saturating_sub(4);
    format!("at `{}`", text(&tokens[from..tokens.len().min(place + 5)]))
}

type Report<'a> = &'a mut dyn FnMut(String, Tokens);

/// Drops each operand of `or`, `and` and `unless`, the left one and the right one.
fn terms(tokens: &[String], report: Report<'_>) {
    for level in levels(tokens) {
        let operators: Vec<(usize, u8)> = {
            let mut found = Vec::new();
            let mut place = level.start;
            while place < level.end {
                if tokens[place] == "(" {
                    place = closing(tokens, place);
                } else if let Some(strength) = strength(&tokens[place]) {
                    found.push((place, strength));
                }
                place += 1;
            }
            found
        };
        for (index, &(place, strength)) in operators.iter().enumerate() {
            // The right side of `and` and `unless` ends at the next operator, that of `or` at the next `or`; the left side
            // begins after the last `or` in both cases.
            let end =
                operators[index + 1..].iter().find(|(_, next)| *next <= strength).map_or(level.end, |next| next.0);
            let start =
                operators[..index].iter().rev().find(|(_, last)| *last == 0).map_or(level.start, |last| last.0 + 1);
            let right = if tokens[place + 1] == "on" { closing(tokens, place + 2) + 1 } else { place + 1 };
            report(
                format!("drops the right side of {} {}", tokens[place], at(tokens, place)),
                exchanged(tokens, place..end, &[]),
            );
            report(
                format!("drops the left side of {} {}", tokens[place], at(tokens, place)),
                exchanged(tokens, start..right, &[]),
            );
        }
    }
}

/// Turns each comparison round, and moves `>` and `<` by the width of the bound.
fn bounds(tokens: &[String], report: Report<'_>) {
    let enclosed = enclosed(tokens);
    for (place, token) in tokens.iter().enumerate().filter(|(place, token)| compares(token) && !enclosed[*place]) {
        let others: &[&str] = match token.as_str() {
            "==" => &["!="],
            ">" => &["<", ">="],
            "<" => &[">", "<="],
            other => panic!("no alert uses {other}; say what is wrong with it here"),
        };
        for other in others {
            report(format!("{other} {}", at(tokens, place)), exchanged(tokens, place..place + 1, &[other]));
        }
    }
}

/// Doubles and halves each number; 0 becomes 2.
fn numbers(tokens: &[String], report: Report<'_>) {
    let enclosed = enclosed(tokens);
    for (place, token) in tokens.iter().enumerate().filter(|(place, _)| !enclosed[*place]) {
        let Ok(number) = token.parse::<f64>() else { continue };
        let others = if number == 0.0 { vec![2.0] } else { vec![number * 2.0, number / 2.0] };
        for other in others {
            report(
                format!("{other} {}", at(tokens, place)),
                exchanged(tokens, place..place + 1, &[&other.to_string()]),
            );
        }
    }
}

/// Doubles and halves each range.
fn ranges(tokens: &[String], report: Report<'_>) {
    for (open, _) in tokens.iter().enumerate().filter(|(_, token)| *token == "[") {
        for other in around(&tokens[open + 1]) {
            report(format!("[{other}] {}", at(tokens, open)), exchanged(tokens, open + 1..open + 2, &[&other]));
        }
    }
}

/// A duration doubled and halved.
fn around(duration: &str) -> Vec<String> {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let number: u64 = number.parse().unwrap_or_else(|_| panic!("{duration} is not a duration with one unit"));
    let seconds = number
        * match unit {
            "m" => 60,
            "h" => 3600,
            "d" => 86400,
            other => panic!("no unit: {other}"),
        };
    [seconds * 2, seconds / 2].map(|seconds| format!("{seconds}s")).into()
}

/// Removes each function over a range, with its range, and `absent`; and inverts arithmetic.
fn functions(tokens: &[String], report: Report<'_>) {
    for (place, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "absent" => {
                report(format!("without absent {}", at(tokens, place)), exchanged(tokens, place..place + 1, &[]));
            }
            "last_over_time" | "avg_over_time" | "increase" | "rate" => {
                let close = closing(tokens, place + 1);
                let open = (place..close).rev().find(|place| tokens[*place] == "[").unwrap_or(close);
                let plain: Vec<&str> = tokens[place + 2..open].iter().map(String::as_str).collect();
                report(format!("without {token} {}", at(tokens, place)), exchanged(tokens, place..close + 1, &plain));
            }
            "+" | "-" | "*" | "/" => {
                let other = match token.as_str() {
                    "+" => "-",
                    "-" => "+",
                    "*" => "/",
                    _ => "*",
                };
                report(format!("{other} {}", at(tokens, place)), exchanged(tokens, place..place + 1, &[other]));
            }
            _ => {}
        }
    }
}

/// Removes each aggregation, and replaces it by its opposite.
fn aggregations(tokens: &[String], report: Report<'_>) {
    for (place, token) in tokens.iter().enumerate() {
        let opposite = match token.as_str() {
            "max" => Some("min"),
            "min" | "sum" => Some("max"),
            "group" => None,
            _ => continue,
        };
        if let Some(opposite) = opposite {
            report(format!("{opposite} {}", at(tokens, place)), exchanged(tokens, place..place + 1, &[opposite]));
        }
        let argument = if tokens[place + 1] == "by" { closing(tokens, place + 2) + 1 } else { place + 1 };
        report(format!("without {token} {}", at(tokens, place)), exchanged(tokens, place..argument, &[]));
    }
}

/// Removes each label from `by (...)` and `on (...)`.
fn labels_of_lists(tokens: &[String], report: Report<'_>) {
    for (place, _) in tokens.iter().enumerate().filter(|(_, token)| ["by", "on"].contains(&token.as_str())) {
        let close = closing(tokens, place + 1);
        for label in place + 2..close {
            if tokens[label] != "," {
                // With the comma after it, or for the last label with the comma before it.
                let range = match (tokens[label + 1].as_str(), tokens[label - 1].as_str()) {
                    (",", _) => label..label + 2,
                    (_, ",") => label - 1..label + 1,
                    _ => label..label + 1,
                };
                report(format!("without {} {}", tokens[label], at(tokens, label)), exchanged(tokens, range, &[]));
            }
        }
    }
}

/// Removes each `on (...)`.
fn matching(tokens: &[String], report: Report<'_>) {
    for (place, _) in tokens.iter().enumerate().filter(|(_, token)| *token == "on") {
        let close = closing(tokens, place + 1);
        report(format!("without on {}", at(tokens, place)), exchanged(tokens, place..close + 1, &[]));
    }
}

/// Removes each label matcher, and inverts it.
fn matchers(tokens: &[String], report: Report<'_>) {
    for (open, _) in tokens.iter().enumerate().filter(|(_, token)| *token == "{") {
        let close = closing(tokens, open);
        // A matcher has three tokens; a comma separates it from the next one.
        for label in (open + 1..close).step_by(4) {
            let range = match (tokens[label + 3].as_str(), tokens[label - 1].as_str()) {
                (",", _) => label..label + 4,
                (_, ",") => label - 1..label + 3,
                _ => open..close + 1,
            };
            report(format!("without the matcher {}", at(tokens, label)), exchanged(tokens, range, &[]));
            let other = if tokens[label + 1] == "=" { "!=" } else { "=" };
            report(format!("{other} {}", at(tokens, label + 1)), exchanged(tokens, label + 1..label + 2, &[other]));
        }
    }
}

#[test]
fn each_of_several_matchers_is_changed() {
    let mut changed: Vec<String> =
        of("m{a=\"b\", c!=\"d\"}", Some("10m")).into_iter().map(|mutant| mutant.expr).collect();
    changed.sort();
    changed.dedup();
    let expected = [
        "m { a != \"b\" , c != \"d\" }",
        "m { a = \"b\" , c != \"d\" }",
        "m { a = \"b\" , c = \"d\" }",
        "m { a = \"b\" }",
        "m { c != \"d\" }",
    ];
    assert_eq!(changed, expected);
}

#[test]
fn every_part_of_an_expression_is_changed() {
    let expr = "max by (a, b) (m) > 0 or (last_over_time(n{c=\"d\"}[2h]) == 4 unless on (a) absent(o))";
    let (head, tail) = ("max by ( a , b ) ( m ) > 0 or ( ", " unless on ( a ) absent ( o ) )");
    let middle = "last_over_time ( n { c = \"d\" } [ 2h ] ) == 4";
    let mut expected = vec![
        head.trim_end_matches(" or ( ").to_owned(),
        format!("( {middle}{tail}"),
        format!("{head}{middle} )"),
        format!("{head}absent ( o ) )"),
        format!("{}{middle}{tail}", head.replace('>', "<")),
        format!("{}{middle}{tail}", head.replace('>', ">=")),
        format!("{}{middle}{tail}", head.replace('0', "2")),
        format!("{}{middle}{tail}", head.replace("max", "min")),
        format!("{}{middle}{tail}", head.replace("max by ( a , b ) ", "")),
        format!("{}{middle}{tail}", head.replace("a , ", "")),
        format!("{}{middle}{tail}", head.replace(" , b", "")),
        format!("{head}{}{tail}", middle.replace("==", "!=")),
        format!("{head}{}{tail}", middle.replace('4', "8")),
        format!("{head}{}{tail}", middle.replace("== 4", "== 2")),
        format!("{head}{}{tail}", middle.replace("2h", "14400s")),
        format!("{head}{}{tail}", middle.replace("2h", "3600s")),
        format!("{head}n {{ c = \"d\" }} == 4{tail}"),
        format!("{head}{}{tail}", middle.replace("{ c = \"d\" } ", "")),
        format!("{head}{}{tail}", middle.replace("c =", "c !=")),
        format!("{head}{middle}{}", tail.replace("absent ", "")),
        format!("{head}{middle}{}", tail.replace("( a ) ", "( ) ")),
        format!("{head}{middle}{}", tail.replace("on ( a ) ", "")),
    ];
    let (mut changed, delayed): (Vec<Mutant>, Vec<Mutant>) =
        of(expr, Some("10m")).into_iter().partition(|mutant| mutant.hold.as_deref() == Some("10m"));
    assert_eq!(delayed.iter().map(|mutant| mutant.hold.as_deref()).collect::<Vec<_>>(), [Some("1200s"), Some("300s")]);
    expected.sort();
    changed.sort_by(|a, b| a.expr.cmp(&b.expr));
    assert_eq!(changed.into_iter().map(|mutant| mutant.expr).collect::<Vec<_>>(), expected);
}
