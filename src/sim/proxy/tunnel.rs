//! `CONNECT host:443`: a tunnel whose other end is the simulator itself, which speaks TLS as that host.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::serve::{IncomingStream, Listener};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use super::authority::Authority;
use crate::sim::stage::Shared;
use crate::sim::wire::{Line, LineStream, host_of, is_qq};

/// How long a client may take to speak TLS.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tunnels that wait to be served.
const QUEUE: usize = 16;
/// The only port that a tunnel may name.
const HTTPS: u16 = 443;

/// What came through a tunnel.
type Stream = LineStream<TlsStream<TokioIo<Upgraded>>>;

/// Opens tunnels.
#[derive(Clone)]
pub(super) struct Mouth {
    authority: Arc<Authority>,
    shared: Arc<Shared>,
    sender: mpsc::Sender<Stream>,
}

/// Where tunnels end: connections, as a listener has them.
pub(super) struct Tunnels(mpsc::Receiver<Stream>);

/// Both ends.
pub(super) fn tunnels(authority: Authority, shared: Arc<Shared>) -> (Mouth, Tunnels) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Mouth { authority: Arc::new(authority), shared, sender }, Tunnels(receiver))
}

/// Opens a tunnel when one is asked for; everything else goes on.
pub(super) async fn connect(State(mouth): State<Mouth>, mut request: Request, next: Next) -> Response {
    if request.method() != Method::CONNECT {
        return next.run(request).await;
    }
    let host = host_of(&request);
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>().filter(|_| leads_to_https(&request)) else {
        return (StatusCode::FORBIDDEN, "a tunnel leads to port 443 of a host of qq.com\n").into_response();
    };
    match mouth.authority.server_for(&host, mouth.shared.clock.now_ms()) {
        Ok(server) => {
            let shutdown = mouth.shared.shutdown.clone();
            shutdown.clone().spawn(async move {
                if let Some(Err(why)) = shutdown.unless_asked(mouth.dig(upgrade, server)).await {
                    tracing::info!(host, %why, "a client did not speak TLS; does it trust ca.pem?");
                }
            });
            StatusCode::OK.into_response()
        }
        Err(why) => {
            tracing::error!(host, %why, "no certificate");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) fn leads_to_https(request: &Request) -> bool {
    request.uri().port_u16() == Some(HTTPS) && is_qq(&host_of(request))
}

impl Mouth {
    async fn dig(self, upgrade: OnUpgrade, server: Arc<ServerConfig>) -> io::Result<()> {
        let through = upgrade.await.map_err(io::Error::other)?;
        let handshake = TlsAcceptor::from(server).accept(TokioIo::new(through));
        let stream = tokio::time::timeout(PATIENCE, handshake).await??;
        self.sender.send(LineStream::new(stream)).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Listener for Tunnels {
    type Io = Stream;
    type Addr = ();

    async fn accept(&mut self) -> (Stream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Connected<IncomingStream<'_, Tunnels>> for Line {
    fn connect_info(stream: IncomingStream<'_, Tunnels>) -> Self {
        stream.io().line()
    }
}
