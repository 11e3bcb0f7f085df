//! A port that stays ours while nobody listens on it.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// A port of 127.0.0.1. As long as this lives, no outgoing connection of the machine gets it by chance, and whoever is told
/// it can listen on it, again and again.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    /// Bound without listening: a listener may share the port with it, because both allow the address to be used again.
    _held: TcpSocket,
}

impl Port {
    /// One that nobody else uses.
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self { address: socket.local_addr().unwrap(), _held: socket }
    }

    /// Listens on it, as soon as no child process of a test beside this one holds the last listener: a fork has a copy of it
    /// until its new program runs.
    pub(crate) async fn listen(&self) -> TcpListener {
        loop {
            match TcpListener::bind(self.address).await {
                Err(why) if why.kind() == ErrorKind::AddrInUse => tokio::task::yield_now().await,
                bound => return bound.unwrap(),
            }
        }
    }
}
