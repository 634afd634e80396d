//! Which names of parameters say that the value is a secret.

use std::borrow::Cow;

use super::percent::{DEEPEST, decoded};

/// Parameters whose name contains one of these, in lower case and without punctuation, are secrets.
const PARTS: &[&str] = &[
    "secret",
    "passw",
    "passphrase",
    "pwd",
    "pswd",
    "token",
    "tkn",
    "apikey",
    "accesskey",
    "privatekey",
    "authkey",
    "accountkey",
    "subscriptionkey",
    "functionkey",
    "functionskey",
    "credential",
    "signature",
    "jwt",
    "bearer",
    "sessionid",
    "sessid",
    "assertion",
    "hmac",
    "authcode",
    "authorization",
    "codeverifier",
    "kennwort",
    "contrasena",
    "wachtwoord",
    "motdepasse",
];
/// Parameters whose name ends with one of these, or with one of these and digits, are secrets.
const ENDINGS: &[&str] =
    &["key", "keys", "pass", "code", "codes", "auth", "cred", "creds", "cookie", "cookies", "otp", "psk", "verifier"];
/// Parameters whose last word is one of these are secrets.
const WORDS: &[&str] = &["sig", "pin", "sid", "pw", "pat", "sas", "tok", "mfa", "pword", "mdp", "senha", "clave"];
/// These contain a part, but their values are public.
const PUBLIC: &[&str] = &["tokentype", "tokenendpoint", "tokenurl", "tokenuri", "tokeninfo"];
/// Names with these endings have an ending of a secret, but their values are public.
const PUBLIC_ENDINGS: &[&str] = &[
    // Words of the language.
    "monkey",
    "donkey",
    "turkey",
    "hockey",
    "jockey",
    "whiskey",
    "mickey",
    "bypass",
    "compass",
    "surpass",
    "trespass",
    "overpass",
    "underpass",
    "boardingpass",
    "sacred",
    "barcode",
    "qrcode",
    "opcode",
    "geocode",
    "unicode",
    "encode",
    "decode",
    "shortcode",
    "sourcecode",
    "timecode",
    "vscode",
    "oauth",
    "reauth",
    "requireauth",
    // Keys that identify something.
    "publickey",
    "pubkey",
    "sitekey",
    "sortkey",
    "primarykey",
    "foreignkey",
    "partitionkey",
    "cachekey",
    "hotkey",
    "issuekey",
    "projectkey",
    "idempotencykey",
    // Codes from public lists.
    "zipcode",
    "postcode",
    "postalcode",
    "countrycode",
    "areacode",
    "languagecode",
    "langcode",
    "localecode",
    "regioncode",
    "statecode",
    "currencycode",
    "isocode",
    "statuscode",
    "errorcode",
    "reasoncode",
    "responsecode",
    "returncode",
    "exitcode",
    "httpcode",
    "productcode",
    "itemcode",
    "departmentcode",
    "sitecode",
    "storecode",
    "branchcode",
    "campaigncode",
    "promocode",
    "couponcode",
    "discountcode",
    "referralcode",
    "airportcode",
    "orgcode",
    "colorcode",
    "colourcode",
];
/// After these words, a colon in a sentence is often followed by something public, as in `code: blue`.
const AMBIGUOUS: &[&str] = &["code", "codes", "key", "keys", "auth", "cookie", "cookies", "sid", "sas", "pat", "tok"];

/// Whether a parameter with this name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let plain = decoded_fully(name);
    let folded = folded(&plain);
    if PUBLIC.contains(&folded.as_str()) {
        return false;
    }
    let stem = folded.trim_end_matches(char::is_numeric);
    let last = plain.rsplit(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let last = self::folded(last.trim_end_matches(char::is_numeric));
    PARTS.iter().any(|part| folded.contains(part))
        || WORDS.iter().any(|word| last == *word || stem == *word)
        || (ENDINGS.iter().any(|ending| stem.ends_with(ending))
            && !PUBLIC_ENDINGS.iter().any(|ending| {
                stem.ends_with(ending) || stem.strip_suffix('s').is_some_and(|singular| singular.ends_with(ending))
            }))
}

/// Whether the name contains a word that always means a secret.
pub(super) fn is_plain_secret(name: &str) -> bool {
    let folded = folded(&decoded_fully(name));
    !PUBLIC.contains(&folded.as_str()) && PARTS.iter().any(|part| folded.contains(part))
}

/// Whether what follows this word and a colon in a sentence is a secret.
pub(super) fn is_secret_in_prose(word: &str) -> bool {
    is_secret(word) && !AMBIGUOUS.contains(&folded(word).as_str())
}

fn decoded_fully(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    Cow::Owned((0..DEEPEST).fold(name.to_owned(), |plain, _| decoded(&plain)))
}

/// In lower case and without punctuation.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    }
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
