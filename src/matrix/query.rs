//! `GET /_matrix/app/v1/users/{userId}` and its like: does this exist on our side?

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::BoxFuture;
use matrix_sdk::ruma::{OwnedUserId, UserId};

use super::server::{done, refusal};

/// Tells whether a user of ours exists, and makes the homeserver know them before it says yes.
pub type KnowsUser = Arc<dyn Fn(OwnedUserId) -> BoxFuture<'static, bool> + Send + Sync>;

pub(super) async fn user(
    State(knows_user): State<KnowsUser>,
    user_id: Result<Path<String>, PathRejection>,
) -> Response {
    // A path that is not text names nobody.
    let is_known = match user_id.map(|Path(user_id)| UserId::parse(user_id)) {
        Ok(Ok(user_id)) => knows_user(user_id).await,
        _ => false,
    };
    if is_known { done() } else { nothing().await }
}

/// Room aliases and third-party networks: we have none.
pub(super) async fn nothing() -> Response {
    refusal(StatusCode::NOT_FOUND, "M_NOT_FOUND", "not here")
}
