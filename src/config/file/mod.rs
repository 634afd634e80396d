//! The configuration file of several organisations: TOML with `[defaults]` and one `[[organisation]]` for each.
//!
//! Each key is a setting that a flag or a variable has too, so that a value is checked by the same code wherever it is given. The file
//! contains no secrets. `organisations` builds the organisations from what is read here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin};
use super::keys::{KEYS, Key, Setting};
use super::names::{CLIENT_SECRET, CLIENT_SECRET_FILE, ORG, VARIABLES, variable_of};
use super::read::{Gathered, Pairs, merged};
use crate::file::{self, ReadError};
use crate::secret::SecretString;
use crate::text::{nearest, place};

/// The largest file. An organisation takes a few hundred bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The two ways to name a secret.
const SECRETS: [&str; 2] = [CLIENT_SECRET, CLIENT_SECRET_FILE];

const NO_VARIABLE: &str = "the environment has no variable with this name; set it, or use client_secret_file";

/// The settings of one organisation, as text.
#[derive(Debug)]
pub(crate) struct Stanza {
    pub(crate) gathered: Gathered,
    /// Where it begins, for what is missing in it.
    pub(crate) line: usize,
    /// Whether one of its keys cannot be read, so that what is missing may be misspelt.
    pub(crate) is_misread: bool,
}

/// Of which organisations the credentials are needed. A variable for the secret of any other organisation may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials<'a> {
    OfAll,
    /// Of the organisation with this label.
    Of(&'a str),
    OfNobody,
}

/// What the file says.
#[derive(Debug)]
pub(crate) struct Organisations {
    pub(crate) defaults: Gathered,
    pub(crate) stanzas: Vec<Stanza>,
    /// Every mistake in the structure of the file, each with its line. The rest can be checked nevertheless.
    pub(crate) mistakes: Vec<ConfigError>,
}

/// Reads the file. The error is why it is not TOML, each mistake with its line.
pub(crate) fn read(
    path: &Path,
    process: &Gathered,
    credentials: Credentials<'_>,
) -> Result<Organisations, Vec<ConfigError>> {
    let setting = |line: Option<usize>| match line {
        None => format!("--config.file {}", path.display()),
        Some(line) => format!("{} line {line}", path.display()),
    };
    let text = file::read_text(path, MAX_BYTES).map_err(|error| {
        let problem = match error {
            ReadError::NotFound => "the file does not exist".to_owned(),
            error => error.to_string(),
        };
        vec![ConfigError::new(setting(None), problem)]
    })?;
    let line = |offset: usize| place(&text, offset).0;
    let (document, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        let wrong = |error: &toml::de::Error| {
            ConfigError::new(setting(Some(line(error.span().unwrap_or_default().start))), error.message())
        };
        return Err(errors.iter().map(wrong).collect());
    }
    let mut reading = Reading { path, text: &text, variables: &process.variables, credentials, errors: Vec::new() };
    let mut defaults = Pairs::new();
    let mut tables = Vec::new();
    for (name, value) in document.get_ref() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("defaults", DeValue::Table(table)) => defaults = reading.table(table, false),
            ("organisation", DeValue::Array(items)) => {
                for item in items {
                    match item.get_ref() {
                        DeValue::Table(table) => tables.push((line(item.span().start), table)),
                        _ => reading.wrong(item.span().start, "expected [[organisation]]"),
                    }
                }
            }
            ("defaults" | "organisation", _) => {
                reading.wrong(name.span().start, "expected [defaults] or [[organisation]]");
            }
            (other, _) => {
                let near = nearest(other, ["defaults", "organisation"]);
                let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                reading.wrong(name.span().start, format!("there is no {other:?}{hint}"));
            }
        }
    }
    let mut misread = Vec::new();
    let mut stanzas: Vec<(usize, Pairs)> = Vec::new();
    for (line, table) in tables {
        let before = reading.errors.len();
        let pairs = reading.table(table, true);
        misread.push(reading.errors.len() > before);
        if !table.iter().any(|(name, _)| name.get_ref() == "org") {
            reading.errors.push((line, "org is not set; every organisation needs a name of its own".to_owned()));
        }
        stanzas.push((line, pairs));
    }
    if stanzas.is_empty() {
        reading.wrong(0, "the file names no [[organisation]]");
    }
    reading.refuse_duplicates(&stanzas);
    let Reading { mut errors, .. } = reading;
    errors.sort();
    let mistakes = errors.into_iter().map(|(line, problem)| ConfigError::new(setting(Some(line)), problem)).collect();
    let mut common = defaults_of_flags();
    common.extend(defaults);
    let gathered = |pairs: &Pairs| {
        let mut all = common.clone();
        // A secret of its own takes the place of the common one, also if only one of them is in a file.
        if SECRETS.iter().any(|name| pairs.contains_key(*name)) {
            all.retain(|name, _| !SECRETS.contains(&name.as_str()));
        }
        all.extend(pairs.clone());
        gathered(all, process)
    };
    let stanza = |((line, pairs), is_misread): (&(usize, Pairs), bool)| Stanza {
        gathered: gathered(pairs),
        line: *line,
        is_misread,
    };
    let stanzas = stanzas.iter().zip(misread).map(stanza).collect();
    Ok(Organisations { defaults: gathered(&Pairs::new()), stanzas, mistakes })
}

/// The defaults of the flags. What was given for one organisation outside the file is refused before.
fn defaults_of_flags() -> Pairs {
    let defaults = super::command_line::defaults().into_iter();
    defaults.filter_map(|(flag, default)| Some((variable_of(&flag), (default?, Origin::Default)))).collect()
}

fn gathered(mut pairs: Pairs, process: &Gathered) -> Gathered {
    let named = pairs.remove(CLIENT_SECRET);
    let mut errors = Vec::new();
    let (mut raw, mut origins, mut hidden) = merged(pairs, &mut errors);
    if let Some((variable, origin)) = named {
        origins.insert(CLIENT_SECRET.to_owned(), origin);
        raw.genesyscloud_oauthclient_secret = process.variables.get(&variable).cloned();
    }
    hidden.add_secret(raw.genesyscloud_oauthclient_secret.as_ref());
    Gathered {
        raw,
        origins,
        hidden,
        foreign: Vec::new(),
        proxies: process.proxies.clone(),
        trusted: process.trusted.clone(),
        variables: BTreeMap::new(),
        warnings: Vec::new(),
        errors,
    }
}

/// The settings of one organisation that were given outside the file, which is refused.
pub(crate) fn given_twice(process: &Gathered) -> Vec<ConfigError> {
    let given = |(key, variable): (&Key, String)| {
        let origin = process.origins.get(&variable).filter(|origin| **origin != Origin::Default)?;
        let setting = match key.setting {
            Setting::Flag(flag) => super::error::flag_from(flag, &variable, origin),
            Setting::Variable(_) | Setting::SecretFrom => super::error::variable_from(&variable, origin),
        };
        let instead = if key.setting == Setting::SecretFrom { "client_secret_file" } else { key.name };
        let problem = format!(
            "cannot be used together with --config.file; set {instead} in the file, for one [[organisation]] or in [defaults]"
        );
        Some(ConfigError::new(setting, problem))
    };
    let names = |key: &'static Key| {
        let variable = key.variable();
        let alias = VARIABLES.iter().find(|known| known.name == variable).and_then(|known| known.alias);
        [Some(variable), alias.map(str::to_owned)].into_iter().flatten().map(move |name| (key, name))
    };
    KEYS.iter().flat_map(names).filter_map(given).collect()
}

/// The reading of one file.
struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    variables: &'a BTreeMap<String, SecretString>,
    credentials: Credentials<'a>,
    /// With the line of each.
    errors: Vec<(usize, String)>,
}

impl Reading<'_> {
    fn wrong(&mut self, offset: usize, problem: impl Into<String>) {
        let (line, _) = place(self.text, offset);
        self.errors.push((line, problem.into()));
    }

    /// The settings in a table.
    fn table(&mut self, table: &DeTable<'_>, is_organisation: bool) -> Pairs {
        let mut pairs = Pairs::new();
        let org = table.get("org").and_then(|org| org.get_ref().as_str());
        let needs_secret = match self.credentials {
            Credentials::OfAll => true,
            Credentials::Of(asked) => org.is_some_and(|org| org.trim() == asked),
            Credentials::OfNobody => false,
        };
        for (name, value) in table {
            let (at, word) = (name.span().start, name.get_ref().as_ref());
            let Some(key) = KEYS.iter().find(|key| key.name == word) else {
                let near = nearest(word, KEYS.iter().map(|key| key.name));
                let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                // A secret that somebody wrote into the file is not shown.
                self.wrong(at, format!("there is no key {word}{hint}"));
                continue;
            };
            if key.name == "org" && !is_organisation {
                self.wrong(at, "org belongs to one [[organisation]]");
                continue;
            }
            let text = text(value.get_ref()).filter(|_| key.shape.fits(value.get_ref()));
            let Some(text) = text else {
                self.wrong(at, format!("{word}: expected {}", key.shape.expected()));
                continue;
            };
            if key.shape.is_required() && text.trim().is_empty() {
                self.wrong(at, format!("{word}: is empty; remove the key, or set it"));
                continue;
            }
            let origin = Origin::Key { file: self.path.to_owned(), line: place(self.text, at).0, key: key.name };
            match self.resolved(key, text) {
                Some(text) => _ = pairs.insert(key.variable(), (text, origin)),
                None if needs_secret => self.wrong(at, format!("{word}: {NO_VARIABLE}")),
                None => {}
            }
        }
        pairs
    }

    /// The value as the flag or the variable would have it; `None` for a variable that is not set.
    fn resolved(&self, key: &Key, text: String) -> Option<String> {
        if key.setting == Setting::SecretFrom {
            // The name of the variable stays in the pairs: `gathered` takes the secret from there.
            return Some(text).filter(|name| self.variables.contains_key(name));
        }
        if key.shape.is_path() && !text.trim().is_empty() {
            let directory = self.path.parent().unwrap_or(Path::new(""));
            return Some(directory.join(PathBuf::from(text)).to_string_lossy().into_owned());
        }
        Some(text)
    }

    fn refuse_duplicates(&mut self, stanzas: &[(usize, Pairs)]) {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for (line, pairs) in stanzas {
            let Some((org, _)) = pairs.get(ORG) else { continue };
            match first.get(org.trim()) {
                Some(earlier) => {
                    self.errors.push((*line, format!("the organisation {org:?} is in line {earlier} already")));
                }
                None => _ = first.insert(org.trim(), *line),
            }
        }
    }
}

fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().replace('_', "")),
        DeValue::Boolean(switch) => Some(switch.to_string()),
        DeValue::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            Some(items?.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
