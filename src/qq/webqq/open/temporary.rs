//! Opens what fellow members of a group or discussion say who are no friends: a temporary session.
//!
//! Source: protocol dossier 7.5, 7.6 (`sess_message`; in 2011 a `message` of another `msg_type`).

use serde_json::Value;

use super::said::Said;
use super::{Stop, account, number, parked, uin, unreadable};
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::Uin;
use crate::qq::webqq::roster::{Named, PlaceKind};
use crate::qq::{ChatKind, Envelope, Event, Sender};

/// Whether such a message belongs to a temporary session.
pub(super) fn is_temporary(poll_type: &str, value: &Value) -> bool {
    let of_2011 = || matches!(number(value, "msg_type"), Some(31 | 140)) && number(value, "id").is_some();
    poll_type == "sess_message" || of_2011()
}

impl WebQq {
    pub(super) async fn open_temporary_message(&self, envelope: &Envelope, value: &Value) -> Result<Event, Stop> {
        let mut said = Said::read(envelope, value)?;
        let from = said.uin("from_uin").filter(|from| *from != Uin(0) && *from != self.link.uin());
        let from = from.ok_or_else(|| Stop::from(unreadable("it names no sender")))?;
        let kind = if number(value, "service_type") == Some(1) { PlaceKind::Discussion } else { PlaceKind::Group };
        let Uin(number) = uin(value, "id").ok_or_else(|| Stop::from(unreadable("it names no place")))?;
        let epoch = envelope.epoch.as_str();
        // By most accounts `id` is the gid, by one the code. Source: protocol dossier 7.5.
        let number = self.roster.gid(number).filter(|_| kind == PlaceKind::Group).unwrap_or(number);
        self.place_chat(kind, epoch, number).await?;
        let sender = match self.roster.person(epoch, from) {
            Named::Known(contact) => Sender::Contact(contact),
            _ => match if self.is_now(epoch) { self.listed_speaker((kind, number), from).await? } else { None } {
                Some(sender) => sender,
                None => Sender::Contact(self.roster.stranger(epoch, from, "").await?),
            },
        };
        if let Some(real) = account(value, "ruin", from.0).filter(|_| self.is_now(epoch)) {
            self.roster.note_account(from, real, self.clock.now_ms()).await?;
        }
        let sender = match self.roster.person(epoch, from) {
            Named::Known(contact) => Sender::Contact(contact),
            Named::Doubtful(_) | Named::Unknown => sender,
        };
        let chat = self.roster.temporary_chat(kind, epoch, number, from);
        let chat = chat.ok_or_else(|| parked("its sender could not be kept"))?;
        said.locate(None, self.link.uin());
        Ok(said.message(chat, ChatKind::Temporary, sender, self.clock.now_ms()))
    }
}
