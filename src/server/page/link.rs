//! The addresses of the pages of one client and one organisation, and of what the numbers on a page count.
//!
//! All links are relative, because the exporter may be below a path of a reverse proxy. Ids and labels are percent-encoded.

use super::query::written;
use crate::domain::ClientId;

/// The prefix of the paths of client pages.
pub(in crate::server) const CLIENTS: &str = "/clients/";
/// The prefix of the paths of the organisations' pages.
pub(in crate::server) const ORGANISATIONS: &str = "/organisations/";

/// At the end of a path whose last part would otherwise be `.` or `..`, which browsers remove even if the dots are encoded. A label
/// contains no control character.
const NOT_A_FOLDER: char = '\u{7f}';

/// The client's page, relative to the status page.
pub(super) fn to_client(id: &ClientId) -> String {
    below(CLIENTS, id.as_str())
}

/// The organisation's page, relative to the status page.
pub(super) fn to_organisation(label: &str) -> String {
    let mut link = below(ORGANISATIONS, label);
    if matches!(label, "." | "..") {
        encode(NOT_A_FOLDER, &mut link);
    }
    link
}

/// The id in the path of a client's page; `None` if the path is not one, or the id is not UTF-8.
pub(in crate::server) fn client_id(path: &str) -> Option<ClientId> {
    decoded(path.strip_prefix(CLIENTS)?).map(ClientId::new)
}

/// The label in the path of an organisation's page; `None` if the path is not one, or the label is not UTF-8.
pub(in crate::server) fn organisation(path: &str) -> Option<String> {
    let mut label = decoded(path.strip_prefix(ORGANISATIONS)?)?;
    if matches!(label.strip_suffix(NOT_A_FOLDER), Some("." | "..")) {
        label.pop();
    }
    Some(label)
}

fn below(prefix: &str, text: &str) -> String {
    let mut link = prefix.trim_start_matches('/').to_owned();
    text.chars().for_each(|character| encode(character, &mut link));
    link
}

fn encode(character: char, link: &mut String) {
    // RFC 3986, section 2.3.
    if character.is_ascii_alphanumeric() || "-._~".contains(character) {
        link.push(character);
        return;
    }
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        link.push('%');
        for digit in [byte >> 4, byte & 15] {
            link.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
        }
    }
}

/// `None` if it is empty or not UTF-8.
fn decoded(encoded: &str) -> Option<String> {
    let mut rest = encoded.bytes();
    let mut text = Vec::new();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            text.push(digit()? << 4 | digit()?);
        } else {
            text.push(byte);
        }
    }
    String::from_utf8(text).ok().filter(|text| !text.is_empty())
}

/// The links of one page to what its numbers count.
#[derive(Debug, Clone)]
pub(super) struct Links {
    /// The relative way to the folder of the status page; empty if the page is in it.
    up: &'static str,
    /// The page that lists the clients and searches them.
    clients: String,
    /// The label, if the page is about one of several organisations.
    org: Option<String>,
}

impl Links {
    /// Of the status page of the only organisation.
    pub(super) fn of_only() -> Self {
        Self { up: "", clients: "./".to_owned(), org: None }
    }

    /// Of the page with this way to the folder of the status page, about one of several organisations.
    pub(super) fn of_one(up: &'static str, label: &str) -> Self {
        Self { up, clients: format!("{up}{}", to_organisation(label)), org: Some(label.to_owned()) }
    }

    /// Of a page about all organisations, in the folder of the status page.
    pub(super) fn of_all() -> Self {
        Self { up: "", clients: "clients".to_owned(), org: None }
    }

    /// The page that lists the clients and searches them.
    pub(super) fn all_clients(&self) -> &str {
        &self.clients
    }

    /// A search for clients.
    pub(super) fn clients<const N: usize>(&self, fields: [(&str, &str); N]) -> String {
        format!("{}?{}", self.clients, written(fields))
    }

    /// A list of findings.
    pub(super) fn findings<const N: usize>(&self, fields: [(&str, &str); N]) -> String {
        let org = self.org.as_deref().map(|org| ("org", org));
        let query = written(org.into_iter().chain(fields));
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}findings{mark}{query}", self.up)
    }

    /// The label of the organisation that the page is about; `None` if there is only one, or if the page is about all.
    pub(super) fn org(&self) -> Option<&str> {
        self.org.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 12] = [
        "3c6ef372-7a3e-4c1d-9b20-000000000002",
        "a b/c?d#e%f",
        "\"><script>",
        "ü",
        "%",
        "%2E%2E",
        "組織/東京 😀",
        "...",
        "..a",
        " ",
        "a&b=c;d+e",
        "../../etc",
    ];

    #[test]
    fn a_link_contains_the_id_of_its_client() {
        for id in TEXTS {
            let link = to_client(&ClientId::new(id));
            assert!(link.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)), "{link}");
            assert_eq!(client_id(&format!("/{link}")), Some(ClientId::new(id)));
        }
        assert_eq!(to_client(&ClientId::new("a/b")), "clients/a%2Fb");
        for path in ["/clients/", "/clients", "/", "/clients/%", "/clients/%g0", "/clients/%ff"] {
            assert_eq!(client_id(path), None, "{path}");
        }
    }

    #[test]
    fn a_browser_finds_every_label_below_any_path_also_one_that_means_a_folder() {
        let home = url::Url::parse("https://proxy.example/tools/oauth/").expect("a URL");
        let page = home.join(&to_organisation("production")).expect("a relative link");
        for label in TEXTS.into_iter().chain([".", ".."]) {
            let link = to_organisation(label);
            for found in [home.join(&link), page.join(&format!("../{link}"))] {
                let found = found.expect("a relative link");
                let path = found.as_str().strip_prefix("https://proxy.example/tools/oauth").expect("below the path");
                assert_eq!(organisation(path).as_deref(), Some(label), "{path}");
                // The way back leads to the status page.
                assert_eq!(found.join("../").expect("a relative link"), home, "{path}");
            }
        }
        for path in ["/organisations/", "/organisations", "/", "/organisations/%", "/organisations/%ff"] {
            assert_eq!(organisation(path), None, "{path}");
        }
    }
}
