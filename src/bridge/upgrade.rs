//! Room upgrades: a tombstone in the room of a portal leads to the room that replaces it, and the portal moves there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde_json::Value;
use tracing::info;

use super::departure::{self, ToRoom};
use super::job::Progress;
use super::portal::Portal;
use super::{Bridge, Error, Texts, existing, notice, route};
use crate::base::clock::is_recent;
use crate::base::failpoint::{Failpoint, reach};
use crate::matrix::Event;
use crate::qq::AccountId;
use crate::store::{self, JobKind, JobRow, OutboxRow, Tx};

/// How long to wait before looking again whether a room can be followed to.
pub(super) const LOOK_AGAIN: Duration = Duration::from_hours(1);

/// How long nobody is told that the bot is not let in: a client that upgrades a room asks people into the new one afterwards, one by
/// one.
const FOR_INVITES_MS: u32 = 30_000;

/// Why a room is not followed to, as the text that says so, where nothing can change that.
const FOR_GOOD: [&str; 2] = ["follow.no_way_back", "follow.encrypted"];

/// The rooms of portals that are to follow elsewhere. Nothing more is said in them: people have left or will, and where
/// a ghost made the room, nothing keeps it from speaking there.
#[derive(Debug, Default)]
pub(super) struct Replaced(Mutex<HashSet<String>>);

impl Replaced {
    /// Takes in what is on disk.
    pub(super) fn load(&self, jobs: &[JobRow]) {
        let rooms = jobs.iter().filter(|job| job.kind == JobKind::Follow).map(|job| job.room_id.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(rooms);
    }

    /// Takes in `room`, of which it is on disk that it is one.
    pub(super) fn add(&self, room: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(room.to_owned());
    }

    fn remove(&self, room: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(room);
    }

    /// Whether `room` is one.
    pub(super) fn has(&self, room: &RoomId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(room.as_str())
    }
}

/// What comes of the word that another room replaces one.
pub(super) enum Tombstone {
    /// Nothing: no portal is there, or not any more.
    Idle,
    /// Something is said of it, in this lane.
    Told(String),
    /// The portal is to follow.
    Follow,
}

impl Bridge {
    /// `event` says that its room is replaced by `replacement`. Where the portal is to follow, the room goes into [`Replaced`] and
    /// jobs are hurried once that is on disk.
    pub(super) async fn translate_tombstone(
        &self,
        tx: &mut Tx,
        event: &Event,
        replacement: Option<&RoomId>,
    ) -> Result<Tombstone, store::Error> {
        let room = event.room.as_str();
        // Of the rooms that a portal had before, only the last leads on.
        let Some(portal) = self.portals.by_room(room).filter(|portal| portal.room.as_ref() == Some(&event.room)) else {
            return Ok(Tombstone::Idle);
        };
        let Some(replacement) = replacement else {
            let occasion = (room, event.id.as_str());
            let lane = self.put_cannot_follow(tx, &portal.account, occasion, "follow.nowhere").await?;
            return Ok(Tombstone::Told(lane));
        };
        let target = Some(replacement.as_str());
        tx.add_job(JobKind::Follow, portal.id, room, target, event.sender.as_str()).await?;
        Ok(Tombstone::Follow)
    }

    /// Does a job of [`JobKind::Follow`]. What stands in the way is said in the old room, and looked at again, unless it stands
    /// there for good.
    pub(super) async fn follow(self: &Arc<Self>, job: &JobRow) -> Result<Progress, Error> {
        let target = job.target.as_deref().and_then(|room| OwnedRoomId::try_from(room).ok());
        let old = OwnedRoomId::try_from(job.room_id.as_str()).ok();
        let portal = self.portals.by_id(job.portal).filter(|portal| portal.room == old);
        let (Some(target), Some(old), Some(portal)) = (target, old, portal) else { return Ok(Progress::Done) };
        let bot = self.homeserver.bot();
        match bot.join(&target).await {
            Err(error) if error.is_forbidden() || error.is_not_found() => {
                // Whoever invites the bot lets it be tried again at once.
                if is_recent(job.created_at_ms, self.clock.now_ms(), FOR_INVITES_MS.into()) {
                    return Ok(Progress::Wait(Duration::from_millis(FOR_INVITES_MS.into())));
                }
                self.say_cannot_follow(&portal, &old, &target, "follow.not_let_in").await?;
                return Ok(Progress::Wait(LOOK_AGAIN));
            }
            joined => joined?,
        }
        if let Some(why) = self.why_not_follow(&old, &target, &portal).await? {
            self.say_cannot_follow(&portal, &old, &target, why).await?;
            if !FOR_GOOD.contains(&why) {
                // Whoever gives the bot more power there lets it be tried again at once.
                return Ok(Progress::Wait(LOOK_AGAIN));
            }
            bot.leave(&target, None).await?;
            self.stay_in(&old, portal.id);
            return Ok(Progress::Done);
        }
        if portal.is_direct() && !self.is_adopted(&portal) {
            // It is the host of direct chats and lets others in; nobody but the bot can let it in.
            let ghost = self.room_creator(&portal).await?;
            self.ensure_joined(&ghost, &target, &bot).await?;
        }
        reach(Failpoint::RoomFollowed);
        self.move_portal(&portal, &old, target).await?;
        Ok(Progress::Done)
    }

    /// The portal does not leave `room`: what waited goes on there.
    fn stay_in(self: &Arc<Self>, room: &RoomId, portal: i64) {
        self.replaced.remove(room.as_str());
        self.wake(&route::lane_to_portal_room(portal));
    }

    /// Whether `room`, in which the bot is, was made to replace the room of a portal: whoever says so there may still come.
    pub async fn replaces_room_of_portal(&self, room: &RoomId) -> Result<bool, Error> {
        let create = self.homeserver.bot().state(room, "m.room.create", "").await?.unwrap_or_default();
        Ok(predecessor(&create).is_some_and(|old| self.portals.by_room(old).is_some()))
    }

    /// What keeps `portal` from moving from `old` to `target`, in which the bot is.
    async fn why_not_follow(
        &self,
        old: &RoomId,
        target: &RoomId,
        portal: &Portal,
    ) -> Result<Option<&'static str>, Error> {
        let bot = self.homeserver.bot();
        if self.portals.by_room(target.as_str()).is_some_and(|other| other.id != portal.id) {
            return Ok(Some("follow.taken"));
        }
        let create = bot.state(target, "m.room.create", "").await?.unwrap_or_default();
        if !points_back(&create, old) {
            return Ok(Some("follow.no_way_back"));
        }
        if bot.state(target, "m.room.encryption", "").await?.is_some() {
            return Ok(Some("follow.encrypted"));
        }
        let powers = self.powers(target).await?;
        let may_invite = powers.of(self.homeserver.bot_id().as_str()) >= powers.to_invite();
        Ok((!may_invite).then_some("follow.no_invite"))
    }

    /// Moves `portal` once nothing is being sent into `old`, and says so in both rooms.
    async fn move_portal(self: &Arc<Self>, portal: &Portal, old: &RoomId, target: OwnedRoomId) -> Result<(), Error> {
        let standing = self.portals.standing(portal.id);
        let nothing_is_sent = standing.write().await;
        self.settle_sent(portal.id, old).await?;
        self.note_member(&target, self.homeserver.bot_id()).await?;
        let (id, from, to) = (portal.id, old.to_string(), target.to_string());
        let texts = self.texts_of(&portal.account).await?;
        let text = texts.say("follow.done", &[]);
        let weak = self.weak_keeper(portal, &target, texts).await?;
        let adopted = self.is_adopted(portal).then(|| existing::adoption(&target));
        let kept = adopted.clone();
        // What is pushed from here on is translated as what it is by then: said in the room of a chat.
        let nothing_is_translated = self.meeting.lock().await;
        let said = self.by_people(self.homeserver.bot().said_in(&target).await?);
        let (bridge, chat) = (Arc::clone(self), portal.clone());
        let lanes = self.store.write(move |tx| {
            Box::pin(async move {
                tx.move_portal(id, &from, &to).await?;
                if let Some(row) = &kept {
                    tx.put_appearance(row).await?;
                }
                let key = route::key(&["followed", &from, &to]);
                let mut lanes = bridge.translate_before(tx, &chat, &said).await?;
                lanes.push(notice::put(tx, &to, notice::plain(&text, &key), &key).await?);
                let key = route::key(&["followed without power", &from, &to]);
                match weak {
                    Some((None, text)) => {
                        lanes.push(notice::put(tx, &to, notice::plain(&text, &key), &key).await?);
                    }
                    Some((Some(owner), text)) => {
                        lanes.push(notice::put_in_control(tx, owner.as_str(), &text, &key).await?);
                    }
                    None => {}
                }
                Ok(lanes)
            })
        });
        let lanes = lanes.await?;
        self.appearances.load(adopted.into_iter().collect());
        self.portals.move_to(id, target.clone());
        drop((nothing_is_translated, nothing_is_sent));
        info!(portal = id, room = %target, "a portal has followed to the room that replaces its own");
        for lane in lanes.iter().chain([&route::lane_to_portal_room(id)]) {
            self.wake(lane);
        }
        if let Some(live) = self.logins.live(&portal.account) {
            // The room before leaves its space.
            live.named.add(|changed| changed.everything = true);
        }
        self.let_owner_in(portal, &target).await;
        Ok(())
    }

    /// What has to be said where whoever keeps the room of `portal` in step with QQ may not do so in `target`, and to whom, unless
    /// it can be said there.
    async fn weak_keeper(
        &self,
        portal: &Portal,
        target: &RoomId,
        texts: Texts,
    ) -> Result<Option<(Option<OwnedUserId>, String)>, Error> {
        let powers = self.powers(target).await?;
        let keeper = self.room_creator(portal).await?.user_id().to_string();
        let to_keep = if self.is_adopted(portal) { powers.to_set(existing::BRIDGE) } else { powers.to_keep() };
        let (needed, level) = (to_keep.max(powers.to_speak()), powers.of(&keeper));
        if level >= needed {
            return Ok(None);
        }
        let (needed, level) = (needed.to_string(), level.to_string());
        let values = [("who", keeper.as_str()), ("needed", &needed), ("level", &level), ("room", target.as_str())];
        if powers.of(self.homeserver.bot_id().as_str()) >= powers.to_speak() {
            return Ok(Some((None, texts.say("follow.weak", &values))));
        }
        let owner = self.owner_of(&portal.account).await?;
        Ok(owner.map(|owner| (Some(owner), texts.say("follow.weak_there", &values))))
    }

    /// Of what may have been sent into `room` of portal `id`, what is there counts as sent: after the portal has moved, nobody
    /// would look there. To be called while nothing is being sent.
    pub(super) async fn settle_sent(&self, id: i64, room: &RoomId) -> Result<(), Error> {
        let lane = route::lane_to_portal_room(id);
        let name = lane.clone();
        let rows = self.store.read(move |tx| Box::pin(async move { tx.lane_head(&name, u32::MAX).await })).await?;
        let readable = |row: OutboxRow| departure::read::<ToRoom>(&row).ok().map(|to_room| (row, to_room));
        let doubtful: Vec<_> = rows.into_iter().filter(|row| self.may_have_left(row)).filter_map(readable).collect();
        let mut found = self.find_sent(&lane, &doubtful, &room.to_owned()).await?;
        let gone = doubtful.into_iter().filter_map(|(row, to_room)| {
            let event = found.remove(&row.dedup_key)?;
            Some((row, to_room, room.to_owned(), Some(event)))
        });
        self.mark_sent(&lane, gone.collect()).await
    }

    /// Whether `error` is that nobody may speak in `room` any more because another replaces it. What is to be said waits then:
    /// the portal will move, or let go of the room.
    pub(super) async fn is_replaced(&self, room: &RoomId, error: &Error) -> bool {
        matches!(error, Error::Matrix(error) if error.is_forbidden())
            && matches!(self.homeserver.bot().state(room, "m.room.tombstone", "").await, Ok(Some(_)))
    }

    async fn say_cannot_follow(
        self: &Arc<Self>,
        portal: &Portal,
        old: &RoomId,
        target: &RoomId,
        why: &'static str,
    ) -> Result<(), Error> {
        let (bridge, account) = (Arc::clone(self), portal.account.clone());
        let (old, target) = (old.to_string(), target.to_string());
        let lane = self.store.write(move |tx| {
            Box::pin(async move { bridge.put_cannot_follow(tx, &account, (&old, &target), why).await })
        });
        self.wake(&lane.await?);
        Ok(())
    }

    /// Once for each `occasion` and reason, in the language of the owner of `account`.
    async fn put_cannot_follow(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        (room, occasion): (&str, &str),
        why: &'static str,
    ) -> Result<String, store::Error> {
        let key = route::key(&["cannot follow", room, occasion, why]);
        let owner = tx.owner_of(account.as_str()).await?.unwrap_or_default();
        let text = self.texts_for(&owner).say(why, &[("bot", self.homeserver.bot_id().as_str())]);
        notice::put(tx, room, notice::plain(&text, &key), &key).await
    }
}

/// Whether a room whose `m.room.create` is `create` was made to replace `old`.
fn points_back(create: &Value, old: &RoomId) -> bool {
    predecessor(create).is_some_and(|room| room == old.as_str())
}

fn predecessor(create: &Value) -> Option<&str> {
    create.get("predecessor")?.get("room_id")?.as_str()
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::room_id;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_room_that_names_the_old_one_replaces_it() {
        let old = room_id!("!old");
        assert!(points_back(&json!({ "predecessor": { "room_id": "!old" } }), old));
        for create in [json!({}), json!({ "predecessor": "!old" }), json!({ "predecessor": { "room_id": "!other" } })] {
            assert!(!points_back(&create, old), "{create}");
        }
    }
}
