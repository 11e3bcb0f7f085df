//! Carries out the orders for misbehaviour, and counts the calls.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::Poll;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::poll_fn;

use super::line::Line;
use super::password;
use super::reply::{Refusal, http_error, ptui_cb};
use crate::sim::fault::{Suffering, Trouble};
use crate::sim::stage::{Shared, Stage};

/// Larger than any reply.
const REPLY_LIMIT: usize = 64 << 20;

/// Runs a call, with whatever was ordered to go wrong with it.
pub(super) async fn suffer(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let endpoint = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let now_ms = shared.clock.now_ms();
    let suffering = shared.change(|stage| {
        stage.forget_old(now_ms);
        *stage.calls.entry(endpoint.clone()).or_default() += 1;
        stage.faults.next(&endpoint)
    });
    let Some(Suffering { trouble, deliver }) = suffering else { return next.run(request).await };
    tracing::info!(endpoint, ?trouble, "misbehaving on order");
    let line = request.extensions().get::<ConnectInfo<Line>>().map(|info| info.0.clone()).unwrap_or_default();
    match trouble {
        Trouble::Retcode(retcode) => spoil(&shared, request, next, deliver, Refusal(retcode).into_response()).await,
        Trouble::Ptui(code) => {
            spoil(&shared, request, next, deliver, ptui_cb(code, "", password::words(code), "")).await
        }
        Trouble::Body(body) => spoil(&shared, request, next, deliver, body.into_response()).await,
        Trouble::Http(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            spoil(&shared, request, next, deliver, http_error(status)).await
        }
        Trouble::Redirect(to) => {
            let redirect = (StatusCode::FOUND, [(LOCATION, to)]).into_response();
            spoil(&shared, request, next, deliver, redirect).await
        }
        Trouble::DropBefore => {
            line.cut();
            StatusCode::BAD_GATEWAY.into_response()
        }
        Trouble::Drop => {
            let response = work_in_vain(&shared, request, next).await;
            line.cut();
            response
        }
        Trouble::Truncate(bytes) => truncate(work_in_vain(&shared, request, next).await, bytes, line).await,
        Trouble::Repeat => work_in_vain(&shared, request, next).await,
        Trouble::Delay(wait) => {
            shared.shutdown.unless_asked(tokio::time::sleep(wait)).await;
            next.run(request).await
        }
        Trouble::Rotate => {
            shared.change(Stage::rotate_ptwebqq);
            next.run(request).await
        }
    }
}

/// Answers `spoilt`, after the work was done if `deliver` says so.
async fn spoil(shared: &Shared, request: Request, next: Next, deliver: bool, spoilt: Response) -> Response {
    if deliver {
        work_in_vain(shared, request, next).await;
    }
    spoilt
}

/// Does the work for a reply that will not arrive whole: events of a poll go out again.
async fn work_in_vain(shared: &Shared, request: Request, next: Next) -> Response {
    let is_poll = request.uri().path().ends_with("/poll2");
    let response = next.run(request).await;
    if is_poll {
        shared.change(|stage| stage.mail.break_last());
    }
    response
}

/// Promises the whole body, sends its beginning, and cuts the connection.
async fn truncate(response: Response, bytes: Option<usize>, line: Line) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, REPLY_LIMIT).await else { return StatusCode::BAD_GATEWAY.into_response() };
    let kept = whole.slice(..bytes.unwrap_or(whole.len() / 2).min(whole.len()));
    parts.headers.insert(CONTENT_LENGTH, whole.len().into());
    Response::from_parts(parts, Body::from_stream(beginning(kept, line)))
}

/// Yields `kept`, lets it be flushed, and cuts the line before the rest.
fn beginning(kept: Bytes, line: Line) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    let mut kept = Some(kept);
    let mut flushed = false;
    poll_fn(move |cx| {
        if let Some(kept) = kept.take() {
            return Poll::Ready(Some(Ok(kept)));
        }
        if !flushed {
            flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        line.cut();
        Poll::Ready(None)
    })
}
