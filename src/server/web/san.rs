//! Reads the Subject Alternative Names of a certificate: host names, e-mail addresses, URIs and IP addresses.
//!
//! Not the check of its signature (`client`). Whatever the bytes are, reading them ends without a panic.

use std::net::IpAddr;

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
/// The field `extensions` of RFC 5280, section 4.1.
const EXTENSIONS: u8 = 0xa3;
/// The object identifier 2.5.29.17 with its tag and its length.
const SUBJECT_ALT_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x11];

/// The names of a certificate in DER; empty if it has none or cannot be read.
pub(super) fn names(certificate: &[u8]) -> Vec<String> {
    extension(certificate).and_then(general_names).unwrap_or_default()
}

/// Splits one element into its tag, its content and what follows it.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().try_fold(0_usize, |length, byte| length.checked_mul(256)?.checked_add((*byte).into()))?, rest)
        }
        // DER has no indefinite lengths, and nothing here has 4 GiB.
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn content_of(input: &[u8], expected: u8) -> Option<&[u8]> {
    element(input).filter(|(tag, ..)| *tag == expected).map(|(_, content, _)| content)
}

/// The elements one after the other, up to the first that cannot be read.
fn elements(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = element(input)?;
        input = rest;
        Some((tag, content))
    })
}

/// The content of the extension with the names.
fn extension(certificate: &[u8]) -> Option<&[u8]> {
    let to_be_signed = content_of(content_of(certificate, SEQUENCE)?, SEQUENCE)?;
    let (_, extensions) = elements(to_be_signed).find(|(tag, _)| *tag == EXTENSIONS)?;
    let (_, extension) = elements(content_of(extensions, SEQUENCE)?)
        .find(|(tag, extension)| *tag == SEQUENCE && extension.starts_with(SUBJECT_ALT_NAME))?;
    elements(extension).find(|(tag, _)| *tag == OCTETS).map(|(_, content)| content)
}

fn general_names(extension: &[u8]) -> Option<Vec<String>> {
    let names = elements(content_of(extension, SEQUENCE)?).filter_map(|(tag, content)| match tag {
        // rfc822Name, dNSName, uniformResourceIdentifier.
        0x81 | 0x82 | 0x86 => String::from_utf8(content.to_vec()).ok(),
        0x87 => address(content).map(|address| address.to_string()),
        _ => None,
    });
    Some(names.collect())
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(octets.into());
    }
    <[u8; 16]>::try_from(octets).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(sans: Vec<SanType>) -> Vec<u8> {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = sans;
        parameters.self_signed(&KeyPair::generate().expect("a key")).expect("signed").der().to_vec()
    }

    fn text<T: TryFrom<String>>(text: &str) -> T {
        T::try_from(text.to_owned()).ok().expect("ASCII")
    }

    #[test]
    fn every_kind_of_name_is_read_and_a_certificate_without_names_has_none() {
        let sans = vec![
            SanType::DnsName(text("prometheus.example.com")),
            SanType::Rfc822Name(text("ops@example.com")),
            SanType::URI(text("spiffe://example.com/prometheus")),
            SanType::IpAddress([192, 0, 2, 7].into()),
            SanType::IpAddress("2001:db8::7".parse().expect("an address")),
        ];
        let expected = [
            "prometheus.example.com",
            "ops@example.com",
            "spiffe://example.com/prometheus",
            "192.0.2.7",
            "2001:db8::7",
        ];
        assert_eq!(names(&certificate(sans)), expected);
        assert_eq!(names(&certificate(Vec::new())), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            names(&bytes);
        }

        #[test]
        fn a_damaged_certificate_is_read_to_an_end(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
            let mut certificate = certificate(vec![SanType::DnsName(text("a.example.com"))]);
            let length = certificate.len();
            certificate[at % length] = byte;
            names(&certificate);
            names(&certificate[..cut % length]);
        }
    }
}
