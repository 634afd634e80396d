//! An expression as tokens, and where its parentheses close.
//!
//! Not a parser: it ignores types, and of the precedence it knows only that `or` is weaker than `and` and `unless`.

/// A part of an expression. White space is not kept; tokens are written with one space between them.
pub(crate) type Tokens = Vec<String>;

const COMPARISONS: [&str; 6] = ["==", "!=", ">=", "<=", ">", "<"];

/// The tokens of an expression: words, numbers, quoted texts, operators, and one for each parenthesis or bracket.
pub(crate) fn tokens(expr: &str) -> Tokens {
    let mut found = Tokens::new();
    let mut rest = expr.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            rest.get(1..).and_then(|text| text.find('"')).map_or(rest.len(), |end| end + 2)
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || "_.:".contains(c))).unwrap_or(rest.len())
        } else if ["==", "!=", ">=", "<=", "=~", "!~"].iter().any(|operator| rest.starts_with(operator)) {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        found.push(token.to_owned());
        rest = after.trim_start();
    }
    found
}

/// The tokens as an expression.
pub(crate) fn text(tokens: &[String]) -> String {
    tokens.join(" ")
}

/// The place of the parenthesis, bracket or brace that closes the one at `open`.
pub(crate) fn closing(tokens: &[String], open: usize) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place;
        }
    }
    panic!("nothing closes {open} in {}", text(tokens));
}

/// Whether each token is inside `{}` or `[]`, where `=` and numbers have another meaning.
pub(crate) fn enclosed(tokens: &[String]) -> Vec<bool> {
    let mut inside = vec![false; tokens.len()];
    for (open, _) in tokens.iter().enumerate().filter(|(_, token)| ["{", "["].contains(&token.as_str())) {
        inside[open..=closing(tokens, open)].fill(true);
    }
    inside
}

/// Whether it compares, outside of braces.
pub(crate) fn compares(token: &str) -> bool {
    COMPARISONS.contains(&token)
}

/// Whether it joins two sets of series, and how strongly.
pub(crate) fn strength(token: &str) -> Option<u8> {
    match token {
        "or" => Some(0),
        "and" | "unless" => Some(1),
        _ => None,
    }
}

/// Every range of tokens between two parentheses, and the range of all tokens.
pub(crate) fn levels(tokens: &[String]) -> Vec<std::ops::Range<usize>> {
    let opens = tokens.iter().enumerate().filter(|(_, token)| *token == "(");
    std::iter::once(0..tokens.len()).chain(opens.map(|(open, _)| open + 1..closing(tokens, open))).collect()
}
