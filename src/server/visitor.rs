//! Who is at the other end of a connection, as far as the connection itself shows it.
//!
//! What a request may see and do follows in `access` and `gate`.

use std::net::SocketAddr;

use tokio::net::TcpStream;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visitor {
    /// The address of the listener that accepted the connection.
    pub(super) bound: SocketAddr,
    pub(super) certificate: Certificate,
}

/// The client certificate of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certificate {
    /// None is needed, and if there is one, nobody has checked whose it is.
    NotNeeded,
    /// One is needed, but there is none. Only health is answered.
    Missing,
    /// One is needed and there is one, but nobody has checked whose it is.
    Any,
    /// It is from the authority of the web configuration.
    Verified,
}

impl Certificate {
    /// `given` says whether the client has shown one.
    pub(super) fn of(given: bool, is_needed: bool, is_verified: bool) -> Self {
        match (given, is_needed) {
            (true, _) if is_verified => Self::Verified,
            (true, true) => Self::Any,
            (false, true) => Self::Missing,
            (_, false) => Self::NotNeeded,
        }
    }
}

/// Whether the client is on this machine, such as the health check of a container.
pub(super) fn is_own_machine(stream: &TcpStream, peer: SocketAddr) -> bool {
    peer.ip().is_loopback() || stream.local_addr().is_ok_and(|local| local.ip().to_canonical() == peer.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_certificate_that_was_checked_counts_as_verified() {
        for (given, is_needed, is_verified, expected) in [
            (false, false, false, Certificate::NotNeeded),
            (false, false, true, Certificate::NotNeeded),
            (true, false, false, Certificate::NotNeeded),
            (true, false, true, Certificate::Verified),
            (false, true, true, Certificate::Missing),
            (false, true, false, Certificate::Missing),
            (true, true, false, Certificate::Any),
            (true, true, true, Certificate::Verified),
        ] {
            assert_eq!(Certificate::of(given, is_needed, is_verified), expected, "{given} {is_needed} {is_verified}");
        }
    }
}
