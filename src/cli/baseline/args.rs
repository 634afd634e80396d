//! The flags of `baseline`, as clap sees them.

use clap::{Args, Subcommand};

use crate::cli::format::TextFormat;

/// The subcommands of `baseline`.
#[derive(Debug, Clone, Subcommand)]
pub enum BaselineCommand {
    /// Create the file and approve the current state of the organisation.
    ///
    /// With --config.file, creates the file of each organisation that has none, or only that of --org.
    Init(InitArgs),
    /// Show what differs from the baseline.
    ///
    /// Exits with 1 if a client gained anything or is gone.
    Diff(DiffArgs),
    /// Approve one client, some of its scopes or permissions, or everything, and show the difference.
    Approve(ApproveArgs),
    /// Remove clients that no longer exist from the baseline.
    Prune(PruneArgs),
    /// Show what the file approves.
    ///
    /// Reads only the file and the policy, and needs no credentials.
    Show(ShowArgs),
}

/// The flags of `baseline diff`.
#[derive(Debug, Clone, Copy, Args)]
pub struct DiffArgs {
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

/// The flags of `baseline show`.
#[derive(Debug, Clone, Copy, Args)]
pub struct ShowArgs {
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
}

/// The flags that say who approves, and why.
#[derive(Debug, Clone, Args)]
pub struct ByArgs {
    /// Who approves: a name or a ticket.
    ///
    /// E-mail addresses are rejected.
    #[arg(long, value_name = "WHO")]
    pub by: String,
    /// Why it is approved.
    ///
    /// E-mail addresses are rejected.
    #[arg(long, value_name = "WHY")]
    pub reason: String,
}

/// The flags of `baseline init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Who approves, and why.
    #[command(flatten)]
    pub approval: ByArgs,
    /// Approve even in CI (the variable `CI` is set), where nobody reviews what is approved.
    #[arg(long)]
    pub force_in_ci: bool,
}

/// The flags of `baseline approve`.
#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    /// The client's id or exact name.
    #[arg(value_name = "CLIENT", required_unless_present = "all", conflicts_with = "all")]
    pub client: Option<String>,
    /// Approve only this scope.
    ///
    /// The client must hold it. May be given several times.
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "all")]
    pub scopes: Vec<String>,
    /// Approve only this permission.
    ///
    /// Spelled as a role of the client grants it. May be given several times. For example `authorization:grant:*`, or `"recording:recording:view (conditional)"` if it is held only under a
    /// condition, or the general permission `admin`.
    #[arg(long = "permission", value_name = "PERMISSION", conflicts_with = "all")]
    pub permissions: Vec<String>,
    /// Approve the current state of all clients.
    #[arg(long)]
    pub all: bool,
    /// Who approves, and why.
    #[command(flatten)]
    pub approval: ByArgs,
    /// Show the difference, but write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// The flags of `baseline prune`.
#[derive(Debug, Clone, Args)]
pub struct PruneArgs {
    /// Who removes the clients, and why.
    #[command(flatten)]
    pub approval: ByArgs,
    /// Show what would be removed without writing the file.
    #[arg(long)]
    pub dry_run: bool,
}
