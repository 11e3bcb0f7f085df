//! The application-service API: what the homeserver calls on us.
//!
//! `200 {}` to a transaction means that the sink has it on disk, and nothing else does.
//! Source: Matrix specification 1.18, application service API; the paths without prefix are its older ones.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::timeout;

use super::public::Public;
use super::query::{self, KnowsUser};
use super::transaction::{Intake, NotTaken, Transaction};
use crate::base::Secret;

/// A transaction holds at most 100 events of 64 KiB, each with its past content; this leaves room for the rest.
const BODY_BYTES: usize = 64 * 1024 * 1024;

/// How long it may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_mins(1);

/// Puts a transaction on disk; `Ok` only once it is there. One call at a time. It may be given the same event again,
/// and may be dropped before its end when the homeserver hangs up: that transaction comes again, too.
pub type Sink = Arc<dyn Fn(Transaction) -> BoxFuture<'static, Result<(), SinkError>> + Send + Sync>;

/// Tells whether the bridge is ready to work, for whoever watches it.
pub type IsReady = Arc<dyn Fn() -> bool + Send + Sync>;

/// Why a transaction could not be put on disk, for the log. The homeserver will push it again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// What the homeserver finds behind our API.
#[derive(Clone)]
pub struct Appservice {
    /// What the homeserver has to show.
    pub hs_token: Secret,
    /// Where transactions go.
    pub sink: Sink,
    /// Which users exist.
    pub knows_user: KnowsUser,
    /// Whether we are ready.
    pub is_ready: IsReady,
    /// What signed addresses lead to, if there are any.
    pub public: Option<Public>,
}

/// The routes. Those under `/_matrix/mau` ask for no token.
pub fn router(appservice: Appservice) -> Router {
    let Appservice { hs_token, sink, knows_user, is_ready, public } = appservice;
    let intake = Arc::new(Intake::new(sink));
    let ready = get(move || std::future::ready(probe(is_ready())));
    under("/_matrix/app/v1", &intake, &knows_user)
        .merge(under("", &intake, &knows_user))
        .route("/_matrix/app/v1/ping", post(pong))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .route_layer(middleware::from_fn_with_state(Arc::new(hs_token), with_token))
        .route("/_matrix/mau/live", get(|| std::future::ready(probe(true))))
        .route("/_matrix/mau/ready", ready)
        .merge(public.map_or_else(Router::new, Public::router))
        .method_not_allowed_fallback(|| std::future::ready(unrecognized(StatusCode::METHOD_NOT_ALLOWED)))
        .fallback(|| std::future::ready(unrecognized(StatusCode::NOT_FOUND)))
}

/// An answer other than yes, as the specification wants it.
pub(super) fn refusal(status: StatusCode, errcode: &str, error: &str) -> Response {
    (status, Json(json!({ "errcode": errcode, "error": error }))).into_response()
}

/// Yes.
pub(super) fn done() -> Response {
    Json(json!({})).into_response()
}

fn under(prefix: &str, intake: &Arc<Intake>, knows_user: &KnowsUser) -> Router {
    let transactions = put(take).with_state(Arc::clone(intake));
    Router::new()
        .route(&format!("{prefix}/transactions/{{txn_id}}"), transactions)
        .route(&format!("{prefix}/users/{{user_id}}"), get(query::user).with_state(Arc::clone(knows_user)))
        .route(&format!("{prefix}/rooms/{{alias}}"), get(query::nothing))
        .route(&format!("{prefix}/thirdparty/{{*rest}}"), any(query::nothing))
}

/// `PUT /_matrix/app/v1/transactions/{txnId}`
async fn take(
    State(intake): State<Arc<Intake>>,
    txn_id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let Ok(Path(txn_id)) = txn_id else {
        return refusal(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", "the transaction id is not text");
    };
    let body = match timeout(BODY_PATIENCE, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(why)) => return refusal(why.status(), "M_TOO_LARGE", &why.body_text()),
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "M_UNKNOWN", "the body takes too long, push it again"),
    };
    match intake.take(&txn_id, &body).await {
        Ok(()) => done(),
        Err(why @ NotTaken::NotJson(_)) => refusal(StatusCode::BAD_REQUEST, "M_NOT_JSON", &why.to_string()),
        Err(NotTaken::Sink(why)) => {
            tracing::error!(txn_id, %why, "a transaction could not be put on disk; the homeserver will push it again");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", "not stored, push it again")
        }
    }
}

/// `POST /_matrix/app/v1/ping`
async fn pong() -> Response {
    tracing::info!("the homeserver can reach us");
    done()
}

fn probe(is_well: bool) -> Response {
    if is_well { done() } else { refusal(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", "not ready") }
}

fn unrecognized(status: StatusCode) -> Response {
    refusal(status, "M_UNRECOGNIZED", "no such endpoint")
}

/// Lets through whoever shows the `hs_token`.
async fn with_token(State(hs_token): State<Arc<Secret>>, request: Request, next: Next) -> Response {
    match shown_token(&request) {
        None => refusal(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", "no access token"),
        // Without a token of our own nobody may enter, not even with an empty one.
        Some(shown) if hs_token.is_empty() || !hs_token.matches(&shown) => {
            tracing::warn!("somebody called us with another hs_token than ours");
            refusal(StatusCode::FORBIDDEN, "M_FORBIDDEN", "wrong access token")
        }
        Some(_) => next.run(request).await,
    }
}

/// The bearer token, or the `access_token` in the query that homeservers before Matrix 1.4 sent.
fn shown_token(request: &Request) -> Option<String> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned());
    }
    let query = request.uri().query()?.as_bytes();
    url::form_urlencoded::parse(query).find(|(name, _)| name == "access_token").map(|(_, token)| token.into_owned())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use tower::ServiceExt as _;

    use super::*;

    /// What a transaction with this body is answered by somebody who takes none.
    async fn answer(body: Body) -> StatusCode {
        let appservice = Appservice {
            hs_token: Secret::new("x"),
            sink: Arc::new(|_| async { Err(SinkError("it was taken".to_owned())) }.boxed()),
            knows_user: Arc::new(|_| async { true }.boxed()),
            is_ready: Arc::new(|| true),
            public: None,
        };
        let request = Request::put("/_matrix/app/v1/transactions/1?access_token=x").body(body).unwrap();
        router(appservice).oneshot(request).await.unwrap().status()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_refused_and_taken_for_nothing() {
        let begun = stream::iter([Ok::<_, std::io::Error>("{\"events\":[")]);
        let body = Body::from_stream(begun.chain(stream::pending()));
        assert_eq!(answer(body).await, StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_transaction_beyond_the_limit_is_refused_and_taken_for_nothing() {
        let chunk = Bytes::from(vec![b' '; 1 << 20]);
        let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        assert_eq!(answer(Body::from_stream(endless)).await, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
