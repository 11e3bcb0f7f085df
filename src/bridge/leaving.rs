//! How a portal lets go of its room: what waits for QQ is told to its authors, then ghosts and bot leave; where the room is
//! to be emptied, people are put out before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};

use super::departure::{self, ToChat};
use super::job::Progress;
use super::portal::Portal;
use super::{Bridge, Error, route};
use crate::base::failpoint::{Failpoint, reach};
use crate::matrix::{self, Intent};
use crate::qq::AccountId;
use crate::store::{self, JobKind, JobRow, OutboxState, Tx};

/// What a row is filed under that waited for QQ in a room that was let go.
const LET_GO: &str = "its room mirrors the chat no more";

/// How long the bot waits for what it still has to say in a room that it leaves.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Bridge {
    /// Has the room of `portal` left, by all when `emptied`; `asker` wants it so. It is done even if we die now.
    pub async fn have_room_left(&self, portal: &Portal, emptied: bool, asker: &str) -> Result<(), Error> {
        let Some(room) = portal.room.as_ref().map(ToString::to_string) else { return Ok(()) };
        let (id, asker) = (portal.id, asker.to_owned());
        let kind = if emptied { JobKind::Empty } else { JobKind::Leave };
        self.store.write(move |tx| Box::pin(async move { tx.add_job(kind, id, &room, None, &asker).await })).await?;
        self.hurry_jobs();
        Ok(())
    }

    /// Has the rooms of `portals` emptied; `asker`, who wants it so in the event `batch`, is told once all of them are. It is
    /// done even if we die now.
    pub async fn have_rooms_emptied(&self, portals: &[Arc<Portal>], asker: &str, batch: &str) -> Result<(), Error> {
        let rooms = portals.iter().filter_map(|portal| Some((portal.id, portal.room.as_ref()?.to_string())));
        let (rooms, asker, batch) = (rooms.collect::<Vec<_>>(), asker.to_owned(), batch.to_owned());
        let added = self.store.write(move |tx| {
            Box::pin(async move {
                for (id, room) in &rooms {
                    tx.add_job(JobKind::Empty, *id, room, None, &asker).await?;
                    tx.join_batch(JobKind::Empty, room, &asker, &batch).await?;
                }
                Ok(())
            })
        });
        added.await?;
        self.hurry_jobs();
        Ok(())
    }

    /// Does a job of [`JobKind::Leave`] or [`JobKind::Empty`].
    pub(super) async fn leave_room(self: &Arc<Self>, job: &JobRow) -> Result<Progress, Error> {
        let Ok(room) = OwnedRoomId::try_from(job.room_id.as_str()) else { return Ok(Progress::Done) };
        self.let_go(job, &room).await?;
        reach(Failpoint::RoomLetGo);
        let lane = route::lane_to_room(room.as_str());
        let waiting = self.store.read(move |tx| Box::pin(async move { tx.count_unfinished(&lane).await })).await?;
        if waiting > 0 {
            return Ok(Progress::Wait(LAST_WORDS));
        }
        let bot = self.homeserver.bot();
        let mut inside = self.ours_in(&room).await?;
        match bot.joined_members(&room).await {
            Ok(members) => {
                let (ours, people): (BTreeSet<OwnedUserId>, BTreeSet<OwnedUserId>) =
                    members.into_keys().partition(|user| self.homeserver.namespace().is_ours(user));
                inside.extend(ours);
                // What people made is theirs.
                if job.kind == JobKind::Empty && !self.is_of_people(&room) {
                    self.put_out(job, &room, people, &inside).await?;
                }
            }
            // It has left already, or never came in.
            Err(error) if error.is_forbidden() || error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        for ghost in inside.iter().filter(|user| *user != self.homeserver.bot_id()) {
            leave(&self.homeserver.intent(ghost), &room).await?;
            self.forget_member(&room, ghost).await?;
            reach(Failpoint::RoomLeftByOne);
        }
        leave(&bot, &room).await?;
        self.forget_member(&room, self.homeserver.bot_id()).await?;
        // Until here, what was said in a room from which the portal has moved away still went to QQ.
        let past = room.to_string();
        self.store.write(move |tx| Box::pin(async move { tx.forget_portal_alias(&past).await })).await?;
        self.portals.forget_past(&room);
        Ok(Progress::Done)
    }

    /// The portal of `job` has no room any more, and whoever wrote what waits there for QQ is told: all or nothing.
    async fn let_go(self: &Arc<Self>, job: &JobRow, room: &RoomId) -> Result<(), Error> {
        let Some(portal) = self.portals.by_id(job.portal).filter(|portal| portal.room.as_deref() == Some(room)) else {
            return Ok(());
        };
        let standing = self.portals.standing(portal.id);
        let _nothing_is_sent = standing.write().await;
        self.settle_sent(portal.id, room).await?;
        let (bridge, id, account) = (Arc::clone(self), portal.id, portal.account.clone());
        let written = self.store.write(move |tx| Box::pin(async move { bridge.put_let_go(tx, &account, id).await }));
        let lanes = written.await?;
        self.portals.let_go(portal.id, room.to_owned());
        for lane in &lanes {
            self.wake(lane);
        }
        if let Some(live) = self.logins.live(&portal.account) {
            live.sorted.add(|changed| changed.everything = true);
        }
        Ok(())
    }

    /// Portal `id` of `account` has no room any more, and whoever wrote what waits there for QQ is told. Gives the lanes to wake.
    pub(super) async fn put_let_go(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        id: i64,
    ) -> Result<Vec<String>, store::Error> {
        let lane = route::lane_to_chat(account, id);
        tx.forget_portal_room(id).await?;
        let mut lanes = self.drop_waiting(tx, &lane).await?;
        lanes.extend([lane, route::lane_to_portal_room(id)]);
        Ok(lanes)
    }

    /// Drops what waits in `lane` towards QQ; what may be on the wire stays. Gives the lanes to wake.
    async fn drop_waiting(&self, tx: &mut Tx, lane: &str) -> Result<Vec<String>, store::Error> {
        let mut lanes = Vec::new();
        for row in tx.lane_head(lane, u32::MAX).await? {
            if tx.drop_departure(row.seq, LET_GO).await? != Some(OutboxState::Dropped) {
                continue;
            }
            let Ok(to_chat) = departure::read::<ToChat>(&row) else { continue };
            // One for each event, in however many rows it left.
            let key = route::key(&["let go", &to_chat.event]);
            let author = (to_chat.room.as_str(), to_chat.event.as_str(), to_chat.sender.as_str());
            lanes.extend(self.put_undelivered(tx, author, &key, "message.let_go", LET_GO.to_owned()).await?);
        }
        Ok(lanes)
    }

    /// Those of our users whom we know to be in `room`.
    async fn ours_in(&self, room: &RoomId) -> Result<BTreeSet<OwnedUserId>, Error> {
        let room = room.to_string();
        let members = self.store.read(move |tx| Box::pin(async move { tx.members(&room).await })).await?;
        Ok(members.into_iter().filter_map(|user| user.try_into().ok()).collect())
    }

    /// Puts `people` out of `room`. Some of our users `inside` may do that: the bot, or the ghost that made the room.
    /// Whom nobody may put out stays, and the asker is told.
    async fn put_out(
        self: &Arc<Self>,
        job: &JobRow,
        room: &RoomId,
        people: BTreeSet<OwnedUserId>,
        inside: &BTreeSet<OwnedUserId>,
    ) -> Result<(), Error> {
        let bot = self.homeserver.bot_id().to_owned();
        let creator = match self.portals.by_id(job.portal) {
            Some(portal) => self.room_creator(&portal).await?.user_id().to_owned(),
            None => bot.clone(),
        };
        let hosts: Vec<Intent> = [creator, bot]
            .into_iter()
            .filter(|user| user == self.homeserver.bot_id() || inside.contains(user))
            .map(|user| self.homeserver.intent(&user))
            .collect();
        for person in people {
            if !put_one_out(&hosts, room, &person).await? {
                let values = [("room", room.as_str()), ("who", person.as_str())];
                let text = self.texts_for(&job.asker).say("portal.left_in", &values);
                let key = route::key(&["left in", room.as_str(), person.as_str()]);
                self.tell_owner(&job.asker, &text, &key).await?;
            }
        }
        Ok(())
    }
}

/// `false` when none of `hosts` may.
async fn put_one_out(hosts: &[Intent], room: &RoomId, person: &UserId) -> Result<bool, matrix::Error> {
    for host in hosts {
        match host.kick(room, person, None).await {
            Err(error) if error.is_forbidden() => {}
            done => return done.map(|()| true),
        }
    }
    Ok(false)
}

/// Leaves `room`; fine when the user is not in it.
pub(super) async fn leave(intent: &Intent, room: &RoomId) -> Result<(), matrix::Error> {
    match intent.leave(room, None).await {
        Err(error) if error.is_forbidden() || error.is_not_found() => Ok(()),
        done => done,
    }
}
