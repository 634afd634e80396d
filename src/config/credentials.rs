//! The id and secret of the exporter's own OAuth client, from the variables that the vendor's tools use.
//!
//! A secret in a file is only checked here. `genesys` reads the file again at every token fetch.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::names::{
    CLIENT_ID, CLIENT_ID_ALIAS, CLIENT_SECRET, CLIENT_SECRET_ALIAS, CLIENT_SECRET_FILE, CLIENT_SECRET_FILE_ALIAS,
};
use super::raw::RawSettings;
use super::values::Values;
use crate::file::{self, ReadError};
use crate::secret::{ExposeSecret, MAX_SECRET_BYTES, SecretSource, SecretString};

/// The id of the client, or `None` if it is missing or invalid.
pub(crate) fn client_id(values: &mut Values<'_>, raw: &RawSettings) -> Option<String> {
    let (name, id) = values.either(
        (CLIENT_ID, raw.genesyscloud_oauthclient_id.as_ref()),
        (CLIENT_ID_ALIAS, raw.genesys_cloud_client_id.as_ref()),
        |one, other| one == other,
    )?;
    if let Err(problem) = header_content(id) {
        values.variable_wrong(name, problem);
        return None;
    }
    if id.contains(':') {
        values.variable_wrong(
            name,
            "contains a colon, which a client id never does; copy the id from Admin > Integrations > OAuth",
        );
        return None;
    }
    Some(id.clone())
}

/// The secret itself, or the file that contains it. The file is checked once, so that an error shows at startup.
pub(crate) fn client_secret(values: &mut Values<'_>, raw: &RawSettings) -> Option<SecretSource> {
    let value = values.either(
        (CLIENT_SECRET, raw.genesyscloud_oauthclient_secret.as_ref()),
        (CLIENT_SECRET_ALIAS, raw.genesys_cloud_client_secret.as_ref()),
        |one, other| one.expose_secret() == other.expose_secret(),
    );
    let file = values.either(
        (CLIENT_SECRET_FILE, raw.genesyscloud_oauthclient_secret_file.as_ref()),
        (CLIENT_SECRET_FILE_ALIAS, raw.genesys_cloud_client_secret_file.as_ref()),
        |one, other| one == other,
    );
    match (value, file) {
        (Some((name, _)), Some((file_name, _))) => {
            values.variable_wrong(name, format!("is set, and so is {file_name}; set only one of them"));
            None
        }
        (Some((name, secret)), None) => match header_content(secret.expose_secret()) {
            Ok(()) => Some(SecretSource::Value(secret.clone())),
            Err(problem) => {
                values.variable_wrong(name, problem);
                None
            }
        },
        (None, Some((name, path))) => match check_file(Path::new(path)) {
            Ok(warning) => {
                values.warnings.extend(warning.map(|warning| format!("{name}: {warning}")));
                Some(SecretSource::File(PathBuf::from(path)))
            }
            Err(problem) if values.tolerates_secret_files => {
                values
                    .warnings
                    .push(format!("{name} {path}: {problem}; the organisation cannot be read until this is corrected"));
                Some(SecretSource::File(PathBuf::from(path)))
            }
            Err(problem) => {
                values.variable_wrong(name, problem);
                None
            }
        },
        (None, None) => None,
    }
}

/// Rejects control characters, which the HTTP header would reject later with a less helpful error.
fn header_content(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("contains a line break or another control character; remove it".to_owned());
    }
    Ok(())
}

/// Checks that the file contains a secret. Returns a warning if every user can read it.
fn check_file(path: &Path) -> Result<Option<String>, String> {
    // The secret itself, in the variable for the file, looks like the name of a file that does not exist.
    if !path.to_string_lossy().contains('/') && !path.exists() {
        return Err(
            "names a file that does not exist; set it to the path of a file that contains the client secret, not \
                    to the secret itself"
                .to_owned(),
        );
    }
    let text = file::read_text(path, MAX_SECRET_BYTES).map_err(|error| match error {
        ReadError::NotRegular(_) => {
            format!(
                "{} is not a regular file, which it must be because it is read again for each token",
                path.display()
            )
        }
        ReadError::TooLarge(_) => format!("{} is longer than 64 KiB, so it is not a client secret", path.display()),
        ReadError::NotText => format!("{} is not valid UTF-8", path.display()),
        error => format!("{} cannot be read: {error}", path.display()),
    })?;
    let secret = SecretString::from(text);
    let content = secret.expose_secret().trim();
    if content.is_empty() {
        return Err(format!("{} is empty; write the client secret to it", path.display()));
    }
    header_content(content).map_err(|problem| format!("the content of {} {problem}", path.display()))?;
    let world_readable = std::fs::metadata(path).is_ok_and(|metadata| world_readable(&metadata));
    Ok(world_readable.then(|| format!("every user can read {}; set its mode to 0600", path.display())))
}

fn world_readable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], mode: u32) -> Result<Option<String>, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        std::fs::write(&path, content).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        check_file(&path)
    }

    #[test]
    fn a_secret_file_is_checked_at_startup() {
        assert_eq!(check(b"hunter2\n", 0o600), Ok(None));
        assert_eq!(check(b"hunter2\r\n", 0o640), Ok(None));
        assert!(check(b"hunter2", 0o644).is_ok_and(|warning| warning.is_some_and(|w| w.contains("every user"))));
        for (content, problem) in [
            (b"".as_slice(), "is empty"),
            (b" \n\n", "is empty"),
            (b"hunter2\nhunter3\n", "control character"),
            (b"hunter2\xff", "not valid UTF-8"),
            (&b"h".repeat(70_000), "longer than 64 KiB"),
        ] {
            let error = check(content, 0o600).expect_err(problem);
            assert!(error.contains(problem) && !error.contains("hunter"), "{error}");
        }
        assert!(check_file(Path::new("/nonexistent/secret")).expect_err("missing").contains("cannot be read"));
        let error = check_file(Path::new("hunter2")).expect_err("missing");
        assert!(error.contains("does not exist") && !error.contains("hunter2"), "{error}");
        assert!(check_file(Path::new("/")).expect_err("a directory").contains("not a regular file"));
    }
}
