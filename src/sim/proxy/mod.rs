//! An HTTP proxy in front of the simulator, for clients that have QQ's addresses built in.
//!
//! `http://` requests come in absolute form, `https://` ones through `CONNECT` tunnels. Nothing leaves: the hosts of QQ are
//! played here, all others get 403. Source: protocol dossier 12.1.

mod authority;
#[cfg(test)]
mod hostile;
mod tunnel;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;

pub use authority::AuthorityError;

use super::stage::Shared;
use super::wire::{self, Lines, PICTURES, host_of, is_qq};
use authority::Authority;
use tunnel::Mouth;

/// Where the proxy listens, and who vouches for its hosts.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// What clients have as their `HTTP_PROXY` and `HTTPS_PROXY`.
    pub listen: SocketAddr,
    /// Where the test authority is kept: `ca.pem`, which clients must trust, and `ca-key.pem`. Made when missing.
    pub ca_dir: PathBuf,
}

/// Serves `qq` on `listener` until shutdown, with the test authority in `ca_dir`.
pub(crate) fn serve(
    listener: TcpListener,
    ca_dir: &Path,
    qq: Router,
    shared: &Arc<Shared>,
) -> Result<(), AuthorityError> {
    let (mouth, tunnels) = tunnel::tunnels(Authority::open(ca_dir)?, shared.clone());
    wire::serve(Lines(listener), front(mouth, qq.clone()), &shared.shutdown);
    wire::serve(tunnels, qq.layer(from_fn(only_qq)), &shared.shutdown);
    Ok(())
}

/// What a client of the proxy meets first.
fn front(mouth: Mouth, qq: Router) -> Router {
    qq.layer(from_fn_with_state(mouth, tunnel::connect)).layer(from_fn(only_qq))
}

/// Refuses whatever is not for QQ.
async fn only_qq(request: Request, next: Next) -> Response {
    let host = host_of(&request);
    if is_qq(&host) || host == PICTURES {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this proxy leads to the pretend QQ only\n").into_response()
    }
}
