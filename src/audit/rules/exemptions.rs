//! Rules on the policy's own exemptions.
//!
//! Metadata only: `audit::exempt` evaluates these rules after all others, from the findings of those.

use crate::audit::rule::{AppliesTo, BASE, Rule};
use crate::domain::{Collector, Severity};

pub(in crate::audit) static EXPIRED: Rule = Rule {
    slug: "exemption-expired",
    title: "Expired exemption",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Clients],
    why: "The exemption has ended, and the findings that it covered are open again.",
    traps: "An exemption with an end date lasts until the end of that day in UTC.",
    remediation: "Fix what the exemption covered and remove it from the policy, or decide again and give it a new end.",
    reference: "docs/policy.md",
    ..BASE
};

pub(in crate::audit) static UNUSED: Rule = Rule {
    slug: "exemption-unused",
    title: "Unused exemption",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Clients],
    why: "The exemption covers no open finding. The next matching finding would be excused without a decision.",
    traps: "If the rule could not be evaluated, the use of the exemption is unknown, and there is no finding. What the baseline \
            approves needs no exemption, so an exemption for it is unused.",
    remediation: "Remove the exemption from the policy, or correct its rule, its client or `only`.",
    reference: "docs/policy.md",
    ..BASE
};

pub(in crate::audit) static TOO_BROAD: Rule = Rule {
    slug: "exemption-too-broad",
    title: "Exemption that is too broad",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Clients],
    why: "The exemption may excuse clients that nobody reviewed when it was written: it names neither evidence nor clients by id \
          or name, or it covers findings of more than 10 clients.",
    traps: "An exemption for findings on the organisation has no client to name, and is not too broad for that reason.",
    remediation: "Narrow the exemption with `only`, or name the clients by id or name in a selector. If several people decide, write one exemption for each.",
    reference: "docs/policy.md",
    ..BASE
};
