//! What a simulated organisation is founded with.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;

/// The client id that the simulator accepts unless told otherwise.
pub const DEFAULT_CLIENT_ID: &str = "5e1f0000-0000-4000-8000-000000009847";
/// The client secret that the simulator accepts unless told otherwise.
pub const DEFAULT_CLIENT_SECRET: &str = "simulated-client-secret";

/// How a simulated organisation is founded. The same options give the same organisation.
#[derive(Debug, Clone)]
pub struct Options {
    /// Every id and every synthetic client derives from it.
    pub seed: u64,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Which OAuth clients there are.
    pub clients: ClientSet,
    /// The organisation's present at the start, in unix seconds; all dates derive from it.
    pub now: i64,
    /// The client id of the exporter's own client.
    pub client_id: String,
    /// The secret of the exporter's own client.
    pub client_secret: String,
    /// `expires_in` of issued tokens, in seconds.
    pub token_lifetime: u32,
    /// Entities per page of the list of clients; `None` sends all in one page, as the platform does.
    pub page_size: Option<usize>,
    /// How the list of clients names its next page.
    pub paging: Paging,
    /// Requests a minute before 429, per the reference's section 6.
    pub rate_limit: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
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

/// Which OAuth clients the organisation has. The exporter's own client is always among them.
#[derive(Debug, Clone)]
pub enum ClientSet {
    /// About sixty clients of a believable contact-centre company, with every planted risk.
    Demo,
    /// So many synthetic clients, the exporter's own included.
    Generated(usize),
    /// These entities as they are; the exporter's own is added unless its id is among them.
    Custom(Vec<Value>),
}

/// How the list of clients names its next page, when [`Options::page_size`] makes more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// `nextUri` is a path with `pageNumber`, as in other listings of the platform (reference 3.1).
    NextUri,
    /// Only `pageCount` tells; the reader asks for `?pageNumber=N` (reference 3).
    PageCount,
    /// `cursors.after`, answered by `?after=` or `?cursor=` (reference 9, row 2).
    Cursor,
    /// `next_page` holds a token, answered by `?cursor=` or `?next_page=` (reference 9, row 2).
    NextPage,
}
