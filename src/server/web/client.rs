//! Checks the certificates of clients, as `client_auth_type` and `client_allowed_sans` say.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::san;

/// The check of one server.
#[derive(Debug, Clone)]
pub(super) struct ClientCheck {
    /// Checks that the certificate is from the authority; `None` accepts any that belongs to the client.
    pub(super) authority: Option<Arc<dyn ClientCertVerifier>>,
    /// Whether the handshake fails without a certificate.
    pub(super) mandatory: bool,
    /// The certificate must have one of these names; `None` allows every certificate.
    pub(super) allowed_sans: Option<Vec<String>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCheck {
    fn allows(&self, certificate: &CertificateDer<'_>) -> bool {
        let Some(allowed) = &self.allowed_sans else { return true };
        let names = san::names(certificate);
        allowed.iter().any(|allowed| names.iter().any(|name| is_same(allowed, name)))
    }
}

/// An exact match, as in the format, but an IP address may be written in any way.
fn is_same(allowed: &str, name: &str) -> bool {
    let address = |text: &str| text.parse::<IpAddr>().ok();
    allowed == name || address(name).is_some_and(|name| address(allowed) == Some(name))
}

impl ClientCertVerifier for ClientCheck {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authority.as_ref().map_or(&[], |authority| authority.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(authority) = &self.authority {
            authority.verify_client_cert(certificate, intermediates, now)?;
        }
        if self.allows(certificate) {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_match_exactly_and_an_address_in_any_spelling() {
        for (allowed, name, expected) in [
            ("a.example.com", "a.example.com", true),
            ("a.example.com", "A.example.com", false),
            ("*.example.com", "a.example.com", false),
            ("example.com", "a.example.com", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("2001:0DB8::0007", "2001:db8::7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(is_same(allowed, name), expected, "{allowed} {name}");
        }
    }
}
