//! The command line of `baseline`.

use clap::{Args, Subcommand};

/// What to do with the baseline.
#[derive(Debug, Clone, Subcommand)]
pub enum BaselineCommand {
    /// Approve everything that is there now, into a new file.
    Init(InitArgs),
    /// Tell what differs from the baseline; exits with 1 where something was gained or a client is gone.
    Diff,
    /// Approve a client as it is now, single scopes or permissions of it, or everything. Shows the difference first.
    Approve(ApproveArgs),
    /// Remove the clients that no longer exist.
    Prune(PruneArgs),
}

/// Who approves, and why.
#[derive(Debug, Clone, Args)]
pub struct ByArgs {
    /// Who approves: a name or a ticket, no e-mail address.
    #[arg(long, value_name = "WHO")]
    pub by: String,
    /// Why; no e-mail address.
    #[arg(long, value_name = "WHY")]
    pub reason: String,
}

/// The flags of `baseline init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Who and why.
    #[command(flatten)]
    pub approval: ByArgs,
    /// Do it in CI too, where nobody looks at what is approved (the variable `CI` is set).
    #[arg(long)]
    pub force_in_ci: bool,
}

/// The flags of `baseline approve`.
#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    /// The client's id, or its exact name.
    #[arg(value_name = "CLIENT", required_unless_present = "all", conflicts_with = "all")]
    pub client: Option<String>,
    /// Only this scope, which the client holds; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "all")]
    pub scopes: Vec<String>,
    /// Only this permission, as a role of the client grants it; may be given several times.
    ///
    /// E.g. `authorization:grant:*`, `"recording:recording:view (conditional)"` where it is held under a condition only,
    /// or the general permission `admin`.
    #[arg(long = "permission", value_name = "PERMISSION", conflicts_with = "all")]
    pub permissions: Vec<String>,
    /// Everything, as it is now.
    #[arg(long)]
    pub all: bool,
    /// Who and why.
    #[command(flatten)]
    pub approval: ByArgs,
    /// Show the difference and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// The flags of `baseline prune`.
#[derive(Debug, Clone, Copy, Args)]
pub struct PruneArgs {
    /// Show what would be removed and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}
