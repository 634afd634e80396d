//! A folder with a web configuration: an authority, certificates that it has signed, and others.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

/// A user of the tests and the password.
pub const USER: &str = "alice:hunter2";
/// The bcrypt hash of the password, with the lowest cost.
pub const HASH: &str = "$2y$04$Xc25GiXWpR8jnpKKkdi.KOw40z4/RfR.BJjdfsiBUY0OBr3mdAL.6";

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate with its key.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = parameters.self_signed(&key).expect("signed").pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    /// For a server on loopback, or a client with this name.
    pub fn sign(&self, name: &str) -> Identity {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("a host");
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("signed").pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

/// The folder.
pub struct Folder {
    folder: tempfile::TempDir,
    pub authority: Authority,
}

impl Folder {
    /// With the files of [`TLS`], of clients, and `ca.crt`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Self { folder, authority: Authority::new("authority") };
        folder.write("ca.crt", &folder.authority.pem);
        folder.save("server", &folder.authority.sign("localhost"));
        folder.save("client", &folder.authority.sign("prometheus.example.com"));
        folder.save("other", &folder.authority.sign("other.example.com"));
        folder.save("foreign", &Authority::new("foreign").sign("prometheus.example.com"));
        folder
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces a file in one step, as tools for certificates do.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, new) = (self.folder.path().join(name), self.folder.path().join(format!("{name}.new")));
        fs::write(&new, text).expect("writable");
        fs::rename(new, &path).expect("in the same folder");
        path
    }

    pub fn save(&self, name: &str, identity: &Identity) {
        self.write(&format!("{name}.crt"), &identity.certificate);
        self.write(&format!("{name}.key"), &identity.key);
    }

    /// Writes the web configuration, and returns its path.
    pub fn web_config(&self, text: &str) -> String {
        self.write("web.yml", text).display().to_string()
    }
}

/// TLS with the certificate of the folder.
pub const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// The same, for clients of the authority of the folder only.
pub fn mutual_tls() -> String {
    format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n")
}

/// The user of the tests.
pub fn users() -> String {
    format!("basic_auth_users:\n  alice: {HASH}\n")
}
