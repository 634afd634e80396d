//! The policy and the baseline that are in force, read from their files together: both, or an error.
//!
//! They are read once, with the settings, whose errors are reported together with theirs; `reload` reads them again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tracing::{info, warn};

use crate::audit::rules;
use crate::baseline::Baseline;
use crate::domain::{OrgId, Timestamp};
use crate::policy::{Extension, Policy, Reading};

/// A larger policy file is a mistake.
const MAX_POLICY_BYTES: u64 = 4 << 20;
/// A larger baseline is not ours: 100,000 clients with a few roles take about 200 MB.
const MAX_BASELINE_BYTES: u64 = 512 << 20;

/// Where policy and baseline are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The policy; `None` is the built-in one.
    pub policy: Option<PathBuf>,
    /// What the settings add to the policy.
    pub extension: Extension,
    /// The baseline; `None` is none.
    pub baseline: Option<PathBuf>,
}

/// What data is evaluated by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// What is dangerous.
    pub policy: Arc<Policy>,
    /// What is approved; `None` where no file is named, or the file is missing.
    pub baseline: Option<Baseline>,
}

impl InForce {
    /// Reads both. The message names every mistake. A baseline that is named but missing is no mistake.
    pub(super) fn read(files: &Files) -> Result<Self, String> {
        let (policy, baseline) =
            match (policy(files.policy.as_deref(), &files.extension), baseline(files.baseline.as_deref())) {
                (Ok(policy), Ok(baseline)) => (policy, baseline),
                (Err(policy), Err(baseline)) => return Err(format!("{policy}\n{baseline}")),
                (Err(mistakes), Ok(_)) | (Ok(_), Err(mistakes)) => return Err(mistakes),
            };
        Ok(Self { policy: Arc::new(policy), baseline })
    }

    /// Logs which baseline is in force. A separate step, since the files are read before there is a log.
    pub fn log(&self, files: &Files) {
        match (&files.baseline, &self.baseline) {
            (Some(path), None) => {
                warn!(path = %path.display(), "the baseline file does not exist; until it does, nothing is approved and there is no drift");
            }
            (Some(path), Some(baseline)) => {
                info!(path = %path.display(), org_id = %baseline.organisation, clients = baseline.clients.len(), "baseline read");
            }
            (None, _) => {}
        }
    }

    /// Whether a baseline is named and there is none.
    pub const fn lacks_baseline(&self, files: &Files) -> bool {
        files.baseline.is_some() && self.baseline.is_none()
    }

    /// Whether the baseline is another organisation's: then it counts as not loaded.
    pub fn has_foreign_baseline(&self, org: &OrgId) -> bool {
        self.baseline.as_ref().is_some_and(|baseline| baseline.organisation != *org)
    }

    /// Warns if it is.
    pub fn warn_of_foreign_baseline(&self, org: &OrgId) {
        if let Some(baseline) = self.baseline.as_ref().filter(|_| self.has_foreign_baseline(org)) {
            warn!(baseline_org_id = %baseline.organisation, org_id = %org, "the baseline belongs to another organisation and is not used");
        }
    }
}

/// Reads the policy, the built-in one if no file is named, and adds what the settings add. The message names every error.
pub(super) fn policy(file: Option<&Path>, extension: &Extension) -> Result<Policy, String> {
    let slugs = rules::slugs();
    let now = Some(Timestamp::from(SystemTime::now()));
    let reading = Reading { rules: &slugs, now, extension };
    let Some(path) = file else {
        return Policy::read("", reading).map_err(|errors| list("the built-in policy", &errors));
    };
    let name = path.display().to_string();
    let text = text(&format!("policy file {name}"), path, MAX_POLICY_BYTES)?
        .ok_or_else(|| format!("policy file {name}: there is no such file"))?;
    Policy::read(&text, reading).map_err(|errors| list(&format!("policy file {name}"), &errors))
}

/// Reads the baseline; `None` where no file is named or it is missing.
pub(super) fn baseline(file: Option<&Path>) -> Result<Option<Baseline>, String> {
    let Some(path) = file else { return Ok(None) };
    let what = format!("baseline file {}", path.display());
    let Some(text) = text(&what, path, MAX_BASELINE_BYTES)? else { return Ok(None) };
    Baseline::parse(&text).map(Some).map_err(|error| format!("{what}: {error}"))
}

fn text(what: &str, path: &Path, most: u64) -> Result<Option<String>, String> {
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{what}: {error}")),
    };
    if size > most {
        return Err(format!("{what}: {size} bytes are more than the {most} that are read"));
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| format!("{what}: {error}"))
}

fn list(what: &str, errors: &[crate::policy::PolicyError]) -> String {
    let errors: Vec<String> = errors.iter().map(|error| format!("{what}, {error}")).collect();
    errors.join("\n")
}
