//! `baseline`: approves the state of the organisation, and shows what differs from the approved state.
//!
//! A command that cannot read the organisation completely writes nothing. What an approval covers is decided in
//! `crate::baseline` and `crate::audit`.
//!
//! Nothing is approved that the exporter did not see. `init` and `approve` refuse clients with roles while roles cannot
//! be read (exit code 3), and single scopes or permissions that the client does not hold (exit code 2).

mod approved;
mod args;
mod danger;
mod difference;
mod file;
mod held;
mod show;

use std::path::Path;
use std::time::SystemTime;

use serde_json::json;

pub use args::{ApproveArgs, BaselineCommand, ByArgs, DiffArgs, InitArgs, PruneArgs, ShowArgs};

use super::client;
use super::console::{complain, document_of, notice, say};
use super::each::each;
use super::exit::{CLEAN, DRIFT, FAILURE, INCOMPLETE, USAGE};
use super::format::TextFormat;
use crate::baseline::{Approval, Baseline};
use crate::config::{OrganisationSettings, Settings};
use crate::domain::{Client, ClientId, Input, Snapshot, Timestamp};
use crate::genesys::{Metrics, Platform};
use crate::refresh::{Previous, fetch};
use crate::text::{counted, has_address, visible};
pub(super) use file::create;
use show::{heading, show};

/// Of the JSON document of `baseline diff`. Increased when a field is removed or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

pub(super) async fn run(settings: &Settings, command: BaselineCommand) -> u8 {
    let Some(path) = settings.watch.files.baseline.as_deref() else {
        complain(NO_FILE);
        return USAGE;
    };
    let outcome = match command {
        BaselineCommand::Init(args) => return init(settings, &args).await,
        BaselineCommand::Diff(args) => diff(settings, path, args).await,
        BaselineCommand::Approve(args) => approve(settings, path, args).await,
        BaselineCommand::Prune(args) => prune(settings, path, &args).await,
        BaselineCommand::Show(args) => show_approved(settings, path, args),
    };
    outcome.unwrap_or_else(|(code, mistake)| {
        complain(mistake);
        code
    })
}

/// The exit code, or the exit code and the error message of a failure.
type CommandResult = Result<u8, (u8, String)>;

/// A baseline that approves the current state of the organisation, with which the demo starts.
pub(super) async fn as_found(organisation: &OrganisationSettings) -> Result<Baseline, String> {
    let snapshot = read_from_platform(organisation).await.map_err(|(_, mistake)| mistake)?;
    let at = Timestamp::from(SystemTime::now());
    let approval = Approval { at, by: "demo".to_owned(), reason: "the state at the start".to_owned() };
    Ok(Baseline::of(&snapshot, &approval))
}

/// `baseline init`: creates the file of each organisation that has none.
pub(super) async fn init(settings: &Settings, args: &InitArgs) -> u8 {
    let approval = match may_approve(args).and_then(|()| approval(&args.approval)) {
        Ok(approval) => approval,
        Err((code, mistake)) => {
            complain(mistake);
            return code;
        }
    };
    if let [only] = settings.organisations.as_slice() {
        let outcome = match only.watch.files.baseline.as_deref() {
            None => Err((USAGE, NO_FILE.to_owned())),
            Some(path) if path.exists() => {
                let path = path.display();
                Err((USAGE, format!("baseline file {path}: the file exists; change it with `baseline approve`")))
            }
            Some(path) => create_of(only, path, &approval).await,
        };
        return reported(outcome);
    }
    let outcomes = each(&settings.organisations, async |one| init_one(settings, one, &approval).await).await;
    let mut code = CLEAN;
    for (OrganisationSettings { platform, .. }, outcome) in settings.organisations.iter().zip(outcomes) {
        let named = |(code, mistake)| (code, format!("organisation {}: {mistake}", visible(&platform.org)));
        code = code.max(reported(outcome.map_err(named)));
    }
    code
}

const NO_FILE: &str = "no baseline file is named; name it with --baseline.file, or the organisation of --config.file that has one with --org";

/// Prints what was done, or why it was not.
fn reported(outcome: Result<String, (u8, String)>) -> u8 {
    match outcome {
        Ok(done) => {
            say(done);
            CLEAN
        }
        Err((code, mistake)) => {
            complain(mistake);
            code
        }
    }
}

fn may_approve(args: &InitArgs) -> Result<(), (u8, String)> {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    if in_ci && !args.force_in_ci {
        let mistake =
            "not run in CI, where nobody reviews what is approved; run it interactively, or give --force-in-ci";
        return Err((USAGE, mistake.to_owned()));
    }
    Ok(())
}

/// Creates the file of one of several organisations, unless it exists.
async fn init_one(
    settings: &Settings,
    one: &OrganisationSettings,
    approval: &Approval,
) -> Result<String, (u8, String)> {
    let Some(path) = one.watch.files.baseline.as_deref() else {
        return Err((USAGE, "no baseline file is named; set baseline_file".to_owned()));
    };
    let same = |other: &&OrganisationSettings| {
        other.platform.org != one.platform.org && other.watch.files.baseline == one.watch.files.baseline
    };
    if let Some(other) = settings.organisations.iter().find(same) {
        let (path, other) = (path.display(), visible(&other.platform.org));
        return Err((
            USAGE,
            format!(
                "baseline file {path}: it is also that of organisation {other}, and a baseline covers one organisation; set \
                 another baseline_file"
            ),
        ));
    }
    if path.exists() {
        let path = path.display();
        return Ok(format!("{path}: the file of organisation {} exists; not changed", visible(&one.platform.org)));
    }
    create_of(one, path, approval).await
}

async fn create_of(one: &OrganisationSettings, path: &Path, approval: &Approval) -> Result<String, (u8, String)> {
    let snapshot = read_from_platform(one).await?;
    refuse_unread_roles(&snapshot, &snapshot.clients)?;
    let baseline = Baseline::of(&snapshot, approval);
    file::create(path, &baseline).map_err(|error| unwritable(path, &error))?;
    let clients = counted(baseline.clients.len(), "client");
    Ok(format!("{}: approved {clients} of organisation {}", path.display(), baseline.organisation))
}

async fn diff(settings: &Settings, path: &Path, args: DiffArgs) -> CommandResult {
    let baseline = read_baseline(settings, path)?;
    let snapshot = read_own_organisation(settings, &baseline).await?;
    let differences = baseline.differences(&snapshot);
    let drift = differences.iter().flat_map(|(_, found)| found).filter(|difference| difference.is_drift()).count();
    let less = differences.iter().map(|(_, found)| found.len()).sum::<usize>() - drift;
    let code = if drift > 0 { DRIFT } else { CLEAN };
    if args.format == TextFormat::Json {
        let clients = difference::json(&differences, &snapshot, &settings.watch.in_force.policy);
        document_of(json!({
            "schema_version": SCHEMA_VERSION,
            "exit_code": code,
            "org_id": snapshot.organisation.id.as_str(),
            "drift": drift,
            "needs_no_approval": less,
            "roles_compared": snapshot.roles.gap().is_none(),
            "clients": clients,
        }));
        return Ok(code);
    }
    show(&differences, &snapshot, &settings.watch.in_force.policy);
    if let Some(why) = snapshot.roles.gap() {
        notice(format_args!("roles could not be read, so their permissions were not compared: {}", why.message));
    }
    say(match (drift, less) {
        (0, 0) => "no drift".to_owned(),
        (0, less) => format!("no drift; differences that need no approval: {less}"),
        (drift, less) => format!("differences to approve or undo: {drift}; differences that need no approval: {less}"),
    });
    Ok(code)
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
            show(&before.differences(&snapshot), &snapshot, &settings.watch.in_force.policy);
            baseline.approve_all(&snapshot, &approval);
        }
        Some(wanted) => {
            let client = find(&snapshot, &before, &wanted)?;
            if scopes.is_empty() && permissions.is_empty() {
                refuse_unread_roles(&snapshot, [client])?;
                let mut differences = before.differences(&snapshot);
                differences.retain(|(id, _)| *id == client.id);
                show(&differences, &snapshot, &settings.watch.in_force.policy);
                baseline.approve_client(&client.id, &snapshot, &approval);
            } else {
                if !permissions.is_empty() {
                    refuse_unread_roles(&snapshot, [client])?;
                }
                held::check(client, &snapshot, &scopes, &permissions).map_err(|mistake| (USAGE, mistake))?;
                approve_grants(&mut baseline, client, &snapshot, (scopes, permissions), &approval)?;
            }
        }
    }
    if baseline.approves_the_same(&before) {
        say("nothing to approve");
        return Ok(CLEAN);
    }
    write(path, baseline, &snapshot, dry_run)
}

fn approve_grants(
    baseline: &mut Baseline,
    client: &Client,
    snapshot: &Snapshot,
    (scopes, permissions): (Vec<String>, Vec<String>),
    approval: &Approval,
) -> Result<(), (u8, String)> {
    let Some(known) = baseline.clients.get(&client.id) else {
        let mistake = format!(
            "client {:?} is not in the baseline; approve the client first, without --scope and --permission",
            client.id.as_str()
        );
        return Err((USAGE, mistake));
    };
    say(heading(&client.id, snapshot));
    for scope in scopes.iter().filter(|scope| !known.scopes.contains(*scope)) {
        say(format_args!("  + approved scope {}", visible(scope)));
    }
    for permission in permissions.iter().filter(|permission| !known.permissions.contains(*permission)) {
        say(format_args!("  + approved permission {}", visible(permission)));
    }
    baseline.approve_privileges(&client.id, scopes, permissions, approval);
    Ok(())
}

/// Finds the client that an argument names. The error says what to do instead.
fn find<'a>(snapshot: &'a Snapshot, baseline: &Baseline, wanted: &str) -> Result<&'a Client, (u8, String)> {
    if snapshot.client(&ClientId::new(wanted)).is_none() && baseline.clients.contains_key(&ClientId::new(wanted)) {
        let mistake = format!("client {wanted:?} no longer exists; remove it from the baseline with `baseline prune`");
        return Err((USAGE, mistake));
    }
    client::find(snapshot, wanted).map_err(|mistake| (USAGE, mistake))
}

async fn prune(settings: &Settings, path: &Path, args: &PruneArgs) -> CommandResult {
    let approval = approval(&args.approval)?;
    let mut baseline = read_baseline(settings, path)?;
    let snapshot = read_own_organisation(settings, &baseline).await?;
    let gone = baseline.prune(&snapshot, &approval);
    for (id, client) in &gone {
        let name = client.names.client.as_deref().unwrap_or_default();
        say(format!("- client {} {}", visible(id.as_str()), visible(name)).trim_end());
    }
    if gone.is_empty() {
        say("nothing to remove: every client in the baseline exists");
        return Ok(CLEAN);
    }
    write(path, baseline, &snapshot, args.dry_run)
}

fn show_approved(settings: &Settings, path: &Path, args: ShowArgs) -> CommandResult {
    let baseline = read_baseline(settings, path)?;
    match args.format {
        TextFormat::Text => approved::table(&baseline, &settings.watch.in_force.policy),
        TextFormat::Json => document_of(approved::json(&baseline, &settings.watch.in_force.policy)),
    }
    Ok(CLEAN)
}

fn write(path: &Path, mut baseline: Baseline, snapshot: &Snapshot, dry_run: bool) -> CommandResult {
    if dry_run {
        say("dry run: nothing was written");
        return Ok(CLEAN);
    }
    baseline.refresh_names(snapshot);
    file::replace(path, &baseline).map_err(|error| unwritable(path, &error))?;
    say(format_args!("{}: written; reload the exporter to apply it", path.display()));
    Ok(CLEAN)
}

fn unwritable(path: &Path, error: &std::io::Error) -> (u8, String) {
    (FAILURE, format!("baseline file {}: cannot be written: {error}", path.display()))
}

fn approval(args: &ByArgs) -> Result<Approval, (u8, String)> {
    for (flag, text, what) in [("--by", &args.by, "who approves"), ("--reason", &args.reason, "why it is approved")] {
        if text.trim().is_empty() {
            return Err((USAGE, format!("{flag} is empty; say {what}")));
        }
        if text.contains(char::is_control) {
            return Err((USAGE, format!("{flag} contains a control character; write plain text on one line")));
        }
    }
    if args.by.contains('@') || has_address(&args.reason) {
        let mistake =
            "--by or --reason contains an e-mail address, which the baseline must not store; give a name or a ticket";
        return Err((USAGE, mistake.to_owned()));
    }
    let (by, reason) = (args.by.trim().to_owned(), args.reason.trim().to_owned());
    Ok(Approval { at: Timestamp::from(SystemTime::now()), by, reason })
}

/// The baseline, which must exist.
fn read_baseline(settings: &Settings, path: &Path) -> Result<Baseline, (u8, String)> {
    settings.watch.in_force.baseline.as_deref().cloned().ok_or_else(|| {
        let mistake =
            format!("baseline file {}: the file does not exist; create it with `baseline init`", path.display());
        (USAGE, mistake)
    })
}

/// Reads the one organisation that is configured: a baseline covers exactly one.
async fn read_organisation(settings: &Settings) -> Result<Snapshot, (u8, String)> {
    let [organisation] = settings.organisations.as_slice() else {
        return Err((USAGE, "a baseline covers one organisation; configure exactly one".to_owned()));
    };
    read_from_platform(organisation).await
}

async fn read_from_platform(organisation: &OrganisationSettings) -> Result<Snapshot, (u8, String)> {
    let platform = Platform::new(organisation.platform.clone(), &Metrics::unregistered())
        .map_err(|error| (INCOMPLETE, error.to_string()))?;
    let now = Timestamp::from(SystemTime::now());
    let attempt = fetch(&platform, &organisation.watch.refresh, Previous::default(), now).await;
    let fetched = attempt.outcome.map_err(|failure| (INCOMPLETE, failure.to_string()))?;
    let partial = fetched.snapshot.clients.partial().count();
    if partial > 0 {
        let records = counted(partial, "record");
        let mistake =
            format!("{records} could be read only in part, so nothing was approved; the log names the clients");
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
    let of = &baseline.organisation;
    Err((
        USAGE,
        format!("the baseline is for organisation {of}, but this is organisation {id}; name another --baseline.file"),
    ))
}

/// Refuses to approve clients with roles while roles cannot be read: their permissions could not be reviewed.
fn refuse_unread_roles<'a>(
    snapshot: &Snapshot,
    clients: impl IntoIterator<Item = &'a Client>,
) -> Result<(), (u8, String)> {
    match &snapshot.roles {
        Input::Gap(why) if clients.into_iter().any(|client| !client.role_grants.is_empty()) => {
            let cure = why.missing_permission.as_ref();
            let cure =
                cure.map(|permission| format!("; grant {permission} to the exporter's client")).unwrap_or_default();
            let mistake = format!(
                "nothing was approved, because the permissions of roles could not be read: {}{cure}",
                why.message
            );
            Err((INCOMPLETE, mistake))
        }
        _ => Ok(()),
    }
}
