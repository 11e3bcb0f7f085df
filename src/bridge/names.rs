//! Follows QQ when somebody or something changes its name: ghosts are called by their nick, rooms as the account calls them.
//! What rooms tell besides follows in the same round.
//!
//! What a room is called is put on disk once the homeserver has taken it: whatever comes in between is done again.

use std::collections::BTreeSet;
use std::sync::Arc;

use matrix_sdk::ruma::RoomId;
use serde_json::{Value, json};
use tracing::{debug, warn};

use super::login::Live;
use super::portal::Portal;
use super::{Bridge, Error};
use crate::matrix::{self, Intent};
use crate::qq::{self, Changed, Chat, ChatId, ContactId};

/// The state in which Matrix keeps the name of a room.
const NAME: &str = "m.room.name";

impl Bridge {
    /// Brings the rooms and ghosts of `live` up to date, now, whenever QQ tells other names, and when one was put on disk that may
    /// have changed on its way there. A task of its own: a homeserver that does not answer must keep nobody from polling.
    pub(super) async fn follow_names(self: Arc<Self>, live: Arc<Live>) {
        live.named.add(|changed| changed.everything = true);
        let ring = || async {
            tokio::select! {
                changed = live.network.changed() => changed,
                changed = live.named.taken() => changed,
            }
        };
        let work = |changed| self.bring_up_to_date(&live, changed);
        live.at_each_ring(ring, "a room could not be brought up to date", work).await;
    }

    async fn bring_up_to_date(&self, live: &Live, mut changed: Changed) -> Result<(), Error> {
        let _alone = live.following.lock().await;
        if changed.everything {
            for chat in live.network.chats().await? {
                self.bring_name_up_to_date(live, &chat).await?;
            }
            self.bring_descriptions_up_to_date(live, None).await?;
        } else {
            changed.chats = self.bring_these_up_to_date(live, &changed).await?;
        }
        // People alone belong into no space.
        if changed.everything || !changed.chats.is_empty() {
            live.sorted.add(|piled| piled.add(changed));
            live.peopled.notify_one();
        }
        Ok(())
    }

    /// Looks at no other room than those of `changed`: there may be many. Gives their chats.
    async fn bring_these_up_to_date(&self, live: &Live, changed: &Changed) -> Result<BTreeSet<ChatId>, Error> {
        let mut chats = changed.chats.clone();
        for contact in &changed.contacts {
            match live.network.contact(contact).await {
                // It is nobody any more.
                Err(error) if error.verdict() == qq::Verdict::GiveUp => {}
                known => {
                    self.rename_ghost(contact, &known?.nick).await?;
                }
            }
        }
        if !changed.contacts.is_empty() {
            let is_theirs =
                |portal: &Arc<Portal>| portal.peer.as_ref().is_some_and(|peer| changed.contacts.contains(peer));
            let theirs = self.portals.of(&live.account).into_iter().filter(is_theirs);
            chats.extend(theirs.map(|portal| portal.chat.clone()));
        }
        for chat in &chats {
            if let Some(chat) = live.network.chat(chat).await? {
                self.bring_name_up_to_date(live, &chat).await?;
            }
            if let Some(portal) = self.portals.by_chat(&live.account, chat) {
                self.bring_descriptions_up_to_date(live, Some(&portal)).await?;
            }
        }
        Ok(chats)
    }

    /// Gives whether the room of `chat` is called otherwise now, and whether the ghost in it is.
    pub(super) async fn bring_name_up_to_date(&self, live: &Live, chat: &Chat) -> Result<(bool, bool), Error> {
        let Some(portal) = self.portals.by_chat(&live.account, &chat.id) else { return Ok((false, false)) };
        let has_other_nick = match &chat.peer {
            Some(peer) => self.rename_ghost(peer, &live.network.contact(peer).await?.nick).await?,
            None => false,
        };
        let has_other_name = portal.name != chat.name && self.rename_portal(live, &portal, chat).await?;
        Ok((has_other_name, has_other_nick))
    }

    /// Calls the ghost of `peer` by `nick`, if there is a ghost; `false` when it was called so.
    pub(super) async fn rename_ghost(&self, peer: &ContactId, nick: &str) -> Result<bool, Error> {
        if nick.is_empty() || self.ghosts.is_named(peer, nick) {
            return Ok(false);
        }
        let id = peer.to_string();
        let ghost = self.store.read(move |tx| Box::pin(async move { tx.ghost(&id).await })).await?;
        let Some(ghost) = ghost else { return Ok(false) };
        let is_other = ghost.name != nick;
        if is_other {
            let (id, name) = (peer.to_string(), nick.to_owned());
            self.store.write(move |tx| Box::pin(async move { tx.set_ghost_name(&id, &name).await })).await?;
        }
        self.ghosts.note_name(peer.clone(), nick.to_owned());
        self.ensure_ghost(peer).await?;
        Ok(is_other)
    }

    /// `false` when the homeserver does not let the room be called so.
    async fn rename_portal(&self, live: &Live, portal: &Portal, chat: &Chat) -> Result<bool, Error> {
        if let Some(room) = portal.room.as_ref().filter(|_| !self.is_adopted(portal)) {
            let creator = self.room_creator(portal).await?;
            let name = self.room_name(portal, &chat.name, Some(live)).await;
            match call_room(&creator, room, name.as_deref().unwrap_or_default()).await {
                // It is tried again in the next round, and keeps nobody else from theirs.
                Err(error) if error.verdict() == matrix::Verdict::GiveUp => {
                    warn!(%room, %error, "a room could not be called as its chat is now");
                    return Ok(false);
                }
                called => called?,
            }
        }
        debug!(portal = portal.id, "a chat has another name");
        let (id, name) = (portal.id, chat.name.clone());
        self.store.write(move |tx| Box::pin(async move { tx.set_portal_name(id, &name).await })).await?;
        self.portals.rename(portal.id, &chat.name);
        Ok(true)
    }

    /// What the room of `portal` is called if the account calls it `name`. A direct chat is called after the person in it
    /// by itself: it needs a name only when the account has a remark for them. That is the only place where a remark is
    /// told, and nobody is in it but the account's owner.
    pub(super) async fn room_name(&self, portal: &Portal, name: &str, live: Option<&Live>) -> Option<String> {
        let Some(peer) = portal.peer.as_ref().filter(|_| portal.is_direct()) else { return Some(name.to_owned()) };
        live?.network.contact(peer).await.ok()?.markname
    }
}

/// Calls `room` by `name`, unless it is called so.
async fn call_room(creator: &Intent, room: &RoomId, name: &str) -> Result<(), matrix::Error> {
    let has = creator.state(room, NAME, "").await?;
    let has = has.as_ref().and_then(|content| content.get("name")).and_then(Value::as_str);
    if has.unwrap_or_default() == name {
        return Ok(());
    }
    creator.set_state(room, NAME, "", &json!({ "name": name })).await.map(drop)
}
