//! The console: a page on which one plays everybody else on QQ, and the same as a JSON API.

mod api;
mod events;
mod guard;
#[cfg(test)]
mod hostile;
mod media;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use super::handle::Handle;

/// The page needs nothing from anywhere else.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'";

/// The largest picture or file that can be sent.
const LARGEST: usize = 100 << 20;

/// Serves page and API on `listener` until shutdown.
pub(crate) fn serve(listener: TcpListener, handle: Handle) {
    let shutdown = handle.shared.shutdown.clone();
    let asked = shutdown.clone();
    let service = router(handle);
    shutdown.spawn(async move {
        let serving = axum::serve(listener, service).with_graceful_shutdown(async move { asked.asked().await });
        if let Err(why) = serving.await {
            tracing::error!(%why, "the console ended");
        }
    });
}

fn router(handle: Handle) -> Router {
    Router::new()
        .route("/", get(|| async { file("text/html; charset=utf-8", include_str!("../web/index.html")) }))
        .route("/style.css", get(|| async { file("text/css; charset=utf-8", include_str!("../web/style.css")) }))
        .route("/page.js", get(|| async { file("text/javascript; charset=utf-8", include_str!("../web/page.js")) }))
        .route("/icon.svg", get(|| async { file("image/svg+xml", include_str!("../web/icon.svg")) }))
        .merge(api_routes())
        .fallback(api::nowhere)
        .layer(from_fn(guard::same_origin))
        .with_state(handle)
}

fn api_routes() -> Router<Handle> {
    Router::new()
        .route("/api/world", get(api::world))
        .route("/api/rules", get(api::rules).post(api::change_rules))
        .route("/api/faces", get(api::faces))
        .route("/api/session", get(api::session))
        .route("/api/qr", get(api::qr))
        .route("/api/qr.png", get(api::qr_png))
        .route("/api/captcha", get(api::captcha))
        .route("/api/captcha.png", get(api::captcha_png))
        .route("/api/qr/scan", post(api::scan))
        .route("/api/qr/confirm", post(api::confirm))
        .route("/api/qr/reject", post(api::reject))
        .route("/api/say", post(api::say))
        .route("/api/picture", post(media::send_picture).layer(DefaultBodyLimit::max(LARGEST)))
        .route("/api/file", post(media::send_file).layer(DefaultBodyLimit::max(LARGEST)))
        .route("/api/media", get(media::show))
        .route("/api/act", post(api::act))
        .route("/api/asked", get(api::asked))
        .route("/api/heard", get(api::heard))
        .route("/api/push", post(api::push))
        .route("/api/fault", post(api::fault).delete(api::clear_faults))
        .route("/api/kick", post(api::kick))
        .route("/api/expire", post(api::expire))
        .route("/api/events", get(events::events))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache"), (CONTENT_SECURITY_POLICY, POLICY)], text).into_response()
}
