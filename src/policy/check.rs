//! Checks that each key of a policy file exists and that each value has the right shape. Reports every mistake with its
//! position.
//!
//! `layer` checks references between values, such as a selector that does not exist.
//!
//! A file is checked against the table of keys and not deserialised with serde, because serde stops at the first mistake
//! and all mistakes must be reported.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::text::did_you_mean;

use super::schema::{Key, Shape, UNKNOWN, Words};
use super::{PermissionPattern, scalar};

/// Mistakes in the order in which they were found: a range of bytes in the file and a message.
pub(super) type Mistakes = Vec<(Range<usize>, String)>;

/// Checks a table and everything in it. Missing keys are reported at `place`.
pub(super) fn table(table: &DeTable<'_>, place: &Range<usize>, keys: &[Key], mistakes: &mut Mistakes) {
    for (name, found) in table {
        match keys.iter().find(|key| key.name == name.get_ref()) {
            Some(key) => value(found, key.shape, mistakes),
            None => mistakes.push((name.span(), unknown(name.get_ref(), keys))),
        }
    }
    for key in keys.iter().filter(|key| key.required && !table.keys().any(|name| name.get_ref() == key.name)) {
        mistakes.push((place.clone(), format!("{} is missing: {}", key.name, key.about)));
    }
}

fn unknown(name: &str, keys: &[Key]) -> String {
    let known: Vec<&str> =
        keys.iter().filter(|key| !matches!(key.shape, Shape::Refused(_))).map(|key| key.name).collect();
    let near = did_you_mean(name, known.iter().copied());
    format!("unknown key {name:?}{near}; the known keys here are {}", known.join(", "))
}

fn value(found: &Spanned<DeValue<'_>>, shape: Shape, mistakes: &mut Mistakes) {
    let span = found.span();
    let value = found.get_ref();
    let outcome = match shape {
        Shape::Switch => value.as_bool().map(|_| ()).ok_or_else(|| expected("true or false", value)),
        Shape::SwitchOrUnknown => (value.is_bool() || value.as_str() == Some(UNKNOWN))
            .then_some(())
            .ok_or_else(|| expected("true, false or \"unknown\"", value)),
        Shape::Texts => return list(found, 0, mistakes, |item| scalar::text(item).map(|_| ())),
        Shape::Words(words) => return list(found, 0, mistakes, |item| word(item, words)),
        Shape::TextOrTexts if !value.is_str() => {
            return list(found, 1, mistakes, |item| scalar::text(item).map(|_| ()));
        }
        Shape::WordOrWords(words) if !value.is_str() => return list(found, 1, mistakes, |item| word(item, words)),
        Shape::Text | Shape::TextOrTexts => scalar::text(value).map(|_| ()),
        Shape::Word(words) | Shape::WordOrWords(words) => word(value, words),
        Shape::Permission => permission(value, PermissionPattern::new, "domain:entity:action"),
        Shape::AnyPermission => {
            permission(value, PermissionPattern::any, "domain:entity:action, or a single word for a general permission")
        }
        Shape::Seconds => scalar::seconds(value).map(|_| ()),
        Shape::Days => scalar::days(value).map(|_| ()),
        Shape::Ratio => scalar::percent(value).map(|_| ()),
        Shape::Count => scalar::count(value).map(|_| ()),
        Shape::Moment => scalar::moment(value).map(|_| ()),
        Shape::Refused(why) => Err(why.to_owned()),
        Shape::Table(keys) => match value.as_table() {
            Some(inner) => return table(inner, &span, keys, mistakes),
            None => Err(expected("a table", value)),
        },
        Shape::Tables(keys) => match value.as_array() {
            Some(items) => {
                for item in items {
                    self::value(item, Shape::Table(keys), mistakes);
                }
                return;
            }
            None => Err(expected("a list of tables", value)),
        },
        Shape::Named(keys) => match value.as_table() {
            Some(inner) => {
                for (_, named) in inner {
                    self::value(named, Shape::Table(keys), mistakes);
                }
                return;
            }
            None => Err(expected("a table for each name", value)),
        },
    };
    if let Err(message) = outcome {
        mistakes.push((span, message));
    }
}

fn list(
    found: &Spanned<DeValue<'_>>,
    least: usize,
    mistakes: &mut Mistakes,
    check: impl Fn(&DeValue<'_>) -> Result<(), String>,
) {
    let Some(items) = found.get_ref().as_array() else {
        let what = if least == 0 { "a list of strings" } else { "a string or a list of strings" };
        mistakes.push((found.span(), expected(what, found.get_ref())));
        return;
    };
    if items.len() < least {
        mistakes.push((found.span(), "must not be empty".to_owned()));
    }
    for item in items {
        if let Err(message) = check(item.get_ref()) {
            mistakes.push((item.span(), message));
        }
    }
}

fn word(value: &DeValue<'_>, words: Words) -> Result<(), String> {
    let word = scalar::text(value)?;
    let words = words();
    if words.contains(&word) { Ok(()) } else { Err(format!("{word:?} is not one of {}", words.join(", "))) }
}

fn permission(value: &DeValue<'_>, read: fn(&str) -> Option<PermissionPattern>, form: &str) -> Result<(), String> {
    let text = scalar::text(value)?;
    let wrong =
        || format!("{text:?} does not have three segments; write {form}, such as oauth:client:add or oauth:*:*");
    read(text).map(|_| ()).ok_or_else(wrong)
}

fn expected(what: &str, found: &DeValue<'_>) -> String {
    format!("expected {what}, found {}", scalar::type_name(found))
}
