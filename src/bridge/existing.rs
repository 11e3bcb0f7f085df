//! Rooms that people made: one may become that of a portal. Its name, picture, topic and powers stay theirs.
//!
//! The portal moves in one commit. What was said in the room that it had before still goes to QQ until the bridge has
//! left that, which is a job.

use std::sync::Arc;

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::{Value, json};
use tracing::info;

use super::portal::Portal;
use super::{Bridge, Error, Texts, appearance, notice, route};
use crate::base::failpoint::{Failpoint, reach};
use crate::matrix::{Intent, NewState};
use crate::qq::{AccountId, Chat};
use crate::store::{AppearanceRow, Arrival, JobKind};

/// How it is remembered that people made a room; no state of this type is ever sent.
const ADOPTED: &str = "net.matrix_webqq.adopted";
/// What the bot has to write into a room that is a portal's, and whoever gives one has to be trusted with.
pub(super) const BRIDGE: &str = "m.bridge";

/// Why a room cannot become that of a portal: a text of the table, and its values.
pub struct Obstacle {
    /// The text.
    key: &'static str,
    /// What stands in it.
    values: Vec<(&'static str, String)>,
}

impl Obstacle {
    /// What people are told, who write `prefix` before commands.
    #[must_use]
    pub fn say(&self, texts: Texts, prefix: &str) -> String {
        let values = self.values.iter().map(|(name, value)| (*name, value.as_str()));
        let values: Vec<_> = values.chain([("prefix", prefix)]).collect();
        texts.say(self.key, &values)
    }
}

impl From<&'static str> for Obstacle {
    fn from(key: &'static str) -> Self {
        Self { key, values: Vec::new() }
    }
}

/// What came of the wish that a room be that of a chat.
pub enum Bridged {
    /// It is.
    Done,
    /// The chat has this room already, and that was to be left alone.
    HasRoom(OwnedRoomId),
}

/// What is on disk of `room` when people made it.
pub(super) fn adoption(room: &RoomId) -> AppearanceRow {
    let NewState { kind, key, content } = adopted();
    AppearanceRow { room_id: room.to_string(), kind, state_key: key, hash: appearance::hash(&content) }
}

fn adopted() -> NewState {
    NewState { kind: ADOPTED.to_owned(), key: String::new(), content: json!(true) }
}

impl Bridge {
    /// Whether people made the room of `portal`.
    #[must_use]
    pub fn is_adopted(&self, portal: &Portal) -> bool {
        portal.room.as_ref().is_some_and(|room| self.is_of_people(room))
    }

    /// The same of a room that is, or was, a portal's.
    pub(super) fn is_of_people(&self, room: &RoomId) -> bool {
        self.appearances.is(room, &adopted())
    }

    /// What is said in the room of `portal` that its chat is called. Where people made the room, others are in it, and a remark
    /// for a friend is nobody's but the account's.
    pub async fn public_name(&self, portal: &Portal) -> Result<String, Error> {
        let Some(peer) = portal.peer.as_ref().filter(|_| portal.is_direct() && self.is_adopted(portal)) else {
            return Ok(portal.name.clone());
        };
        let peer = peer.to_string();
        let ghost = self.store.read(move |tx| Box::pin(async move { tx.ghost(&peer).await })).await?;
        Ok(ghost.map(|ghost| ghost.name).unwrap_or_default())
    }

    /// What keeps `room` from becoming that of a portal for the sake of `asker`. The bot is in it.
    pub async fn why_not_bridge(&self, room: &RoomId, asker: &str) -> Result<Option<Obstacle>, Error> {
        match self.why_not_from_outside(room).await? {
            None => self.why_not_from_inside(room, asker).await,
            why => Ok(why),
        }
    }

    /// The same, as far as it need not be looked into.
    pub(super) async fn why_not_from_outside(&self, room: &RoomId) -> Result<Option<Obstacle>, Error> {
        if self.portals.by_room(room.as_str()).is_some() {
            return Ok(Some("bridge.taken".into()));
        }
        let name = room.to_string();
        let (control, is_being_left) = self
            .store
            .read(move |tx| {
                Box::pin(async move { Ok((tx.user_by_control_room(&name).await?, tx.is_being_left(&name).await?)) })
            })
            .await?;
        if control.is_some() {
            return Ok(Some("bridge.control".into()));
        }
        Ok(is_being_left.then(|| "bridge.leaving".into()))
    }

    /// The same, as far as the room itself tells.
    pub(super) async fn why_not_from_inside(&self, room: &RoomId, asker: &str) -> Result<Option<Obstacle>, Error> {
        let bot = self.homeserver.bot();
        let create = bot.state(room, "m.room.create", "").await?.unwrap_or_default();
        if create.get("type").and_then(Value::as_str) == Some("m.space") {
            return Ok(Some("bridge.space".into()));
        }
        for (kind, key) in [("m.room.encryption", "bridge.encrypted"), ("m.room.tombstone", "bridge.replaced")] {
            if bot.state(room, kind, "").await?.is_some() {
                return Ok(Some(key.into()));
            }
        }
        self.who_is_too_weak(room, asker).await
    }

    /// The same, as far as it is about powers.
    async fn who_is_too_weak(&self, room: &RoomId, asker: &str) -> Result<Option<Obstacle>, Error> {
        let powers = self.powers(room).await?;
        let bot = self.homeserver.bot_id().as_str();
        let needed = powers.to_set(BRIDGE);
        let of_bot = needed.max(powers.to_invite()).max(powers.to_speak());
        let (key, needed, level) = if powers.of(asker) < needed {
            ("bridge.no_power", needed, powers.of(asker))
        } else if powers.of(bot) < of_bot {
            ("bridge.weak_bot", of_bot, powers.of(bot))
        } else if powers.of_anybody() < powers.to_speak() {
            ("bridge.muted", powers.to_speak(), powers.of_anybody())
        } else {
            return Ok(None);
        };
        let values = vec![("needed", needed.to_string()), ("level", level.to_string()), ("bot", bot.to_owned())];
        Ok(Some(Obstacle { key, values }))
    }

    /// Makes `room` that of `chat`, as `asker` wants it. One that the chat has already is left if `overwrite`. What was said to
    /// `guest` since they were asked in is said on QQ.
    pub async fn bridge_room(
        self: &Arc<Self>,
        (account, chat): (&AccountId, Chat),
        room: &RoomId,
        asker: &str,
        overwrite: bool,
        guest: Option<&Intent>,
    ) -> Result<Bridged, Error> {
        let peer = chat.peer.clone();
        if let Some(peer) = &peer {
            self.name_ghost(peer.clone(), self.nick_of(account, peer).await?).await?;
        }
        let id = self.ensure_portal(account, chat).await?.id;
        let (standing, making) = (self.portals.standing(id), self.portals.making(id));
        // In this order: whoever sends may be about to make the room.
        let nothing_is_sent = standing.write().await;
        let nothing_is_made = making.lock().await;
        let portal = self.portals.by_id(id).ok_or(Error::NoPortal(id))?;
        let old = match &portal.room {
            Some(known) if !overwrite => {
                self.portals.made(id);
                return Ok(Bridged::HasRoom(known.clone()));
            }
            Some(known) => Some(known.clone()),
            None if portal.in_doubt => self.find_orphan(&portal, &self.room_creator(&portal).await?).await?,
            None => None,
        };
        if let Some(peer) = peer.filter(|_| portal.is_direct()) {
            self.ensure_joined(&self.ensure_ghost(&peer).await?, room, &self.homeserver.bot()).await?;
        }
        // What is pushed from here on is translated as what it is by then: said in the room of a chat.
        let nothing_is_translated = self.meeting.lock().await;
        let said = match guest {
            Some(guest) => self.by_people(guest.said_since_asked(room).await?),
            None => Vec::new(),
        };
        self.adopt(&portal, old, room, asker, said).await?;
        drop((nothing_is_translated, nothing_is_made, nothing_is_sent));
        self.arrived_from_matrix.notify_one();
        self.portals.made(id);
        self.wake(&route::lane_to_portal_room(id));
        self.hurry_jobs();
        if let Some(live) = self.logins.live(account) {
            // A room before this one leaves its space.
            live.named.add(|changed| changed.everything = true);
        }
        self.let_owner_in(&portal, room).await;
        Ok(Bridged::Done)
    }

    /// Moves `portal` from `old` to `room`, while nothing is being sent, and says so in both.
    async fn adopt(
        self: &Arc<Self>,
        portal: &Portal,
        old: Option<OwnedRoomId>,
        room: &RoomId,
        asker: &str,
        said: Vec<Arrival>,
    ) -> Result<(), Error> {
        if let Some(old) = &old {
            match self.settle_sent(portal.id, old).await {
                // The bot was put out: nobody can look there any more.
                Err(Error::Matrix(error)) if error.is_forbidden() => {}
                settled => settled?,
            }
        }
        self.note_member(room, self.homeserver.bot_id()).await?;
        let adoption = adoption(room);
        let (id, to, asker, kept) = (portal.id, room.to_string(), asker.to_owned(), adoption.clone());
        let prefix = self.config.bridge.command_prefix.as_str();
        let texts = self.texts_for(&asker);
        let (welcome, farewell) = (texts.say("bridge.done", &[("prefix", prefix)]), texts.say("bridge.moved", &[]));
        let (from, now) = (old.as_ref().map(ToString::to_string), self.clock.now_ms().to_string());
        let (bridge, portal) = (Arc::clone(self), portal.clone());
        let written = self.store.write(move |tx| {
            Box::pin(async move {
                tx.put_appearance(&kept).await?;
                let key = route::key(&["bridged", &to, &now]);
                let mut lanes = bridge.translate_before(tx, &portal, &said).await?;
                lanes.push(notice::put(tx, &to, notice::plain(&welcome, &key), &key).await?);
                let Some(from) = from else { return tx.set_portal_room(id, &to).await.map(|()| lanes) };
                tx.move_portal(id, &from, &to).await?;
                tx.add_job(JobKind::Leave, id, &from, None, &asker).await?;
                let key = route::key(&["moved away", &from, &now]);
                lanes.push(notice::put(tx, &from, notice::plain(&farewell, &key), &key).await?);
                Ok(lanes)
            })
        });
        let lanes = written.await?;
        reach(Failpoint::RoomAdopted);
        self.appearances.load(vec![adoption]);
        self.portals.move_to(id, room.to_owned());
        info!(portal = id, %room, "a room that people made is that of a portal");
        for lane in &lanes {
            self.wake(lane);
        }
        Ok(())
    }
}
