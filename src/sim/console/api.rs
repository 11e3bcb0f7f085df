//! The JSON API of the console; `docs/simulator.md` describes it.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::sim::act::Act;
use crate::sim::face;
use crate::sim::handle::{Handle, Refused};
use crate::sim::world::World;

/// The longest that `/api/heard` waits.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// What a kicked client is told. Source: protocol dossier 7.6.
const KICKED: &str = "您的帐号在另一地点登录，您已被迫下线。如有疑问，请登录 safe.qq.com 了解更多。";

/// A call that was refused: a status, and a reason for people.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    reason: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.reason}))).into_response()
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        let status = match &refused {
            Refused::UnknownChat(_)
            | Refused::NotInChat { .. }
            | Refused::UnknownPlaceholder(_)
            | Refused::UnknownPicture(_) => StatusCode::NOT_FOUND,
            Refused::QrState { .. } | Refused::NobodyLoggedIn => StatusCode::CONFLICT,
            Refused::Impossible(_) | Refused::NothingSaid | Refused::BadFault(_) | Refused::BadRules(_) => {
                StatusCode::BAD_REQUEST
            }
        };
        Self::new(status, refused.to_string())
    }
}

/// GET /api/world
pub(super) async fn world(State(handle): State<Handle>) -> Json<World> {
    Json(handle.world())
}

/// GET /api/rules
pub(super) async fn rules(State(handle): State<Handle>) -> Response {
    Json(handle.world().options).into_response()
}

/// POST /api/rules
pub(super) async fn change_rules(State(handle): State<Handle>, body: Bytes) -> Result<Response, Fault> {
    Ok(Json(handle.change_rules(read(&body)?)?).into_response())
}

/// GET /api/faces
pub(super) async fn faces() -> Response {
    Json(face::named().collect::<Vec<_>>()).into_response()
}

/// GET /api/session
pub(super) async fn session(State(handle): State<Handle>) -> Response {
    Json(handle.session()).into_response()
}

/// GET /api/qr
pub(super) async fn qr(State(handle): State<Handle>) -> Json<Value> {
    Json(qr_view(&handle))
}

/// The state of the newest code, and which one it is.
pub(super) fn qr_view(handle: &Handle) -> Value {
    json!({"state": handle.qr(), "code": handle.qr_codes()})
}

/// GET /api/qr.png
pub(super) async fn qr_png(State(handle): State<Handle>) -> Result<Response, Fault> {
    let picture =
        handle.qr_png().ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "no client has asked for a QR code"))?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "no-store")], picture).into_response())
}

/// GET /api/captcha
pub(super) async fn captcha(State(handle): State<Handle>) -> Json<Value> {
    Json(captcha_view(&handle))
}

/// What is in the newest captcha.
pub(super) fn captcha_view(handle: &Handle) -> Value {
    json!({"text": handle.captcha()})
}

/// GET /api/captcha.png
pub(super) async fn captcha_png(State(handle): State<Handle>) -> Result<Response, Fault> {
    let picture =
        handle.captcha_png().ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "no client was shown a captcha"))?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "no-store")], picture).into_response())
}

/// POST /api/qr/scan
pub(super) async fn scan(State(handle): State<Handle>) -> Result<Json<Value>, Fault> {
    handle.scan()?;
    Ok(Json(qr_view(&handle)))
}

/// POST /api/qr/confirm
pub(super) async fn confirm(State(handle): State<Handle>) -> Result<Json<Value>, Fault> {
    handle.confirm()?;
    Ok(Json(qr_view(&handle)))
}

/// POST /api/qr/reject
pub(super) async fn reject(State(handle): State<Handle>) -> Result<Json<Value>, Fault> {
    handle.reject()?;
    Ok(Json(qr_view(&handle)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    chat: String,
    r#as: String,
    text: Option<String>,
    content: Option<Vec<Value>>,
}

/// POST /api/say
pub(super) async fn say(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Fault> {
    let Say { chat, r#as: speaker, text, content } = read(&body)?;
    let msg_id = match (content, text) {
        (Some(_), Some(_)) => return Err(Fault::new(StatusCode::BAD_REQUEST, "give a text or a content, not both")),
        (Some(content), None) => handle.say_content(&chat, &speaker, content)?,
        (None, text) => handle.say(&chat, &speaker, &text.unwrap_or_default())?,
    };
    Ok(Json(json!({"msg_id": msg_id})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_ms: u64,
}

/// POST /api/act
pub(super) async fn act(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Fault> {
    let act: Act = read(&body)?;
    handle.act(&act)?;
    Ok(done())
}

/// GET /api/asked
pub(super) async fn asked(State(handle): State<Handle>) -> Response {
    Json(handle.asked()).into_response()
}

/// GET /api/heard
pub(super) async fn heard(
    State(handle): State<Handle>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Fault> {
    let Query(since) = since.map_err(|why| Fault::new(StatusCode::BAD_REQUEST, why.body_text()))?;
    let seen = usize::try_from(since.after).unwrap_or(usize::MAX);
    let wait = Duration::from_millis(since.wait_ms).min(LONGEST_WAIT);
    let news = handle.wait_for(|stage| (stage.heard.len() > seen).then_some(()));
    tokio::select! {
        biased;
        () = news => {}
        () = tokio::time::sleep(wait) => {}
        () = handle.shared.shutdown.asked() => {}
    }
    Ok(Json(handle.heard(since.after)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    items: Vec<Value>,
}

/// POST /api/push
pub(super) async fn push(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Fault> {
    let Push { items } = read(&body)?;
    if items.is_empty() {
        return Err(Refused::NothingSaid.into());
    }
    handle.push(items)?;
    Ok(done())
}

/// POST /api/fault
pub(super) async fn fault(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Fault> {
    handle.fault(read(&body)?);
    Ok(done())
}

/// DELETE /api/fault
pub(super) async fn clear_faults(State(handle): State<Handle>) -> Json<Value> {
    handle.clear_faults();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kick {
    reason: Option<String>,
}

/// POST /api/kick
pub(super) async fn kick(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Fault> {
    let Kick { reason } = read(&body)?;
    handle.kick(reason.as_deref().unwrap_or(KICKED))?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    retcode: Option<i64>,
}

/// POST /api/expire
pub(super) async fn expire(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Fault> {
    let Expire { retcode } = read(&body)?;
    handle.expire(retcode.unwrap_or(103))?;
    Ok(done())
}

/// For every other path.
pub(super) async fn nowhere() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "there is no such path")
}

pub(super) fn done() -> Json<Value> {
    Json(json!({"ok": true}))
}

/// A body as JSON, whatever its content type says; an empty one is an empty object.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|why| Fault::new(StatusCode::BAD_REQUEST, why.to_string()))
}
