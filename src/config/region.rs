//! The regions of the platform, with AWS key and domain.
//!
//! Source: the vendor's terraform provider (`getRegionMap`), SDKs and CLI, 2026. Not the URLs derived from them (`endpoints`).

use super::error::quoted;
use crate::text::did_you_mean;

/// A region of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    /// The AWS key, e.g. `eu-west-1`.
    pub(crate) key: &'static str,
    /// The domain, e.g. `mypurecloud.ie`.
    pub(crate) domain: &'static str,
}

const fn region(key: &'static str, domain: &'static str) -> Region {
    Region { key, domain }
}

/// All regions; the last two are the vendor's own test environments.
pub(crate) const REGIONS: [Region; 20] = [
    region("us-east-1", "mypurecloud.com"),
    region("us-east-2", "use2.us-gov-pure.cloud"),
    region("us-west-2", "usw2.pure.cloud"),
    region("ca-central-1", "cac1.pure.cloud"),
    region("mx-central-1", "mxc1.pure.cloud"),
    region("sa-east-1", "sae1.pure.cloud"),
    region("eu-west-1", "mypurecloud.ie"),
    region("eu-west-2", "euw2.pure.cloud"),
    region("eu-central-1", "mypurecloud.de"),
    region("eu-central-2", "euc2.pure.cloud"),
    region("eusc-de-east-1", "edee1.eusc-pure.cloud"),
    region("me-central-1", "mec1.pure.cloud"),
    region("ap-south-1", "aps1.pure.cloud"),
    region("ap-southeast-1", "apse1.pure.cloud"),
    region("ap-southeast-2", "mypurecloud.com.au"),
    region("ap-northeast-1", "mypurecloud.jp"),
    region("ap-northeast-2", "apne2.pure.cloud"),
    region("ap-northeast-3", "apne3.pure.cloud"),
    region("dca", "inindca.com"),
    region("tca", "inintca.com"),
];

/// The domain of a region, which is given by its AWS key or its domain. Case is ignored, and `_` counts as `-`.
///
/// A domain that is not in the table is accepted only with `any_domain`, that is, if both URLs are given: otherwise the
/// domain decides where the secret is sent.
pub(crate) fn domain_of(text: &str, any_domain: bool) -> Result<String, String> {
    if text.contains("://") || text.contains('/') {
        return Err(format!(
            // The value is not quoted, because a URL may contain credentials.
            "looks like a URL; use an AWS region or a domain, or set {} and {} for other hosts",
            super::names::API_URL,
            super::names::LOGIN_URL
        ));
    }
    let wanted = text.to_ascii_lowercase();
    let key = wanted.replace('_', "-");
    if let Some(found) = REGIONS.iter().find(|region| region.domain == wanted || region.key == key) {
        return Ok(found.domain.to_owned());
    }
    if let Some(found) = REGIONS.iter().find(|region| wanted.ends_with(&format!(".{}", region.domain))) {
        return Err(format!("{} is a host of {}; use {}", quoted(text), found.key, found.domain));
    }
    let is_domain = wanted.contains('.') && wanted.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if any_domain && is_domain {
        return Ok(wanted);
    }
    let known: Vec<String> = REGIONS.iter().map(|region| format!("{} ({})", region.key, region.domain)).collect();
    let near = did_you_mean(&key, REGIONS.iter().flat_map(|region| [region.key, region.domain]));
    Err(format!("{} is not a region{near}; use one of {}", quoted(text), known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_or_a_domain_is_accepted_in_any_spelling() {
        for (text, domain) in [
            ("eu-west-1", "mypurecloud.ie"),
            ("EU_West_1", "mypurecloud.ie"),
            ("me_central_1", "mec1.pure.cloud"),
            ("MyPureCloud.com.au", "mypurecloud.com.au"),
            ("use2.us-gov-pure.cloud", "use2.us-gov-pure.cloud"),
            ("edee1.eusc-pure.cloud", "edee1.eusc-pure.cloud"),
        ] {
            assert_eq!(domain_of(text, false).as_deref(), Ok(domain), "{text}");
        }
        for region in REGIONS {
            assert_eq!(domain_of(region.key, false).as_deref(), Ok(region.domain));
            assert_eq!(domain_of(region.domain, false).as_deref(), Ok(region.domain));
        }
    }

    #[test]
    fn an_unknown_region_is_rejected_with_the_list() {
        for text in ["eu-west-9", "mypurecloud.example", "", "eu", "evil.pure.cloud.example"] {
            let error = domain_of(text, false).expect_err(text);
            for region in REGIONS {
                assert!(error.contains(region.key) && error.contains(region.domain), "{text}: {error}");
            }
        }
    }

    #[test]
    fn a_mistyped_region_or_domain_gets_a_hint() {
        for (text, near) in [
            ("eu-west1", "eu-west-1"),
            ("eucentral1", "eu-central-1"),
            ("EU_WEST_11", "eu-west-1"),
            ("mypurecloud.i", "mypurecloud.ie"),
            ("usw2.purecloud", "usw2.pure.cloud"),
        ] {
            let error = domain_of(text, false).expect_err(text);
            assert!(error.contains(&format!("is not a region; did you mean {near}?; use one of")), "{text}: {error}");
        }
        assert!(!domain_of("atlantis", false).expect_err("unknown").contains("did you mean"));
    }

    #[test]
    fn a_url_or_a_host_gets_a_hint() {
        let error = domain_of("https://user:hunter2@api.mypurecloud.ie", false).expect_err("a URL");
        assert!(error.contains("looks like a URL") && error.contains("GENESYSCLOUD_API_URL"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let error = domain_of("api.mypurecloud.ie", false).expect_err("a host");
        assert!(error.ends_with("use mypurecloud.ie"), "{error}");
    }

    #[test]
    fn an_unknown_domain_is_accepted_if_both_urls_are_given() {
        assert_eq!(domain_of("Gateway.example", true).as_deref(), Ok("gateway.example"));
        assert!(domain_of("eu-west-9", true).is_err());
        assert!(domain_of("bad domain.example", true).is_err());
    }

    #[test]
    fn no_key_and_no_domain_is_listed_twice() {
        for (at, one) in REGIONS.iter().enumerate() {
            for other in &REGIONS[at + 1..] {
                assert!(one.key != other.key && one.domain != other.domain, "{one:?} {other:?}");
            }
        }
    }
}
