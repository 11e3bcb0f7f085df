//! Chats that somebody opens: their rooms are made before anybody spoke there.

use matrix_sdk::ruma::{OwnedRoomId, RoomId};

use super::portal::Portal;
use super::{Bridge, Error};
use crate::qq::{AccountId, Chat, ContactId};

impl Bridge {
    /// Makes a room for `chat` before anybody spoke in it, and asks its owner in.
    pub async fn open_chat(&self, account: &AccountId, chat: Chat) -> Result<OwnedRoomId, Error> {
        if let Some(peer) = &chat.peer {
            self.name_ghost(peer.clone(), self.nick_of(account, peer).await?).await?;
        }
        let portal = self.ensure_portal(account, chat).await?;
        if let Some(live) = self.logins.live(account) {
            live.look_at(&portal);
        }
        let Some(room) = &portal.room else { return self.ensure_room(portal.id).await };
        self.invite_owner_back(&portal, room).await?;
        Ok(room.clone())
    }

    /// Asks the owner in again, who may have left.
    async fn invite_owner_back(&self, portal: &Portal, room: &RoomId) -> Result<(), Error> {
        let Some(owner) = self.owner_of(&portal.account).await? else { return Ok(()) };
        match self.room_creator(portal).await?.invite(room, &owner).await {
            // Whoever is in the room cannot be invited.
            Err(error) if !error.is_forbidden() => return Err(error.into()),
            _ => {}
        }
        self.let_owner_in(portal, room).await;
        Ok(())
    }

    pub(super) async fn nick_of(&self, account: &AccountId, peer: &ContactId) -> Result<String, Error> {
        let live = self.logins.live(account).ok_or_else(|| Error::NotLoggedIn(account.to_string()))?;
        Ok(live.network.contact(peer).await?.nick)
    }
}
