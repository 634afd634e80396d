//! The certificate authorities that the platform's certificates, and that of a proxy with https, are checked with.
//!
//! Not the messages about certificates that are refused (`tls`).

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest as _, Sha256};

use crate::file;

/// The largest file of certificates. That of an operating system has about 250 kB.
const MAX_BYTES: u64 = 16 << 20;

/// Who is trusted to vouch for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// Those that the TLS library finds: of the operating system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    System {
        /// The variables that are set, with their values.
        named_by: Vec<(&'static str, String)>,
    },
    /// Only those of this file.
    File {
        /// In PEM.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// SHA-256 of its content when the settings were read, so that a reload notices another content.
        content: [u8; 32],
    },
}

impl Default for Authorities {
    fn default() -> Self {
        Self::System { named_by: Vec::new() }
    }
}

impl fmt::Display for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { named_by } if named_by.is_empty() => f.write_str("of the system"),
            Self::System { named_by } => {
                for (at, (variable, path)) in named_by.iter().enumerate() {
                    write!(f, "{}of {path} ({variable})", if at == 0 { "" } else { " and " })?;
                }
                Ok(())
            }
            Self::File { path, setting, .. } => write!(f, "of {} ({setting})", path.display()),
        }
    }
}

impl Authorities {
    /// Those of a file, in which each certificate can be used. Other content, such as text between them, is ignored.
    pub fn of_file(path: &Path, setting: &'static str) -> Result<Self, String> {
        let content = Sha256::digest(check_readable(path)?).into();
        read(path)?;
        Ok(Self::File { path: path.to_owned(), setting, content })
    }

    /// The certificates of the file; `None` if the TLS library finds those that it trusts.
    pub(super) fn certificates(&self) -> Result<Option<Vec<Certificate>>, String> {
        let Self::File { path, setting, .. } = self else { return Ok(None) };
        let read = read(path).map_err(|problem| format!("{setting}: {}: {problem}", path.display()))?;
        let certificates = read.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>();
        certificates.map(Some).map_err(|_| format!("{setting}: {}: a certificate cannot be read", path.display()))
    }
}

/// Checks that the file can be read by the TLS library: it would wait for a pipe, read a device without an end, and skip the
/// certificate behind a byte order mark without an error.
pub fn check_readable(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = file::read_unchanged(path, MAX_BYTES).map_err(|error| error.to_string())?;
    if bytes.starts_with(file::MARK) {
        return Err(
            "it starts with a byte order mark, so the TLS library would ignore its first certificate; save it without the mark"
                .to_owned(),
        );
    }
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = check_readable(path)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|_| "it is not valid PEM; create it again".to_owned())?;
    if certificates.is_empty() {
        return Err(
            "there is no certificate in it; it must be in PEM, with BEGIN CERTIFICATE (`openssl x509` converts it)"
                .to_owned(),
        );
    }
    let mut roots = RootCertStore::empty();
    for (at, certificate) in certificates.iter().enumerate() {
        let number = at + 1;
        let usable = roots.add(certificate.clone());
        usable
            .map_err(|_| format!("certificate {number} of it is damaged; create the file again, or remove this one"))?;
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_with_the_setting_and_the_system_with_the_variables() {
        let file = Authorities::File { path: "/etc/ca.pem".into(), setting: "--genesys.ca-file", content: [0; 32] };
        assert_eq!(file.to_string(), "of /etc/ca.pem (--genesys.ca-file)");
        assert_eq!(Authorities::default().to_string(), "of the system");
        let named_by = vec![("SSL_CERT_FILE", "/a".to_owned()), ("SSL_CERT_DIR", "/b".to_owned())];
        assert_eq!(Authorities::System { named_by }.to_string(), "of /a (SSL_CERT_FILE) and of /b (SSL_CERT_DIR)");
    }

    #[test]
    fn only_a_file_with_usable_certificates_is_accepted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["authority.example".to_owned()]).expect("a name");
        let pem = parameters.self_signed(&key).expect("signed").pem();
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (content, problem) in [
            (format!("# Company\n{pem}\n{pem}"), None),
            (String::new(), Some("there is no certificate in it")),
            (key.serialize_pem(), Some("there is no certificate in it")),
            (pem.replace("-----END CERTIFICATE-----", ""), Some("")),
            (format!("{pem}{damaged}"), Some("certificate 2 of it is damaged")),
            (format!("\u{feff}{pem}"), Some("byte order mark")),
        ] {
            std::fs::write(&path, &content).expect("writable");
            match (Authorities::of_file(&path, "ca_file").map(drop), problem) {
                (Ok(()), None) => {}
                (Err(found), Some(problem)) => assert!(found.contains(problem), "{found}"),
                (found, _) => panic!("{found:?}: {content}"),
            }
        }
        let mut known = None;
        for content in [pem.clone(), format!("{pem}{pem}")] {
            std::fs::write(&path, &content).expect("writable");
            let found = Authorities::of_file(&path, "ca_file").expect("usable");
            assert_ne!(known.replace(found.clone()), Some(found), "a reload notices another content");
        }
        assert!(
            Authorities::of_file(&folder.path().join("none"), "ca_file").expect_err("missing").contains("no such file")
        );
        assert!(Authorities::of_file(folder.path(), "ca_file").expect_err("a folder").contains("a directory"));
    }
}
