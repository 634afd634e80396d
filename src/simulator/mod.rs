//! A simulated Genesys Cloud organisation on loopback HTTP: seeded, drifting, able to misbehave on request.
//!
//! Written from the vendor's documentation only. It imports nothing else of this crate and shares no type with the code
//! that reads the platform, so that a wrong field name cannot pass on both sides. "Reference" in comments is the
//! project's compilation of the wire facts, `genesys-cloud-api.md`, by section.

mod catalog;
mod catalog_roles;
mod drift;
mod edits;
mod faults;
mod founding;
mod generated;
mod http;
mod ids;
mod options;
mod organisation;
mod plants;
mod recorder;
mod reply;
mod risk;
mod routes;
mod tokens;
mod truth;
mod world;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use drift::{Change, Scheduled, schedule};
pub use faults::{Alias, Endpoint, Fault, Injection, RetryAfter, Unreadable};
pub use founding::PLANTED_SECRET;
pub use options::{ClientSet, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, Paging};
pub use organisation::SimulatedOrganisation;
pub use recorder::RecordedRequest;
pub use risk::{Planted, Risk};
pub use truth::{Grant, State, Truth};

/// A running simulated organisation: its API host and its login host are one listener.
///
/// Dropping it ends its tasks as well; [`Simulator::stop`] also waits for them.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    organisation: SimulatedOrganisation,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Founds the organisation, binds the listener, and serves from then on.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let organisation = SimulatedOrganisation::found(options);
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(http::serve(listener, organisation.clone(), stopped));
        tracing::debug!(%address, "simulated organisation is listening");
        Ok(Self { address, organisation, stop, server })
    }

    /// The base URL of both hosts, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The handle by which tests and the demo watch and change the organisation.
    pub fn organisation(&self) -> SimulatedOrganisation {
        self.organisation.clone()
    }

    /// Stops listening, lets answers in flight end for a moment, and waits for every task.
    pub async fn stop(self) {
        let Self { stop, server, .. } = self;
        stop.send_replace(true);
        if let Err(error) = server.await {
            tracing::warn!(%error, "the simulator's server task did not end well");
        }
    }
}
