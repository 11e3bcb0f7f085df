//! A connection that counts what it has written and can be cut: real networks break between the work and the reply.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// What is known of one connection; clones speak of the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<State>);

#[derive(Debug, Default)]
struct State {
    written: AtomicU64,
    cut: AtomicBool,
    ended: AtomicBool,
}

impl Line {
    /// Bytes handed to the operating system, or to TLS, so far.
    pub(crate) fn written(&self) -> u64 {
        self.0.written.load(Ordering::SeqCst)
    }

    /// Not one more byte is written; the connection ends with the next attempt.
    pub(crate) fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
    }

    /// Whether the connection is gone.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.ended.load(Ordering::SeqCst)
    }

    fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::SeqCst)
    }
}

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().line()
    }
}

/// Accepts connections that can be cut.
pub(crate) struct Lines(pub(crate) TcpListener);

impl Listener for Lines {
    type Io = LineStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (LineStream<TcpStream>, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        if let Err(why) = stream.set_nodelay(true) {
            tracing::debug!(%why, "replies may be slow");
        }
        (LineStream::new(stream), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// The connection itself.
pub(crate) struct LineStream<S> {
    stream: S,
    line: Line,
}

impl<S> LineStream<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, line: Line::default() }
    }

    pub(crate) fn line(&self) -> Line {
        self.line.clone()
    }
}

impl<S> Drop for LineStream<S> {
    fn drop(&mut self) {
        self.line.0.ended.store(true, Ordering::SeqCst);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LineStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LineStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.line.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // Counted before it is written: the peer may answer on another connection before this call returns.
        let counted = self.line.0.clone();
        counted.written.fetch_add(as_u64(buf.len()), Ordering::SeqCst);
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        let bytes = if let Poll::Ready(Ok(bytes)) = &written { *bytes } else { 0 };
        counted.written.fetch_sub(as_u64(buf.len().saturating_sub(bytes)), Ordering::SeqCst);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn as_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
