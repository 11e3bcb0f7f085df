//! `com.beeper.message_send_status`: how a message towards QQ does, for clients that show it beside the message.
//!
//! The form is that of the mautrix bridges (their `mss-schema.json`). A status is put into the outbox in the transaction of
//! the change that it tells of, so that a crash neither loses nor doubles it. It leaves in a lane of its own for each
//! room, one at a time over all rooms: messages do not wait for it.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::departure::{self, Act, Speaker, Target, ToChat, ToRoom};
use super::{Bridge, notice, route};
use crate::qq::AccountId;
use crate::store::{self, OutboxRow, OutboxState, Tx};

/// The type of such an event.
pub(super) const TYPE: &str = "com.beeper.message_send_status";

/// How many of the messages that wait for a login are told so.
const MOST_TOLD: u32 = 500;

/// How a message does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It waits; why, for people.
    Pending(String),
    /// QQ took it.
    Success,
    /// It did not reach QQ.
    Failed {
        /// The key of the text that tells people so.
        phrase: &'static str,
        /// What people read.
        message: String,
        /// Why, for whoever looks into it.
        error: String,
    },
}

impl Status {
    /// The content of the event that says so about `event`, marked with `key`.
    fn content(&self, event: &str, key: &str) -> Value {
        let mut content = json!({
            "m.relates_to": { "rel_type": "m.reference", "event_id": event },
            "network": "qq",
        });
        let fields = match self {
            Self::Pending(message) => json!({ "status": "PENDING", "message": message }),
            Self::Success => json!({ "status": "SUCCESS" }),
            Self::Failed { phrase, message, error } => {
                let (status, reason) = failure(phrase);
                json!({ "status": status, "reason": reason, "message": message, "error": error })
            }
        };
        if let (Some(content), Value::Object(fields)) = (content.as_object_mut(), fields) {
            content.extend(fields);
        }
        notice::mark(&mut content, key);
        content
    }
}

/// Whether another try may help, and the reason that clients know, by the text that people read.
fn failure(phrase: &str) -> (&'static str, &'static str) {
    match phrase {
        "message.too_many" => ("FAIL_RETRIABLE", "m.event_not_handled"),
        "message.uncertain" => ("FAIL_RETRIABLE", "m.foreign_network_error"),
        "message.refused" => ("FAIL_PERMANENT", "m.foreign_network_error"),
        "message.not_owner" | "message.one_way" => ("FAIL_PERMANENT", "m.no_permission"),
        "message.encrypted" => ("FAIL_PERMANENT", "com.beeper.undecryptable_event"),
        "message.dropped" => ("FAIL_PERMANENT", "m.event_not_handled"),
        _ => ("FAIL_PERMANENT", "com.beeper.unsupported_event"),
    }
}

/// Puts into the outbox that the bot marks `event` in `room` as read; gives the lane to wake.
async fn put_receipt(tx: &mut Tx, room: &str, event: &str) -> Result<String, store::Error> {
    let read = ToRoom::new(Target::Room(room.to_owned()), Speaker::Bot, Value::Null);
    let read = ToRoom { act: Some(Act::Read(event.to_owned())), ..read };
    departure::put(tx, route::lane_of_statuses(room), "", &read, &route::key(&["read", event])).await
}

impl Bridge {
    /// Puts into the outbox how `event` in `room` does, once for each `occasion`; gives the lane to wake. Nothing happens
    /// when nobody wants to know.
    pub(super) async fn put_status(
        &self,
        tx: &mut Tx,
        (room, event): (&str, &str),
        occasion: &str,
        status: &Status,
    ) -> Result<Option<String>, store::Error> {
        if !self.config.matrix.message_status_events {
            return Ok(None);
        }
        let key = route::key(&["status", event, occasion]);
        let said = ToRoom::new(Target::Room(room.to_owned()), Speaker::Bot, status.content(event, &key));
        let (lane, said) = (route::lane_of_statuses(room), ToRoom { is_status: true, ..said });
        departure::put(tx, lane, "", &said, &key).await.map(Some)
    }

    /// The same for a message of which QQ took the last part that was left, row `seq`.
    pub(super) async fn put_success(
        &self,
        tx: &mut Tx,
        to_chat: &ToChat,
        seq: i64,
    ) -> Result<Option<String>, store::Error> {
        let wants_receipts = self.config.matrix.delivery_receipts;
        if !self.config.matrix.message_status_events && !wants_receipts {
            return Ok(None);
        }
        for part in 0..to_chat.parts {
            let row = tx.departure_by_key(&route::key_to_qq(&to_chat.event, part)).await?;
            // What is forgotten was taken long ago.
            if row.is_some_and(|row| row.seq != seq && row.state != OutboxState::Sent) {
                return Ok(None);
            }
        }
        let (room, event) = (to_chat.room.as_str(), to_chat.event.as_str());
        let receipt = if wants_receipts { Some(put_receipt(tx, room, event).await?) } else { None };
        Ok(self.put_status(tx, (room, event), "taken", &Status::Success).await?.or(receipt))
    }

    /// The same for a message that was recognised when QQ handed it back.
    pub(super) async fn put_echoed(&self, tx: &mut Tx, row: &OutboxRow) -> Result<Option<String>, store::Error> {
        match departure::read::<ToChat>(row) {
            Ok(to_chat) => self.put_success(tx, &to_chat, row.seq).await,
            Err(_) => Ok(None),
        }
    }

    /// Why a new message of `author` in `lane` of `account` has to wait; `None` when it need not, or nobody wants to know.
    pub(super) async fn why_waiting(
        &self,
        tx: &mut Tx,
        (account, lane): (&AccountId, &str),
        author: &str,
    ) -> Result<Option<Status>, store::Error> {
        if !self.config.matrix.message_status_events {
            return Ok(None);
        }
        let before = tx.count_unfinished(lane).await?;
        let texts = self.texts_for(author);
        let text = match self.logins.live(account) {
            None => texts.say("status.login", &[("account", account.as_str()), ("count", &before.to_string())]),
            Some(_) if before > 0 => texts.say("status.before", &[("count", &before.to_string())]),
            Some(live) if !live.pacing.is_free() => texts.say("status.turn", &[]),
            Some(_) => return Ok(None),
        };
        Ok(Some(Status::Pending(text)))
    }
}

impl Bridge {
    /// The session `epoch` of `account` is over: puts into the outbox that what is about to leave by it waits for a login.
    /// Whoever ends a session wakes all lanes towards Matrix.
    pub(super) async fn put_waits_for_login(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        epoch: &str,
    ) -> Result<(), store::Error> {
        if !self.config.matrix.message_status_events {
            return Ok(());
        }
        let (mut before, mut told) = (HashMap::<String, u32>::new(), HashSet::new());
        let occasion = format!("lost {epoch}");
        for row in tx.unfinished(&route::lanes_of(account), MOST_TOLD).await? {
            let place = before.entry(row.lane.clone()).or_default();
            let count = std::mem::replace(place, place.saturating_add(1));
            // What may have been said waits for its echo, too, and people know that.
            let said = departure::read::<ToChat>(&row).ok().filter(|_| row.state == OutboxState::Ready);
            let Some(to_chat) = said else { continue };
            let texts = self.texts_for(&to_chat.sender);
            let text = texts.say("status.login", &[("account", account.as_str()), ("count", &count.to_string())]);
            if told.insert(to_chat.event.clone()) {
                let place = (to_chat.room.as_str(), to_chat.event.as_str());
                self.put_status(tx, place, &occasion, &Status::Pending(text)).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::convert::to_matrix::KEY_FIELD;

    #[test]
    fn a_status_has_the_form_that_clients_know() {
        let failed = |phrase| Status::Failed { phrase, message: "No.".to_owned(), error: "1".to_owned() };
        let cases = [
            (Status::Success, json!({ "status": "SUCCESS" })),
            (Status::Pending("Wait.".to_owned()), json!({ "status": "PENDING", "message": "Wait." })),
            (
                failed("message.uncertain"),
                json!({ "status": "FAIL_RETRIABLE", "reason": "m.foreign_network_error", "message": "No.", "error": "1" }),
            ),
            (
                failed("message.too_many"),
                json!({ "status": "FAIL_RETRIABLE", "reason": "m.event_not_handled", "message": "No.", "error": "1" }),
            ),
            (
                failed("message.no_media"),
                json!({ "status": "FAIL_PERMANENT", "reason": "com.beeper.unsupported_event", "message": "No.", "error": "1" }),
            ),
        ];
        for (status, mut expected) in cases {
            expected["m.relates_to"] = json!({ "rel_type": "m.reference", "event_id": "$1" });
            expected["network"] = json!("qq");
            expected[KEY_FIELD] = json!("key");
            assert_eq!(status.content("$1", "key"), expected);
        }
    }
}
