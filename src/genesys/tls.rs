//! What a failed TLS handshake means and what to do about it, for the message of a call that failed.
//!
//! No request was sent before such a failure. The certificates are checked by `rustls`.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::authorities::Authorities;

/// The explanation if TLS is the cause of this error. It names the host and port that were called.
pub(super) fn explain(error: &reqwest::Error, host: &str, authorities: &Authorities) -> Option<String> {
    let cause = std::iter::successors(Some(error as &(dyn Error + 'static)), |error| cause(*error))
        .find_map(|error| error.downcast_ref::<rustls::Error>())?;
    Some(explanation(host, cause, authorities))
}

/// An I/O error leaves out the error that it wraps, and continues with what is below it.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn explanation(host: &str, cause: &rustls::Error, authorities: &Authorities) -> String {
    let route = "check the URL, and what is between the exporter and the platform";
    let clock = "check the clock of this machine; if it is right, the host needs another certificate";
    let certificate = match cause {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        rustls::Error::InvalidMessage(_) => {
            return format!("{host} does not answer with TLS; check the scheme and the port of the URL");
        }
        other => return format!("no TLS connection to {host}: {other}; {route}"),
    };
    let (reason, advice) = match certificate {
        // A bad signature is that of another authority with the same name, for example one that was renewed with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            return match authorities {
                Authorities::System { .. } => format!(
                    "the TLS certificate of {host} is refused: no certificate authority that this machine trusts has signed it; if you \
                     trust the authority, add it to the CA certificates {authorities}, or name its file in --genesys.ca-file; otherwise, \
                     check the URL"
                ),
                Authorities::File { .. } => format!(
                    "the TLS certificate of {host} is refused: no certificate authority {authorities} has signed it; if you trust the \
                     authority, add it to the file; otherwise, check the URL"
                ),
            };
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ("it has expired", clock),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => ("it is not valid yet", clock),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("it is for another host", route)
        }
        other => return format!("the TLS certificate of {host} is refused: {other}; {route}"),
    };
    format!("the TLS certificate of {host} is refused: {reason}; {advice}")
}

#[cfg(test)]
mod tests {
    use rustls::InvalidMessage;

    use super::*;

    #[test]
    fn each_explanation_names_the_host_the_reason_and_what_to_do() {
        for (cause, reason) in [
            (rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer), "--genesys.ca-file"),
            (rustls::Error::InvalidCertificate(CertificateError::BadSignature), "no certificate authority"),
            (
                rustls::Error::InvalidCertificate(CertificateError::Expired),
                "it has expired; check the clock of this machine",
            ),
            (rustls::Error::InvalidCertificate(CertificateError::NotValidYet), "the clock of this machine"),
            (
                rustls::Error::InvalidCertificate(CertificateError::NotValidForName),
                "it is for another host; check the URL",
            ),
            (rustls::Error::InvalidCertificate(CertificateError::Revoked), "is refused: "),
            (rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), "does not answer with TLS"),
            (rustls::Error::HandshakeNotComplete, "no TLS connection to h:1: "),
        ] {
            let explained = explanation("h:1", &cause, &Authorities::default());
            assert!(explained.contains(reason) && explained.contains("h:1"), "{explained}");
        }
    }

    #[test]
    fn the_cause_is_found_below_wrapped_errors() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let outer = io::Error::other(inner);
        let chain = std::iter::successors(Some(&outer as &(dyn Error + 'static)), |error| cause(*error));
        assert!(chain.into_iter().any(<dyn std::error::Error>::is::<rustls::Error>));
    }
}
