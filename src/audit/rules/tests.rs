//! Each rule as a table of cases, with its trap.
