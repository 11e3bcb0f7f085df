//! Pictures and files in the console's API.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Fault, done};
use crate::sim::handle::Handle;

#[derive(Deserialize)]
pub(super) struct Picture {
    chat: String,
    r#as: String,
    name: Option<String>,
}

/// POST /api/picture: the world's picture `name`, or the body.
pub(super) async fn send_picture(
    State(handle): State<Handle>,
    picture: Result<Query<Picture>, QueryRejection>,
    body: Bytes,
) -> Result<Json<Value>, Fault> {
    let Query(Picture { chat, r#as: speaker, name }) = picture.map_err(unclear)?;
    let msg_id = match name {
        Some(name) if body.is_empty() => handle.send_picture(&chat, &speaker, &name)?,
        _ if body.is_empty() => return Err(Fault::new(StatusCode::BAD_REQUEST, "give a name or the picture itself")),
        _ => handle.send_picture_bytes(&chat, &speaker, body)?,
    };
    Ok(Json(json!({"msg_id": msg_id})))
}

#[derive(Deserialize)]
pub(super) struct File {
    friend: String,
    name: String,
    #[serde(default)]
    direct: bool,
}

/// POST /api/file: the world's file `name`, or the body under that name.
pub(super) async fn send_file(
    State(handle): State<Handle>,
    file: Result<Query<File>, QueryRejection>,
    body: Bytes,
) -> Result<Json<Value>, Fault> {
    let Query(File { friend, name, direct }) = file.map_err(unclear)?;
    let known = || handle.world().files.into_iter().find(|file| file.name == name).map(|file| Bytes::from(file.text));
    let bytes = Some(body).filter(|body| !body.is_empty()).or_else(known);
    let bytes = bytes.ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "this world has no such file"))?;
    if direct {
        handle.offer_file(&friend, &name, bytes)?;
    } else {
        handle.leave_file(&friend, &name, bytes)?;
    }
    Ok(done())
}

#[derive(Deserialize)]
pub(super) struct Key {
    key: String,
}

/// GET /api/media: what is kept under `key`.
pub(super) async fn show(
    State(handle): State<Handle>,
    key: Result<Query<Key>, QueryRejection>,
) -> Result<Response, Fault> {
    let Query(Key { key }) = key.map_err(unclear)?;
    let (kind, bytes) =
        handle.kept(&key).ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "that is not kept, or not any more"))?;
    let headers = [
        (CONTENT_TYPE, kind),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, bytes).into_response())
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn unclear(why: QueryRejection) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, why.body_text())
}
