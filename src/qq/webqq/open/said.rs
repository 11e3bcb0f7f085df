//! A message on its way to be understood: what it says, and which numbers it names.

use serde_json::Value;

use super::{Stop, account, number, uin, unreadable};
use crate::qq::webqq::batch::digest;
use crate::qq::webqq::content::decode::{Decoded, decode};
use crate::qq::webqq::content::font;
use crate::qq::webqq::media;
use crate::qq::webqq::notice::is_notice;
use crate::qq::webqq::number::{Account, Uin};
use crate::qq::webqq::roster::PlaceKind;
use crate::qq::{ChatId, ChatKind, Envelope, Event, Message, MessageKey, Piece, Sender};

/// Seconds beyond this are milliseconds.
const LATEST_SECOND: i64 = 100_000_000_000;

/// What was said, with the numbers that say by whom and where.
pub(super) struct Said<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) value: &'a Value,
    pub(super) pieces: Vec<Piece>,
}

impl<'a> Said<'a> {
    pub(super) fn read(envelope: &'a Envelope, value: &'a Value) -> Result<Self, Stop> {
        let content = value.get("content").ok_or_else(|| Stop::from(unreadable("it has no content")))?;
        let pieces = match decode(content) {
            Decoded::Pieces(pieces) => pieces,
            Decoded::Ghost => return Err(Stop::from(Event::Unsupported { kind: "ghost text".to_owned() })),
        };
        let mut said = Self { envelope, value, pieces };
        if said.number("msg_type") == Some(32) {
            said.pieces = vec![Piece::Unsupported { label: "[魔法表情]".to_owned() }];
        }
        Ok(said)
    }

    /// Seals where it was said into its pictures: in `place`, if not in a chat of two.
    pub(super) fn locate(&mut self, place: Option<(PlaceKind, u64)>, own: Uin) {
        media::locate(&mut self.pieces, self.envelope, self.value, place, own);
    }

    fn number(&self, name: &str) -> Option<i64> {
        number(self.value, name)
    }

    pub(super) fn uin(&self, name: &str) -> Option<Uin> {
        uin(self.value, name)
    }

    /// The real number of the group `gid` in which it was said. Source: protocol dossier 1.1.
    pub(super) fn group_number(&self, gid: u64) -> Option<Account> {
        let field = if self.number("msg_type") == Some(43) { "info_seq" } else { "t_gcode" };
        account(self.value, field, gid)
    }

    pub(super) fn is_notice(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Text(text)] if is_notice(text))
    }

    /// The same for what was handed out twice, also to two logins, to which the numbers of people and chats differ. Each
    /// speaker counts for themselves, so that two may have one `msg_id` in the same second: their words differ then.
    fn key(&self, chat: &ChatId) -> MessageKey {
        let Some(msg_id) = self.number("msg_id") else { return MessageKey::new(self.envelope.dedup_key.as_str()) };
        let content = self.value.get("content").and_then(Value::as_array);
        let words: String = content.into_iter().flatten().filter_map(Value::as_str).collect();
        let (msg_id2, time) = (self.number("msg_id2").unwrap_or(0), self.number("time").unwrap_or(0));
        let identity = format!("{chat}|{msg_id}|{msg_id2}|{time}|{words}");
        MessageKey::new(digest(time, &identity))
    }

    pub(super) fn message(self, chat: ChatId, kind: ChatKind, sender: Sender, now_ms: i64) -> Event {
        let sent_at_ms = match self.number("time") {
            Some(seconds @ 1..LATEST_SECOND) => seconds * 1000,
            Some(ms @ LATEST_SECOND..) => ms,
            _ => now_ms,
        };
        let style = self.value.get("content").map(font::read).map(Box::new).unwrap_or_default();
        let key = self.key(&chat);
        Event::Message(Message { chat, kind, sender, key, sent_at_ms, pieces: self.pieces, style })
    }
}
