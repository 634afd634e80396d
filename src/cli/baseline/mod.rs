//! `baseline`: approves what is there, and tells what differs from what was approved.
//!
//! Every command reads the organisation completely or writes nothing. What approval means is `baseline`'s and `audit`'s.

mod args;
mod file;
mod powers;
mod show;

use std::path::Path;
use std::time::SystemTime;

pub use args::{ApproveArgs, BaselineCommand, ByArgs, InitArgs, PruneArgs};

use super::client;
use super::{CLEAN, DRIFT, FAILURE, INCOMPLETE, USAGE, complain, notice, say};
use crate::baseline::{Approval, Baseline};
use crate::config::Settings;
use crate::domain::{Client, ClientId, Input, Snapshot, Timestamp};
use crate::genesys::{Metrics, Platform};
use crate::refresh::{Previous, fetch};
use crate::text::visible;
pub(super) use file::create;
use show::{heading, show};

pub(super) async fn run(settings: &Settings, command: BaselineCommand) -> u8 {
    let Some(path) = settings.files.baseline.as_deref() else {
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
type CommandResult = Result<u8, (u8, String)>;

/// The organisation approved as it is: what the demo starts with.
pub(super) async fn as_found(settings: &Settings) -> Result<Baseline, String> {
    let snapshot = read_organisation(settings).await.map_err(|(_, mistake)| mistake)?;
    let at = Timestamp::from(SystemTime::now());
    let approval = Approval { at, by: "demo".to_owned(), reason: "as it was founded".to_owned() };
    Ok(Baseline::of(&snapshot, &approval))
}

async fn init(settings: &Settings, path: &Path, args: &InitArgs) -> CommandResult {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    if in_ci && !args.force_in_ci {
        return usage("in CI nobody looks at what is approved; run it where somebody does, or give --force-in-ci");
    }
    let approval = approval(&args.approval)?;
    if path.exists() {
        return usage(format!("baseline file {}: it exists; `baseline approve` changes it", path.display()));
    }
    let snapshot = read_organisation(settings).await?;
    refuse_unread_roles(&snapshot, &snapshot.clients)?;
    let baseline = Baseline::of(&snapshot, &approval);
    file::create(path, &baseline).map_err(|error| unwritable(path, &error))?;
    say(format_args!("{}: {} clients of {} approved", path.display(), baseline.clients.len(), baseline.organisation));
    Ok(CLEAN)
}

async fn diff(settings: &Settings, path: &Path) -> CommandResult {
    let baseline = read_baseline(settings, path)?;
    let snapshot = read_own_organisation(settings, &baseline).await?;
    let differences = baseline.differences(&snapshot);
    show(&differences, &snapshot, &settings.in_force.policy);
    if let Some(why) = snapshot.roles.not_read() {
        notice(format_args!("roles could not be read, so that what is behind them was not compared: {}", why.message));
    }
    let drift = differences.iter().flat_map(|(_, found)| found).filter(|difference| difference.is_drift()).count();
    let less = differences.iter().map(|(_, found)| found.len()).sum::<usize>() - drift;
    say(match (drift, less) {
        (0, 0) => "no drift".to_owned(),
        (0, less) => format!("no drift; {less} differences need no approval"),
        (drift, less) => format!("{drift} differences to approve or undo, {less} that need no approval"),
    });
    Ok(if drift > 0 { DRIFT } else { CLEAN })
}

async fn approve(settings: &Settings, path: &Path, args: ApproveArgs) -> CommandResult {
    let approval = approval(&args.approval)?;
    let mut baseline = read_baseline(settings, path)?;
    let snapshot = read_own_organisation(settings, &baseline).await?;
    let before = baseline.clone();
    let ApproveArgs { client, scopes, permissions, dry_run, .. } = args;
    match client {
        None => {
            refuse_unread_roles(&snapshot, &snapshot.clients)?;
            show(&before.differences(&snapshot), &snapshot, &settings.in_force.policy);
            baseline.approve_all(&snapshot, &approval);
        }
        Some(wanted) => {
            let client = find(&snapshot, &before, &wanted)?;
            if scopes.is_empty() && permissions.is_empty() {
                refuse_unread_roles(&snapshot, [client])?;
                let mut differences = before.differences(&snapshot);
                differences.retain(|(id, _)| *id == client.id);
                show(&differences, &snapshot, &settings.in_force.policy);
                baseline.approve_client(&client.id, &snapshot, &approval);
            } else {
                if !permissions.is_empty() {
                    refuse_unread_roles(&snapshot, [client])?;
                }
                powers::check(client, &snapshot, &scopes, &permissions).map_err(|mistake| (USAGE, mistake))?;
                approve_powers(&mut baseline, client, &snapshot, (scopes, permissions), &approval)?;
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

fn approve_powers(
    baseline: &mut Baseline,
    client: &Client,
    snapshot: &Snapshot,
    (scopes, permissions): (Vec<String>, Vec<String>),
    approval: &Approval,
) -> Result<(), (u8, String)> {
    let Some(known) = baseline.clients.get(&client.id) else {
        let mistake = format!("{:?} is not in the baseline; approve it as a whole first", client.id.as_str());
        return Err((USAGE, mistake));
    };
    say(heading(&client.id, snapshot));
    for scope in scopes.iter().filter(|scope| !known.scopes.contains(*scope)) {
        say(format_args!("  + approved scope {}", visible(scope)));
    }
    for permission in permissions.iter().filter(|permission| !known.permissions.contains(*permission)) {
        say(format_args!("  + approved permission {}", visible(permission)));
    }
    baseline.approve_powers(&client.id, scopes, permissions, approval);
    Ok(())
}

/// The client that is meant, or why there is none.
fn find<'a>(snapshot: &'a Snapshot, baseline: &Baseline, wanted: &str) -> Result<&'a Client, (u8, String)> {
    if snapshot.client(&ClientId::new(wanted)).is_none() && baseline.clients.contains_key(&ClientId::new(wanted)) {
        let mistake = format!("the organisation has no client {wanted:?} any more; `baseline prune` removes it");
        return Err((USAGE, mistake));
    }
    client::find(snapshot, wanted).map_err(|mistake| (USAGE, mistake))
}

async fn prune(settings: &Settings, path: &Path, args: PruneArgs) -> CommandResult {
    let mut baseline = read_baseline(settings, path)?;
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

fn write(path: &Path, baseline: &Baseline, dry_run: bool) -> CommandResult {
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

fn usage(mistake: impl Into<String>) -> CommandResult {
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
    if args.by.contains('@') || has_address(&args.reason) {
        let mistake = "no e-mail address goes into the baseline: --by and --reason take a name or a ticket instead";
        return Err((USAGE, mistake.to_owned()));
    }
    let (by, reason) = (args.by.trim().to_owned(), args.reason.trim().to_owned());
    Ok(Approval { at: Timestamp::from(SystemTime::now()), by, reason })
}

/// Whether some word looks like an e-mail address; a lone `@` is none.
fn has_address(text: &str) -> bool {
    let inner = |side: &str| side.contains(char::is_alphanumeric);
    text.split_whitespace().any(|word| word.split_once('@').is_some_and(|(name, host)| inner(name) && inner(host)))
}

/// The baseline, which must be there.
fn read_baseline(settings: &Settings, path: &Path) -> Result<Baseline, (u8, String)> {
    settings.in_force.baseline.clone().ok_or_else(|| {
        let mistake = format!("baseline file {}: there is no such file; `baseline init` makes one", path.display());
        (USAGE, mistake)
    })
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

/// What these clients may do is behind their roles: without those nobody would see what is approved.
fn refuse_unread_roles<'a>(
    snapshot: &Snapshot,
    clients: impl IntoIterator<Item = &'a Client>,
) -> Result<(), (u8, String)> {
    match &snapshot.roles {
        Input::NotRead(why) if clients.into_iter().any(|client| !client.role_grants.is_empty()) => {
            let cure = why.missing_permission.as_ref();
            let cure = cure.map(|permission| format!("; grant the exporter's client {permission}")).unwrap_or_default();
            let mistake =
                format!("roles could not be read, and nothing is approved of what nobody saw: {}{cure}", why.message);
            Err((INCOMPLETE, mistake))
        }
        _ => Ok(()),
    }
}
