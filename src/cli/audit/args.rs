//! The flags of `audit`, as clap sees them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::Severity;

/// The flags of `audit`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct AuditArgs {
    /// Format of the report on stdout.
    ///
    /// One of table (the default), json, csv, inventory, sarif, markdown and prometheus.
    #[arg(long, value_enum, default_value_t = AuditFormat::Table, hide_possible_values = true, hide_default_value = true)]
    pub format: AuditFormat,
    /// Also write the report to a file.
    ///
    /// In any format. May be given several times.
    #[arg(long, value_name = "FORMAT=PATH", value_parser = output_file)]
    pub output: Vec<OutputFile>,
    /// List every finding in the table.
    ///
    /// Otherwise, it lists at most 50 under each heading and counts the others.
    #[arg(long)]
    pub all: bool,
    /// Exit with 1 at this severity or above.
    ///
    /// Only open findings count. One of critical, high, medium, low, info and never. By default the policy's `fail_on`, which defaults to high.
    #[arg(long, value_enum, value_name = "SEVERITY", hide_possible_values = true)]
    pub fail_on: Option<FailOn>,
    /// Report only this severity and above.
    ///
    /// One of critical, high, medium, low and info. Does not affect the exit code.
    #[arg(long, value_enum, value_name = "SEVERITY", hide_possible_values = true)]
    pub min_severity: Option<Least>,
    /// Report only what an earlier snapshot lacks.
    ///
    /// Only these findings decide between exit codes 0 and 1. The earlier snapshot is read from --previous, by default from the state
    /// file, and is evaluated with the same policy. If there is none, every finding is new.
    #[arg(long)]
    pub only_new: bool,
    /// The file that --only-new compares with.
    ///
    /// Written by --snapshot-out, or a state file.
    #[arg(long, value_name = "PATH", requires = "only_new")]
    pub previous: Option<PathBuf>,
    /// Write what was read to a file.
    ///
    /// For --snapshot-in and --previous. The file has mode 0600 and contains no secrets.
    #[arg(long, value_name = "PATH")]
    pub snapshot_out: Option<PathBuf>,
    /// Audit a file that --snapshot-out wrote.
    ///
    /// Or a state file. Needs no credentials and no network.
    #[arg(long, value_name = "PATH")]
    pub snapshot_in: Option<PathBuf>,
    /// Exit with 3 if an input could not be read.
    ///
    /// For example roles. Inputs that the settings disable do not count.
    #[arg(long)]
    pub strict: bool,
    /// Audit an incomplete list of clients.
    ///
    /// Otherwise, the command exits with 3.
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// The formats of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// A table for people.
    Table,
    /// JSON for programs, with every detail.
    Json,
    /// CSV for spreadsheets, one row per finding.
    Csv,
    /// CSV for spreadsheets, one row per client.
    Inventory,
    /// SARIF 2.1.0 for code scanning.
    Sarif,
    /// Markdown for a comment on a pull request.
    Markdown,
    /// The audited metrics as Prometheus text, for the textfile collector of the node exporter.
    Prometheus,
}

/// The value of `--output`: a format and the file to write in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// The format of the report.
    pub format: AuditFormat,
    /// The file, which is replaced if it exists.
    pub path: PathBuf,
}

/// The lowest severity that makes `audit` exit with 1.
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

/// The lowest severity that is reported.
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
    let (format, path) = text.split_once('=').ok_or("use FORMAT=PATH, for example sarif=report.sarif")?;
    let known = || AuditFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let format = AuditFormat::from_str(format, false).map_err(|_| {
        let known: Vec<String> = known().map(|format| format.get_name().to_owned()).collect();
        format!("the format must be one of {}", known.join(", "))
    })?;
    if path.is_empty() {
        return Err("the path is empty; use FORMAT=PATH, for example sarif=report.sarif".to_owned());
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
        for (text, part) in [
            ("report.json", "FORMAT=PATH"),
            ("yaml=x", "table, json, csv, inventory, sarif, markdown, prometheus"),
            ("csv=", "empty"),
        ] {
            assert!(path(text).is_err_and(|why| why.contains(part)), "{text}");
        }
    }
}
