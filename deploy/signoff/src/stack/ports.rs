//! The ports of the services, and of those who watch them.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use anyhow::{Context, Result, bail, ensure};
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

/// Makes sure that nobody listens at any of these: all that are taken are named at once.
pub(crate) fn expect_free(
    ports: Ports,
    services: impl IntoIterator<Item = (&'static str, u16)>,
) -> Result<()> {
    let try_one = |(service, place)| pick(ports, service, place).err();
    let taken: Vec<String> =
        services.into_iter().filter_map(try_one).map(|error| format!("{error:#}")).collect();
    ensure!(taken.is_empty(), "{}", taken.join("\n"));
    Ok(())
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
    fn all_that_are_taken_are_named() {
        let taken = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let mut ports = taken.each_ref().map(|taken| taken.local_addr().unwrap().port());
        ports.sort_unstable();
        let [one, other] = ports;
        let services = [("audit", 0), ("versioning", other - one)];
        let message = expect_free(Ports::Base(one), services).unwrap_err().to_string();
        for (service, port) in [("audit", one), ("versioning", other)] {
            assert!(
                message.contains(&format!("port {port} on 127.0.0.1, for {service}")),
                "{message}"
            );
        }
    }

    #[test]
    fn free_ones_are_found() {
        let address = pick(Ports::Auto, "versioning", 1).unwrap();
        assert!(address.ip().is_loopback() && address.port() > 0);
    }
}
