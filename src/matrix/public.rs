//! `GET /_webqq/media/{server}/{id}/{name}?until=…&sig=…`: what a signed address leads to, for anybody who has it.
//!
//! Whoever opens it gets a file to save: nothing in it runs in a page of this address.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::Homeserver;
use super::download::Download;
use super::link::{LinkPath, LinkStamp, Links, PATH};
use crate::base::Clock;

/// How many may download at once.
const DOWNLOADS: usize = 16;

/// Types that browsers show and that cannot do anything; anything else is bytes.
const HARMLESS: [&str; 11] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/ogg",
    "audio/mp4",
    "audio/wav",
    "application/pdf",
];

/// What is needed to answer.
#[derive(Clone, Debug)]
pub struct Public {
    homeserver: Homeserver,
    links: Links,
    clock: Clock,
    most_bytes: usize,
    turns: Arc<Semaphore>,
}

impl Public {
    /// Hands out what `links` lead to at `homeserver`, up to `most_bytes` each.
    #[must_use]
    pub fn new(homeserver: Homeserver, links: Links, clock: Clock, most_bytes: usize) -> Self {
        Self { homeserver, links, clock, most_bytes, turns: Arc::new(Semaphore::new(DOWNLOADS)) }
    }

    /// The route. It asks for no token.
    pub fn router(self) -> Router {
        Router::new().route(&format!("{PATH}/{{server}}/{{id}}/{{name}}"), get(answer)).with_state(Arc::new(self))
    }
}

async fn answer(
    State(public): State<Arc<Public>>,
    path: Result<Path<LinkPath>, PathRejection>,
    stamp: Result<Query<LinkStamp>, QueryRejection>,
) -> Response {
    let (Ok(Path(path)), Ok(Query(stamp))) = (path, stamp) else { return refusal(StatusCode::NOT_FOUND) };
    let Some(media) = public.links.open(&path, &stamp, public.clock.now_ms()) else {
        return refusal(StatusCode::NOT_FOUND);
    };
    let Ok(turn) = Arc::clone(&public.turns).try_acquire_owned() else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE);
    };
    match public.homeserver.download(&media, public.most_bytes).await {
        Ok(Some(download)) => handed_out(&path.name, download, turn),
        Ok(None) => refusal(StatusCode::NOT_FOUND),
        Err(error) => {
            tracing::warn!(%error, "a picture or file could not be handed out");
            refusal(StatusCode::BAD_GATEWAY)
        }
    }
}

/// The same for everything that was not signed: nobody learns what there is.
fn refusal(status: StatusCode) -> Response {
    let mut response = status.into_response();
    harden(&mut response);
    response
}

fn handed_out(name: &str, download: Download, turn: OwnedSemaphorePermit) -> Response {
    let mime = harmless(download.mime().unwrap_or_default());
    let length = download.length();
    let mut response = Body::from_stream(stream::unfold((download, turn), next)).into_response();
    harden(&mut response);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    // We signed the name: it is plain.
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

async fn next(
    (mut download, turn): (Download, OwnedSemaphorePermit),
) -> Option<(io::Result<bytes::Bytes>, (Download, OwnedSemaphorePermit))> {
    let piece = download.next().await.map_err(io::Error::other).transpose()?;
    Some((piece, (download, turn)))
}

fn harden(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "private, max-age=86400"),
        (CONTENT_DISPOSITION, "attachment"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn harmless(mime: &str) -> &'static str {
    let essence = mime.split(';').next().unwrap_or_default().trim();
    HARMLESS.iter().find(|known| known.eq_ignore_ascii_case(essence)).copied().unwrap_or("application/octet-stream")
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_type_that_could_do_something_is_bytes() {
        assert_eq!((harmless("image/PNG"), harmless("video/mp4; codecs=x")), ("image/png", "video/mp4"));
        for mime in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "", "x"] {
            assert_eq!(harmless(mime), "application/octet-stream", "{mime}");
        }
    }
}
