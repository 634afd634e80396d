//! Cycles of imports between the parts of a folder: its files, and its sub-folders as one part each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use super::imports::Edges;

/// Every shortest cycle, as a text that names the files and what they import.
pub(crate) fn cycles(edges: &Edges) -> BTreeSet<String> {
    let files: BTreeSet<&Path> =
        edges.iter().flat_map(|(from, to)| to.keys().chain([from])).map(PathBuf::as_path).collect();
    let folders: BTreeSet<&Path> =
        files.iter().flat_map(|file| file.ancestors().skip(1)).filter(|path| *path > Path::new("src")).collect();
    folders.into_iter().flat_map(|folder| within(folder, edges)).collect()
}

fn within(folder: &Path, edges: &Edges) -> BTreeSet<String> {
    let mut parts: BTreeMap<PathBuf, BTreeMap<PathBuf, String>> = BTreeMap::new();
    for (from, imports) in edges {
        for (to, names) in imports {
            if let (Some(a), Some(b)) = (part(folder, from), part(folder, to))
                && a != b
            {
                let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let example = format!("{} imports {names} of {}", from.display(), to.display());
                parts.entry(a).or_default().entry(b).or_insert(example);
            }
        }
    }
    let starts = parts.iter().flat_map(|(from, imports)| imports.keys().map(move |to| (from, to)));
    starts.filter_map(|(from, to)| cycle(&parts, from, to)).collect()
}

/// The file or the sub-folder of a folder that a file belongs to.
fn part(folder: &Path, file: &Path) -> Option<PathBuf> {
    match file.strip_prefix(folder).ok()?.components().next()? {
        Component::Normal(name) => Some(folder.join(name)),
        _ => None,
    }
}

/// The shortest way back from an import to where it began, rotated so that each cycle is found once.
fn cycle(parts: &BTreeMap<PathBuf, BTreeMap<PathBuf, String>>, from: &PathBuf, to: &PathBuf) -> Option<String> {
    let mut came_from: BTreeMap<&PathBuf, &PathBuf> = BTreeMap::from([(to, from)]);
    let mut waiting = VecDeque::from([to]);
    while let Some(at) = waiting.pop_front() {
        if at == from {
            break;
        }
        for next in parts.get(at).into_iter().flat_map(BTreeMap::keys) {
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                at
            });
        }
    }
    let mut way = vec![from];
    let mut at = *came_from.get(from)?;
    while at != from {
        way.push(at);
        at = came_from[at];
    }
    way.reverse();
    let least = way.iter().enumerate().min_by_key(|(_, part)| **part).map_or(0, |(position, _)| position);
    way.rotate_left(least);
    let steps = way.iter().enumerate().map(|(position, part)| {
        let next = way[(position + 1) % way.len()];
        parts[*part][next].as_str()
    });
    Some(steps.collect::<Vec<_>>().join("; "))
}
