//! Cards: what somebody is called within one group is their ghost's name in its room, and nowhere else.
//!
//! Homeservers forget such a name whenever the ghost's profile changes, so it is said again then. It is never in the way of
//! a message: what fails is left alone until the ghost speaks again.

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::json;
use tracing::debug;

use super::portrait::ghost_key;
use super::{Bridge, Error};
use crate::matrix::Intent;
use crate::qq::{ChatKind, ContactId};

impl Bridge {
    /// Gives `ghost` the name in the room of `portal` that `contact` has in the group; `false` when it has got it.
    pub(super) async fn show_card(&self, contact: &ContactId, ghost: &Intent, portal: i64) -> bool {
        let portal = self.portals.by_id(portal).filter(|portal| portal.kind == ChatKind::Group);
        let Some(portal) = portal else { return false };
        let (Some(room), Some(live)) = (&portal.room, self.logins.live(&portal.account)) else { return false };
        let card = live.network.card(&portal.chat, contact);
        if self.ghosts.card(room, ghost.user_id()) == card {
            return false;
        }
        match self.put_card(contact, ghost, room, card.as_deref()).await {
            Ok(()) => self.ghosts.note_card(room, ghost.user_id(), card),
            Err(error) => debug!(%room, %error, "a card could not be shown"),
        }
        true
    }

    /// Says the names in rooms again, after the profile of `ghost` has changed.
    pub(super) async fn show_cards_again(&self, contact: &ContactId, ghost: &Intent) {
        for (room, card) in self.ghosts.cards_of(ghost.user_id()) {
            let Ok(room) = OwnedRoomId::try_from(room) else { continue };
            if let Err(error) = self.put_card(contact, ghost, &room, Some(&card)).await {
                self.ghosts.note_card(&room, ghost.user_id(), None);
                debug!(%room, %error, "a card could not be shown again");
            }
        }
    }

    async fn put_card(
        &self,
        contact: &ContactId,
        ghost: &Intent,
        room: &RoomId,
        card: Option<&str>,
    ) -> Result<(), Error> {
        let (id, key) = (contact.to_string(), ghost_key(contact));
        let (nick, picture) = self
            .store
            .read(move |tx| {
                Box::pin(async move {
                    let nick = tx.ghost(&id).await?.map(|ghost| ghost.name);
                    let picture = match tx.portrait(&key).await? {
                        Some(shown) => tx.picture(&shown.hash).await?,
                        None => None,
                    };
                    Ok((nick.unwrap_or_default(), picture))
                })
            })
            .await?;
        let name = self.config.network.display_name(card.unwrap_or(&nick), contact.as_str());
        let mut content = json!({ "membership": "join", "displayname": name });
        if let (Some(picture), Some(fields)) = (picture, content.as_object_mut()) {
            fields.insert("avatar_url".to_owned(), picture.into());
        }
        ghost.set_state(room, "m.room.member", ghost.user_id().as_str(), &content).await?;
        Ok(())
    }
}
