//! Opens the sockets that the server listens on.
//!
//! Not what the setting of the address means (`config`).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket};
use tracing::info;

/// Connections that the system keeps until they are accepted.
const BACKLOG: u32 = 1_024;

/// A socket that accepts connections.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: TcpListener,
    pub(super) bound: SocketAddr,
}

impl Listener {
    /// A listener that takes itself to be bound to this address. Details are hidden if it is not loopback.
    pub fn new(socket: TcpListener, bound: SocketAddr) -> Self {
        Self { socket, bound }
    }

    /// The address that it is bound to. The port is the real one if the settings say 0.
    pub fn bound(&self) -> SocketAddr {
        self.bound
    }
}

/// Listens on this address. `[::]` is every address, IPv4 and IPv6, whatever the system's default is; on a system without IPv6,
/// it is every IPv4 address.
pub fn listen(address: SocketAddr) -> io::Result<Listener> {
    let socket = listen_with(address, bind)?;
    let bound = socket.local_addr()?;
    Ok(Listener { socket, bound })
}

fn listen_with<T>(address: SocketAddr, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    match bind(address) {
        Err(cause) if is_every_address(address) && is_without_ipv6(&cause) => {
            info!(%cause, "this system has no IPv6; listening on every IPv4 address");
            bind((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        result => result,
    }
}

fn is_every_address(address: SocketAddr) -> bool {
    address.is_ipv6() && address.ip().is_unspecified()
}

/// Whether IPv6 is missing from the kernel, or switched off for all interfaces.
fn is_without_ipv6(cause: &io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    // So that a restart does not wait for the connections of the process before it.
    socket.set_reuseaddr(true)?;
    if is_every_address(address) {
        set_ipv6_v6only(&socket, false)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is bound in the end on a system where binding an IPv6 address fails with this code.
    fn bound(address: &str, code: i32) -> Result<String, Option<i32>> {
        let bind = |address: SocketAddr| {
            if address.is_ipv6() { Err(io::Error::from_raw_os_error(code)) } else { Ok(address.to_string()) }
        };
        listen_with(address.parse().expect("an address"), bind).map_err(|error| error.raw_os_error())
    }

    #[test]
    fn without_ipv6_every_address_is_every_ipv4_address_and_other_failures_stay_failures() {
        for code in [libc::EAFNOSUPPORT, libc::EADDRNOTAVAIL] {
            assert_eq!(bound("[::]:9847", code).as_deref(), Ok("0.0.0.0:9847"));
            for address in ["[::1]:9847", "[2001:db8::7]:9847", "[::ffff:0.0.0.0]:9847"] {
                assert_eq!(bound(address, code), Err(Some(code)), "{address}");
            }
        }
        for code in [libc::EADDRINUSE, libc::EACCES, libc::EMFILE] {
            assert_eq!(bound("[::]:9847", code), Err(Some(code)));
        }
        assert_eq!(bound("0.0.0.0:9847", libc::EAFNOSUPPORT).as_deref(), Ok("0.0.0.0:9847"));
    }
}
