//! Writes the reports of one audit: one to stdout, the others to files.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args::{AuditArgs, AuditFormat, OutputFile};
use crate::cli::console::{allows_colour, print};
use crate::config::Watch;
use crate::file::{self, Mode};
use crate::output::sarif::{File, Files};
use crate::output::{ReportedOrganisation, csv, inventory, json, markdown, sarif, table, textfile};
use crate::refresh;

/// Width in columns of a terminal that does not know its own.
const WIDTH: usize = 80;

/// The largest policy or baseline that SARIF results point into: the limit for a baseline.
const MAX_POINTED_AT: u64 = refresh::MAX_BASELINE_BYTES;

/// The names of stdout, to which only the report of `--format` is written.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Rejects arguments that write two documents to one place, before anything is read.
pub(super) fn check(args: &AuditArgs) -> Result<(), String> {
    let mut taken: Vec<PathBuf> = args.snapshot_out.iter().map(|path| place(path)).collect();
    for OutputFile { path, .. } in &args.output {
        if STDOUT.iter().any(|name| path.as_os_str() == *name) {
            return Err(format!("--output {}: the report on stdout is set by --format; name a file", path.display()));
        }
        let place = place(path);
        if taken.contains(&place) {
            let message = "another --output or --snapshot-out writes this file too; name another file";
            return Err(format!("--output {}: {message}", path.display()));
        }
        taken.push(place);
    }
    Ok(())
}

/// The absolute path of a file that may not exist yet, without symbolic links in its folder.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder =
        fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned());
    path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name))
}

/// Writes the files first, with one of `watches` for each organisation, so that a program that reads stdout to its end finds them complete.
pub(super) fn write_all(
    organisations: &[ReportedOrganisation<'_>],
    code: u8,
    args: &AuditArgs,
    watches: &[&Watch],
) -> Result<(), String> {
    let root = root();
    let files = |number: usize| watches.get(number).map(|watch| pointed_at(watch, root.as_deref())).unwrap_or_default();
    let most = if args.all { usize::MAX } else { table::MOST };
    let plain = table::Style { width: None, colour: false, most };
    for output in &args.output {
        let mut bytes = Vec::new();
        write(organisations, code, output.format, plain, &files, &mut bytes)
            .and_then(|()| file::replace(&output.path, &bytes, Mode::AsBefore))
            .map_err(|error| format!("--output {}: the report cannot be written: {error}", output.path.display()))?;
    }
    print(|stdout| write(organisations, code, args.format, style(most), &files, stdout));
    Ok(())
}

fn write(
    organisations: &[ReportedOrganisation<'_>],
    code: u8,
    format: AuditFormat,
    style: table::Style,
    files: &dyn Fn(usize) -> Files,
    writer: &mut dyn Write,
) -> io::Result<()> {
    match format {
        AuditFormat::Table => writer.write_all(table::render(organisations, style).as_bytes()),
        AuditFormat::Json => json::write(organisations, code, writer),
        AuditFormat::Csv => csv::write(organisations, writer),
        AuditFormat::Inventory => inventory::write(organisations, writer),
        AuditFormat::Prometheus => writer.write_all(&textfile::render(organisations)),
        AuditFormat::Sarif => sarif::write(organisations, code, files, writer),
        AuditFormat::Markdown => writer.write_all(markdown::render(organisations).as_bytes()),
    }
}

fn style(most: usize) -> table::Style {
    let width = || terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into());
    table::Style { width: io::stdout().is_terminal().then(width), colour: allows_colour(), most }
}

/// The policy and baseline files of the repository, which the SARIF results of an organisation point into.
fn pointed_at(watch: &Watch, root: Option<&Path>) -> Files {
    let file = |path: Option<&PathBuf>| {
        let path = path?;
        // The file was read a moment ago. If it is gone, no result points into it.
        Some(File { uri: uri(path, root?)?, text: file::read_text(path, MAX_POINTED_AT).ok()? })
    };
    Files { baseline: file(watch.files.baseline.as_ref()), policy: file(watch.files.policy.as_ref()) }
}

/// The root of the repository that contains the working directory, or the working directory.
fn root() -> Option<PathBuf> {
    let here = fs::canonicalize(".").ok()?;
    let root = here.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
    Some(root.unwrap_or(here))
}

/// A URI relative to the root; `None` for a file that is not below it, because code scanning rejects its absolute URI.
fn uri(path: &Path, root: &Path) -> Option<String> {
    let file = url::Url::from_file_path(fs::canonicalize(path).ok()?).ok()?;
    let relative = url::Url::from_directory_path(root).ok()?.make_relative(&file)?;
    // Without the escape, what precedes a colon would be a scheme.
    (!relative.starts_with("..")).then(|| relative.replace(':', "%3A"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_below_the_root_has_a_relative_uri_and_any_other_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("ci")).expect("folders");
        for (name, expected) in [
            ("root/policy.toml", Some("policy.toml")),
            ("root/ci/policy of ours.toml", Some("ci/policy%20of%20ours.toml")),
            ("root/a:b.toml", Some("a%3Ab.toml")),
            ("policy.toml", None),
            ("rooted.toml", None),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, "").expect("writable");
            assert_eq!(uri(&path, &fs::canonicalize(&root).expect("a folder")).as_deref(), expected, "{name}");
        }
    }
}
