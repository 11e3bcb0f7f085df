//! Ghosts: the Matrix users that stand in for QQ people, made when they first speak.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use matrix_sdk::ruma::{OwnedUserId, RoomId, UserId};

use super::{Bridge, Error};
use crate::base::Locks;
use crate::base::failpoint::{Failpoint, reach};
use crate::matrix::Intent;
use crate::qq::ContactId;
use crate::store::{self, GhostRow, Tx};

/// What this process knows about ghosts, so that it need not ask the database for each message.
#[derive(Debug, Default)]
pub(super) struct Ghosts {
    known: Mutex<Known>,
    /// Each ghost is shown by one task at a time: of two names, the one that was on disk later has to be the last.
    showing: Locks<ContactId, tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Known {
    names: HashMap<ContactId, Name>,
    /// By room.
    joined: HashMap<String, HashSet<OwnedUserId>>,
    /// What ghosts are called in a room, where it is not their nick.
    cards: HashMap<(OwnedUserId, String), String>,
}

/// What somebody is called on disk.
#[derive(Debug)]
struct Name {
    text: String,
    is_shown: bool,
}

impl Ghosts {
    /// Whether `contact` is on disk under this `name`.
    pub(super) fn is_named(&self, contact: &ContactId, name: &str) -> bool {
        self.with(|known| known.names.get(contact).is_some_and(|old| old.text == name))
    }

    /// Notes that `contact` is on disk under this `name`.
    pub(super) fn note_name(&self, contact: ContactId, name: String) {
        self.with(|known| known.names.insert(contact, Name { text: name, is_shown: false }));
    }

    fn is_shown(&self, contact: &ContactId) -> bool {
        self.with(|known| known.names.get(contact).is_some_and(|name| name.is_shown))
    }

    /// Notes that `contact`, on disk under this `name`, is shown under it, unless it has another one by now.
    fn note_shown(&self, contact: &ContactId, name: String) {
        self.with(|known| match known.names.get_mut(contact) {
            Some(now) => now.is_shown |= now.text == name,
            None => drop(known.names.insert(contact.clone(), Name { text: name, is_shown: true })),
        });
    }

    fn has_joined(&self, room: &RoomId, user: &UserId) -> bool {
        self.with(|known| known.joined.get(room.as_str()).is_some_and(|users| users.contains(user)))
    }

    fn note_joined(&self, room: &RoomId, user: &UserId, joined: bool) {
        self.with(|known| {
            if joined {
                known.joined.entry(room.to_string()).or_default().insert(user.to_owned());
            } else if let Some(users) = known.joined.get_mut(room.as_str()) {
                users.remove(user);
            }
        });
    }

    /// What `user` is called in `room` if it is not their nick.
    pub(super) fn card(&self, room: &RoomId, user: &UserId) -> Option<String> {
        self.with(|known| known.cards.get(&(user.to_owned(), room.to_string())).cloned())
    }

    /// Notes that `user` is called so in `room`.
    pub(super) fn note_card(&self, room: &RoomId, user: &UserId, card: Option<String>) {
        self.with(|known| {
            let pair = (user.to_owned(), room.to_string());
            match card {
                Some(card) => known.cards.insert(pair, card),
                None => known.cards.remove(&pair),
            }
        });
    }

    /// The rooms in which `user` has a name of its own, and that.
    pub(super) fn cards_of(&self, user: &UserId) -> Vec<(String, String)> {
        self.with(|known| {
            let own = known.cards.iter().filter(|((who, _), _)| who == user);
            own.map(|((_, room), card)| (room.clone(), card.clone())).collect()
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts `user`, the ghost of `contact`, on disk, called `nick`.
pub(super) async fn put_row(tx: &mut Tx, contact: &ContactId, user: &UserId, nick: &str) -> Result<(), store::Error> {
    let row = tx.ensure_ghost(contact.as_str(), user.as_str(), nick).await?;
    if row.name != nick {
        tx.set_ghost_name(contact.as_str(), nick).await?;
    }
    Ok(())
}

impl Bridge {
    /// The ghost of `contact`, which [`super::translate`] has put on disk: registered, with the name that it should
    /// have.
    pub(super) async fn ensure_ghost(&self, contact: &ContactId) -> Result<Intent, Error> {
        let user = self.homeserver.ghost_id(contact.as_str())?;
        let intent = self.homeserver.intent(&user);
        if self.ghosts.is_shown(contact) {
            return Ok(intent);
        }
        let showing = self.ghosts.showing.of(contact);
        let _one_at_a_time = showing.lock().await;
        let id = contact.as_str().to_owned();
        let ghost = self.store.read(move |tx| Box::pin(async move { tx.ghost(&id).await })).await?;
        if let Some(ghost) = ghost {
            self.show_ghost(contact, &ghost, &intent).await?;
            self.ghosts.note_shown(contact, ghost.name);
        }
        Ok(intent)
    }

    /// Puts the ghost of `contact` on disk, called `nick`.
    pub(super) async fn name_ghost(&self, contact: ContactId, nick: String) -> Result<(), Error> {
        let user = self.homeserver.ghost_id(contact.as_str())?;
        let (id, name) = (contact.clone(), nick.clone());
        self.store.write(move |tx| Box::pin(async move { put_row(tx, &id, &user, &name).await })).await?;
        self.ghosts.note_name(contact, nick);
        Ok(())
    }

    async fn show_ghost(&self, contact: &ContactId, ghost: &GhostRow, intent: &Intent) -> Result<(), Error> {
        let id = contact.as_str().to_owned();
        if !ghost.registered {
            intent.ensure_registered().await?;
            reach(Failpoint::GhostRegistered);
            let id = id.clone();
            self.store.write(move |tx| Box::pin(async move { tx.set_ghost_registered(&id).await })).await?;
        }
        let name = self.config.network.display_name(&ghost.name, contact.as_str());
        if ghost.shown_name.as_deref() != Some(&name) {
            intent.set_display_name(&name).await?;
            self.store.write(move |tx| Box::pin(async move { tx.set_ghost_shown_name(&id, &name).await })).await?;
            self.show_cards_again(contact, intent).await;
        }
        Ok(())
    }

    /// Whether `user` is a ghost that has spoken; the homeserver knows it when this is `true`.
    pub async fn knows_ghost(&self, user: &UserId) -> bool {
        let Some(contact) = self.homeserver.contact_of(user) else { return false };
        let id = contact.clone();
        let ghost = self.store.read(move |tx| Box::pin(async move { tx.ghost(&id).await })).await;
        matches!(ghost, Ok(Some(_))) && self.ensure_ghost(&ContactId::new(contact)).await.is_ok()
    }

    /// Sees to it that the ghost behind `intent` is in `room`; `host` is somebody in it who may invite.
    pub(super) async fn ensure_joined(&self, intent: &Intent, room: &RoomId, host: &Intent) -> Result<(), Error> {
        let user = intent.user_id().to_owned();
        if self.ghosts.has_joined(room, &user) {
            return Ok(());
        }
        let (room_id, user_id) = (room.to_string(), user.to_string());
        let known = self.store.read(move |tx| Box::pin(async move { tx.is_member(&room_id, &user_id).await })).await?;
        if !known {
            match self.invite_and_join(intent, room, host).await {
                // It was there when it was to be invited, and has left since.
                Err(Error::Matrix(error)) if error.is_forbidden() => self.invite_and_join(intent, room, host).await?,
                joined => joined?,
            }
            reach(Failpoint::GhostJoined);
            self.note_member(room, &user).await?;
        }
        self.ghosts.note_joined(room, &user, true);
        Ok(())
    }

    async fn invite_and_join(&self, intent: &Intent, room: &RoomId, host: &Intent) -> Result<(), Error> {
        match host.invite(room, intent.user_id()).await {
            // Whoever is in the room already cannot be invited; joining again does no harm.
            Err(error) if !error.is_forbidden() => return Err(error.into()),
            _ => reach(Failpoint::GhostInvited),
        }
        Ok(intent.join(room).await?)
    }

    /// Remembers that `user` is in `room`.
    pub(super) async fn note_member(&self, room: &RoomId, user: &UserId) -> Result<(), Error> {
        let (room_id, user_id) = (room.to_string(), user.to_string());
        self.store.write(move |tx| Box::pin(async move { tx.add_member(&room_id, &user_id).await })).await?;
        self.ghosts.note_joined(room, user, true);
        Ok(())
    }

    /// Forgets that `user` is in `room`: it was thrown out, or never was.
    pub(super) async fn forget_member(&self, room: &RoomId, user: &UserId) -> Result<(), Error> {
        let (room_id, user_id) = (room.to_string(), user.to_string());
        self.store.write(move |tx| Box::pin(async move { tx.remove_member(&room_id, &user_id).await })).await?;
        self.ghosts.note_joined(room, user, false);
        Ok(())
    }
}
