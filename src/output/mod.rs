//! Reports for people and programs.

pub mod json;
