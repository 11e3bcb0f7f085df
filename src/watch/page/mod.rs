//! The status page: logins, queues, books and failures, for whoever knows its secret; and the QR codes that are on show, for
//! whoever was given the address. Nothing of others is loaded, and it works without JavaScript.

mod html;
mod key;
mod words;

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::health::Doctor;
use crate::bridge::watch::{FailureView, View};
use crate::bridge::{Bridge, Error, codes};
use crate::config::Language;
use key::{Key, Shown};
use words::Words;

/// The style comes from here, and there is no script.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A form with a secret is shorter.
const BODY_BYTES: usize = 4096;

struct Page {
    bridge: Arc<Bridge>,
    doctor: Arc<Doctor>,
    key: Key,
}

/// What may stand behind the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wishes {
    lang: String,
}

/// The routes.
pub(super) fn router(bridge: &Arc<Bridge>, doctor: Arc<Doctor>) -> Router {
    let key = Key::new(bridge.config.status_page.secret.clone());
    let page = Arc::new(Page { bridge: Arc::clone(bridge), doctor, key });
    Router::new()
        .route("/_webqq/status", get(show).post(sign_in))
        .route("/_webqq/leave", post(leave))
        .route("/_webqq/page.css", get(|| ready(style())))
        .route(&format!("{}/{{token}}", codes::PATH), get(show_code))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(page)
}

impl Page {
    fn words(&self, wishes: &Wishes, headers: &HeaderMap) -> Words {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let tag = if wishes.lang.is_empty() { accepted } else { &wishes.lang };
        Words::new(match tag.get(..2) {
            Some("zh") => Language::Zh,
            Some("en") => Language::En,
            _ => self.bridge.config.bridge.language,
        })
    }

    async fn look(&self) -> Result<(View, Vec<FailureView>), Error> {
        Ok((self.bridge.view().await?, self.bridge.failures().await?))
    }

    /// Whether a browser keeps the connection to the page from others' eyes.
    fn is_secure(&self) -> bool {
        self.bridge.config.status_page.address.starts_with("https:")
    }
}

/// `GET /_webqq/status`
async fn show(State(page): State<Arc<Page>>, Query(wishes): Query<Wishes>, headers: HeaderMap) -> Response {
    let words = page.words(&wishes, &headers);
    match page.key.admits(&headers, page.bridge.clock.now_ms()) {
        Shown::Right => {}
        shown => return door(&words, shown),
    }
    let health = page.doctor.look().await;
    match page.look().await {
        Ok((view, failures)) => {
            answer(StatusCode::OK, html::status(&words, &health.reasons, &view, &failures, &page.bridge.codes.all()))
        }
        Err(error) => {
            tracing::warn!(%error, "the status page cannot be shown now");
            answer(StatusCode::SERVICE_UNAVAILABLE, html::trouble(&words, &health.reasons))
        }
    }
}

/// `POST /_webqq/status`: the secret, as a form.
async fn sign_in(
    State(page): State<Arc<Page>>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let words = page.words(&wishes, &headers);
    let shown = url::form_urlencoded::parse(&body).find(|(name, _)| name == "secret").map(|(_, secret)| secret);
    match page.key.try_secret(&shown.unwrap_or_default()) {
        Shown::Right => back(&words, &page.key.cookie(page.bridge.clock.now_ms(), page.is_secure())),
        shown => {
            tracing::warn!("somebody showed a wrong secret to the status page");
            door(&words, shown)
        }
    }
}

/// `POST /_webqq/leave`
async fn leave(State(page): State<Arc<Page>>, Query(wishes): Query<Wishes>, headers: HeaderMap) -> Response {
    back(&page.words(&wishes, &headers), &Key::no_cookie())
}

/// `GET /_webqq/qr/{token}`: a code, as long as it is on show.
async fn show_code(
    State(page): State<Arc<Page>>,
    Path(token): Path<String>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
) -> Response {
    let words = page.words(&wishes, &headers);
    match page.bridge.codes.get(&token) {
        Some(code) => answer(StatusCode::OK, html::code(&words, &code)),
        None => answer(StatusCode::NOT_FOUND, html::no_code(&words)),
    }
}

/// Asks for the secret.
fn door(words: &Words, shown: Shown) -> Response {
    let status = match shown {
        Shown::TooMany => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    };
    answer(status, html::door(words, shown == Shown::TooMany))
}

/// Sends a browser to the page, with `cookie`. The address is a relative one: a proxy may put something before it.
fn back(words: &Words, cookie: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let (Ok(to), Ok(cookie)) = (HeaderValue::from_str(&words.here("status")), HeaderValue::from_str(cookie)) {
        headers.insert(LOCATION, to);
        headers.insert(SET_COOKIE, cookie);
    }
    harden(response)
}

fn answer(status: StatusCode, page: String) -> Response {
    harden((status, Html(page)).into_response())
}

fn style() -> Response {
    harden(([(CONTENT_TYPE, "text/css")], include_str!("looks.css")).into_response())
}

fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
