//! The address that a server listens on.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

use super::ServerError;

/// A bound address: bound first, so that it is known before anything is served on it. Clients
/// that connect meanwhile wait.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds an address; with port 0, a free one.
    ///
    /// # Errors
    /// If the address is taken or not this machine's.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let inner = TcpListener::bind(address).await.map_err(failed)?;
        let address = inner.local_addr().map_err(failed)?;
        Ok(Self { inner, address })
    }

    /// The address, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn into_inner(self) -> TcpListener {
        self.inner
    }

    pub(super) fn into_incoming(self) -> TcpIncoming {
        TcpIncoming::from(self.inner).with_nodelay(Some(true))
    }
}
