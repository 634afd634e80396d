//! The metrics text as a scraper sees it.
//!
//! Not the HTTP around it. The parts that need no organisation (escapes, numbers, negotiation, gzip) are tested in their files, and real
//! scrapers read the text in `tests/behaviour/exposition.rs`.

mod cap;
mod golden;
mod properties;
mod reference;
