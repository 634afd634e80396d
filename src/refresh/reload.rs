//! Reloads policy and baseline after a signal or a request: either both, or neither.
//!
//! The reload fails if the baseline file was in force and no longer exists, because the exporter would silently stop requiring
//! approvals. It also fails if the baseline belongs to another organisation. At the start the organisation is not known yet, so
//! `config_last_reload_successful` becomes 0 once it is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tracing::{error, info};

use super::in_force::{self, Files, InForce};
use super::pipeline::Pipeline;
use crate::baseline::Baseline;
use crate::domain::{OrgId, Timestamp};
use crate::policy::{Extension, Policy};
use crate::publish::Publisher;

/// Reads the files again, and evaluates the last snapshot of every organisation again.
#[derive(Debug)]
pub struct Reloader {
    files: Files,
    in_force: Arc<ArcSwap<InForce>>,
    pipelines: Vec<Arc<Pipeline>>,
    publisher: Publisher,
}

impl Reloader {
    /// A reloader of these files, for the organisations of these pipelines.
    pub fn new(
        files: Files,
        in_force: Arc<ArcSwap<InForce>>,
        pipelines: Vec<Arc<Pipeline>>,
        publisher: Publisher,
    ) -> Self {
        Self { files, in_force, pipelines, publisher }
    }

    /// Reads the policy, or the built-in policy without a file. The error lists all mistakes.
    pub fn read(file: Option<&PathBuf>, extension: &Extension) -> Result<Policy, String> {
        in_force::policy(file.map(PathBuf::as_path), extension)
    }

    /// Reads the baseline; `None` if no file is configured or the file does not exist. The error says what is wrong, and where.
    pub fn read_baseline(file: Option<&Path>) -> Result<Option<Baseline>, String> {
        in_force::baseline(file)
    }

    /// Reloads both files. If one of them cannot be used, the previous policy and baseline stay in force, and the metrics report
    /// the failure. Blocking.
    pub fn reload(&self) -> Result<(), String> {
        let now = Timestamp::from(SystemTime::now());
        match self.read_again() {
            Ok(in_force) => {
                let lacks_baseline = in_force.lacks_baseline(&self.files);
                self.in_force.store(Arc::new(in_force));
                for pipeline in &self.pipelines {
                    pipeline.evaluate_again(now);
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

    /// Reads both files. Refuses a missing baseline if one is in force, and a baseline of an organisation that is not audited:
    /// without a baseline, no approval would be required.
    fn read_again(&self) -> Result<InForce, String> {
        let read = InForce::read(&self.files)?;
        read.log(&self.files);
        let Some(path) = &self.files.baseline else { return Ok(read) };
        let Some(baseline) = &read.baseline else {
            return match self.in_force.load().baseline {
                Some(_) => Err(format!(
                    "baseline file {}: the file no longer exists; restore it, or restart the exporter to run without it",
                    path.display()
                )),
                None => Ok(read),
            };
        };
        let audited: Vec<OrgId> = self
            .pipelines
            .iter()
            .filter_map(|pipeline| pipeline.last_snapshot())
            .map(|s| s.organisation.id.clone())
            .collect();
        if audited.is_empty() || audited.contains(&baseline.organisation) {
            return Ok(read);
        }
        let audited: Vec<&str> = audited.iter().map(OrgId::as_str).collect();
        Err(format!(
            "baseline file {}: it belongs to the organisation {}, but the exporter audits {}; name a baseline of the latter",
            path.display(),
            baseline.organisation,
            audited.join(", ")
        ))
    }
}
