//! The audit of a snapshot: verdicts, exemptions, and what must not change them. Each rule on its own is tested in `rules/tests`.

mod exemptions;
mod incremental;
mod older_guides;
mod scopes;
mod size;
