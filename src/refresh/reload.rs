//! The reload of the policy file, by signal or by request: all of it, or nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tracing::{error, info};

use super::Judge;
use crate::audit::rules;
use crate::domain::Timestamp;
use crate::policy::{Extension, Policy, Reading};
use crate::publish::Publisher;

/// A larger policy file is a mistake.
const MAX_BYTES: u64 = 4 << 20;

/// Reads the policy file again and has every organisation's last snapshot judged anew.
#[derive(Debug)]
pub struct Reloader {
    file: Option<PathBuf>,
    extension: Extension,
    policy: Arc<ArcSwap<Policy>>,
    judges: Vec<Arc<Judge>>,
    publisher: Publisher,
}

impl Reloader {
    /// A reloader of that file, with what the settings add, for those organisations.
    pub fn new(
        (file, extension): (Option<PathBuf>, Extension),
        policy: Arc<ArcSwap<Policy>>,
        judges: Vec<Arc<Judge>>,
        publisher: Publisher,
    ) -> Self {
        Self { file, extension, policy, judges, publisher }
    }

    /// Reads the policy, the built-in one where no file is named, and lays over it what the settings add. The message
    /// names every mistake.
    pub fn read(file: Option<&PathBuf>, extension: &Extension) -> Result<Policy, String> {
        let slugs = rules::slugs();
        let now = Some(Timestamp::from(SystemTime::now()));
        let reading = Reading { rules: &slugs, now, extension };
        let Some(path) = file else {
            return Policy::read("", reading).map_err(|errors| list("the built-in policy", &errors));
        };
        let name = path.display().to_string();
        let size = std::fs::metadata(path).map_err(|error| format!("policy file {name}: {error}"))?.len();
        if size > MAX_BYTES {
            return Err(format!("policy file {name}: {size} bytes are more than the {MAX_BYTES} that are read"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("policy file {name}: {error}"))?;
        Policy::read(&text, reading).map_err(|errors| list(&format!("policy file {name}"), &errors))
    }

    /// Reloads. A bad file keeps the old policy, and shows in the metrics. Blocking.
    pub fn reload(&self) -> Result<(), String> {
        let now = Timestamp::from(SystemTime::now());
        match Self::read(self.file.as_ref(), &self.extension) {
            Ok(policy) => {
                self.policy.store(Arc::new(policy));
                for judge in &self.judges {
                    judge.rejudge(now);
                }
                self.publisher.update(|_, reload| {
                    reload.last_successful = true;
                    reload.last_success = now;
                });
                info!("policy reloaded");
                Ok(())
            }
            Err(cause) => {
                self.publisher.update(|_, reload| reload.last_successful = false);
                error!(cause, "the policy is wrong; the one before stays in force");
                Err(cause)
            }
        }
    }
}

fn list(what: &str, errors: &[crate::policy::PolicyError]) -> String {
    let errors: Vec<String> = errors.iter().map(|error| format!("{what}, {error}")).collect();
    errors.join("\n")
}
