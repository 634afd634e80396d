//! The inputs of an audit: what is collected from the platform, and whether it could be read.
//!
//! What each input contains is documented in [`super::Snapshot`].

/// An input of the audit other than the list of clients: its value, or why it could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<T> {
    /// It was read completely.
    Read(T),
    /// It could not be read.
    Gap(InputGap),
}

impl<T> Input<T> {
    /// The value; `None` if the input could not be read.
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Gap(_) => None,
        }
    }

    /// Why the input could not be read; `None` if it was read.
    pub fn gap(&self) -> Option<&InputGap> {
        match self {
            Self::Read(_) => None,
            Self::Gap(why) => Some(why),
        }
    }
}

/// Why an input could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputGap {
    /// The permission that the exporter's client lacks, if that is the cause.
    pub missing_permission: Option<String>,
    /// The cause as a sentence, for logs and reports.
    pub message: String,
}

/// An input that a refresh reads from the platform. The value of the label `collector`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collector {
    /// The list of OAuth clients.
    Clients,
    /// The registry of scopes.
    Scopes,
    /// Roles and their permissions.
    Roles,
    /// Divisions.
    Divisions,
    /// The registry of permissions.
    Permissions,
}

impl Collector {
    /// Every collector, in the order in which a refresh runs them.
    pub const ALL: [Self; 5] = [Self::Clients, Self::Scopes, Self::Roles, Self::Divisions, Self::Permissions];

    /// The value of the label `collector`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Scopes => "scopes",
            Self::Roles => "roles",
            Self::Divisions => "divisions",
            Self::Permissions => "permissions",
        }
    }

    /// The permission that reading the input needs; `None` if it needs none (vendor SDK documentation of each endpoint).
    pub const fn permission(self) -> Option<&'static str> {
        match self {
            Self::Clients => Some("oauth:client:view"),
            Self::Roles => Some("authorization:role:view"),
            Self::Scopes | Self::Divisions | Self::Permissions => None,
        }
    }
}
