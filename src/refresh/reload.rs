//! The reload of policy and baseline, by signal or by request: all of it, or nothing.
//!
//! A baseline that was in force and is missing at a reload fails the reload: otherwise the exporter would silently stop asking for
//! approvals. So does a baseline of another organisation. At the start the organisation is not known yet, so that
//! `config_last_reload_successful` becomes 0 as soon as it is.

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

/// Reads the files again, and has every organisation's last snapshot evaluated again.
#[derive(Debug)]
pub struct Reloader {
    files: Files,
    in_force: Arc<ArcSwap<InForce>>,
    pipelines: Vec<Arc<Pipeline>>,
    publisher: Publisher,
}

impl Reloader {
    /// A reloader of those files for those organisations.
    pub fn new(
        files: Files,
        in_force: Arc<ArcSwap<InForce>>,
        pipelines: Vec<Arc<Pipeline>>,
        publisher: Publisher,
    ) -> Self {
        Self { files, in_force, pipelines, publisher }
    }

    /// Reads the policy, the built-in one where no file is named. The message names every mistake.
    pub fn read(file: Option<&PathBuf>, extension: &Extension) -> Result<Policy, String> {
        in_force::policy(file.map(PathBuf::as_path), extension)
    }

    /// Reads the baseline; `None` where no file is named or it is missing. The message says what is wrong, and where.
    pub fn read_baseline(file: Option<&Path>) -> Result<Option<Baseline>, String> {
        in_force::baseline(file)
    }

    /// Reloads. A bad file keeps policy and baseline as they were, and shows in the metrics. Blocking.
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
                self.publisher.update(|_, reload| reload.last_successful = false);
                error!(cause, "policy or baseline cannot be used; the previous ones stay in force");
                Err(cause)
            }
        }
    }

    /// A baseline that was there and is not any more is a mistake, and so is one of an organisation that is not watched:
    /// without it no approval would be asked for.
    fn read_again(&self) -> Result<InForce, String> {
        let read = InForce::read(&self.files)?;
        read.log(&self.files);
        let Some(path) = &self.files.baseline else { return Ok(read) };
        let Some(baseline) = &read.baseline else {
            return match self.in_force.load().baseline {
                Some(_) => Err(format!("baseline file {}: it was there before and is missing", path.display())),
                None => Ok(read),
            };
        };
        let watched: Vec<OrgId> = self
            .pipelines
            .iter()
            .filter_map(|pipeline| pipeline.last_snapshot())
            .map(|s| s.organisation.id.clone())
            .collect();
        if watched.is_empty() || watched.contains(&baseline.organisation) {
            return Ok(read);
        }
        let watched: Vec<&str> = watched.iter().map(OrgId::as_str).collect();
        Err(format!(
            "baseline file {}: it is of the organisation {}, and the exporter watches {}",
            path.display(),
            baseline.organisation,
            watched.join(", ")
        ))
    }
}
