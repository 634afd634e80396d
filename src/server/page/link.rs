//! The path of a client's page: `/clients/` followed by the percent-encoded id. Links to it are relative, because the exporter may be below a
//! path of a reverse proxy.

use crate::domain::ClientId;

/// The prefix of the paths of client pages.
pub(in crate::server) const CLIENTS: &str = "/clients/";

/// The link from the status page.
pub(super) fn to_client(id: &ClientId) -> String {
    let mut link = CLIENTS.trim_start_matches('/').to_owned();
    for &byte in id.as_str().as_bytes() {
        // RFC 3986, section 2.3.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            for digit in [byte >> 4, byte & 15] {
                link.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
            link.insert(link.len() - 2, '%');
        }
    }
    link
}

/// The id in the path of a client's page; `None` if the path is not one, or the id is not UTF-8.
pub(in crate::server) fn client_id(path: &str) -> Option<ClientId> {
    let mut rest = path.strip_prefix(CLIENTS)?.bytes();
    let mut id = Vec::new();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            id.push(digit()? << 4 | digit()?);
        } else {
            id.push(byte);
        }
    }
    String::from_utf8(id).ok().filter(|id| !id.is_empty()).map(ClientId::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_contains_the_id_of_its_client() {
        for id in ["3c6ef372-7a3e-4c1d-9b20-000000000002", "a b/c?d#e%f", "\"><script>", "ü", "%"] {
            let link = to_client(&ClientId::new(id));
            assert!(link.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)), "{link}");
            assert_eq!(client_id(&format!("/{link}")), Some(ClientId::new(id)));
        }
        assert_eq!(to_client(&ClientId::new("a/b")), "clients/a%2Fb");
        for path in ["/clients/", "/clients", "/", "/clients/%", "/clients/%g0", "/clients/%ff"] {
            assert_eq!(client_id(path), None, "{path}");
        }
    }
}
