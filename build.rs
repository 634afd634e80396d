//! Records the revision, target and compiler for `--version` and the build information, and renders the runbooks for the server.
//!
//! `GENESYSCLOUD_OAUTH_EXPORTER_REVISION` in the environment takes precedence over the git checkout, for builds outside of one.
//! Without both, the revision is `unknown` and the build succeeds.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// The folder of the documents. The program contains their pages.
const RUNBOOKS: &str = "docs/runbooks";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=GENESYSCLOUD_OAUTH_EXPORTER_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    let revision = given("GENESYSCLOUD_OAUTH_EXPORTER_REVISION")
        .or_else(revision_of_checkout)
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_REVISION={revision}");
    let target = given("TARGET").unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_TARGET={target}");
    let rustc = given("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let version = output(&rustc, &["--version"]).unwrap_or_default();
    let version = version.split(' ').nth(1).unwrap_or("unknown").to_owned();
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_RUSTC={version}");
    println!("cargo::rerun-if-changed={RUNBOOKS}");
    runbooks(&PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?))
}

/// Writes `runbooks.tsv` (for each runbook its name, severity, summary, and the length of its page) and `runbooks.deflate` (the pages, one
/// after another).
fn runbooks(directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut paths =
        fs::read_dir(RUNBOOKS)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    let (mut table, mut pages) = (String::new(), DeflateEncoder::new(Vec::new(), Compression::best()));
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("the name of a runbook is not UTF-8")?;
        let (severity, summary, page) = rendered(&text).map_err(|mistake| format!("{}: {mistake}", path.display()))?;
        table.extend([name, "\t", &severity, "\t", &summary, "\t", &page.len().to_string(), "\n"]);
        pages.write_all(page.as_bytes())?;
    }
    fs::write(directory.join("runbooks.tsv"), table)?;
    fs::write(directory.join("runbooks.deflate"), pages.finish()?)?;
    Ok(())
}

/// The severity of the alert, what it says in one sentence, and the runbook as HTML without its title.
fn rendered(markdown: &str) -> Result<(String, String, String), Box<dyn Error>> {
    let events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let position = |wanted: &Event<'_>| events.iter().position(|event| event == wanted).ok_or("no summary in bold");
    let (start, end) = (position(&Event::Start(Tag::Strong))?, position(&Event::End(TagEnd::Strong))?);
    let summary = text(&events[start..end]);
    let after = text(&events[end..]);
    let severity = after.split_whitespace().next().unwrap_or_default().trim_matches([',', '.']).to_lowercase();
    if !["critical", "warning", "info"].contains(&severity.as_str()) {
        return Err(format!("the severity follows the summary, and not {severity:?}").into());
    }
    // The page has the title as its own.
    let title =
        events.iter().position(|event| *event == Event::End(TagEnd::Heading(HeadingLevel::H1))).ok_or("no title")?;
    let mut page = String::new();
    html::push_html(&mut page, with_served_links(&events[title + 1..])?.into_iter());
    Ok((severity, summary, page))
}

fn text(events: &[Event<'_>]) -> String {
    let pieces = events.iter().filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(&**text),
        Event::SoftBreak => Some(" "),
        _ => None,
    });
    pieces.collect()
}

/// Links to what the exporter serves lead there. Of a link to another document, the text stays, with the name of the document.
fn with_served_links<'a>(events: &[Event<'a>]) -> Result<Vec<Event<'a>>, Box<dyn Error>> {
    let mut changed = Vec::new();
    // The document of the link that is open and that the exporter does not serve, and its text.
    let mut elsewhere: Option<(String, String)> = None;
    for event in events {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => return Err("HTML in a runbook".into()),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let document = dest_url.split('#').next().unwrap_or_default();
                let served = match document.strip_suffix(".md") {
                    None if document.starts_with("https://") => Some(dest_url.to_string()),
                    Some(runbook) if !runbook.contains('/') => Some(runbook.to_owned()),
                    Some("../rules") => Some("../rules/".to_owned()),
                    Some(other) if other.starts_with("../../") => {
                        elsewhere = Some((document.replacen("../../", "", 1), String::new()));
                        None
                    }
                    Some(other) if other.starts_with("../") => {
                        elsewhere = Some((document.replacen("../", "docs/", 1), String::new()));
                        None
                    }
                    _ => return Err(format!("a link to {dest_url}").into()),
                };
                if let Some(served) = served {
                    let (link_type, title, id) = (*link_type, title.clone(), id.clone());
                    changed.push(Event::Start(Tag::Link { link_type, dest_url: CowStr::from(served), title, id }));
                }
            }
            Event::End(TagEnd::Link) => match elsewhere.take() {
                None => changed.push(event.clone()),
                Some((document, text)) if text.contains(&document) || document.starts_with(&text) => {}
                Some((document, _)) => changed.push(Event::Text(CowStr::from(format!(" ({document})")))),
            },
            event => {
                if let (Some((_, text)), Event::Text(piece) | Event::Code(piece)) = (&mut elsewhere, event) {
                    text.push_str(piece);
                }
                changed.push(event.clone());
            }
        }
    }
    Ok(changed)
}

/// The commit of this checkout. An unpacked archive has none, even if it is inside another git repository.
fn revision_of_checkout() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // A checkout changes HEAD, and a commit changes the log of HEAD. git knows their paths: in a worktree, `.git` is a file.
    // A path that does not exist would make cargo rebuild every time.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = output("git", &["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    output("git", &["rev-parse", "--short=12", "HEAD"])
}

fn given(variable: &str) -> Option<String> {
    std::env::var_os(variable)?.into_string().ok().filter(|value| !value.is_empty())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
