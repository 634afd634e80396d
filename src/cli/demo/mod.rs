//! `demo`: runs the exporter against simulated organisations, one or several.
//!
//! Not how the exporter runs (`serve`), and not the organisations themselves (`simulator`).

mod files;
mod introduction;
mod one;
mod several;
mod story;

use super::args::DemoArgs;
use crate::config::Gathered;

/// Runs the exporter against simulated organisations that change over time. `given` are the settings that were given as flags.
pub(super) async fn demo(args: DemoArgs, gathered: &Gathered, given: &[(String, String)]) -> u8 {
    match args.organisations {
        0 | 1 => one::run(gathered).await,
        number => several::run(number, given).await,
    }
}
