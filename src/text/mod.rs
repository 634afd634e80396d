//! Text for people and terminals: foreign names made safe, counts with their nouns, times in UTC.
//!
//! Not the escapes of a format, which the format's own module applies on top.

mod counted;
mod time;
mod visible;

pub use counted::counted;
pub use time::{rfc3339, utc};
pub use visible::{shortened, visible, wrapped};
