//! Files that friends offer to the account, and files that it offers to them.
//!
//! Source: protocol dossier 10.3, 10.4.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::admit;
use super::ask::{Ask, number_of, text_of};
use super::picture::served;
use super::reply::{Outcome, Refusal, html, not_found, result};
use super::upload;
use crate::sim::album;
use crate::sim::chat::ChatKey;
use crate::sim::numbers::Whom;
use crate::sim::session::SessionId;
use crate::sim::stage::{Shared, Stage};

/// The official page sent no larger files.
const LARGEST: usize = 10 << 20;
/// A file that is not there, or not any more.
const GONE: Refusal = Refusal(102);
/// A number that stands for nobody.
const BAD_TARGET: Refusal = Refusal(100_001);

/// `GET d1.web2.qq.com/channel/get_file2`: redirects to the server that passes the file on.
pub(super) async fn get_file2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.look(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        let (lcid, peer) = (ask.field("lcid"), ask.field("to"));
        let kept = stage.album.by_key(&album::direct_key(lcid)).filter(|kept| kept.name == ask.field("guid"));
        let kept = kept.filter(|_| person(stage, id, peer.parse().ok()).is_some()).ok_or(GONE)?;
        let own = stage.world.account.number;
        let to = format!(
            "http://file1.web.qq.com/v2/{own}/{peer}/{lcid}/1075/33946/0/0/1/f/16970/{}?psessionid={}",
            kept.name,
            ask.field("psessionid")
        );
        let mut response = (StatusCode::FOUND, html(String::new())).into_response();
        // The real one wrote the name as it is, too.
        if let Ok(to) = HeaderValue::from_bytes(to.as_bytes()) {
            response.headers_mut().insert(LOCATION, to);
        }
        Ok(response)
    })
}

/// `GET file1.web.qq.com/v2/<own>/<peer>/<lcid>/…`: the file itself.
pub(super) async fn pass_on(
    State(shared): State<Arc<Shared>>,
    Path((_, _, lcid, _)): Path<(String, String, String, String)>,
) -> Response {
    match shared.look(|stage| stage.album.by_key(&album::direct_key(&lcid)).cloned()) {
        Some(kept) => served(&kept),
        None => not_found().await,
    }
}

/// `GET d1.web2.qq.com/channel/refuse_file2`: the friend's client lets go of the file.
pub(super) async fn refuse_file2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        person(stage, id, ask.field("to").parse().ok()).ok_or(BAD_TARGET)?;
        stage.album.let_go(|kept| kept.key == album::direct_key(ask.field("lcid")));
        Ok(result(&json!("ok")))
    })
}

/// `GET d1.web2.qq.com/channel/notify_offfile2`: the server lets go of the file, when the action is 2.
pub(super) async fn notify_offfile2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        person(stage, id, ask.field("to").parse().ok()).ok_or(BAD_TARGET)?;
        if ask.field("action") == "2" {
            let size = ask.field("file_size").parse().unwrap_or(usize::MAX);
            stage.album.let_go(|kept| kept.name == ask.field("file_name") && kept.bytes.len() == size);
        }
        Ok(result(&json!("ok")))
    })
}

/// `POST weboffline.ftn.qq.com/ftn_access/upload_offline_file`.
pub(super) async fn upload_offline_file(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    upload::offline(&shared, request, LARGEST, "parent.EQQ.Model.ChatMsg.callbackSendOffFile").await
}

/// `POST d1.web2.qq.com/channel/send_offfile2`: a friend gets a file that was brought here.
pub(super) async fn send_offfile2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    let r = ask.r()?;
    let now_ms = shared.clock.now_ms();
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &r)?;
        let friend = person(stage, id, number_of(&r, "to")).ok_or(BAD_TARGET)?;
        let (path, name) = (text_of(&r, "file_path"), text_of(&r, "filename"));
        if stage.album.by_key(&path).is_none() {
            return Err(GONE);
        }
        stage.hear(ChatKey::Friend(friend), vec![json!(["offfile", path, name])], 0, now_ms);
        Ok(result(&json!("ok")))
    })
}

/// The person that `number` stands for in the login `id`.
fn person(stage: &Stage, id: SessionId, number: Option<u32>) -> Option<String> {
    match stage.session(id)?.channel.as_ref()?.numbers.whom(number?)? {
        Whom::Person(name) => Some(name.clone()),
        _ => None,
    }
}
