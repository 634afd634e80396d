//! Text for people and terminals: untrusted names made safe, counts with their nouns, times in UTC.
//!
//! The escapes of a format are applied in addition, by the module of that format.

mod addresses;
mod counted;
mod distinct;
mod masked;
mod near;
mod place;
mod shared;
mod time;
mod visible;
mod wrap;

pub use addresses::{has_address, without_addresses};
pub use counted::{counted, listed};
pub use distinct::distinct;
pub use masked::{is_masked, masked, masked_prose, masked_uris};
pub use near::{did_you_mean, distance, nearest};
pub use place::place;
pub use shared::SharedText;
pub use time::{rfc3339, utc};
pub use visible::{is_treacherous, shortened, visible};
pub use wrap::{columns, wrapped};
