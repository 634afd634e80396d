//! The flags of `audit`, as clap sees them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::Severity;

/// The flags of `audit`.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = AuditFormat::Table)]
    pub format: AuditFormat,
    /// Also write the report to a file, in any format; may be given several times.
    #[arg(long, value_name = "FORMAT=PATH", value_parser = output_file)]
    pub output: Vec<OutputFile>,
    /// The least severity of an open finding that makes the exit code 1; by default the policy's `fail_on`, which is high.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Tell findings from this severity on only. The exit code does not heed it.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub min_severity: Option<Least>,
    /// Tell only what is new against an earlier snapshot, judged by the same policy; only that decides between exit code 0 and 1.
    ///
    /// The earlier snapshot is --previous, by default the state file's. Where there is none, everything is new.
    #[arg(long)]
    pub only_new: bool,
    /// What --only-new compares with: a file of --snapshot-out, or a state file.
    #[arg(long, value_name = "PATH", requires = "only_new")]
    pub previous: Option<PathBuf>,
    /// Write what was read as a file, mode 0600, for --snapshot-in and --previous. It has no secrets.
    #[arg(long, value_name = "PATH")]
    pub snapshot_out: Option<PathBuf>,
    /// Judge a file of --snapshot-out, or a state file, without credentials or network.
    #[arg(long, value_name = "PATH")]
    pub snapshot_in: Option<PathBuf>,
    /// Exit with 3 where an enabled input, such as roles, could not be read.
    #[arg(long)]
    pub strict: bool,
    /// Judge an incomplete list of clients instead of exiting with 3.
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// How `audit` prints its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people.
    Table,
    /// For programs: everything.
    Json,
    /// For spreadsheets: a row for each finding.
    Csv,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For a comment on a pull request.
    Markdown,
}

/// A file that gets the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// How.
    pub format: AuditFormat,
    /// Where.
    pub path: PathBuf,
}

/// The least severity that fails an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "severities explain themselves, and clap would print the comments as help")]
pub enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Info,
    Never,
}

/// The least severity that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "severities explain themselves, and clap would print the comments as help")]
pub enum Least {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Critical => Self::Critical,
            Least::High => Self::High,
            Least::Medium => Self::Medium,
            Least::Low => Self::Low,
            Least::Info => Self::Info,
        }
    }
}

fn output_file(text: &str) -> Result<OutputFile, String> {
    let (format, path) = text.split_once('=').ok_or("use FORMAT=PATH, e.g. sarif=report.sarif")?;
    let known = || AuditFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let format = AuditFormat::from_str(format, false).map_err(|_| {
        let known: Vec<String> = known().map(|format| format.get_name().to_owned()).collect();
        format!("the format is one of {}", known.join(", "))
    })?;
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    Ok(OutputFile { format, path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_format_and_a_path() {
        let path = |text| output_file(text).map(|file| (file.format, file.path));
        assert_eq!(path("sarif=a=b.sarif"), Ok((AuditFormat::Sarif, "a=b.sarif".into())));
        for (text, part) in
            [("report.json", "FORMAT=PATH"), ("yaml=x", "table, json, csv, sarif, markdown"), ("csv=", "empty")]
        {
            assert!(path(text).is_err_and(|why| why.contains(part)), "{text}");
        }
    }
}
