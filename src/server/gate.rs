//! Lets a request in: the rate of requests, passwords and client certificates, as the web configuration says.
//!
//! What it may see and do afterwards is decided in `access`. Requests about health always get in, and learn only whether all is well.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::answer::{self, Answer};
use super::peers::Place;
use super::visitor::{Certificate, Visitor};
use super::web::{Checked, Doors, WebConfig};

/// A request that got in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    /// With a password or a verified client certificate: it may see and do everything.
    Authenticated,
    /// As anybody.
    Anybody,
    /// About health, without what everybody else must show: the reasons of a bad answer are left out.
    Unproven,
}

const NO_PASSWORD: &str = "Refused, because the request has no password, or a wrong name or password. The names and the hashes of the \
    passwords are in basic_auth_users of --web.config.file.";
const NO_CERTIFICATE: &str = "Refused, because the request comes without a client certificate, which client_auth_type of \
    --web.config.file requires. Only health is answered to clients on this machine that have none.";
const TOO_MANY: &str =
    "Refused, because there are more requests than rate_limit of --web.config.file allows. Try again later.";

/// Lets a request in, or answers why not.
pub(super) async fn admit(
    web: &WebConfig,
    doors: &Doors,
    (visitor, place): (&Visitor, &Place),
    headers: &HeaderMap,
    is_about_health: bool,
) -> Result<Admitted, Answer> {
    let is_verified = visitor.certificate == Certificate::Verified;
    if is_about_health {
        // Without checks that take time, so that a health check is answered at once.
        let must_prove = doors.needs_password() || visitor.certificate == Certificate::Missing;
        return Ok(match (must_prove, is_verified) {
            (true, _) => Admitted::Unproven,
            (false, true) => Admitted::Authenticated,
            (false, false) => Admitted::Anybody,
        });
    }
    if let Some(wait) = doors.refused_for() {
        return Err(too_many(wait));
    }
    if visitor.certificate == Certificate::Missing {
        return Err(answer::text(StatusCode::FORBIDDEN, NO_CERTIFICATE));
    }
    if !doors.needs_password() {
        return Ok(if is_verified { Admitted::Authenticated } else { Admitted::Anybody });
    }
    match web.check_password(doors, headers, async |turns| place.queue(turns).await).await {
        Checked::Right => Ok(Admitted::Authenticated),
        Checked::Wrong => {
            let mut refusal = answer::text(StatusCode::UNAUTHORIZED, NO_PASSWORD);
            let challenge = HeaderValue::from_static("Basic realm=\"genesyscloud-oauth-exporter\", charset=\"UTF-8\"");
            refusal.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            Err(refusal)
        }
        Checked::Busy => Err(answer::busy()),
    }
}

fn too_many(wait: Duration) -> Answer {
    let mut refusal = answer::text(StatusCode::TOO_MANY_REQUESTS, TOO_MANY);
    refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    refusal
}
