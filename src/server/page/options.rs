//! What the index and the status page of an organisation show of what they could.

/// What a page of `/`, or of one organisation, shows.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Options<'a> {
    /// The path of the metrics, for the link.
    pub(in crate::server) telemetry_path: &'a str,
    /// Why details are hidden, a message for people; `None` if they are shown.
    pub(in crate::server) closed: Option<&'static str>,
}
