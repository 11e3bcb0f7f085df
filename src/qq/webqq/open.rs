//! Opens envelopes: what was said, by whom and where, in lasting ids.
//!
//! Source: protocol dossier 7.5 and 7.6 (events), 9.4 (echoes of own messages).

use serde::Deserialize;
use serde_json::Value;

use super::content::decode::{Decoded, decode};
use super::content::entity;
use super::gesture;
use super::network::WebQq;
use super::notice::is_notice;
use super::number::{Uin, integer};
use super::roster::{Named, PlaceKind};
use crate::qq::{ChatId, ChatKind, Envelope, Error, Event, Message, MessageKey, Piece, Sender};

/// Seconds beyond this are milliseconds.
const LATEST_SECOND: i64 = 100_000_000_000;

#[derive(Deserialize)]
struct Item {
    poll_type: String,
    #[serde(default)]
    value: Value,
}

/// A message on its way to be understood.
struct Said<'a> {
    envelope: &'a Envelope,
    value: &'a Value,
    pieces: Vec<Piece>,
}

/// What stops a message from being shown.
enum Stop {
    Event(Event),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn unreadable(reason: &str) -> Event {
    Event::Unreadable { reason: reason.to_owned() }
}

fn parked(reason: String) -> Stop {
    Stop::Event(Event::Parked { reason })
}

impl WebQq {
    /// Opens one envelope.
    pub(super) async fn open_envelope(&self, envelope: &Envelope) -> Result<Event, Error> {
        let Ok(Item { poll_type, value }) = serde_json::from_str(&envelope.body) else {
            return Ok(unreadable("it is not an event of poll2"));
        };
        let opened = match poll_type.as_str() {
            "message" => match Said::read(envelope, &value) {
                Ok(said) => self.open_friend_message(said).await,
                Err(stop) => Err(stop),
            },
            "group_message" => self.open_place_message(PlaceKind::Group, envelope, &value).await,
            "discu_message" => self.open_place_message(PlaceKind::Discussion, envelope, &value).await,
            "kick_message" => return Ok(kicked(&value)),
            _ => match gesture::shown(&poll_type, &value) {
                Some(piece) => {
                    let said = Said { envelope, value: &value, pieces: vec![piece] };
                    self.open_friend_message(said).await
                }
                None => return Ok(Event::Unsupported { kind: poll_type }),
            },
        };
        match opened {
            Ok(event) | Err(Stop::Event(event)) => Ok(event),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    async fn open_friend_message(&self, said: Said<'_>) -> Result<Event, Stop> {
        let envelope = said.envelope;
        let own = self.link.uin();
        let from = said.uin("from_uin").ok_or_else(|| Stop::Event(unreadable("it names no sender")))?;
        // From 0 or from oneself: said on another device, to the one it was addressed to.
        let (peer, mine) = if from == Uin(0) || from == own { (said.uin("to_uin"), true) } else { (Some(from), false) };
        let Some(peer) = peer.filter(|peer| *peer != own && *peer != Uin(0)) else {
            return Err(Stop::Event(unreadable("an own message that names no recipient")));
        };
        let chat = self.friend_chat(&envelope.epoch, peer).await?;
        let sender = match self.roster.person(&envelope.epoch, peer) {
            _ if mine => Sender::Me,
            Named::Known(contact) => Sender::Contact(contact),
            _ => Sender::System,
        };
        Ok(said.message(chat, ChatKind::Friend, sender, self.clock.now_ms()))
    }

    /// The chat with `peer`. Somebody who is in no list gets a new one: a stranger's words must not be lost.
    async fn friend_chat(&self, epoch: &str, peer: Uin) -> Result<ChatId, Stop> {
        if self.is_now(epoch) && !self.roster.is_friend(peer) {
            self.refresh_friends(peer).await?;
        }
        match self.roster.friend_chat(epoch, peer) {
            Named::Known(chat) => return Ok(chat),
            Named::Doubtful(reason) => return Err(parked(reason)),
            Named::Unknown if !self.roster.knows_login(epoch) => return Err(forgotten_login()),
            Named::Unknown => {}
        }
        self.roster.stranger(epoch, peer, "").await?;
        match self.roster.friend_chat(epoch, peer) {
            Named::Known(chat) => Ok(chat),
            _ => Err(parked("its sender could not be kept".to_owned())),
        }
    }

    async fn open_place_message(&self, kind: PlaceKind, envelope: &Envelope, value: &Value) -> Result<Event, Stop> {
        let said = Said::read(envelope, value)?;
        // Old servers send 10000 as the sender of every discussion. Source: protocol dossier 14 row 14.
        let number = match kind {
            PlaceKind::Group => said.uin("from_uin"),
            PlaceKind::Discussion => said.uin("did").or_else(|| said.uin("from_uin")),
        };
        let Uin(number) = number.ok_or_else(|| Stop::Event(unreadable("it names no chat")))?;
        let chat = self.place_chat(kind, &envelope.epoch, number).await?;
        let sender = match said.uin("send_uin") {
            None => Sender::System,
            Some(uin) => self.speaker((kind, number), uin, &said).await?,
        };
        Ok(said.message(chat, kind.into(), sender, self.clock.now_ms()))
    }

    /// The chat of a group or discussion; seen from within before the first message of a login is let in.
    async fn place_chat(&self, kind: PlaceKind, epoch: &str, number: u64) -> Result<ChatId, Stop> {
        if self.is_now(epoch) {
            if self.roster.place_chat(kind, epoch, number) == Named::Unknown {
                self.refresh_places(kind, number).await?;
            }
            if self.roster.place_chat(kind, epoch, number) == Named::Unknown {
                self.roster.stray_place(kind, number).await?;
            }
            let known = matches!(self.roster.place_chat(kind, epoch, number), Named::Known(_));
            if known && !self.roster.is_checked(kind, number) {
                self.members_of(kind, number).await?;
            }
        }
        match self.roster.place_chat(kind, epoch, number) {
            Named::Known(chat) => Ok(chat),
            Named::Doubtful(reason) => Err(parked(reason)),
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
            return Ok(Sender::Contact(contact));
        }
        if self.is_now(epoch) {
            if let Some(contact) = self.listed_speaker(place, uin).await? {
                return Ok(contact);
            }
        } else if !said.is_notice() {
            // Nobody can be asked about an earlier login any more.
            return self.roster.stranger(epoch, uin, "").await.map(Sender::Contact);
        }
        Ok(if said.is_notice() { Sender::System } else { Sender::Me })
    }

    /// The member `uin` of a place. `None` when QQ lists the members and this is none of them.
    async fn listed_speaker(&self, (kind, number): (PlaceKind, u64), uin: Uin) -> Result<Option<Sender>, Error> {
        let was_listed = self.listed_members(kind, number).is_some();
        let Some(mut members) = self.members_of(kind, number).await? else {
            return self.roster.stranger(self.link.epoch(), uin, "").await.map(Sender::Contact).map(Some);
        };
        if was_listed && members.find(uin).is_none() {
            self.refresh_members(kind, number, uin).await?;
            members = self.listed_members(kind, number).unwrap_or(members);
        }
        self.roster.name_members(kind, number, &members, &[uin]).await?;
        Ok(match self.roster.person(self.link.epoch(), uin) {
            Named::Known(contact) => Some(Sender::Contact(contact)),
            _ => None,
        })
    }

    fn is_now(&self, epoch: &str) -> bool {
        epoch == self.link.epoch()
    }
}

fn forgotten_login() -> Stop {
    parked("it came in an earlier login, whose numbers nobody knows any more".to_owned())
}

fn kicked(value: &Value) -> Event {
    let reason = value.get("reason").and_then(Value::as_str).unwrap_or_default();
    Event::SignedOut { reason: entity::decode(reason) }
}

impl<'a> Said<'a> {
    fn read(envelope: &'a Envelope, value: &'a Value) -> Result<Self, Stop> {
        let content = value.get("content").ok_or_else(|| Stop::Event(unreadable("it has no content")))?;
        let pieces = match decode(content) {
            Decoded::Pieces(pieces) => pieces,
            Decoded::Ghost => return Err(Stop::Event(Event::Unsupported { kind: "ghost text".to_owned() })),
        };
        let mut said = Self { envelope, value, pieces };
        if said.number("msg_type") == Some(32) {
            said.pieces = vec![Piece::Unsupported { label: "[魔法表情]".to_owned() }];
        }
        Ok(said)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.value.get(name).and_then(integer)
    }

    fn uin(&self, name: &str) -> Option<Uin> {
        self.number(name).and_then(|number| u64::try_from(number).ok()).map(Uin)
    }

    fn is_notice(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Text(text)] if is_notice(text))
    }

    fn message(self, chat: ChatId, kind: ChatKind, sender: Sender, now_ms: i64) -> Event {
        let sent_at_ms = match self.number("time") {
            Some(seconds @ 1..LATEST_SECOND) => seconds * 1000,
            Some(ms @ LATEST_SECOND..) => ms,
            _ => now_ms,
        };
        let key = MessageKey::new(self.envelope.dedup_key.as_str());
        Event::Message(Message { chat, kind, sender, key, sent_at_ms, pieces: self.pieces })
    }
}
