//! Reads the settings: turns flags, environment and env-file into one validated [`Settings`].
//!
//! Not the `Config` structs of the components, which are defined where they are used, and not the subcommands (`cli`).

mod address;
mod asked;
mod command_line;
mod credentials;
mod divided;
pub mod docs;
mod duration;
mod endpoints;
mod env_file;
mod error;
mod file;
mod flags;
mod hidden;
mod json_schema;
mod keys;
mod link_base;
mod names;
mod organisations;
mod platform;
mod proxy;
mod raw;
mod read;
mod region;
mod scalar;
mod settings;
mod shard;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use command_line::{flags_given, with_variables};
pub(crate) use divided::{Divided, divided};
pub use error::ConfigError;
pub use flags::SettingsArgs;
pub use json_schema::json_schema;
pub use link_base::link_base;
pub use names::variable_of;
pub use organisations::{NamedOrganisation, OrganisationSettings, Watch};
pub use read::{Gathered, environment, read};
pub use settings::{AlertSettings, Settings};
pub use shard::{Shard, shard_of};
