//! Serves connections: only so many at once, and none that keeps us waiting for what it wants.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep};
use tracing::{debug, warn};

use crate::base::Shutdown;

/// How long to wait when no connection can be taken, as when there are too many files open.
const NONE_TAKEN: Duration = Duration::from_secs(1);

/// What connections may cost us.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many there are at once. Whoever comes beyond that waits until one ends.
    pub connections: usize,
    /// How long one may take to say all of what it wants, the body apart, and be idle before it does; and how long it may
    /// read nothing of what it is answered.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // A homeserver needs two or three; the others are whoever fetches a file at its public address.
        Self { connections: 512, patience: Duration::from_secs(30) }
    }
}

/// Serves `router` until shutdown begins, and then what is under way.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: &Shutdown) {
    let places = Arc::new(Semaphore::new(limits.connections));
    while let Some(place) = shutdown.unless_asked(Arc::clone(&places).acquire_owned()).await {
        let Some(taken) = shutdown.unless_asked(listener.accept()).await else { break };
        let stream = match taken {
            Ok((stream, _)) => stream,
            Err(why) => {
                if !is_about_one(&why) {
                    warn!(%why, "no connection can be taken; trying again");
                    shutdown.unless_asked(sleep(NONE_TAKEN)).await;
                }
                continue;
            }
        };
        let (router, ending) = (router.clone(), shutdown.clone());
        shutdown.spawn(async move {
            attend(stream, router, limits.patience, &ending).await;
            drop(place);
        });
    }
}

/// Whether only the connection that was to be taken is gone.
fn is_about_one(why: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(why.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection until it ends, or until shutdown begins and what it asked is answered.
async fn attend(stream: TcpStream, router: Router, patience: Duration, shutdown: &Shutdown) {
    // An answer is small and written whole: it is not to wait for more.
    if let Err(why) = stream.set_nodelay(true) {
        debug!(%why, "a connection may be slow");
    }
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    let stream = Watched { stream, patience, stalled: None };
    let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.asked() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(why) = ended {
        debug!(%why, "a connection ended early");
    }
}

/// A connection that breaks when its other end reads nothing of what we say for too long.
struct Watched {
    stream: TcpStream,
    patience: Duration,
    /// Runs while we wait for the other end to read.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    fn unless_stalled(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
