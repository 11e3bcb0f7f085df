//! A look at all that QQ tells of an account, or of one chat, because somebody wants it now; rooms follow, and what is other than
//! before is counted.
//!
//! What is asked is bounded: every list once, the members of some groups, a picture for each room. A group costs one request,
//! however many are in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use matrix_sdk::ruma::{OwnedUserId, RoomId};

use super::login::Live;
use super::portal::Portal;
use super::{Bridge, Error};
use crate::matrix::Intent;
use crate::qq::{Chat, ChatId, ChatKind, ContactId};

/// Of how many chats the members are asked for at once: the account must not be made conspicuous. A guess.
const MOST_WITHIN: usize = 20;

/// How many names in one room are said anew at once; the others follow when those people speak.
const MOST_CARDS: usize = 100;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Chats that were not in the lists before.
    pub new: usize,
    /// Chats that are in the lists no more.
    pub gone: usize,
    /// Rooms that have another name.
    pub rooms: usize,
    /// People who have another name, everywhere or in a group.
    pub people: usize,
    /// Ghosts that left a room, since nobody of theirs is in the group.
    pub left: usize,
    /// Chats of whose members nobody was asked.
    pub unasked: usize,
}

impl Bridge {
    /// Looks at all of `live`, or at the chat of one portal alone.
    pub async fn sync(&self, live: &Arc<Live>, only: Option<&Portal>) -> Result<Found, Error> {
        let _alone = live.following.lock().await;
        let before = ids(live).await?;
        live.network.list_again().await?;
        let after = ids(live).await?;
        let (new, gone) = (after.difference(&before).count(), before.difference(&after).count());
        let mut found = Found { new, gone, ..Found::default() };
        let is_meant = |portal: &Portal| only.is_none_or(|only| only.id == portal.id);
        for chat in live.network.chats().await? {
            self.sync_chat(live, &chat, &is_meant, &mut found).await?;
        }
        self.sync_members(live, &is_meant, &mut found).await?;
        self.bring_descriptions_up_to_date(live, only).await?;
        for portal in self.portals.of(&live.account).into_iter().filter(|portal| is_meant(portal)) {
            if portal.room.is_some() {
                self.want_portraits_again(&portal).await?;
            }
        }
        live.sorted.add(|changed| changed.everything = true);
        Ok(found)
    }

    async fn sync_chat(
        &self,
        live: &Live,
        chat: &Chat,
        is_meant: &impl Fn(&Portal) -> bool,
        found: &mut Found,
    ) -> Result<(), Error> {
        let portal = self.portals.by_chat(&live.account, &chat.id);
        if portal.is_some_and(|portal| is_meant(&portal)) {
            let (room, person) = self.bring_name_up_to_date(live, chat).await?;
            found.rooms += usize::from(room);
            found.people += usize::from(person);
        }
        Ok(())
    }

    /// Goes through the members of those groups and discussions that have a room, those used last first.
    async fn sync_members(
        &self,
        live: &Arc<Live>,
        is_meant: &impl Fn(&Portal) -> bool,
        found: &mut Found,
    ) -> Result<(), Error> {
        let mut shared = self.portals.of(&live.account);
        shared.retain(|portal| matches!(portal.kind, ChatKind::Group | ChatKind::Discussion) && is_meant(portal));
        shared.retain(|portal| portal.room.is_some());
        shared.sort_by_key(|portal| (live.network.standing(&portal.chat).recent.unwrap_or(usize::MAX), portal.id));
        found.unasked = shared.len().saturating_sub(MOST_WITHIN);
        for portal in shared.iter().take(MOST_WITHIN) {
            let Some(room) = &portal.room else { continue };
            if live.network.look_within_again(&portal.chat).await? {
                self.sync_room_members(live, portal, room, found).await?;
                self.look_for_newcomers(live, room);
            }
        }
        Ok(())
    }

    /// Lets ghosts leave `room` whose people have left, and shows what the others are called now.
    async fn sync_room_members(
        &self,
        live: &Live,
        portal: &Portal,
        room: &RoomId,
        found: &mut Found,
    ) -> Result<(), Error> {
        let listed = live.network.officers(&portal.chat).await?.members;
        let members = live.network.members(&portal.chat).await?;
        let own = ContactId::from(&live.account);
        // While somebody is in doubt, or the list is without the account itself, nobody is known to have left.
        let is_sure = members.len() == listed && members.iter().any(|member| member.id == own);
        let (mut cards, name) = (0, room.to_string());
        let inside = self.store.read(move |tx| Box::pin(async move { tx.members(&name).await })).await?;
        for user in inside.into_iter().filter_map(|user| OwnedUserId::try_from(user).ok()) {
            let Some(contact) = self.homeserver.contact_of(&user).map(ContactId::new) else { continue };
            let ghost = self.homeserver.intent(&user);
            let Some(member) = members.iter().find(|member| member.id == contact) else {
                if is_sure && contact != own {
                    self.let_ghost_leave(&ghost, room).await?;
                    found.left += 1;
                }
                continue;
            };
            let has_other_nick = self.rename_ghost(&contact, &member.nick).await?;
            let has_other_card = cards < MOST_CARDS && self.show_card(&contact, &ghost, portal.id).await;
            cards += usize::from(has_other_card);
            found.people += usize::from(has_other_nick || has_other_card);
        }
        Ok(())
    }

    async fn let_ghost_leave(&self, ghost: &Intent, room: &RoomId) -> Result<(), Error> {
        match ghost.leave(room, None).await {
            // It was put out.
            Err(error) if !error.is_forbidden() && !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        self.forget_member(room, ghost.user_id()).await
    }
}

async fn ids(live: &Live) -> Result<BTreeSet<ChatId>, Error> {
    Ok(live.network.chats().await?.into_iter().map(|chat| chat.id).collect())
}
