//! A simulated Genesys Cloud organisation on loopback HTTP, for `demo` and the tests.
//!
//! It is generated from a seed, changes over time, and can inject faults. It is written only from the vendor's documentation:
//! it imports nothing else of this crate and shares no type with the code that reads the platform, so that both
//! sides cannot share a wrong field name. "Reference" in comments means a section of `genesys-cloud-api.md`, the summary of the
//! vendor's documentation from which the simulator was written; the summary is not part of this repository.

mod catalog;
mod catalog_roles;
mod drift;
mod edits;
mod entity;
mod faults;
mod founding;
mod generated;
mod http;
mod ids;
mod kind;
mod misbehaviour;
mod options;
mod organisation;
mod plants;
mod recorder;
mod registry;
mod reply;
mod request;
mod risk;
mod routes;
mod tokens;
mod trickle;
mod truth;
mod world;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use drift::{Change, Scheduled, schedule};
pub use entity::PLANTED_SECRET;
pub use faults::{Alias, Endpoint, Fault, Injection, RetryAfter, Unreadable};
pub use kind::{Grant, State};
pub use options::{ClientSet, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, Paging};
pub use organisation::SimulatedOrganisation;
pub use recorder::RecordedRequest;
pub use risk::{Planted, Risk};
pub use truth::Truth;

/// A running simulated organisation. One listener serves both the API host and the login host.
///
/// Dropping it stops its tasks; [`Simulator::stop`] also waits for them.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    organisation: SimulatedOrganisation,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Creates the organisation, binds the listener, and starts to serve.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let organisation = SimulatedOrganisation::found(options);
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(http::serve(listener, organisation.clone(), stopped));
        tracing::debug!(%address, "simulated organisation is listening");
        Ok(Self { address, organisation, stop, server })
    }

    /// The base URL of both hosts, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A handle to observe and change the organisation.
    pub fn organisation(&self) -> SimulatedOrganisation {
        self.organisation.clone()
    }

    /// Stops listening, gives responses in flight a short time to end, and waits for every task.
    pub async fn stop(self) {
        let Self { stop, server, .. } = self;
        stop.send_replace(true);
        if let Err(error) = server.await {
            tracing::warn!(%error, "the simulator's server task failed");
        }
    }
}
