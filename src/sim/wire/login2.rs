//! Tickets and state of a session: getvfwebqq, login2, online buddies, status, logout.
//!
//! Source: protocol dossier 5.

use std::sync::Arc;

use axum::extract::State;
use rand::Rng as _;
use serde_json::{Value, json};

use super::admit;
use super::ask::{Ask, text_of};
use super::reply::{Outcome, Refusal, result};
use crate::sim::session::{Session, SessionId};
use crate::sim::stage::{Shared, Stage};
use crate::sim::token;

/// A ptwebqq that nobody was given.
const BAD_TICKET: Refusal = Refusal(100_000);

/// `GET s.web2.qq.com/api/getvfwebqq`: the ticket for the lists.
pub(super) async fn getvfwebqq(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        if stage.world.options.check_headers && !ask.has_referer() {
            return Err(Refusal(103));
        }
        let id = by_ptwebqq(stage, &ask, ask.field("ptwebqq"))?;
        let fresh = token::hex(&mut stage.rng, 40);
        let session = stage.session_mut(id).ok_or(BAD_TICKET)?;
        let vfwebqq = session.vfwebqq.get_or_insert(fresh);
        Ok(result(&json!({"vfwebqq": vfwebqq})))
    })
}

/// `POST d1.web2.qq.com/channel/login2`: a new channel with new numbers, or the old one again when its psessionid is shown.
pub(super) async fn login2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    let r = ask.r()?;
    let now_ms = shared.clock.now_ms();
    shared.change(|stage| {
        if stage.world.options.check_headers && !ask.has_referer() {
            return Err(Refusal(103));
        }
        let id = by_ptwebqq(stage, &ask, &text_of(&r, "ptwebqq"))?;
        let status = [text_of(&r, "status"), text_of(&r, "state")].into_iter().find(|status| !status.is_empty());
        let status = status.unwrap_or_else(|| "online".to_owned());
        let old = text_of(&r, "psessionid");
        if old.is_empty() {
            // What the service did about the clientid of another era is not known; 122 is a guess.
            if r.get("clientid").is_some_and(Value::is_number) == stage.world.options.era.is_old() {
                return Err(Refusal(122));
            }
            log_in(stage, id, text_of(&r, "clientid"), status, now_ms)
        } else {
            relink(stage, id, &old, status)
        }
    })
}

fn log_in(stage: &mut Stage, id: SessionId, clientid: String, status: String, now_ms: i64) -> Outcome {
    let Stage { world, people, rng, sessions, .. } = stage;
    let session = sessions.iter_mut().find(|session| session.id == id).ok_or(BAD_TICKET)?;
    let ticket = session.open_channel(rng, world, people, clientid, status);
    session.logged_in_at_ms = now_ms;
    if world.options.era.is_old() {
        session.vfwebqq = Some(ticket.clone());
    }
    let reply = logged_in(session, world.account.number, &ticket, rng.random());
    stage.current = Some(id);
    stage.logins += 1;
    tracing::info!(logins = stage.logins, "a client logged in");
    Ok(reply)
}

/// Source: protocol dossier 5.3. The numbers stay.
fn relink(stage: &mut Stage, id: SessionId, psessionid: &str, status: String) -> Outcome {
    let (number, cip) = (stage.world.account.number, stage.rng.random());
    let ticket = token::hex(&mut stage.rng, 40);
    let session = stage.session_mut(id).ok_or(BAD_TICKET)?;
    let channel = session.channel.as_mut().filter(|channel| channel.psessionid == psessionid).ok_or(Refusal(103))?;
    channel.status = status;
    Ok(logged_in(session, number, &ticket, cip))
}

fn logged_in(session: &Session, number: u32, ticket: &str, cip: u32) -> axum::response::Response {
    let channel = session.channel.as_ref();
    result(&json!({
        "uin": number,
        "cip": cip,
        "index": 1075,
        "port": 56611,
        "status": channel.map(|channel| &channel.status),
        "vfwebqq": ticket,
        "psessionid": channel.map(|channel| &channel.psessionid),
        "user_state": 0,
        "f": 0,
    }))
}

/// The session of a ptwebqq. Accounts without one were known by skey. Source: protocol dossier 3.5.
fn by_ptwebqq(stage: &Stage, ask: &Ask, ptwebqq: &str) -> Result<SessionId, Refusal> {
    let skey = ask.cookie("skey");
    let session = stage.sessions.iter().find(|session| match ptwebqq {
        "" => session.skey == skey,
        shown => session.ptwebqq == shown,
    });
    session.filter(|session| session.kicked.is_none()).map(|session| session.id).ok_or(BAD_TICKET)
}

/// `GET d1.web2.qq.com/channel/get_online_buddies2`: who is online; polling works only after it.
pub(super) async fn get_online_buddies2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let (session, channel) = admit::to_channel_lists(stage, &ask, &Value::Null)?;
        let (id, numbers) = (session.id, &channel.numbers);
        let online = stage.world.friends.iter().filter(|friend| friend.online);
        let buddies: Vec<Value> = online
            .filter_map(|friend| numbers.person(&friend.name))
            .map(|uin| json!({"uin": uin, "status": "online", "client_type": 1}))
            .collect();
        if let Some(channel) = stage.session_mut(id).and_then(|session| session.channel.as_mut()) {
            channel.asked_for_buddies = true;
        }
        Ok(result(&Value::Array(buddies)))
    })
}

/// `GET d1.web2.qq.com/channel/change_status2`.
pub(super) async fn change_status2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        if let Some(channel) = stage.session_mut(id).and_then(|session| session.channel.as_mut()) {
            ask.field("newstatus").clone_into(&mut channel.status);
        }
        Ok(result(&json!("ok")))
    })
}

/// `GET d1.web2.qq.com/channel/logout2`: the session and all its tickets end.
pub(super) async fn logout2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    shared.change(|stage| {
        let id = admit::to_channel(stage, &ask, &Value::Null)?;
        let retcode = stage.world.options.unknown_session_retcode;
        stage.forget(id, retcode);
        Ok(result(&json!("ok")))
    })
}
