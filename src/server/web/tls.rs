//! Builds the TLS side of the server from the settings, certificates and keys of the file.
//!
//! TLS 1.2 and 1.3 with the cryptography of ring, as everywhere in the program. HTTP/2 is not offered.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};
use sha2::{Digest as _, Sha256};

use super::client::ClientCheck;
use super::section::Remarks;
use super::source::Source;
use super::tls_keys::{ClientAuth, Settings, TlsDraft};

/// TLS as it is in force.
#[derive(Debug)]
pub(in crate::server) struct Tls {
    /// For clients from elsewhere.
    strict: Arc<ServerConfig>,
    /// For clients on this machine: the same, but without a certificate there is a connection, on which only health is answered.
    own_machine: Arc<ServerConfig>,
    pub(super) client_auth: ClientAuth,
    /// Differs if anything of it differs.
    pub(super) digest: [u8; 32],
    /// Differs if other clients are let in.
    pub(super) digest_of_clients: [u8; 32],
}

impl Tls {
    /// Reads the files that the draft names. `None` after a mistake. Blocking.
    pub(super) fn load(draft: &TlsDraft, remarks: &mut Remarks) -> Option<Self> {
        let certificate = draft.certificate.read(remarks);
        let key = draft.key.read(remarks);
        let client_ca = draft.client_ca.as_ref().map(|source| source.read(remarks));
        let (certificate, key) = (certificate?, key?);
        let client_ca = match client_ca {
            Some(bytes) => Some(bytes?),
            None => None,
        };
        let settings = &draft.settings;
        let authority = client_ca.as_ref().map_or(&[][..], |bytes| bytes);
        let clients = format!("{:?} {:?}", settings.client_auth, settings.allowed_sans);
        let digest_of_clients = digest([clients.as_bytes(), authority]);
        let digest = digest([format!("{settings:?}").as_bytes(), &certificate, &key, authority]);
        let chain = certificates(&draft.certificate, &certificate, remarks);
        let key = private_key(&draft.key, &key, remarks);
        let authorities = match (&draft.client_ca, client_ca) {
            (Some(source), Some(bytes)) => Some(roots(source, &bytes, remarks)),
            _ => None,
        };
        let (chain, key) = (chain?, key?);
        let authorities = match authorities {
            Some(roots) => Some(roots?),
            None => None,
        };
        let provider = Arc::new(provider(settings));
        let authority = match authorities.filter(|_| settings.client_auth.verifies()) {
            Some(roots) => Some(verifier(roots, &provider, draft, remarks)?),
            None => None,
        };
        let mut build = |mandatory: bool| {
            let check = ClientCheck {
                authority: authority.clone(),
                mandatory,
                allowed_sans: settings.allowed_sans.clone(),
                algorithms: provider.signature_verification_algorithms,
            };
            let config = server_config(settings, &provider, check, chain.clone(), key.clone_key());
            config.map(Arc::new).map_err(|error| draft.certificate.wrong(remarks, unusable(&error))).ok()
        };
        let strict = build(settings.client_auth.requires())?;
        let own_machine = if settings.client_auth.requires() { build(false)? } else { Arc::clone(&strict) };
        Some(Self { strict, own_machine, client_auth: settings.client_auth, digest, digest_of_clients })
    }

    /// The configuration for a client, which is on this machine or not.
    pub(in crate::server) fn config(&self, is_own_machine: bool) -> Arc<ServerConfig> {
        Arc::clone(if is_own_machine { &self.own_machine } else { &self.strict })
    }
}

/// With the length of each part, so that parts cannot be shifted.
fn digest<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn server_config(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
    check: ClientCheck,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, Error> {
    let versions: Vec<&SupportedProtocolVersion> = [(settings.tls13, &TLS13), (settings.tls12, &TLS12)]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, it)| it)
        .collect();
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider)).with_protocol_versions(&versions)?;
    let builder = match settings.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Request | ClientAuth::RequireAny | ClientAuth::VerifyIfGiven | ClientAuth::RequireAndVerify => {
            builder.with_client_cert_verifier(Arc::new(check))
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The cryptography, without the cipher suites and groups that the file excludes.
fn provider(settings: &Settings) -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    if let Some(allowed) = &settings.suites {
        // rustls names its suites as IANA does, except that those of TLS 1.3 have a prefix of their own.
        let is_allowed = |suite: &SupportedCipherSuite| {
            suite.tls13().is_some() || allowed.contains(&format!("{:?}", suite.suite()).as_str())
        };
        provider.cipher_suites.retain(is_allowed);
    }
    if let Some(groups) = &settings.groups {
        let all = std::mem::take(&mut provider.kx_groups);
        provider.kx_groups =
            groups.iter().filter_map(|group| all.iter().find(|it| it.name() == *group).copied()).collect();
    }
    provider
}

fn certificates(source: &Source, pem: &[u8], remarks: &mut Remarks) -> Option<Vec<CertificateDer<'static>>> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, pem::Error>>() {
        Ok(chain) if !chain.is_empty() => Some(chain),
        Ok(_) => {
            source.wrong(remarks, "there is no certificate in it; it must be in PEM, with BEGIN CERTIFICATE");
            None
        }
        Err(_) => {
            source.wrong(remarks, "it is not valid PEM; create it again, or convert it with `openssl x509`");
            None
        }
    }
}

fn private_key(source: &Source, pem: &[u8], remarks: &mut Remarks) -> Option<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(pem);
    if key.is_err() {
        source.wrong(
            remarks,
            "there is no private key in it; it must be in PEM (PKCS#8, PKCS#1 or SEC1) and not encrypted; `openssl pkey` converts it",
        );
    }
    key.ok()
}

fn roots(source: &Source, pem: &[u8], remarks: &mut Remarks) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(source, pem, remarks)? {
        if let Err(error) = roots.add(certificate) {
            source.wrong(remarks, format_args!("a certificate in it cannot be an authority: {error}"));
            return None;
        }
    }
    Some(roots)
}

fn verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
    draft: &TlsDraft,
    remarks: &mut Remarks,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    built
        .map_err(|error| {
            let source = draft.client_ca.as_ref().unwrap_or(&draft.certificate);
            source.wrong(remarks, format_args!("cannot be used to check clients: {error}"));
        })
        .ok()
}

/// Why the server cannot use a certificate and its key.
fn unusable(error: &Error) -> String {
    match error {
        Error::InconsistentKeys(_) => {
            "the key does not belong to the certificate; if both are being replaced, replace the certificate and the key together".to_owned()
        }
        other => format!("the certificate cannot be used with its key: {other}; use RSA with 2048 bits or more, ECDSA P-256 or P-384, or Ed25519"),
    }
}

#[cfg(test)]
mod tests {
    use rustls::NamedGroup;

    use super::*;

    fn settings() -> Settings {
        Settings {
            client_auth: ClientAuth::None,
            allowed_sans: None,
            tls12: true,
            tls13: true,
            suites: None,
            groups: None,
        }
    }

    #[test]
    fn the_suites_of_tls_1_2_can_be_chosen_and_groups_keep_the_order_of_the_file() {
        let all = provider(&settings()).cipher_suites.len();
        assert_eq!(all, 9, "three of TLS 1.3 and six of TLS 1.2, which `tls_keys` lists");
        for name in super::super::tls_keys::tests::available() {
            let chosen = provider(&Settings { suites: Some(vec![name]), ..settings() });
            assert_eq!(chosen.cipher_suites.len(), 4, "{name}");
        }
        assert_eq!(provider(&Settings { suites: Some(Vec::new()), ..settings() }).cipher_suites.len(), 3);
        let groups = vec![NamedGroup::secp384r1, NamedGroup::X25519];
        let names: Vec<_> = provider(&Settings { groups: Some(groups.clone()), ..settings() })
            .kx_groups
            .iter()
            .map(|group| group.name())
            .collect();
        assert_eq!(names, groups);
    }
}
