//! `baseline`: approves what is there, and tells what differs from what was approved.
//!
//! Every command reads the organisation completely or writes nothing. What approval means is `baseline`'s and `audit`'s.

mod args;
mod file;

use std::path::Path;
use std::time::SystemTime;

pub use args::{ApproveArgs, BaselineCommand, ByArgs, InitArgs, PruneArgs};

use super::{CLEAN, DRIFT, FAILURE, INCOMPLETE, USAGE, complain, say};
use crate::baseline::{Approval, Baseline, Difference};
use crate::config::Settings;
use crate::domain::{ClientId, Input, Snapshot, Timestamp};
use crate::genesys::{Metrics, Platform};
use crate::output::visible;
use crate::refresh::{Previous, fetch};

pub(super) async fn run(settings: &Settings, command: BaselineCommand) -> u8 {
    let Some(path) = settings.baseline_file.as_deref() else {
        complain("no baseline is named; --baseline.file names it");
        return USAGE;
    };
    let outcome = match command {
        BaselineCommand::Init(args) => init(settings, path, &args).await,
        BaselineCommand::Diff => diff(settings, path).await,
        BaselineCommand::Approve(args) => approve(settings, path, args).await,
        BaselineCommand::Prune(args) => prune(settings, path, args).await,
    };
    outcome.unwrap_or_else(|(code, mistake)| {
        complain(mistake);
        code
    })
}

/// An exit code, or one with a mistake.
type Outcome = Result<u8, (u8, String)>;

async fn init(settings: &Settings, path: &Path, args: &InitArgs) -> Outcome {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    if in_ci && !args.force_in_ci {
        return usage("in CI nobody looks at what is approved; run it where somebody does, or give --force-in-ci");
    }
    let approval = approval(&args.approval)?;
    if path.exists() {
        return usage(format!("baseline file {}: it exists; `baseline approve` changes it", path.display()));
    }
    let snapshot = read_organisation(settings).await?;
    warn_of_unread_roles(&snapshot);
    let baseline = Baseline::of(&snapshot, &approval);
    file::create(path, &baseline).map_err(|error| unwritable(path, &error))?;
    say(format_args!("{}: {} clients of {} approved", path.display(), baseline.clients.len(), baseline.organisation));
    Ok(CLEAN)
}

async fn diff(settings: &Settings, path: &Path) -> Outcome {
    let baseline = file::read(path).map_err(|mistake| (USAGE, mistake))?;
    let snapshot = read_own_organisation(settings, &baseline).await?;
    let differences = baseline.differences(&snapshot);
    show(&differences, &snapshot);
    let drift = differences.iter().flat_map(|(_, found)| found).filter(|difference| difference.is_drift()).count();
    let less = differences.iter().map(|(_, found)| found.len()).sum::<usize>() - drift;
    say(match (drift, less) {
        (0, 0) => "no drift".to_owned(),
        (0, less) => format!("no drift; {less} differences need no approval"),
        (drift, less) => format!("{drift} differences to approve or undo, {less} that need no approval"),
    });
    Ok(if drift > 0 { DRIFT } else { CLEAN })
}

async fn approve(settings: &Settings, path: &Path, args: ApproveArgs) -> Outcome {
    let approval = approval(&args.approval)?;
    let mut baseline = file::read(path).map_err(|mistake| (USAGE, mistake))?;
    let snapshot = read_own_organisation(settings, &baseline).await?;
    let before = baseline.clone();
    let ApproveArgs { client, scopes, permissions, dry_run, .. } = args;
    match client.map(ClientId::new) {
        None => {
            warn_of_unread_roles(&snapshot);
            show(&before.differences(&snapshot), &snapshot);
            baseline.approve_all(&snapshot, &approval);
        }
        Some(id) if scopes.is_empty() && permissions.is_empty() => {
            warn_of_unread_roles(&snapshot);
            let mut differences = before.differences(&snapshot);
            differences.retain(|(client, _)| *client == id);
            show(&differences, &snapshot);
            if !baseline.approve_client(&id, &snapshot, &approval) {
                let hint = if before.clients.contains_key(&id) { "; `baseline prune` removes it" } else { "" };
                return usage(format!("the organisation has no client {id:?}{hint}", id = id.as_str()));
            }
        }
        Some(id) => {
            say(heading(&id, &snapshot));
            let known = before.clients.get(&id);
            for scope in scopes.iter().filter(|scope| known.is_none_or(|known| !known.scopes.contains(*scope))) {
                say(format_args!("  + approved scope {}", visible(scope)));
            }
            for text in permissions.iter().filter(|text| known.is_none_or(|known| !known.permissions.contains(*text))) {
                say(format_args!("  + approved permission {}", visible(text)));
            }
            if !baseline.approve_powers(&id, scopes, permissions, &approval) {
                return usage(format!("{:?} is not in the baseline; approve it as a whole first", id.as_str()));
            }
        }
    }
    let same = Baseline { approval: before.approval.clone(), ..baseline.clone() } == before;
    if same {
        say("nothing to approve");
        return Ok(CLEAN);
    }
    write(path, &baseline, dry_run)
}

async fn prune(settings: &Settings, path: &Path, args: PruneArgs) -> Outcome {
    let mut baseline = file::read(path).map_err(|mistake| (USAGE, mistake))?;
    let snapshot = read_own_organisation(settings, &baseline).await?;
    let gone = baseline.prune(&snapshot);
    for id in &gone {
        say(format_args!("- client {}", visible(id.as_str())));
    }
    if gone.is_empty() {
        say("every client of the baseline exists");
        return Ok(CLEAN);
    }
    write(path, &baseline, args.dry_run)
}

fn write(path: &Path, baseline: &Baseline, dry_run: bool) -> Outcome {
    if dry_run {
        say("nothing was written");
        return Ok(CLEAN);
    }
    file::replace(path, baseline).map_err(|error| unwritable(path, &error))?;
    say(format_args!("{}: written; have the exporter reload it", path.display()));
    Ok(CLEAN)
}

fn unwritable(path: &Path, error: &std::io::Error) -> (u8, String) {
    (FAILURE, format!("baseline file {}: cannot be written: {error}", path.display()))
}

fn usage(mistake: impl Into<String>) -> Outcome {
    Err((USAGE, mistake.into()))
}

fn approval(args: &ByArgs) -> Result<Approval, (u8, String)> {
    for (flag, text) in [("--by", &args.by), ("--reason", &args.reason)] {
        if text.trim().is_empty() {
            return Err((USAGE, format!("{flag} is empty")));
        }
        if text.contains(char::is_control) {
            return Err((USAGE, format!("{flag} has a control character in it")));
        }
    }
    if args.by.contains('@') {
        return Err((USAGE, "--by is a name or a ticket: no e-mail address goes into the baseline".to_owned()));
    }
    let (by, reason) = (args.by.trim().to_owned(), args.reason.trim().to_owned());
    Ok(Approval { at: Timestamp::from(SystemTime::now()), by, reason })
}

/// One organisation is configured; several will need a file each.
async fn read_organisation(settings: &Settings) -> Result<Snapshot, (u8, String)> {
    let [config] = settings.organisations.as_slice() else {
        return Err((USAGE, "a baseline is of one organisation".to_owned()));
    };
    let platform = Metrics::register(&prometheus::Registry::new())
        .map_err(|error| error.to_string())
        .and_then(|metrics| Platform::new(config.clone(), &metrics).map_err(|error| error.to_string()))
        .map_err(|error| (INCOMPLETE, error))?;
    let now = Timestamp::from(SystemTime::now());
    let fetched = fetch(&platform, &settings.refresh, Previous::default(), now, &mut Vec::new()).await;
    let fetched = fetched.map_err(|failure| (INCOMPLETE, failure.to_string()))?;
    if fetched.rejected > 0 {
        let mistake = format!("{} clients could not be read; nothing is approved of what nobody saw", fetched.rejected);
        return Err((INCOMPLETE, mistake));
    }
    Ok(fetched.snapshot)
}

async fn read_own_organisation(settings: &Settings, baseline: &Baseline) -> Result<Snapshot, (u8, String)> {
    let snapshot = read_organisation(settings).await?;
    let id = &snapshot.organisation.id;
    if *id == baseline.organisation {
        return Ok(snapshot);
    }
    Err((USAGE, format!("the baseline is of the organisation {}, and this is {id}", baseline.organisation)))
}

fn warn_of_unread_roles(snapshot: &Snapshot) {
    if let Input::NotRead(why) = &snapshot.roles {
        complain(format_args!(
            "roles could not be read, so that no permission behind a role is approved: {}",
            why.message
        ));
    }
}

fn show(differences: &[(ClientId, Vec<Difference>)], snapshot: &Snapshot) {
    for (id, found) in differences {
        say(heading(id, snapshot));
        for difference in found {
            say(format_args!("  {}", visible(&difference.to_string())));
        }
    }
}

/// The id, and the name for people: it is not in the file.
fn heading(id: &ClientId, snapshot: &Snapshot) -> String {
    match snapshot.client(id) {
        Some(client) => format!("{} {}", visible(id.as_str()), visible(&client.name)),
        None => visible(id.as_str()).into_owned(),
    }
}
