//! `POST d1.web2.qq.com/channel/poll2`: held until somebody says something.
//!
//! Source: protocol dossier 7.1 to 7.4.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::admit;
use super::ask::{Ask, text_of};
use super::line::Line;
use super::render;
use super::reply::{Outcome, Refusal, http_error, json_reply, json_text, result};
use crate::sim::rules::Idle;
use crate::sim::session::{Session, SessionId};
use crate::sim::stage::{Shared, Stage};

/// One poll of one session, and its number among them.
struct Turn {
    session: SessionId,
    psessionid: String,
    number: u64,
}

/// Answers as soon as there is news for this session; as idle when there is none in time.
pub(super) async fn poll2(State(shared): State<Arc<Shared>>, ask: Ask) -> Outcome {
    let r = ask.r()?;
    let mut changes = shared.changes();
    let begun = shared.change(|stage| {
        let deadline = Instant::now() + stage.world.options.poll_hold();
        begin(stage, &ask, &r).map(|begun| begun.map(|turn| (turn, deadline)))
    })?;
    let (turn, deadline) = match begun {
        Begun::Held(begun) => begun,
        Begun::Answered(response) => return Ok(response),
    };
    let _held = Held { shared: &shared, session: turn.session };
    loop {
        changes.borrow_and_update();
        if shared.look(|stage| has_news(stage, &turn))
            && let Some(outcome) = shared.change(|stage| answer(stage, &turn, &ask.line))
        {
            return outcome;
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep_until(deadline) => break,
            () = shared.shutdown.asked() => break,
        }
    }
    Ok(shared.look(|stage| idle(stage.world.options.poll_idle)))
}

/// What came of the attempt to begin a poll.
enum Begun<T> {
    Held(T),
    Answered(Response),
}

impl<T> Begun<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Begun<U> {
        match self {
            Self::Held(value) => Begun::Held(change(value)),
            Self::Answered(response) => Begun::Answered(response),
        }
    }
}

/// Counts a poll as held until it ends, however it ends.
struct Held<'a> {
    shared: &'a Shared,
    session: SessionId,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.shared.change(|stage| {
            if let Some(session) = stage.session_mut(self.session) {
                session.held_polls = session.held_polls.saturating_sub(1);
            }
        });
    }
}

fn begin(stage: &mut Stage, ask: &Ask, r: &Value) -> Result<Begun<Turn>, Refusal> {
    let id = admit::to_poll(stage, ask, r)?;
    let insists_on_buddies = stage.world.options.buddies_first;
    let session = stage.session_mut(id).ok_or(Refusal(103))?;
    let shown = text_of(r, "ptwebqq");
    if !shown.is_empty() && shown != session.ptwebqq {
        return Ok(Begun::Answered(json_reply(&json!({"retcode": 116, "p": session.ptwebqq}))));
    }
    if insists_on_buddies && session.channel.as_ref().is_none_or(|channel| !channel.asked_for_buddies) {
        return Err(Refusal(103));
    }
    session.poll_turn += 1;
    session.held_polls += 1;
    let number = session.poll_turn;
    let psessionid = session.psessionid().unwrap_or_default().to_owned();
    stage.last_poller = Some(id);
    stage.mail.settle(stage.world.options.repeat_after_hangup);
    Ok(Begun::Held(Turn { session: id, psessionid, number }))
}

fn has_news(stage: &Stage, turn: &Turn) -> bool {
    let Some(session) = served(stage, turn) else { return true };
    let mail = stage.last_poller == Some(turn.session) && stage.mail.len() > 0;
    session.poll_turn != turn.number || session.kicked.is_some() || mail
}

/// The session of the poll, unless it ended or logged in anew since.
fn served<'a>(stage: &'a Stage, turn: &Turn) -> Option<&'a Session> {
    stage.session(turn.session).filter(|session| session.psessionid() == Some(&turn.psessionid))
}

fn answer(stage: &mut Stage, turn: &Turn, line: &Line) -> Option<Outcome> {
    let unknown = stage.world.options.unknown_session_retcode;
    let own = stage.world.account.number;
    let Some(session) = served(stage, turn) else {
        return Some(Err(Refusal(stage.forgotten.get(&turn.psessionid).copied().unwrap_or(unknown))));
    };
    if session.poll_turn != turn.number {
        return Some(Err(Refusal(stage.world.options.superseded_retcode)));
    }
    if let Some(reason) = session.kicked.clone() {
        stage.forget(turn.session, unknown);
        return Some(Ok(result(&json!([render::kick(own, &reason)]))));
    }
    if stage.last_poller != Some(turn.session) {
        return None;
    }
    let events = stage.mail.take(stage.world.options.events_per_poll);
    let mut shown = events.clone();
    if stage.world.options.shuffled {
        shown.shuffle(&mut stage.rng);
    }
    let numbers = &stage.session(turn.session)?.channel.as_ref()?.numbers;
    let items = render::items(&shown, numbers, &stage.world, &stage.people);
    if items.is_empty() {
        return None;
    }
    let reply = json!({"retcode": 0, "result": items});
    stage.mail.hand_out(events, line.clone(), json_text(&reply).len());
    Some(Ok(json_reply(&reply)))
}

fn idle(how: Idle) -> Response {
    match how {
        Idle::Retcode102 => Refusal(102).into_response(),
        Idle::Http504 => http_error(StatusCode::GATEWAY_TIMEOUT),
        Idle::Empty => result(&json!("ok")),
        Idle::Error => json_reply(&json!({"errmsg": "error!!!", "retcode": 0})),
    }
}
