//! The network between a service and its database: it is slow, stands still, loses what it is given,
//! or breaks.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use signoff_ledger::DatabaseUrls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As they come.
    Open,
    /// Each piece so much later.
    Late(Duration),
    /// Not at all, until it changes.
    Stalled,
    /// Nowhere. A connection that lost something is never good again, and nobody is told: half of the
    /// first piece still arrives.
    Lost,
    /// Half of the next piece arrives, then the connection breaks.
    Cut,
}

/// A way to a server that can be changed.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// In front of the server of a database.
    pub async fn before(urls: &DatabaseUrls) -> Self {
        let (_, server, _) = parts(&urls.service);
        let server: SocketAddr = server.parse().expect("an address");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (way, ways) = watch::channel(Way::Open);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, ways.clone()));
            }
        });
        Self { address, way, listening }
    }

    /// The same database by this way, for the service; its owner goes there directly.
    pub fn urls(&self, urls: &DatabaseUrls) -> DatabaseUrls {
        let (before, _, behind) = parts(&urls.service);
        let service = SecretString::from(format!("{before}@{}{behind}", self.address));
        DatabaseUrls { service, owner: urls.owner.clone() }
    }

    /// From now on bytes go like this.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// What is before the server in a URL, the server, and what is behind it.
fn parts(url: &SecretString) -> (&str, &str, &str) {
    let (before, rest) = url.expose_secret().rsplit_once('@').expect("a user");
    let (server, _) = rest.split_once('/').expect("a database");
    (before, server, &rest[server.len()..])
}

async fn carry(client: TcpStream, server: SocketAddr, ways: watch::Receiver<Way>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    for one in [&client, &server] {
        one.set_nodelay(true).expect("a socket");
    }
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let (there, back) =
        (pipe(from_client, to_server, ways.clone()), pipe(from_server, to_client, ways));
    // Whichever side ends, both do.
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

async fn pipe(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut ways: watch::Receiver<Way>) {
    let mut room = vec![0; 16 * 1024];
    let mut is_lost = false;
    loop {
        let Ok(read @ 1..) = from.read(&mut room).await else { return };
        if is_lost {
            continue;
        }
        let now = *ways.borrow_and_update();
        let sent = match now {
            Way::Open => to.write_all(&room[..read]).await,
            Way::Late(by) => {
                // Nothing but time passes.
                let _ = tokio::time::timeout(by, std::future::pending::<()>()).await;
                to.write_all(&room[..read]).await
            }
            Way::Stalled => {
                if ways.wait_for(|way| *way != Way::Stalled).await.is_err() {
                    return;
                }
                to.write_all(&room[..read]).await
            }
            Way::Lost => {
                is_lost = true;
                to.write_all(&room[..read / 2]).await
            }
            Way::Cut => {
                let _ = to.write_all(&room[..read / 2]).await;
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
