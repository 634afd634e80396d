//! Which organisations of the configuration file a process watches if several processes, the shards, share the file.
//!
//! Rendezvous hashing: the organisation belongs to the shard with the highest weight, so that one more shard takes over its share and
//! nothing else moves. The weight of a shard is the first 8 bytes, as a big-endian number, of SHA-256 over the label `org`, a zero
//! byte and the shard's index in decimal. It is the same on every machine and must never change: after a change, most organisations
//! would move to shards that do not have their state.

use std::cmp::Reverse;

use sha2::{Digest, Sha256};

use super::raw::RawSettings;
use super::scalar::within;
use super::values::Values;

/// The largest number of shards. Each watches hundreds of organisations.
const MOST: u32 = 1000;

const TOTAL: &str = "shard.total";
const INDEX: &str = "shard.index";

/// The place of a process among the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 0.
    pub index: u32,
    /// The number of shards.
    pub total: u32,
}

/// The shard of an organisation, counted from 0.
pub fn shard_of(org: &str, total: u32) -> u32 {
    let weight = |index: &u32| {
        let digest = Sha256::new().chain_update(org).chain_update([0]).chain_update(index.to_string()).finalize();
        digest.first_chunk().copied().map_or(0, u64::from_be_bytes)
    };
    (0..total).max_by_key(|index| (weight(index), Reverse(*index))).unwrap_or_default()
}

impl Shard {
    /// Whether the organisation belongs to this shard.
    pub(crate) fn has(self, org: &str) -> bool {
        shard_of(org, self.total) == self.index
    }

    /// The shard of this process; `None` if the settings name none, and after adding an error.
    pub(crate) fn read(values: &mut Values<'_>, raw: &RawSettings) -> Option<Self> {
        let total = total(values, raw);
        if let (None, Some(_)) = (&raw.shard_total, &raw.shard_index) {
            values.flag_wrong(TOTAL, "is not set, but --shard.index is; set it to the number of shards");
        }
        if let (Some(_), None) = (&raw.shard_total, &raw.shard_index) {
            values.flag_wrong(
                INDEX,
                "is not set, but --shard.total is; set it to the number of this shard, counted from 0, or to the name of its pod",
            );
        }
        let index = values.flag(INDEX, Some(raw.shard_index.as_ref()?), index)?;
        let total = total?;
        if index >= total {
            let last = total - 1;
            values.flag_wrong(INDEX, format!("is {index}, but --shard.total is {total}: the shards are 0 to {last}"));
            return None;
        }
        Some(Self { index, total })
    }
}

/// The number of shards; `None` if it is not set, and after adding an error.
pub(crate) fn total(values: &mut Values<'_>, raw: &RawSettings) -> Option<u32> {
    values.flag(TOTAL, Some(raw.shard_total.as_ref()?), within(1..=MOST))
}

/// A number, or the name of a pod of a `StatefulSet`, which ends with it.
fn index(text: &str) -> Result<u32, String> {
    let (name, number) = text.rsplit_once('-').unwrap_or(("pod", text));
    let is_number = !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let index = if is_number { number.parse().ok() } else { None };
    index.ok_or_else(|| {
        let text = super::error::quoted(text);
        format!("{text} is neither a number nor the name of a pod of a StatefulSet, such as exporter-0")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Computed by another program (Python's hashlib).
    #[test]
    fn the_assignment_never_changes() {
        for (org, shards) in [
            ("production", [0, 1, 1, 3, 9]),
            ("test", [0, 1, 1, 3, 5]),
            ("staging", [0, 1, 2, 2, 7]),
            ("emea", [0, 0, 2, 2, 8]),
            ("apac", [0, 1, 1, 1, 8]),
            ("one", [0, 0, 0, 0, 0]),
            ("sandbox", [0, 0, 2, 2, 2]),
            ("Z\u{fc}rich", [0, 0, 2, 2, 2]),
            ("default", [0, 1, 1, 1, 7]),
        ] {
            assert_eq!([1, 2, 3, 4, 10].map(|total| shard_of(org, total)), shards, "{org}");
        }
    }

    #[test]
    fn one_more_shard_takes_over_about_its_share_and_the_shards_are_about_equal() {
        const ORGANISATIONS: u32 = 2000;
        let orgs: Vec<String> = (0..ORGANISATIONS).map(|number| format!("org-{number}")).collect();
        for total in 1..12_u32 {
            let expected = ORGANISATIONS / (total + 1);
            for shard in 0..=total {
                let count = orgs.iter().filter(|org| shard_of(org, total + 1) == shard).count();
                assert!(count.abs_diff(expected as usize) < expected as usize / 3, "{shard} of {}: {count}", total + 1);
            }
        }
    }

    proptest! {
        #[test]
        fn one_more_shard_moves_organisations_to_itself_only(org in "\\PC{0,64}", total in 1..50_u32) {
            let (before, after) = (shard_of(&org, total), shard_of(&org, total + 1));
            prop_assert!(before < total);
            prop_assert!(after == before || after == total);
        }
    }

    #[test]
    fn an_index_is_a_number_or_ends_a_pods_name() {
        for (text, expected) in [("0", 0), ("12", 12), ("exporter-3", 3), ("genesys-oauth-exporter-10", 10)] {
            assert_eq!(index(text), Ok(expected), "{text}");
        }
        for text in
            ["", "-", "exporter", "exporter-", "exporter-x7d9f", "1.5", "+1", "-1", "exporter-99999999999", "3-"]
        {
            assert!(index(text).is_err(), "{text}");
        }
    }
}
