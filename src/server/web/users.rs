//! The users of the file and the bcrypt hashes of their passwords.
//!
//! Not what is remembered of earlier checks (`passwords`). Nothing here prints a hash.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The highest accepted cost. One check takes about a second with it, twice that with the next one.
pub(super) const HIGHEST_COST: u32 = 14;
/// The costs that bcrypt defines.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;
/// bcrypt reads this many bytes of a password and its final zero byte.
const LONGEST_PASSWORD: usize = 72;

/// bcrypt has a base64 alphabet of its own, without padding.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A bcrypt hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hash {
    pub(super) cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl Hash {
    /// Parses `$2y$COST$SALT DIGEST`; `$2a$`, `$2b$` and `$2$` mean the same. The error never quotes the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "is not a bcrypt hash; create one with `htpasswd -nBC 10 USER`, and write the part after the colon";
        let mut parts = text.split('$');
        let (Some(""), Some("2" | "2a" | "2b" | "2y"), Some(cost), Some(rest), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(FORM.to_owned());
        };
        let two_digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        let cost = cost.parse::<u32>().ok().filter(|cost| two_digits && COSTS.contains(cost)).ok_or(FORM)?;
        let (salt, digest) = rest.split_at_checked(22).ok_or(FORM)?;
        let salt = decoded(salt).ok_or(FORM)?;
        let digest = decoded(digest).ok_or(FORM)?;
        if cost > HIGHEST_COST {
            return Err(format!(
                "has the cost {cost}, but at most {HIGHEST_COST} is accepted, because each step doubles the time that a check \
                 takes, and anyone who can reach the port can cause one; create the hash again with a lower cost, for example 10"
            ));
        }
        Ok(Self { cost, salt, digest })
    }

    /// A hash of this cost that no password has.
    fn decoy(cost: u32) -> Self {
        Self { cost, salt: *b"no password fits", digest: [0; 23] }
    }

    /// Whether this is the hash of the password. Takes as long as the cost says.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let mut key = zeroize::Zeroizing::new(Vec::with_capacity(password.len() + 1));
        key.extend_from_slice(password);
        key.push(0);
        key.truncate(LONGEST_PASSWORD);
        let computed = bcrypt::bcrypt(self.cost, self.salt, &key);
        // Compares all bytes, so that the time does not depend on where they differ.
        computed.iter().zip(&self.digest).fold(0, |different, (one, other)| different | (one ^ other)) == 0
    }

    /// The bytes that identify the hash.
    pub(super) fn bytes(&self) -> impl AsRef<[u8]> {
        let mut bytes = [0; 43];
        bytes[..4].copy_from_slice(&self.cost.to_be_bytes());
        bytes[4..20].copy_from_slice(&self.salt);
        bytes[20..].copy_from_slice(&self.digest);
        bytes
    }
}

fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    BCRYPT.decode(text).ok()?.try_into().ok()
}

/// The users by name. Empty if no password is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Users(BTreeMap<String, Hash>);

impl Users {
    pub(super) fn add(&mut self, name: String, hash: Hash) {
        self.0.insert(name, hash);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hash of a user, and whether the user exists. For any other name, it is one that no password has, with the cost of one of the
    /// users, which `choice` selects: otherwise the time of an answer would show which names exist.
    pub(super) fn hash_of(&self, name: &str, choice: usize) -> (Hash, bool) {
        if let Some(hash) = self.0.get(name) {
            return (hash.clone(), true);
        }
        let of_another = self.0.values().nth(choice % self.0.len().max(1));
        (Hash::decoy(of_another.map_or(*COSTS.start(), |hash| hash.cost)), false)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The hash of `hunter2`, with the lowest cost.
    pub(in crate::server::web) const HUNTER2: &str = "$2y$04$Xc25GiXWpR8jnpKKkdi.KOw40z4/RfR.BJjdfsiBUY0OBr3mdAL.6";

    #[test]
    fn a_hash_is_of_its_password_and_of_no_other() {
        let hash = Hash::parse(HUNTER2).expect("a hash");
        assert!(hash.is_of(b"hunter2"));
        for other in [&b""[..], b"hunter", b"hunter22", b"Hunter2", b"hunter2\0"] {
            assert!(!hash.is_of(other), "{other:?}");
        }
        let all = format!("{hash:?} {:?}", Users(BTreeMap::from([("alice".to_owned(), hash.clone())])));
        assert!(!all.contains("Xc25") && !all.contains("salt") && all.contains("cost: 4"), "{all}");
    }

    #[test]
    fn what_is_not_a_hash_or_too_slow_is_refused_without_being_quoted() {
        let rest = &HUNTER2[7..];
        for text in ["2", "2a", "2b", "2y"].map(|version| format!("${version}$04${rest}")) {
            assert!(Hash::parse(&text).expect("a hash").is_of(b"hunter2"), "{text}");
        }
        for text in [
            "",
            "hunter2",
            "$2y$04$",
            &HUNTER2[..59],
            &format!("{HUNTER2}a"),
            &format!("{HUNTER2}$"),
            &format!("$1$04${rest}"),
            &format!("$2x$04${rest}"),
            &format!("$2y$4${rest}"),
            &format!("$2y$03${rest}"),
            &format!("$2y$32${rest}"),
            &format!("$2y$+4${rest}"),
            &format!("$2y$04${}", rest.replace('J', "!")),
            "$apr1$abc$def",
            "{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=",
        ] {
            let error = Hash::parse(text).expect_err(text);
            assert!(error.contains("is not a bcrypt hash; create one with"), "{text}: {error}");
            assert!(text.len() < 3 || !error.contains(text), "{error}");
        }
        for cost in [15, 31] {
            let error = Hash::parse(&format!("$2y${cost}${rest}")).expect_err("too slow");
            assert!(
                error.contains(&format!("has the cost {cost}, but at most 14")) && !error.contains(rest),
                "{error}"
            );
        }
        assert!(Hash::parse(&format!("$2y$14${rest}")).is_ok());
    }

    #[test]
    fn an_unknown_user_costs_what_one_of_the_users_costs_and_never_has_a_right_password() {
        let rest = &HUNTER2[7..];
        let hash = |cost: u32| Hash::parse(&format!("$2y${cost:02}${rest}")).expect("a hash");
        let users = Users(BTreeMap::from([("alice".to_owned(), hash(5)), ("bob".to_owned(), hash(8))]));
        assert_eq!(users.hash_of("bob", 0), (hash(8), true));
        let costs: Vec<u32> = (0..4).map(|choice| users.hash_of("mallory", choice).0.cost).collect();
        assert_eq!(costs, [5, 8, 5, 8]);
        let (decoy, known) = users.hash_of("mallory", 0);
        assert!(!known && !decoy.is_of(b"hunter2") && !decoy.is_of(b""));
    }
}
