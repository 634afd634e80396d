//! The metrics text as a scraper sees it.
//!
//! Not the HTTP around it. The parts that need no organisation (escapes, numbers, negotiation, gzip) are tested beside their code.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on says so; clippy knows only functions marked as tests"
)]

#[path = "exposition/cap.rs"]
mod cap;
#[path = "exposition/contract.rs"]
mod contract;
#[path = "exposition/golden.rs"]
mod golden;
#[path = "exposition/properties.rs"]
mod properties;
#[path = "exposition/reference.rs"]
mod reference;
#[path = "exposition/world.rs"]
mod world;
