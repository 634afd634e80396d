//! The files of this computer: how the program reads, replaces, creates and locks them.
//!
//! No other module opens a file, so that a named pipe, a device, a sparse file or a second process surprises none of them. What
//! the files contain is decided elsewhere.

mod access;
mod lock;
mod read;
mod replace;

pub use access::can_write_in;
pub use lock::{Lock, LockError};
pub use read::{MARK, ReadError, digest, read, read_text, read_unchanged};
pub use replace::{Mode, create, remove_leftovers, replace, replace_with};
