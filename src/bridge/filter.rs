//! Chats that get no room by themselves, as `bridge.portal_create_filter` has it: what is said in them is not shown, and the
//! owner of the account is told that once. Whoever opens one wants it: as long as it has a room, the filter does not matter.

use super::login::Live;
use super::open::Said;
use super::portal::kind_text;
use super::{Bridge, notice, route};
use crate::qq::{AccountId, ChatId, ChatKind};
use crate::store::{self, Tx};

impl Bridge {
    /// Whether this chat has no room, and is to get none by itself.
    #[must_use]
    pub fn is_left_out(&self, account: &AccountId, chat: &ChatId, kind: ChatKind) -> bool {
        let has_none = || self.portals.by_chat(account, chat).is_none_or(|portal| !self.portals.is_wanted(&portal));
        self.is_filtered(account, chat, kind) && has_none()
    }

    /// Whether this chat is to get no room by itself, whatever it has now.
    #[must_use]
    pub fn is_filtered(&self, account: &AccountId, chat: &ChatId, kind: ChatKind) -> bool {
        !self.config.bridge.portal_create_filter.lets(account.as_str(), kind_text(kind), chat.as_str())
    }

    /// Tells the owner of `live`, once for each chat, that what is said there is not shown. Gives the lane to wake.
    pub(super) async fn put_left_out(
        &self,
        tx: &mut Tx,
        live: &Live,
        said: &Said,
    ) -> Result<Option<String>, store::Error> {
        let (account, message) = (live.account.as_str(), &said.message);
        // Rows of the outbox are forgotten after a while, this is not.
        let mark = format!("left out/{account}/{}", message.chat);
        if tx.meta(&mark).await?.is_some() {
            return Ok(None);
        }
        tx.set_meta(&mark, "told").await?;
        let known = self.portals.by_chat(&live.account, &message.chat);
        let listed = said.chat.as_ref().map(|chat| chat.name.as_str());
        let speaker = said.speaker.as_ref().map(|(_, nick)| nick.as_str());
        let name = known.as_ref().map(|portal| portal.name.as_str()).or(listed).or(speaker);
        // No list shows those who are talked to in passing.
        let key = if message.kind == ChatKind::Temporary { "filter.temporary" } else { "filter.told" };
        let chat = message.chat.as_str();
        let values = [("name", name.unwrap_or(chat)), ("account", account), ("chat", chat)];
        let text = self.texts_for(&live.owner).say(key, &values);
        let key = route::key(&["left out", account, chat]);
        notice::put_in_control(tx, &live.owner, &text, &key).await.map(Some)
    }
}
