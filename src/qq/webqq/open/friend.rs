//! Opens what is said or done in a chat with one friend.
//!
//! Source: protocol dossier 7.5 and 7.6 (`message`), 9.4 (echoes of own messages).

use super::said::Said;
use super::{Stop, forgotten_login, in_doubt, parked, unreadable};
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::Uin;
use crate::qq::webqq::roster::Named;
use crate::qq::{ChatId, ChatKind, Event, Sender};

impl WebQq {
    pub(super) async fn open_friend_message(&self, mut said: Said<'_>) -> Result<Event, Stop> {
        let envelope = said.envelope;
        let own = self.link.uin();
        let from = said.uin("from_uin").ok_or_else(|| Stop::from(unreadable("it names no sender")))?;
        // From 0 or from oneself: said on another device, to the one it was addressed to.
        let (peer, mine) = if from == Uin(0) || from == own { (said.uin("to_uin"), true) } else { (Some(from), false) };
        let Some(peer) = peer.filter(|peer| *peer != own && *peer != Uin(0)) else {
            return Err(Stop::from(unreadable("an own message that names no recipient")));
        };
        let chat = self.friend_chat(&envelope.epoch, peer).await?;
        let sender = match self.roster.person(&envelope.epoch, peer) {
            _ if mine => Sender::Me,
            Named::Known(contact) => Sender::Contact(contact),
            _ => Sender::System,
        };
        said.locate(None, own);
        Ok(said.message(chat, ChatKind::Friend, sender, self.clock.now_ms()))
    }

    /// The chat with `peer`. Somebody who is in no list gets a new one: a stranger's words must not be lost.
    async fn friend_chat(&self, epoch: &str, peer: Uin) -> Result<ChatId, Stop> {
        if self.is_now(epoch) && !self.roster.is_friend(peer) {
            self.refresh_friends(peer).await?;
        }
        match self.roster.friend_chat(epoch, peer) {
            Named::Known(chat) => return Ok(chat),
            Named::Doubtful(number) => return Err(in_doubt(number)),
            Named::Unknown if !self.roster.knows_login(epoch) => return Err(forgotten_login()),
            Named::Unknown => {}
        }
        self.roster.stranger(epoch, peer, "").await?;
        match self.roster.friend_chat(epoch, peer) {
            Named::Known(chat) => Ok(chat),
            _ => Err(parked("its sender could not be kept")),
        }
    }
}
