//! Pictures of people and groups: fetched lazily, one at a time, uploaded once each, and never in the way of a message.
//!
//! What fails is left alone for hours. What was shown is remembered by its hash, so that nothing is shown or uploaded
//! twice, and is looked at again after days.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use matrix_sdk::ruma::OwnedMxcUri;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tracing::debug;

use super::convert::media::Picture;
use super::portal::Portal;
use super::{Bridge, Error};
use crate::base::clock::is_recent;
use crate::qq::{AccountId, ChatKind, ContactId, Portrait};
use crate::store::PortraitRow;

/// More than any picture of a person has.
const MOST_BYTES: usize = 1 << 20;
/// How long a picture that was shown is taken to be the newest.
const GOOD_FOR_MS: i64 = 7 * 24 * 3_600_000;
/// How long nothing is tried again within one process.
const AGAIN_MS: i64 = 6 * 3_600_000;
/// What the picture of a room is filed under, before the number of its portal.
pub(super) const ROOM: &str = "room ";
/// More than this do not wait; whoever is left out is met again.
const MOST_WAITING: usize = 1000;

/// Whose picture should be shown where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    /// A contact's, by their ghost.
    Ghost(AccountId, ContactId),
    /// That of a chat, in the room of this portal.
    Room(i64),
}

/// Where a picture comes from.
enum Source {
    /// QQ has it.
    Qq(Portrait),
    /// It is that which this ghost shows already: the room of a friend looks like the friend.
    Ghost(ContactId),
}

/// Who waits for a picture.
#[derive(Debug, Default)]
pub(super) struct Portraits {
    waiting: Mutex<Waiting>,
    rung: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Wanted>,
    asked_at_ms: HashMap<Wanted, i64>,
}

impl Portraits {
    /// Puts `wanted` in line, unless it was there in the last hours.
    fn want(&self, wanted: Wanted, now_ms: i64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = waiting.asked_at_ms.get(&wanted).is_some_and(|at_ms| is_recent(*at_ms, now_ms, AGAIN_MS));
        if lately || waiting.queue.len() >= MOST_WAITING {
            return;
        }
        waiting.asked_at_ms.insert(wanted.clone(), now_ms);
        waiting.queue.push_back(wanted);
        self.rung.notify_one();
    }

    /// The same, however lately it was there.
    fn want_again(&self, wanted: Wanted, now_ms: i64) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).asked_at_ms.remove(&wanted);
        self.want(wanted, now_ms);
    }

    fn next(&self) -> Option<Wanted> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).queue.pop_front()
    }
}

impl Bridge {
    /// Asks for the picture of somebody who speaks in the room of `portal`, and for that of the room. Waits for nothing.
    pub(super) fn want_portraits(&self, contact: &ContactId, portal: i64) {
        let Some(portal) = self.portals.by_id(portal).filter(|_| self.config.bridge.avatars) else { return };
        let now_ms = self.clock.now_ms();
        self.portraits.want(Wanted::Ghost(portal.account.clone(), contact.clone()), now_ms);
        if matches!(portal.kind, ChatKind::Group | ChatKind::Friend) {
            self.portraits.want(Wanted::Room(portal.id), now_ms);
        }
    }

    /// Has the picture of the room of `portal` looked at again, and that of the person in it, however lately that was done.
    pub(super) async fn want_portraits_again(&self, portal: &Portal) -> Result<(), Error> {
        if !self.config.bridge.avatars || !matches!(portal.kind, ChatKind::Group | ChatKind::Friend) {
            return Ok(());
        }
        let peer = portal.peer.iter().map(|peer| Wanted::Ghost(portal.account.clone(), peer.clone()));
        for wanted in peer.chain([Wanted::Room(portal.id)]) {
            let Some((_, _, key)) = self.whose(&wanted) else { continue };
            let aged = self.store.write(move |tx| {
                Box::pin(async move {
                    match tx.portrait(&key).await? {
                        Some(shown) => tx.put_portrait(&PortraitRow { looked_at_ms: 0, ..shown }).await,
                        None => Ok(()),
                    }
                })
            });
            aged.await?;
            self.portraits.want_again(wanted, self.clock.now_ms());
        }
        Ok(())
    }

    /// Shows pictures, one after the other, until shutdown.
    pub(super) async fn show_portraits(self: Arc<Self>) {
        while !self.shutdown.is_asked() {
            match self.portraits.next() {
                Some(wanted) => {
                    let shown = self.shutdown.unless_asked(self.show_portrait(&wanted)).await;
                    if let Some(Err(error)) = shown {
                        debug!(?wanted, %error, "a picture could not be shown");
                    }
                }
                None => drop(self.shutdown.unless_asked(self.portraits.rung.notified()).await),
            }
        }
    }

    async fn show_portrait(&self, wanted: &Wanted) -> Result<(), Error> {
        let Some((account, source, key)) = self.whose(wanted) else { return Ok(()) };
        let (now_ms, name) = (self.clock.now_ms(), key.clone());
        let shown = self.store.read(move |tx| Box::pin(async move { tx.portrait(&name).await })).await?;
        if shown.as_ref().is_some_and(|shown| now_ms - shown.looked_at_ms < GOOD_FOR_MS) {
            return Ok(());
        }
        let Some((hash, uri)) = self.picture_from(&account, source).await? else { return Ok(()) };
        let is_new = shown.is_none_or(|shown| shown.hash != hash);
        if is_new {
            self.put_up(wanted, &uri).await?;
        }
        let row = PortraitRow { subject: key, hash, looked_at_ms: now_ms };
        self.store.write(move |tx| Box::pin(async move { tx.put_portrait(&row).await })).await?;
        match wanted {
            Wanted::Ghost(_, contact) if is_new => {
                self.show_cards_again(contact, &self.ensure_ghost(contact).await?).await;
            }
            Wanted::Room(id) if is_new => {
                if let (Some(live), Some(portal)) = (self.logins.live(&account), self.portals.by_id(*id)) {
                    live.look_at(&portal);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Through which account, from where, and under which key it is remembered.
    fn whose(&self, wanted: &Wanted) -> Option<(AccountId, Source, String)> {
        match wanted {
            Wanted::Ghost(account, contact) => {
                let source = Source::Qq(Portrait::Person(contact.clone()));
                Some((account.clone(), source, ghost_key(contact)))
            }
            Wanted::Room(id) => {
                let portal = self.portals.by_id(*id)?;
                let source = match &portal.peer {
                    Some(peer) => Source::Ghost(peer.clone()),
                    None => Source::Qq(Portrait::Group(portal.chat.clone())),
                };
                Some((portal.account.clone(), source, format!("{ROOM}{id}")))
            }
        }
    }

    /// The picture's hash, and where the homeserver has it. `None` when there is none to be had now.
    async fn picture_from(&self, account: &AccountId, source: Source) -> Result<Option<(String, OwnedMxcUri)>, Error> {
        match source {
            Source::Ghost(contact) => {
                let key = ghost_key(&contact);
                let found = self.store.read(move |tx| {
                    Box::pin(async move {
                        let Some(shown) = tx.portrait(&key).await? else { return Ok(None) };
                        let uri = tx.picture(&shown.hash).await?;
                        Ok(uri.map(|uri| (shown.hash, uri.into())))
                    })
                });
                Ok(found.await?)
            }
            Source::Qq(portrait) => {
                let Some(live) = self.logins.live(account) else { return Ok(None) };
                let media = live.network.portrait(&portrait, MOST_BYTES).await?;
                let hash = hex::encode(Sha256::digest(&media.bytes));
                let uri = self.uploaded(&hash, media.bytes).await?;
                Ok(uri.map(|uri| (hash, uri)))
            }
        }
    }

    /// Where the homeserver has these bytes; uploaded if it has not. `None` when they are no picture.
    async fn uploaded(&self, hash: &str, bytes: Vec<u8>) -> Result<Option<OwnedMxcUri>, Error> {
        let known = hash.to_owned();
        let known = self.store.read(move |tx| Box::pin(async move { tx.picture(&known).await })).await?;
        if let Some(uri) = known {
            return Ok(Some(uri.into()));
        }
        let Some(picture) = Picture::of(&bytes) else { return Ok(None) };
        let name = format!("avatar.{}", picture.extension);
        let _turn = self.requests.acquire().await;
        let uri = self.homeserver.bot().upload(bytes, picture.mime, Some(&name)).await?;
        let (hash, text) = (hash.to_owned(), uri.to_string());
        self.store.write(move |tx| Box::pin(async move { tx.put_picture(&hash, &text).await })).await?;
        Ok(Some(uri))
    }

    /// Where the homeserver has the picture of each of `contacts`, where it was shown already.
    pub async fn pictures_of(&self, contacts: &[ContactId]) -> Result<Vec<Option<String>>, Error> {
        let keys: Vec<String> = contacts.iter().map(ghost_key).collect();
        let found = self.store.read(move |tx| {
            Box::pin(async move {
                let mut uris = Vec::with_capacity(keys.len());
                for key in &keys {
                    uris.push(match tx.portrait(key).await? {
                        Some(shown) => tx.picture(&shown.hash).await?,
                        None => None,
                    });
                }
                Ok(uris)
            })
        });
        Ok(found.await?)
    }

    /// Where the homeserver has `picture`, which is ours; brought there the first time.
    pub async fn own_picture(&self, picture: &[u8]) -> Result<Option<OwnedMxcUri>, Error> {
        self.uploaded(&hex::encode(Sha256::digest(picture)), picture.to_vec()).await
    }

    async fn put_up(&self, wanted: &Wanted, uri: &OwnedMxcUri) -> Result<(), Error> {
        match wanted {
            Wanted::Ghost(_, contact) => {
                let ghost = self.ensure_ghost(contact).await?;
                ghost.set_avatar_url(uri).await?;
            }
            Wanted::Room(id) => {
                let Some(portal) = self.portals.by_id(*id) else { return Ok(()) };
                let Some(room) = portal.room.as_ref().filter(|_| !self.is_adopted(&portal)) else { return Ok(()) };
                let creator = self.room_creator(&portal).await?;
                creator.set_state(room, "m.room.avatar", "", &json!({ "url": uri })).await?;
            }
        }
        Ok(())
    }
}

/// Under which key it is remembered what the ghost of `contact` shows.
pub(super) fn ghost_key(contact: &ContactId) -> String {
    format!("ghost {contact}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_wanted_again_and_again_stands_in_line_once_in_six_hours() {
        let portraits = Portraits::default();
        for now_ms in [0, 1, AGAIN_MS - 1] {
            portraits.want(Wanted::Room(1), now_ms);
        }
        portraits.want(Wanted::Room(2), 0);
        assert_eq!((portraits.next(), portraits.next()), (Some(Wanted::Room(1)), Some(Wanted::Room(2))));
        assert_eq!(portraits.next(), None);
        portraits.want(Wanted::Room(1), AGAIN_MS);
        assert_eq!(portraits.next(), Some(Wanted::Room(1)));
    }
}
