//! The options of a simulated organisation.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;

/// The client id that the simulator accepts by default.
pub const DEFAULT_CLIENT_ID: &str = "5e1f0000-0000-4000-8000-000000009847";
/// The client secret that the simulator accepts by default.
pub const DEFAULT_CLIENT_SECRET: &str = "simulated-client-secret";

/// The options of a simulated organisation. The same options create the same organisation.
#[derive(Debug, Clone)]
pub struct Options {
    /// All ids and all synthetic clients are derived from the seed.
    pub seed: u64,
    /// The name of the organisation.
    pub name: String,
    /// The address to listen on; port 0 selects a free port.
    pub listen: SocketAddr,
    /// The OAuth clients of the organisation.
    pub clients: ClientSet,
    /// The organisation's time at the start, in Unix seconds. All dates are relative to it.
    pub now: i64,
    /// The id of the exporter's own client.
    pub client_id: String,
    /// The secret of the exporter's own client.
    pub client_secret: String,
    /// `expires_in` of issued tokens, in seconds.
    pub token_lifetime: u32,
    /// Clients per page of the list. `None` sends all clients in one page, as the platform does.
    pub page_size: Option<usize>,
    /// How the list of clients points to its next page.
    pub paging: Paging,
    /// Requests per minute before the platform answers 429 (reference 6).
    pub rate_limit: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            name: "Northwind Contact Centres (simulated)".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clients: ClientSet::Demo,
            // 2026-11-20T00:00:00Z, when the reference was compiled.
            now: 1_795_132_800,
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            token_lifetime: 86_400,
            page_size: None,
            paging: Paging::NextUri,
            rate_limit: 300,
        }
    }
}

/// The OAuth clients of the organisation, which always include the exporter's own client.
#[derive(Debug, Clone)]
pub enum ClientSet {
    /// About sixty clients of a realistic contact-centre company, with every kind of risk.
    Demo,
    /// This many clients: the exporter's own and synthetic ones.
    Generated(usize),
    /// These entities, unchanged. The exporter's own client is added unless they contain its id.
    Custom(Vec<Value>),
}

/// How the list of clients points to its next page, if [`Options::page_size`] results in several pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// `nextUri` is a path with `pageNumber`, as in other lists of the platform (reference 3.1).
    NextUri,
    /// There is only `pageCount`; the reader requests `?pageNumber=N` (reference 3).
    PageCount,
    /// `cursors.after` contains a cursor; the reader requests `?after=` or `?cursor=` (reference 9, row 2).
    Cursor,
    /// `next_page` contains a cursor; the reader requests `?cursor=` or `?next_page=` (reference 9, row 2).
    NextPage,
}
