//! The web configuration file: TLS, client certificates, passwords, headers and the rate of requests.
//!
//! The file has the format that exporters share (`schema`). It is read again when it changes, or one of the files that it names; if the new
//! content cannot be used, the old settings stay. Not what a request may see without any of this (`access`).

mod client;
mod passwords;
mod rate;
mod san;
mod schema;
mod section;
mod source;
mod tls;
mod tls_keys;
mod users;
mod yaml;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(super) use passwords::Checked;
pub(super) use tls::Tls;

use crate::file;
use passwords::Passwords;
use rate::{Bucket, Rate};
use section::Remarks;
use users::Users;

/// The largest file, in bytes. It can contain certificates.
const LARGEST: u64 = 1 << 20;

/// The web configuration that is in force, and the file that it comes from. Without a file, there is no TLS and no password.
#[derive(Debug)]
pub struct WebConfig {
    path: Option<PathBuf>,
    in_force: ArcSwap<Doors>,
    passwords: Passwords,
    attempts: Mutex<Attempts>,
}

/// What failed lately.
#[derive(Debug, Default)]
struct Attempts {
    /// The mistakes of the last attempt, if it failed.
    last: Option<Vec<String>>,
    /// The mistakes that are in the log, until the file can be used again.
    reported: Option<Vec<String>>,
}

/// The settings of one content of the file.
#[derive(Debug, Default)]
pub(super) struct Doors {
    transport: Arc<Transport>,
    users: Users,
    headers: Vec<(HeaderName, HeaderValue)>,
    rate: Option<Rate>,
    bucket: Option<Bucket>,
}

/// How connections are made: with TLS or without.
#[derive(Debug, Default)]
pub(super) struct Transport {
    pub(super) tls: Option<Tls>,
    /// Set once another certificate is in force. Connections end then, after their next response: to close one that waits could cross
    /// with a request that is on its way.
    renewed: AtomicBool,
    /// Cancelled once other clients are let in. Connections end then, after the response in progress.
    pub(super) retired: CancellationToken,
}

impl WebConfig {
    /// No file: no TLS and no password.
    pub fn absent() -> Result<Self, String> {
        Self::new(None, Doors::default())
    }

    /// Reads the file and all files that it names. The error has all mistakes, with their lines. Blocking.
    pub fn read(path: &Path) -> Result<(Self, Vec<String>), Vec<String>> {
        let (doors, warnings) = load(path)?;
        let config = Self::new(Some(path.to_owned()), doors).map_err(|error| vec![error])?;
        Ok((config, warnings))
    }

    fn new(path: Option<PathBuf>, doors: Doors) -> Result<Self, String> {
        let in_force = ArcSwap::from_pointee(doors);
        Ok(Self { path, in_force, passwords: Passwords::new()?, attempts: Mutex::default() })
    }

    /// Whether there is a file that can change.
    pub fn has_file(&self) -> bool {
        self.path.is_some()
    }

    /// The scheme of the server's URLs.
    pub fn scheme(&self) -> &'static str {
        if self.in_force.load().transport.tls.is_some() { "https" } else { "http" }
    }

    /// Reads the file again, and puts it in force if it has changed. The error has the mistakes if it cannot be used; then the previous
    /// settings stay. Blocking.
    ///
    /// A mistake is logged once. Unless the file is `requested` to be read now, the log waits for a second attempt: the certificate and the
    /// key may be about to be replaced one after the other.
    pub fn refresh(&self, requested: bool) -> Result<(), Vec<String>> {
        let Some(path) = &self.path else { return Ok(()) };
        // Held until the end, so that of two refreshes the later one decides.
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.in_force.load_full();
        let loaded = load(path).and_then(|(doors, warnings)| match weaker(&current, &doors) {
            None => Ok((doors, warnings)),
            Some(why) => Err(vec![format!("{}: {why}", path.display())]),
        });
        match loaded {
            Ok((doors, warnings)) => {
                attempts.last = None;
                let was_wrong = attempts.reported.take().is_some();
                let changed = self.replace(&current, doors);
                if changed {
                    for warning in warnings {
                        warn!("{warning}");
                    }
                }
                if changed || was_wrong {
                    info!(file = %path.display(), changed, "the web configuration file was read again and is in force");
                }
                Ok(())
            }
            Err(mistakes) => {
                let is_known = attempts.reported.as_ref() == Some(&mistakes);
                let is_repeated = attempts.last.as_ref() == Some(&mistakes);
                if !is_known && (requested || is_repeated) {
                    let cause = mistakes.join("; ");
                    error!(
                        cause,
                        "the web configuration file cannot be used; the previous TLS settings and passwords stay in force"
                    );
                    attempts.reported = Some(mistakes.clone());
                }
                attempts.last = Some(mistakes.clone());
                Err(mistakes)
            }
        }
    }

    /// Whether the last content of the file could be used, apart from a first failure that may be a replacement in progress.
    pub fn is_usable(&self) -> bool {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).reported.is_none()
    }

    /// Returns whether anything differs.
    fn replace(&self, current: &Arc<Doors>, mut doors: Doors) -> bool {
        let digest = |doors: &Doors| doors.transport.tls.as_ref().map(|tls| tls.digest);
        let clients = |doors: &Doors| doors.transport.tls.as_ref().map(|tls| tls.digest_of_clients);
        let (same_transport, same_clients) = (digest(current) == digest(&doors), clients(current) == clients(&doors));
        if same_transport {
            doors.transport = Arc::clone(&current.transport);
        }
        let same_rest = current.users == doors.users && current.headers == doors.headers && current.rate == doors.rate;
        if same_transport && same_rest {
            return false;
        }
        self.in_force.store(Arc::new(doors));
        if !same_transport {
            current.transport.renewed.store(true, Ordering::Release);
        }
        if !same_clients {
            current.transport.retired.cancel();
        }
        true
    }

    pub(super) fn in_force(&self) -> Arc<Doors> {
        self.in_force.load_full()
    }

    /// Whether the request has the password of a user.
    ///
    /// `queue` waits for a permit, or gives up.
    pub(super) async fn check_password(
        &self,
        doors: &Doors,
        headers: &HeaderMap,
        queue: impl AsyncFnOnce(&Arc<Semaphore>) -> Option<OwnedSemaphorePermit>,
    ) -> Checked {
        self.passwords.check(&doors.users, headers, queue).await
    }
}

impl Doors {
    pub(super) fn transport(&self) -> Arc<Transport> {
        Arc::clone(&self.transport)
    }

    /// Whether every request needs a password.
    pub(super) fn needs_password(&self) -> bool {
        !self.users.is_empty()
    }

    /// Whether anything must be shown to get in: a password or a client certificate.
    pub(super) fn are_closed(&self) -> bool {
        self.needs_password() || self.transport.tls.as_ref().is_some_and(|tls| tls.client_auth.requires())
    }

    /// The time to wait if there are too many requests.
    pub(super) fn refused_for(&self) -> Option<std::time::Duration> {
        self.bucket.as_ref().and_then(|bucket| bucket.take().err())
    }

    /// Adds the headers of the file to a response that does not have them.
    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

impl Transport {
    /// Whether a connection should end after its next response.
    pub(super) fn is_renewed(&self) -> bool {
        self.renewed.load(Ordering::Acquire)
    }

    /// Whether the certificate of a client, if it has one, is from the authority of the file.
    pub(super) fn verifies(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.client_auth.verifies())
    }

    /// Whether a client needs a certificate.
    pub(super) fn requires_certificate(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.client_auth.requires())
    }
}

/// Why the new settings would open a door that is closed now. An editor that empties the file before it writes it must not.
fn weaker(current: &Doors, new: &Doors) -> Option<&'static str> {
    if current.transport.tls.is_some() && new.transport.tls.is_none() {
        return Some("it has no tls_server_config any more; restart the exporter to serve without TLS");
    }
    if current.are_closed() && !new.are_closed() {
        return Some(
            "it has no basic_auth_users any more and requires no client certificate; restart the exporter to serve without either",
        );
    }
    None
}

/// Reads the file and the files that it names, with the warnings about them.
fn load(path: &Path) -> Result<(Doors, Vec<String>), Vec<String>> {
    let shown = path.display();
    let text = file::read_text(path, LARGEST)
        .map_err(|error| vec![format!("{shown} cannot be read: {error}")])
        .map(zeroize::Zeroizing::new)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut remarks = Remarks::default();
    let draft = schema::read(&text, folder, &mut remarks);
    let tls = draft.tls.as_ref().and_then(|tls| Tls::load(tls, &mut remarks));
    let named = |remarks: Vec<String>| remarks.into_iter().map(|remark| format!("{shown}: {remark}")).collect();
    if !remarks.mistakes.is_empty() {
        return Err(named(remarks.mistakes));
    }
    let transport = Arc::new(Transport { tls, ..Transport::default() });
    let bucket = draft.rate.map(Bucket::new);
    let doors = Doors { transport, users: draft.users, headers: draft.headers, rate: draft.rate, bucket };
    Ok((doors, named(remarks.warnings)))
}

#[cfg(test)]
mod tests;
