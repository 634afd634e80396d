//! Ids and dates, derived from the seed and from the organisation's current time.

use jiff::Timestamp;

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// A version 4 UUID that depends only on the arguments.
pub(super) fn uuid(seed: u64, kind: &str, name: &str) -> String {
    let mut random = rng(seed, kind, name);
    let bits = (random.u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

/// A random number generator that depends only on the arguments.
pub(super) fn rng(seed: u64, kind: &str, name: &str) -> fastrand::Rng {
    // FNV-1a, because `DefaultHasher` may change between releases.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in kind.bytes().chain([0]).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    fastrand::Rng::with_seed(seed.rotate_left(32) ^ hash)
}

/// `yyyy-MM-ddTHH:mm:ss.mmmZ`, the longer of the platform's two formats (reference 3.2).
pub(super) fn date_with_millis(unix: i64) -> String {
    let millis = unix.rem_euclid(997);
    moment(unix).strftime(&format!("%Y-%m-%dT%H:%M:%S.{millis:03}Z")).to_string()
}

/// `yyyy-MM-ddTHH:mm:ssZ`, the shorter of the platform's two formats (reference 3.2).
pub(super) fn date(unix: i64) -> String {
    moment(unix).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `yyyy-MM-dd`.
pub(super) fn day(unix: i64) -> String {
    moment(unix).strftime("%Y-%m-%d").to_string()
}

fn moment(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or_default()
}
