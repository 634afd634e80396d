//! Reloads the policies and baselines of all organisations after a signal or a request: either all, or none.
//!
//! The reload fails if the baseline file was in force and no longer exists, because the exporter would silently stop requiring
//! approvals. It also fails if the baseline belongs to another organisation. At the start the organisation is not known yet, so
//! `config_last_reload_successful` becomes 0 once it is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tracing::{error, info};

use super::in_force::{self, Files, InForce};
use super::pipeline::Pipeline;
use crate::baseline::Baseline;
use crate::domain::Timestamp;
use crate::policy::{Extension, Policy};
use crate::publish::Publisher;

/// Reads the files again, and evaluates the last snapshot of every organisation again.
#[derive(Debug)]
pub struct Reloader {
    watched: Vec<(Files, Arc<Pipeline>)>,
    publisher: Publisher,
}

impl Reloader {
    /// A reloader of these files, each for the organisation of its pipeline.
    pub const fn new(watched: Vec<(Files, Arc<Pipeline>)>, publisher: Publisher) -> Self {
        Self { watched, publisher }
    }

    /// Reads the policy, or the built-in policy without a file. The error lists all mistakes.
    pub fn read(file: Option<&PathBuf>, extension: &Extension) -> Result<Policy, String> {
        in_force::policy(file.map(PathBuf::as_path), extension)
    }

    /// Reads the baseline; `None` if no file is configured or the file does not exist. The error says what is wrong, and where.
    pub fn read_baseline(file: Option<&Path>) -> Result<Option<Baseline>, String> {
        in_force::baseline(file)
    }

    /// Reloads all files. If one of them cannot be used, the previous policies and baselines stay in force, and the metrics report
    /// the failure. Blocking.
    pub fn reload(&self) -> Result<(), String> {
        let now = Timestamp::from(SystemTime::now());
        let read: Result<Vec<InForce>, String> =
            self.watched.iter().map(|(files, pipeline)| read_again(files, pipeline)).collect();
        match read {
            Ok(read) => {
                let mut lacks_baseline = false;
                for ((files, pipeline), in_force) in self.watched.iter().zip(read) {
                    lacks_baseline |= in_force.lacks_baseline(files);
                    pipeline.evaluate_by(in_force, now);
                }
                self.publisher.update(|_, reload| {
                    reload.last_successful = !lacks_baseline;
                    reload.last_success = now;
                });
                info!("policy and baseline reloaded");
                Ok(())
            }
            Err(cause) => {
                self.failed();
                error!(cause, "policy or baseline cannot be used; the previous ones stay in force");
                Err(cause)
            }
        }
    }

    /// Publishes that a reload failed. Blocking.
    pub fn failed(&self) {
        self.publisher.update(|_, reload| reload.last_successful = false);
    }
}

/// Reads both files of one organisation. Refuses a missing baseline if one is in force, and a baseline of another organisation:
/// without a baseline, no approval would be required.
fn read_again(files: &Files, pipeline: &Pipeline) -> Result<InForce, String> {
    let read = InForce::read(files)?;
    read.log(files);
    let Some(path) = &files.baseline else { return Ok(read) };
    let Some(baseline) = &read.baseline else {
        return match pipeline.in_force().baseline {
            Some(_) => Err(format!(
                "baseline file {}: the file no longer exists; restore it, or restart the exporter to run without it",
                path.display()
            )),
            None => Ok(read),
        };
    };
    let (of, audited) = (&baseline.organisation, pipeline.last_snapshot());
    match audited.as_ref().map(|snapshot| &snapshot.organisation.id).filter(|audited| *audited != of) {
        None => Ok(read),
        Some(audited) => Err(format!(
            "baseline file {}: it belongs to the organisation {of}, but the exporter audits {audited}; name a baseline of the latter",
            path.display()
        )),
    }
}
