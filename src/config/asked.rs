//! Which organisations of the configuration file a command is asked for: all, or the one that `--org` names.
//!
//! Not their settings (`organisations`).

use std::path::Path;

use super::error::quoted;
use super::file::{self, Credentials, Organisations, Stanza};
use super::raw::RawSettings;
use super::read::Gathered;
use super::values::Values;
use crate::text::{listed, nearest};

/// The largest number of organisations in one message.
pub(super) const MOST_NAMED: usize = 10;

/// The defaults of the file, and the organisations that the command is asked for.
pub(super) fn asked_for(
    values: &mut Values<'_>,
    process: &Gathered,
    path: &Path,
    is_called: bool,
) -> Option<(Gathered, Vec<Stanza>)> {
    let credentials = match &process.raw.org {
        _ if !is_called => Credentials::OfNobody,
        Some(only) => Credentials::Of(only),
        None => Credentials::OfAll,
    };
    let Organisations { defaults, mut stanzas, mistakes } = match file::read(path, process, credentials) {
        Ok(read) => read,
        Err(errors) => {
            values.errors.extend(errors);
            return None;
        }
    };
    values.errors.extend(mistakes);
    if let Some(only) = &process.raw.org {
        let label = |stanza: &Stanza| stanza.gathered.raw.genesyscloud_org.clone().unwrap_or_default();
        let known: Vec<String> = stanzas.iter().map(label).collect();
        stanzas.retain(|stanza| label(stanza) == *only);
        if stanzas.is_empty() {
            let near = nearest(only, known.iter().map(String::as_str));
            let near = near.map_or_else(
                || format!("; it has {}", listed(known.iter().map(String::as_str), MOST_NAMED)),
                |near| format!("; did you mean {near}?"),
            );
            values.flag_wrong("org", format!("{} has no organisation {}{near}", path.display(), quoted(only)));
            return None;
        }
    }
    Some((defaults, stanzas))
}

/// The settings of the organisations that the alerts, or a check of the policies, depend on: those of the file, or of the process.
/// Their credentials are not needed.
pub(super) fn each<T>(
    values: &mut Values<'_>,
    gathered: &Gathered,
    read: impl Fn(&mut Values<'_>, &RawSettings) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(path) = gathered.config_file() else { return Some(vec![read(values, &gathered.raw)?]) };
    values.errors.extend(file::given_twice(gathered));
    let (_, stanzas) = asked_for(values, gathered, &path, false)?;
    let mut add = |Stanza { gathered, line, .. }: &Stanza| {
        let mut own = Values::new(&gathered.origins, &gathered.hidden).of_organisation(&path, *line);
        let settings = read(&mut own, &gathered.raw);
        // A mistake in the defaults is one for each organisation.
        let errors = own.errors.into_iter().filter(|error| !values.errors.contains(error)).collect::<Vec<_>>();
        values.errors.extend(errors);
        settings
    };
    let all: Vec<Option<T>> = stanzas.iter().map(&mut add).collect();
    all.into_iter().collect()
}
