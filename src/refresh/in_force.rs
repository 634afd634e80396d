//! The policy and the baseline in force. Both are read together from their files; if one has an error, neither is used.
//!
//! They are first read together with the settings, so that all errors are reported at once. A reload reads them again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tracing::{info, warn};

use crate::audit::rules;
use crate::baseline::Baseline;
use crate::domain::{OrgId, Timestamp};
use crate::file::{self, ReadError};
use crate::policy::{Extension, Policy, Reading};

/// The largest policy file that is read. A larger file must be another file.
const MAX_POLICY_BYTES: u64 = 4 << 20;
/// The largest baseline that is read. A baseline of 100,000 clients with a few roles takes about 200 MB.
pub const MAX_BASELINE_BYTES: u64 = 512 << 20;

/// The files of policy and baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The policy file; `None` for the built-in policy.
    pub policy: Option<PathBuf>,
    /// The additions to the policy from the settings.
    pub extension: Extension,
    /// The baseline file; `None` if no baseline is used.
    pub baseline: Option<PathBuf>,
}

/// The policy and the baseline by which data is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The policy, which says what is dangerous.
    pub policy: Arc<Policy>,
    /// The baseline, which says what is approved; `None` if no file is configured or the file does not exist.
    pub baseline: Option<Arc<Baseline>>,
}

impl InForce {
    /// Reads both files. The error lists all mistakes. A configured baseline file that does not exist is allowed.
    pub fn read(files: &Files) -> Result<Self, String> {
        let (policy, baseline) =
            match (read_policy(files.policy.as_deref(), &files.extension), read_baseline(files.baseline.as_deref())) {
                (Ok(policy), Ok(baseline)) => (policy, baseline),
                (Err(policy), Err(baseline)) => return Err(format!("{policy}\n{baseline}")),
                (Err(mistakes), Ok(_)) | (Ok(_), Err(mistakes)) => return Err(mistakes),
            };
        Ok(Self { policy: policy.shared(), baseline: baseline.map(Arc::new) })
    }

    /// Logs which baseline is in force. This is separate from reading, because the files are read before the log is set up.
    pub fn log(&self, org: &str, files: &Files) {
        match (&files.baseline, &self.baseline) {
            (Some(path), None) => {
                warn!(org, path = %path.display(), "the baseline file does not exist; until it does, nothing is approved and no drift is reported");
            }
            (Some(path), Some(baseline)) => {
                info!(org, path = %path.display(), org_id = %baseline.organisation, clients = baseline.clients.len(), "baseline read");
            }
            (None, _) => {}
        }
    }

    /// Whether a baseline is configured but its file does not exist.
    pub const fn lacks_baseline(&self, files: &Files) -> bool {
        files.baseline.is_some() && self.baseline.is_none()
    }

    /// Whether the baseline belongs to another organisation. Then it counts as not loaded.
    pub fn has_foreign_baseline(&self, org: &OrgId) -> bool {
        self.baseline.as_ref().is_some_and(|baseline| baseline.organisation != *org)
    }

    /// Logs a warning if the baseline belongs to another organisation.
    pub fn warn_of_foreign_baseline(&self, org: &OrgId) {
        if let Some(baseline) = self.baseline.as_ref().filter(|_| self.has_foreign_baseline(org)) {
            warn!(baseline_org_id = %baseline.organisation, org_id = %org, "the baseline belongs to another organisation and is not used");
        }
    }
}

/// Reads the policy, or the built-in policy without a file, and applies the additions from the settings. The error lists all
/// mistakes.
pub fn read_policy(file: Option<&Path>, extension: &Extension) -> Result<Policy, String> {
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

/// Reads the baseline; `None` if no file is configured or the file does not exist.
pub fn read_baseline(file: Option<&Path>) -> Result<Option<Baseline>, String> {
    let Some(path) = file else { return Ok(None) };
    let what = format!("baseline file {}", path.display());
    let Some(text) = text(&what, path, MAX_BASELINE_BYTES)? else { return Ok(None) };
    Baseline::parse(&text).map(Some).map_err(|error| format!("{what}: {error}"))
}

fn text(what: &str, path: &Path, most: u64) -> Result<Option<String>, String> {
    match file::read_text(path, most) {
        Ok(text) => Ok(Some(text)),
        Err(ReadError::NotFound) => Ok(None),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

fn list(what: &str, errors: &[crate::policy::PolicyError]) -> String {
    let errors: Vec<String> = errors.iter().map(|error| format!("{what}, {error}")).collect();
    errors.join("\n")
}
