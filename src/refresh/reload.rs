//! What a reload must not put in force.
//!
//! Not the reload itself (`app`), and not the reading of the files (`in_force`).

use super::in_force::{Files, InForce};
use super::pipeline::Pipeline;

/// Why a policy and a baseline that were read must not replace those by which this organisation is evaluated.
///
/// Refuses a missing baseline if one is in force, and a baseline of another organisation: without a baseline, no approval would be
/// required. At the start the organisation is not known yet, so `config_last_reload_successful` becomes 0 once it is known.
pub fn refusal(files: &Files, read: &InForce, pipeline: &Pipeline) -> Option<String> {
    let path = files.baseline.as_ref()?;
    let Some(baseline) = &read.baseline else {
        return pipeline.in_force().baseline.as_ref().map(|_| {
            format!(
                "baseline file {}: the file no longer exists; restore it, or run without it: remove --baseline.file or baseline_file, and restart the exporter if it is a flag",
                path.display()
            )
        });
    };
    let (of, snapshot) = (&baseline.organisation, pipeline.last_snapshot()?);
    let audited = &snapshot.organisation.id;
    (audited != of).then(|| {
        format!(
            "baseline file {}: it belongs to the organisation {of}, but the exporter audits {audited}; name a baseline of the latter",
            path.display()
        )
    })
}
