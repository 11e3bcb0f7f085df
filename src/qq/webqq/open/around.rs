//! Opens what happens around the account: who is there, who types, lists that changed.
//!
//! Source: protocol dossier 7.5, 7.6 (`buddies_status_change`, `input_notify`, `buddylist_change`).

use serde_json::Value;

use super::{Stop, text, uin, unreadable};
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::roster::Named;
use crate::qq::{Envelope, Event, Passing, Status};

impl WebQq {
    /// Somebody shows another status. Nobody gets an id for that: of strangers it is not worth knowing.
    pub(super) fn open_status(&self, envelope: &Envelope, value: &Value) -> Event {
        let (Some(who), Some(word)) = (uin(value, "uin"), text(value, "status")) else {
            return unreadable("it does not say who shows which status");
        };
        let status = match (word, word.parse::<Status>()) {
            ("offline", _) => None,
            (_, Ok(status)) => Some(status),
            _ => return Event::Unsupported { kind: "buddies_status_change with an unknown status".to_owned() },
        };
        if self.is_now(&envelope.epoch) {
            self.note_status(who, status);
        }
        match self.roster.person(&envelope.epoch, who) {
            Named::Known(contact) if who != self.link.uin() => Event::Passing(Passing::Presence { contact, status }),
            _ => Event::Quiet,
        }
    }

    /// A friend is typing.
    pub(super) fn open_typing(&self, envelope: &Envelope, value: &Value) -> Event {
        let Some(who) = uin(value, "from_uin") else { return unreadable("it does not say who is typing") };
        match (self.roster.friend_chat(&envelope.epoch, who), self.roster.person(&envelope.epoch, who)) {
            (Named::Known(chat), Named::Known(contact)) => Event::Passing(Passing::Typing { chat, contact }),
            _ => Event::Quiet,
        }
    }

    /// Friends came or went: the list is asked for again, unless it is of a login that is over.
    pub(super) async fn open_list_change(&self, envelope: &Envelope) -> Result<Event, Stop> {
        if self.is_now(&envelope.epoch) {
            self.reload_friends().await?;
        }
        Ok(Event::Quiet)
    }
}
