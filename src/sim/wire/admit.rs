//! Who may make a call: the tickets and headers that the service insisted on.
//!
//! Source: protocol dossier 2.2, 2.3, 15.7.

use serde_json::Value;

use super::ask::{Ask, text_of};
use super::reply::Refusal;
use crate::sim::session::{Channel, Session, SessionId};
use crate::sim::stage::Stage;

/// No cookies or no browser.
const STRANGER: Refusal = Refusal(100_101);
/// A ticket that nobody was given.
const BAD_TICKET: Refusal = Refusal(100_000);
/// Not logged in.
const NOT_LOGGED_IN: Refusal = Refusal(103);

/// A call that shows its cookies alone.
pub(super) fn by_cookie(stage: &Stage, ask: &Ask) -> Result<SessionId, Refusal> {
    if stage.world.options.check_headers && !(ask.has_cookies() && ask.has_user_agent() && ask.has_referer()) {
        return Err(STRANGER);
    }
    let skey = ask.cookie("skey");
    stage.sessions.iter().find(|session| session.skey == skey).map(|session| session.id).ok_or(BAD_TICKET)
}

/// A list call: cookies and vfwebqq of one session.
pub(super) fn to_lists<'a>(stage: &'a Stage, ask: &Ask, vfwebqq: &str) -> Result<(&'a Session, &'a Channel), Refusal> {
    let id = if stage.world.options.check_headers {
        by_cookie(stage, ask)?
    } else {
        let session = stage.sessions.iter().find(|session| session.vfwebqq.as_deref() == Some(vfwebqq));
        session.map(|session| session.id).ok_or(BAD_TICKET)?
    };
    let session = stage.session(id).filter(|session| session.kicked.is_none()).ok_or(NOT_LOGGED_IN)?;
    if session.vfwebqq.as_deref() != Some(vfwebqq) {
        return Err(BAD_TICKET);
    }
    let channel = session.channel.as_ref().ok_or(Refusal(6))?;
    Ok((session, channel))
}

/// A channel call by `psessionid` and `clientid`, wherever they were written. Kicked sessions are let through.
pub(super) fn to_poll(stage: &Stage, ask: &Ask, r: &Value) -> Result<SessionId, Refusal> {
    let from = |name| {
        let text = text_of(r, name);
        if text.is_empty() { ask.field(name).to_owned() } else { text }
    };
    let psessionid = from("psessionid");
    if stage.world.options.check_headers && !ask.has_referer() {
        return Err(NOT_LOGGED_IN);
    }
    let unknown = stage.forgotten.get(&psessionid).copied().unwrap_or(stage.world.options.unknown_session_retcode);
    let session = stage.sessions.iter().find(|session| session.psessionid() == Some(&psessionid));
    let session = session.ok_or(Refusal(unknown))?;
    if session.channel.as_ref().is_none_or(|channel| channel.clientid != from("clientid")) {
        return Err(NOT_LOGGED_IN);
    }
    Ok(session.id)
}

/// A channel call of a session that was not kicked.
pub(super) fn to_channel(stage: &Stage, ask: &Ask, r: &Value) -> Result<SessionId, Refusal> {
    let id = to_poll(stage, ask, r)?;
    if stage.session(id).is_some_and(|session| session.kicked.is_some()) {
        return Err(NOT_LOGGED_IN);
    }
    Ok(id)
}

/// A channel call that shows the list ticket as well.
pub(super) fn to_channel_lists<'a>(
    stage: &'a Stage,
    ask: &Ask,
    r: &Value,
) -> Result<(&'a Session, &'a Channel), Refusal> {
    let id = to_channel(stage, ask, r)?;
    let shown = text_of(r, "vfwebqq");
    let shown = if shown.is_empty() { ask.field("vfwebqq") } else { &shown };
    let session = stage.session(id).filter(|session| session.vfwebqq.as_deref() == Some(shown)).ok_or(BAD_TICKET)?;
    session.channel.as_ref().map(|channel| (session, channel)).ok_or(NOT_LOGGED_IN)
}
