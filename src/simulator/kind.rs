//! The grant type and the state of a client, in either spelling.

use serde_json::Value;

/// A grant type, independent of its spelling (reference 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// `CLIENT-CREDENTIALS`, formerly `CLIENT_CREDENTIALS`.
    ClientCredentials,
    /// `CODE`.
    Code,
    /// `TOKEN`, the implicit grant.
    Implicit,
    /// `PASSWORD`.
    Password,
    /// `SAML2-BEARER`, formerly `SAML2BEARER`.
    Saml2Bearer,
    /// A value that is not documented.
    Other,
}

impl Grant {
    /// The name in lower case with underscores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::Code => "code",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::Saml2Bearer => "saml2_bearer",
            Self::Other => "other",
        }
    }

    pub(super) fn of(client: &Value) -> Self {
        let spelling = client["authorizedGrantType"].as_str().unwrap_or_default();
        match spelling.to_ascii_uppercase().replace(['-', '_'], "").as_str() {
            "CLIENTCREDENTIALS" => Self::ClientCredentials,
            "CODE" => Self::Code,
            "TOKEN" => Self::Implicit,
            "PASSWORD" => Self::Password,
            "SAML2BEARER" => Self::Saml2Bearer,
            _ => Self::Other,
        }
    }
}

/// The state of a client in its life cycle (reference 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `active`.
    Active,
    /// `inactive`.
    Inactive,
    /// `disabled`.
    Disabled,
    /// A value that is not documented.
    Other,
}

impl State {
    /// The name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Disabled => "disabled",
            Self::Other => "other",
        }
    }

    pub(super) fn of(client: &Value) -> Self {
        match client["state"].as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "inactive" => Self::Inactive,
            "disabled" => Self::Disabled,
            _ => Self::Other,
        }
    }
}
