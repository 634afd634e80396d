//! Reads the query of a page's URL. What it does not understand is an error: ignoring it would show what was not asked for.

use crate::text::{shortened, visible};

/// Maximum characters of a text. Longer text is truncated, since the page shows it again.
pub(super) const LONGEST: usize = 200;
/// Maximum number of query fields that are read.
const FIELDS: usize = 16;

/// The fields of a query, and what is wrong with them.
pub(super) struct Query {
    fields: Vec<(String, String)>,
    mistakes: Vec<String>,
}

impl Query {
    /// Reads the fields. Those that are not among `known` are mistakes, and so is a field that occurs twice.
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Self {
        let mut mistakes = Vec::new();
        let mut fields: Vec<(String, String)> = Vec::new();
        for (number, (name, value)) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).enumerate() {
            if number == FIELDS {
                mistakes.push(format!("The address has more than {FIELDS} fields."));
                break;
            }
            if name.is_empty() && value.is_empty() {
                continue;
            }
            if !known.contains(&&*name) {
                let name = visible(&name);
                let name = shortened(&name, LONGEST);
                mistakes.push(format!("There is no field {name:?}. The fields are {}.", known.join(", ")));
            } else if fields.iter().any(|(earlier, earlier_value)| *earlier == *name && *earlier_value != *value) {
                mistakes.push(format!("The field {name} occurs twice."));
            } else {
                fields.push((name.into_owned(), value.into_owned()));
            }
        }
        Self { fields, mistakes }
    }

    /// The text of a field, of limited length; empty without one.
    pub(super) fn text(&self, name: &str) -> String {
        self.value(name).unwrap_or_default().trim().chars().take(LONGEST).collect()
    }

    /// The value of a field with the spaces around it, of limited length; empty without one.
    pub(super) fn exact(&self, name: &str) -> String {
        self.value(name).unwrap_or_default().chars().take(LONGEST).collect()
    }

    /// The filter value with this label; `None` if it is empty, or if it is unknown, which is a mistake.
    pub(super) fn chosen<T: Copy>(&mut self, name: &str, all: &[T], label: fn(T) -> &'static str) -> Option<T> {
        let value = self.value(name).filter(|value| !value.is_empty())?;
        let found = all.iter().copied().find(|of| label(*of) == value);
        if found.is_none() {
            let known: Vec<&str> = all.iter().map(|of| label(*of)).collect();
            self.unknown(name, &known);
        }
        found
    }

    /// A page number, from 1; 1 without the field.
    pub(super) fn number(&mut self, name: &str) -> usize {
        let Some(value) = self.value(name).filter(|value| !value.is_empty()) else { return 1 };
        match value.parse() {
            Ok(number) if number > 0 => number,
            _ => {
                self.mistakes.push(format!("The field {name} is not a number from 1."));
                1
            }
        }
    }

    /// Adds a mistake: the value of this field is not among the known ones.
    pub(super) fn unknown(&mut self, name: &str, known: &[&str]) {
        let value = visible(self.value(name).unwrap_or_default()).into_owned();
        let value = shortened(&value, LONGEST);
        self.mistakes.push(format!("The filter {name} has no value {value:?}. Its values are {}.", known.join(", ")));
    }

    /// The result, or all mistakes, one on each line.
    pub(super) fn end<T>(self, result: T) -> Result<T, String> {
        if self.mistakes.is_empty() { Ok(result) } else { Err(self.mistakes.join("\n")) }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A query with these fields; those without a value are left out.
pub(super) fn written<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
