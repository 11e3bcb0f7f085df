//! Temporary sessions: the client speaks to a fellow member who is no friend, with a leave for just this one.
//!
//! Source: protocol dossier 9.1, 9.3.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::admit;
use super::ask::{Ask, number_of, text_of};
use super::reply::{Outcome, Refusal, result};
use super::send;
use crate::sim::chat::ChatKey;
use crate::sim::numbers::Whom;
use crate::sim::session::SessionId;
use crate::sim::stage::{Shared, Stage};
use crate::sim::token;

/// A number that stands for nobody, or a leave that is for somebody else.
const BAD_TARGET: Refusal = Refusal(100_001);

/// `GET d1.web2.qq.com/channel/get_c2cmsg_sig2`: the leave, 96 hexadecimal digits.
pub(super) async fn get_c2cmsg_sig2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        let channel = stage.session(id).and_then(|session| session.channel.as_ref()).ok_or(BAD_TARGET)?;
        let whom = |field: &str| ask.field(field).parse().ok().and_then(|number| channel.numbers.whom(number)).cloned();
        let via = match (whom("id"), ask.field("service_type")) {
            (Some(Whom::Group(name)), "0") => ChatKey::Group(name),
            (Some(Whom::Discussion(name)), "1") => ChatKey::Discussion(name),
            _ => return Err(BAD_TARGET),
        };
        let Some(Whom::Person(name)) = whom("to_uin") else { return Err(BAD_TARGET) };
        let chat = ChatKey::Temporary { name, via: Box::new(via) };
        if !chat.exists_in(&stage.world) {
            return Err(BAD_TARGET);
        }
        let leave = token::hex(&mut stage.rng, 48);
        let session = stage.session_mut(id).ok_or(BAD_TARGET)?;
        session.leaves.insert(leave.clone(), chat);
        let flags = json!({"text": 1, "pic": 1, "file": 1, "audio": 1, "video": 1});
        Ok(result(&json!({"type": 0, "value": leave, "flags": flags})))
    })
}

/// `POST d1.web2.qq.com/channel/send_sess_msg2`.
pub(super) async fn send_sess_msg2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    let r = ask.r()?;
    let now_ms = shared.clock.now_ms();
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &r)?;
        let chat = permitted(stage, id, &r).ok_or(BAD_TARGET)?;
        send::accept(stage, id, chat, (&r, now_ms))
    })
}

/// The chat that the call's leave is for, if it is for the one whom the call names.
fn permitted(stage: &Stage, id: SessionId, r: &Value) -> Option<ChatKey> {
    let session = stage.session(id)?;
    let chat = session.leaves.get(&text_of(r, "group_sig"))?;
    let ChatKey::Temporary { name, via } = chat else { return None };
    let service_type = if matches!(**via, ChatKey::Group(_)) { "0" } else { "1" };
    let numbers = &session.channel.as_ref()?.numbers;
    let same = numbers.person(name) == number_of(r, "to") && text_of(r, "service_type") == service_type;
    (same && chat.exists_in(&stage.world)).then(|| chat.clone())
}
