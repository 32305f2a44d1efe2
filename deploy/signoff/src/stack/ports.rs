//! The ports of the services, and of those who watch them.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use anyhow::{Context, Result, bail};
use signoff_chassis::server::Listener;

use super::options::Ports;

/// Picks the address of one service, and makes sure that nobody listens there.
///
/// `place` is the service's place among the ten ports that begin with a base.
pub(crate) fn pick(ports: Ports, service: &str, place: u16) -> Result<SocketAddr> {
    let port = match ports {
        Ports::Base(base) => base + place,
        Ports::Auto => 0,
    };
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(listener) => Ok(listener.local_addr()?),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} on 127.0.0.1, for {service}, is taken; choose others with --ports")
        }
        Err(error) => {
            Err(error).with_context(|| format!("cannot listen on 127.0.0.1:{port} for {service}"))
        }
    }
}

/// Takes the address of what this process serves by itself, from now on.
pub(crate) async fn take(ports: Ports, what: &str, place: u16) -> Result<Listener> {
    let address = match ports {
        // A taken one is named with what it is for.
        Ports::Base(_) => pick(ports, what, place)?,
        Ports::Auto => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    };
    Ok(Listener::bind(address).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_service() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = pick(Ports::Base(port - 1), "versioning", 1).unwrap_err().to_string();
        assert!(message.contains(&format!("port {port} ")), "{message}");
        assert!(message.contains("versioning"), "{message}");
    }

    #[test]
    fn free_ones_are_found() {
        let address = pick(Ports::Auto, "versioning", 1).unwrap();
        assert!(address.ip().is_loopback() && address.port() > 0);
    }
}
