//! `POST d1.web2.qq.com/channel/send_…_msg2`: the client says something.
//!
//! Source: protocol dossier 9.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::admit;
use super::ask::{Ask, number_of, text_of};
use super::reply::{Outcome, Refusal, json_reply};
use crate::sim::album;
use crate::sim::chat::ChatKey;
use crate::sim::content;
use crate::sim::numbers::Whom;
use crate::sim::session::SessionId;
use crate::sim::stage::{Shared, Stage};

/// A number that stands for nobody, or for somebody of another kind.
const BAD_TARGET: Refusal = Refusal(100_001);
/// Content that is not JSON within JSON with the font last.
const MALFORMED: Refusal = Refusal(100_006);

/// To a friend, by uin.
pub(super) async fn send_buddy_msg2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    send(&shared, &ask, "to")
}

/// To a group, by gid.
pub(super) async fn send_qun_msg2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    send(&shared, &ask, "group_uin")
}

/// To a discussion, by did.
pub(super) async fn send_discu_msg2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    send(&shared, &ask, "did")
}

fn send(shared: &Shared, ask: &Ask, target: &str) -> Outcome {
    let r = ask.r()?;
    let now_ms = shared.clock.now_ms();
    shared.change(|stage| {
        let id = admit::to_channel(stage, ask, &r)?;
        let channel = stage.session(id).and_then(|session| session.channel.as_ref()).ok_or(BAD_TARGET)?;
        let whom = number_of(&r, target).and_then(|number| channel.numbers.whom(number)).ok_or(BAD_TARGET)?;
        let chat = addressed(stage, target, whom).ok_or(BAD_TARGET)?;
        accept(stage, id, chat, (&r, now_ms))
    })
}

/// Takes what the client says in `chat`, or loses it without telling.
pub(super) fn accept(stage: &mut Stage, id: SessionId, chat: ChatKey, (r, now_ms): (&Value, i64)) -> Outcome {
    let content = r.get("content").and_then(content::from_client).ok_or(MALFORMED)?;
    if !stage.album.has_all(&content) || !shows_ticket(stage, id, r, (&chat, &content)) {
        return Err(MALFORMED);
    }
    let msg_id = text_of(r, "msg_id").parse().unwrap_or_default();
    match stage.lose(&content, now_ms) {
        Some(why) => tracing::info!(?why, lost = stage.dropped, "a message reaches nobody"),
        None => stage.hear(chat, content, msg_id, now_ms),
    }
    let is_old = stage.world.options.era.is_old();
    let accepted = if is_old { json!({"retcode": 0, "result": "ok"}) } else { json!({"errCode": 0, "msg": "send ok"}) };
    Ok(json_reply(&accepted))
}

/// Whether a message with a picture for a group shows what `get_gface_sig2` gave, and the group's code. Which code its
/// lack was answered with is not known: a guess.
fn shows_ticket(stage: &Stage, id: SessionId, r: &Value, (chat, content): (&ChatKey, &[Value])) -> bool {
    if !content.iter().any(album::is_group_picture) {
        return true;
    }
    let Some(session) = stage.session(id) else { return false };
    let shown = (text_of(r, "key"), text_of(r, "sig"));
    let is_code = || {
        let code = number_of(r, "group_code").and_then(|code| session.channel.as_ref()?.numbers.whom(code));
        matches!((code, chat), (Some(Whom::Code(name)), ChatKey::Group(group)) if name == group)
    };
    session.gface.as_ref() == Some(&shown) && (matches!(chat, ChatKey::Discussion(_)) || is_code())
}

/// The chat that `whom` is, if the field `target` may name such a one.
fn addressed(stage: &Stage, target: &str, whom: &Whom) -> Option<ChatKey> {
    let chat = match (target, whom) {
        ("to", Whom::Person(name)) => ChatKey::Friend(name.clone()),
        ("group_uin", Whom::Group(name)) => ChatKey::Group(name.clone()),
        ("did", Whom::Discussion(name)) => ChatKey::Discussion(name.clone()),
        _ => return None,
    };
    chat.exists_in(&stage.world).then_some(chat)
}
