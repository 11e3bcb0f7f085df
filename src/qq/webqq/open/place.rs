//! Opens what is said in groups and discussions.
//!
//! Source: protocol dossier 7.5 and 7.6 (`group_message`, `discu_message`), 9.4 (echoes of own messages).

use serde_json::Value;

use super::said::Said;
use super::{Stop, forgotten_login, in_doubt, text, uin, unreadable};
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::Uin;
use crate::qq::webqq::roster::{Named, PlaceKind};
use crate::qq::webqq::web_message;
use crate::qq::{ChatId, Envelope, Error, Event, Piece, Sender};

impl WebQq {
    pub(super) async fn open_place_message(
        &self,
        kind: PlaceKind,
        envelope: &Envelope,
        value: &Value,
    ) -> Result<Event, Stop> {
        self.place_message(kind, Said::read(envelope, value)?).await
    }

    /// A shared file, an invitation and the like: XML that a member's client made.
    pub(super) async fn open_web_message(&self, envelope: &Envelope, value: &Value) -> Result<Event, Stop> {
        let read = text(value, "xml").and_then(web_message::read);
        let piece = read.map_or_else(|| Piece::Unsupported { label: "[网页消息]".to_owned() }, Piece::Text);
        let said = Said { envelope, value, pieces: vec![piece] };
        let mut event = self.place_message(PlaceKind::Group, said).await?;
        // Whom nobody knows is the group itself: it is no echo, since nobody sends these through us.
        if let Event::Message(message) = &mut event
            && message.sender == Sender::Me
            && uin(value, "send_uin") != Some(self.link.uin())
        {
            message.sender = Sender::System;
        }
        Ok(event)
    }

    async fn place_message(&self, kind: PlaceKind, mut said: Said<'_>) -> Result<Event, Stop> {
        // Old servers send 10000 as the sender of every discussion. Source: protocol dossier 14 row 14.
        let number = match kind {
            PlaceKind::Group => said.uin("from_uin"),
            PlaceKind::Discussion => said.uin("did").or_else(|| said.uin("from_uin")),
        };
        let Uin(number) = number.ok_or_else(|| Stop::from(unreadable("it names no chat")))?;
        let real = said.group_number(number).filter(|_| kind == PlaceKind::Group && self.is_now(&said.envelope.epoch));
        if let Some(real) = real {
            self.look_up_place(kind, number).await?;
            self.roster.note_group_number(number, real, self.clock.now_ms()).await?;
        }
        let chat = self.place_chat(kind, &said.envelope.epoch, number).await?;
        let sender = match said.uin("send_uin") {
            None => Sender::System,
            Some(uin) => self.speaker((kind, number), uin, &said).await?,
        };
        self.recognise_called((kind, number), &mut said).await?;
        said.locate(Some((kind, number)), self.link.uin());
        Ok(said.message(chat, kind.into(), sender, self.clock.now_ms()))
    }

    /// Finds out what a number of this login is; seen from within before anything is shown of it.
    pub(super) async fn look_up_place(&self, kind: PlaceKind, number: u64) -> Result<(), Error> {
        let named = || self.roster.place_chat(kind, self.link.epoch(), number);
        if named() == Named::Unknown {
            self.refresh_places(kind, number).await?;
        }
        if named() == Named::Unknown {
            self.roster.stray_place(kind, number).await?;
        }
        if matches!(named(), Named::Known(_)) && !self.roster.is_checked(kind, number) {
            self.members_of(kind, number).await?;
        }
        Ok(())
    }

    /// The chat of a group or discussion.
    pub(super) async fn place_chat(&self, kind: PlaceKind, epoch: &str, number: u64) -> Result<ChatId, Stop> {
        if self.is_now(epoch) {
            self.look_up_place(kind, number).await?;
        }
        match self.roster.place_chat(kind, epoch, number) {
            Named::Known(chat) => Ok(chat),
            Named::Doubtful(number) => Err(in_doubt(number)),
            Named::Unknown => Err(forgotten_login()),
        }
    }

    /// Who says it. An unknown number that stays unknown is QQ itself or, most often, the account's own echo.
    async fn speaker(&self, place: (PlaceKind, u64), uin: Uin, said: &Said<'_>) -> Result<Sender, Error> {
        let epoch = said.envelope.epoch.as_str();
        if uin == self.link.uin() {
            return Ok(Sender::Me);
        }
        if let Named::Known(contact) = self.roster.person(epoch, uin) {
            // Whoever has no name has been in no list.
            let is_nobody = self.roster.contact(&contact).is_none_or(|known| known.nick.is_empty());
            return Ok(if is_nobody { Sender::Unclear(contact) } else { Sender::Contact(contact) });
        }
        if self.is_now(epoch) {
            if let Some(contact) = self.listed_speaker(place, uin).await? {
                return Ok(contact);
            }
        } else if !said.is_notice() {
            // Nobody can be asked about an earlier login any more.
            return self.roster.stranger(epoch, uin, "").await.map(Sender::Unclear);
        }
        Ok(if said.is_notice() { Sender::System } else { Sender::Me })
    }

    /// The member `uin` of a place. `None` when QQ lists the members and this is none of them.
    pub(super) async fn listed_speaker(
        &self,
        (kind, number): (PlaceKind, u64),
        uin: Uin,
    ) -> Result<Option<Sender>, Error> {
        if !self.name_member(kind, number, uin).await? {
            return self.roster.stranger(self.link.epoch(), uin, "").await.map(Sender::Unclear).map(Some);
        }
        Ok(match self.roster.person(self.link.epoch(), uin) {
            Named::Known(contact) => Some(Sender::Contact(contact)),
            _ => None,
        })
    }
}
