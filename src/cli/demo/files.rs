//! The files of `demo` with several organisations, in a folder of its own: the configuration file, a secret and the baselines.
//!
//! They are what somebody would write for `--config.file`, so that the demo runs in the same way.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use tracing::info;

use super::story::Cast;
use crate::baseline::Baseline;
use crate::cli::baseline;
use crate::file::{self, Mode};
use crate::simulator::DEFAULT_CLIENT_SECRET;

const CONFIG: &str = "organisations.toml";
const SECRET: &str = "secret";

/// The folder. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            info!(%error, folder = %self.path.display(), "cannot remove the folder of the demo");
        }
    }
}

impl Folder {
    /// Creates the folder, which must not exist, with the secret.
    pub(super) fn create() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("genesyscloud-oauth-exporter-demo-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Self { path };
        file::replace(&folder.path.join(SECRET), DEFAULT_CLIENT_SECRET.as_bytes(), Mode::Private)?;
        Ok(folder)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// Writes the configuration file. `defaults` are keys that the user set. The organisations with `is_known` name their baseline.
    pub(super) fn configure(
        &self,
        defaults: &BTreeMap<&'static str, String>,
        organisations: &[(Cast, String)],
        is_known: impl Fn(Cast) -> bool,
    ) -> io::Result<()> {
        let mut text = String::from("# The simulated organisations of the demo.\n\n[defaults]\n");
        let mut add = |name: &str, value: &str| {
            // A JSON string is a TOML string too. Writing to a String cannot fail.
            let _ = writeln!(text, "{name} = {}", serde_json::Value::from(value));
        };
        add("client_secret_file", SECRET);
        for (name, value) in defaults {
            add(name, value);
        }
        for (cast, url) in organisations {
            add("\n[[organisation]]\norg", &cast.label());
            add("client_id", &cast.client_id());
            add("api_url", url);
            add("login_url", url);
            if is_known(*cast) {
                add("baseline_file", &baseline_file(*cast));
            }
        }
        file::replace(&self.config(), text.as_bytes(), Mode::AsBefore)
    }

    pub(super) fn approve(&self, cast: Cast, approved: &Baseline) -> io::Result<()> {
        baseline::create(&self.path.join(baseline_file(cast)), approved)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn baseline_file(cast: Cast) -> String {
    format!("{}.baseline.json", cast.label())
}
