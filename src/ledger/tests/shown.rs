//! Reports that show a set of grants, without a snapshot that has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::{Grant, GrantKind, Sighting, Standing};
use crate::audit::{self, About, BaselineComparison, DangerousPrivilege, Evidence, Kind, Report, Status, rules};
use crate::domain::{Privilege, Severity, Timestamp};
use crate::fixtures;
use crate::policy::Policy;

/// It calls the scopes `a` and `b` dangerous, but not `c`.
pub(super) static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let dangerous = |scope| format!("[[scopes.dangerous]]\nmatch = \"{scope}\"\nseverity = \"high\"\nreason = \"R\"\n");
    fixtures::policy(&(dangerous("a") + &dangerous("b")))
});

static NOTHING: LazyLock<Report> = LazyLock::new(|| {
    let mut report = audit::evaluate(&fixtures::snapshot().build(), &POLICY, None, Timestamp::default());
    report.baseline = Some(BaselineComparison { approved_at: Timestamp::default(), drift: Vec::new() });
    report.permission_labels = ["x", "y"].map(str::to_owned).into();
    report
});

/// A report of these unapproved grants.
pub(super) fn report(held: BTreeSet<Grant>) -> Report {
    evaluated(held.into_iter().map(|grant| (grant, Standing::Unapproved)).collect())
}

/// A report of these grants.
pub(super) fn evaluated(held: BTreeMap<Grant, Standing>) -> Report {
    let mut report = NOTHING.clone();
    // A report sorts by rule and evidence, and the labels of a permission by the policy: another order than that of the ledger.
    let held = held.into_iter().rev();
    report.set_findings(held.map(|(grant, standing)| (grant.client.clone(), about(&grant, standing))));
    report
}

/// A sighting of these grants, without gaps.
pub(super) fn of(report: &Report) -> Sighting<'_> {
    Sighting { report, policy: &POLICY, hidden: BTreeSet::new(), unknown: BTreeSet::new() }
}

fn about(grant: &Grant, standing: Standing) -> About {
    let (rule, kind, privilege) = match grant.kind {
        GrantKind::Scope => (rules::DANGEROUS_SCOPE, Kind::Scope, Privilege::Scope(grant.evidence.as_str().into())),
        GrantKind::Permission => (rules::DANGEROUS_PERMISSION, Kind::Permission, Privilege::Permission("p".into())),
    };
    let status = match standing {
        Standing::Unapproved => Status::Open,
        Standing::Exempt => Status::Exempt,
        Standing::Settled => Status::Approved,
    };
    About {
        rule: rules::find(rule).expect("a rule"),
        severity: Severity::High,
        status,
        evidence: Evidence::new(kind, &*grant.evidence, "has it"),
        pattern: None,
        reason: "R".into(),
        exemption: None,
        dangerous: Some(DangerousPrivilege {
            privilege,
            role: grant.role.clone(),
            labels: [grant.label.clone()].into(),
        }),
        unlisted: Box::default(),
    }
}
