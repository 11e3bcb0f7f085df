//! Towards Matrix: rows of one lane leave one after the other, under transaction ids that never change.

use std::collections::HashMap;
use std::sync::Arc;

use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, RoomId};

use super::head::{self, Head, Marked};
use super::wait_after;
use crate::base::failpoint::{Failpoint, reach};
use crate::base::metrics::{METRICS, Way};
use crate::bridge::convert::to_matrix::KEY_FIELD;
use crate::bridge::departure::{self, Act, Speaker, Target, ToRoom};
use crate::bridge::lane::{Bell, Next};
use crate::bridge::{Bridge, Error, Verdict, status};
use crate::matrix::Intent;
use crate::qq::AccountId;
use crate::store::{self, MessageRow, OutboxRow, OutboxState, Tx};

/// What a lane does after what it sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// It sends what waits behind that.
    More,
    /// Nothing waits behind it: it ends.
    Rest,
    /// It looks again before it sends anything.
    Look,
}

/// Rows of one lane that have left.
type Gone = Vec<(OutboxRow, ToRoom, OwnedRoomId, Option<OwnedEventId>)>;

impl Bridge {
    /// Sends what lies at the head of a lane to Matrix: `ahead`, if that was marked already.
    pub(in crate::bridge) async fn deliver_to_matrix(
        self: &Arc<Self>,
        lane: &str,
        bell: &Bell,
        ahead: &mut Option<Marked>,
        failures: &mut u32,
    ) -> Next {
        match self.send_rows(lane, bell, ahead).await {
            Ok(next) => {
                *failures = 0;
                next
            }
            Err(error) => wait_after(lane, &error, failures),
        }
    }

    async fn send_rows(self: &Arc<Self>, lane: &str, bell: &Bell, ahead: &mut Option<Marked>) -> Result<Next, Error> {
        let Marked { rows, is_all } = match ahead.take() {
            Some(marked) => marked,
            None => match self.look(lane).await? {
                Head::Marked(marked) => marked,
                Head::Odd(row) => return self.see_to(&row).await,
                Head::Empty => return Ok(Next::End),
            },
        };
        let Some((first, to_room)) = rows.first() else { return Ok(Next::End) };
        let standing = match &to_room.target {
            Target::Portal(id) => Some(self.portals.standing(*id)),
            _ => None,
        };
        // The portal does not move to another room while something is being sent into this one.
        let _still = match &standing {
            Some(standing) => Some(standing.read().await),
            None => None,
        };
        let (room, host) = match self.room_of(first.seq, &to_room.target).await {
            Err(error) if error.verdict() == Verdict::GiveUp => return self.bury(first, &error).await,
            found => found?,
        };
        if standing.is_some() && self.replaced.has(&room) {
            // Whoever moves the portal, or lets it stay, rings the bell.
            return Ok(Next::End);
        }
        let known = self.find_sent(lane, &rows, &room).await?;
        reach(Failpoint::ToMatrixMarked);
        let (gone, failure) = self.send_in_order(rows, &room, &host, known).await;
        reach(Failpoint::ToMatrixSent);
        // What is marked and does not leave has to be looked for afterwards.
        let after = if failure.is_some() || self.shutdown.is_asked() {
            After::Look
        } else if is_all && !bell.is_rung() {
            After::Rest
        } else {
            After::More
        };
        match (self.close(lane, gone, after).await?, failure) {
            (_, Some((_, error))) if standing.is_some() && self.is_replaced(&room, &error).await => Err(error),
            (_, Some((row, error))) => self.settle_failure(&row, error).await,
            (Some(Head::Marked(marked)), None) => {
                *ahead = Some(marked);
                Ok(Next::More)
            }
            // Whoever adds a row rings the bell: there is no need to look again.
            (Some(Head::Empty), None) => Ok(Next::End),
            (Some(Head::Odd(_)) | None, None) => Ok(Next::More),
        }
    }

    /// Sees to a head that cannot leave as it is.
    async fn see_to(self: &Arc<Self>, head: &OutboxRow) -> Result<Next, Error> {
        if let Some(wait) = self.until_due(head) {
            return Ok(wait);
        }
        let mut to_room: ToRoom = match departure::read(head) {
            Ok(to_room) => to_room,
            Err(error) => return self.bury(head, &error).await,
        };
        match to_room.fetch.take() {
            Some(wanted) => self.complete(head, to_room, wanted).await,
            // It was not due when it was looked at, and is now.
            None => Ok(Next::More),
        }
    }

    /// The room that a lane leads to, and somebody in it who may invite.
    async fn room_of(&self, seq: i64, target: &Target) -> Result<(OwnedRoomId, Intent), Error> {
        match target {
            Target::Portal(id) => {
                let room = self.ensure_room(*id).await?;
                let portal = self.portals.by_id(*id).ok_or(Error::NoPortal(*id))?;
                Ok((room, self.room_creator(&portal).await?))
            }
            Target::Control(owner) => Ok((self.ensure_control_room(owner).await?, self.homeserver.bot())),
            Target::Room(room) | Target::Takedown { room, .. } => {
                let room = OwnedRoomId::try_from(room.as_str()).map_err(|why| Error::Row {
                    table: "outbox",
                    seq,
                    why: why.to_string(),
                })?;
                Ok((room, self.homeserver.bot()))
            }
        }
    }

    /// Whether `row`, which is not sent, may be in its room all the same: it is marked, or was marked when the machine stopped.
    pub(in crate::bridge) fn may_have_left(&self, row: &OutboxRow) -> bool {
        row.state == OutboxState::Sending || self.store.unsynced_until().covers(row)
    }

    /// Which of `rows` are in the room already. Asked only about rows that may have left before: after a crash, or
    /// after an answer that never came. Homeservers forget transaction ids, rooms do not forget events.
    pub(in crate::bridge) async fn find_sent(
        &self,
        lane: &str,
        rows: &[(OutboxRow, ToRoom)],
        room: &OwnedRoomId,
    ) -> Result<HashMap<String, OwnedEventId>, Error> {
        let doubtful = rows.iter().filter(|(row, _)| self.may_have_left(row));
        let doubtful: Vec<String> = doubtful.map(|(row, _)| row.dedup_key.clone()).collect();
        if doubtful.is_empty() {
            return Ok(HashMap::new());
        }
        let name = lane.to_owned();
        let last = self.store.read(move |tx| Box::pin(async move { tx.last_result(&name).await })).await?;
        let last: Option<OwnedEventId> = last.and_then(|event| event.try_into().ok());
        Ok(self.homeserver.bot().find_sent(room, KEY_FIELD, &doubtful, last.as_deref()).await?.events)
    }

    /// Sends `rows` one after the other up to the first that fails.
    async fn send_in_order(
        self: &Arc<Self>,
        rows: Vec<(OutboxRow, ToRoom)>,
        room: &OwnedRoomId,
        host: &Intent,
        known: HashMap<String, OwnedEventId>,
    ) -> (Gone, Option<(OutboxRow, Error)>) {
        let mut gone = Gone::with_capacity(rows.len());
        for (row, to_room) in rows {
            if !gone.is_empty() {
                reach(Failpoint::ToMatrixBetween);
            }
            let event = match known.get(&row.dedup_key) {
                Some(event) => Ok(Some(event.clone())),
                None => self.carry_out(&row, &to_room, room, host).await,
            };
            match event {
                Ok(event) => gone.push((row, to_room, room.clone(), event)),
                Err(error) => return (gone, Some((row, error))),
            }
        }
        (gone, None)
    }

    /// Says or does what lies in a row. What is done has no event that could be found again: doing it twice is no harm.
    async fn carry_out(
        self: &Arc<Self>,
        row: &OutboxRow,
        to_room: &ToRoom,
        room: &OwnedRoomId,
        host: &Intent,
    ) -> Result<Option<OwnedEventId>, Error> {
        match (&to_room.act, &to_room.speaker) {
            (Some(act), Speaker::Ghost(contact)) => self.act_in_room(act, contact, room, host).await.map(|()| None),
            (Some(Act::Read(event)), Speaker::Bot) => self.mark_read(room, event).await.map(|()| None),
            (Some(_), Speaker::Bot | Speaker::Owner(_)) => Ok(None),
            (None, _) => self.say_in_room(row, to_room, room, host).await.map(Some),
        }
    }

    async fn say_in_room(
        self: &Arc<Self>,
        row: &OutboxRow,
        to_room: &ToRoom,
        room: &OwnedRoomId,
        host: &Intent,
    ) -> Result<OwnedEventId, Error> {
        let _behind = if to_room.is_status { Some(self.statuses.acquire().await) } else { None };
        let (_turn, key) = (self.requests.acquire().await, row.dedup_key.as_str());
        let contact = match &to_room.speaker {
            Speaker::Bot => return self.say_as_bot(to_room, key, room).await,
            Speaker::Ghost(contact) => contact,
            Speaker::Owner(contact) => {
                let account = AccountId::new(&row.login);
                match self.say_as_owner(&account, (to_room, key), room).await? {
                    Some(event) => return Ok(event),
                    None => contact,
                }
            }
        };
        let ghost = self.ensure_ghost(contact).await?;
        self.ensure_joined(&ghost, room, host).await?;
        if let Target::Portal(portal) = to_room.target {
            self.show_card(contact, &ghost, portal).await;
            self.want_portraits(contact, portal);
        }
        match ghost.send(room, "m.room.message", &to_room.content, key, to_room.ts_ms).await {
            Err(error) if error.is_forbidden() => {
                // It was thrown out since we last looked: let it in again, once.
                self.forget_member(room, ghost.user_id()).await?;
                self.ensure_joined(&ghost, room, host).await?;
                Ok(ghost.send(room, "m.room.message", &to_room.content, key, to_room.ts_ms).await?)
            }
            sent => Ok(sent?),
        }
    }

    async fn say_as_bot(&self, to_room: &ToRoom, key: &str, room: &RoomId) -> Result<OwnedEventId, Error> {
        let bot = self.homeserver.bot();
        if let Target::Takedown { event, .. } = &to_room.target
            && let Some(gone) = take_down(&bot, room, event, key).await?
        {
            return Ok(gone);
        }
        let kind = if to_room.is_status { status::TYPE } else { "m.room.message" };
        Ok(bot.send(room, kind, &to_room.content, key, to_room.ts_ms).await?)
    }

    /// Writes down what has left of `lane`.
    pub(in crate::bridge) async fn mark_sent(&self, lane: &str, gone: Gone) -> Result<(), Error> {
        self.close(lane, gone, After::Look).await.map(drop)
    }

    async fn look(&self, lane: &str) -> Result<Head, Error> {
        let (lane, now_ms) = (lane.to_owned(), self.clock.now_ms());
        Ok(self.store.follow_up(move |tx| Box::pin(async move { head::mark(tx, &lane, now_ms).await })).await?)
    }

    /// Writes down what has left, and looks at what waits behind it, if more is to leave. A room tells what has come to be in it: after a
    /// power cut, or a death before this, it is asked. So a lane that rests leaves this to whatever is committed next.
    async fn close(&self, lane: &str, gone: Gone, after: After) -> Result<Option<Head>, Error> {
        let count = u64::try_from(gone.len()).unwrap_or(u64::MAX);
        let head = if after == After::Rest {
            let closed = self.store.follow_along(move |tx| Box::pin(async move { write_down(tx, &gone).await }));
            closed.await.map(|()| Some(Head::Empty))?
        } else {
            let (lane, now_ms) = (lane.to_owned(), self.clock.now_ms());
            let closed = self.store.follow_up(move |tx| {
                Box::pin(async move {
                    write_down(tx, &gone).await?;
                    // If the next cannot be read, that is no reason to forget that these have left.
                    Ok(if after == After::More { head::mark(tx, &lane, now_ms).await.ok() } else { None })
                })
            });
            closed.await?
        };
        METRICS.bridged.add(Way::ToMatrix, count);
        Ok(head)
    }

    async fn settle_failure(self: &Arc<Self>, row: &OutboxRow, error: Error) -> Result<Next, Error> {
        if error.verdict() == Verdict::GiveUp {
            return self.bury(row, &error).await;
        }
        // The row stays `sending`: the next round looks for it in the room before it sends it again.
        Err(error)
    }
}

/// Writes down that all of `gone` has left.
async fn write_down(tx: &mut Tx, gone: &Gone) -> Result<(), store::Error> {
    for (row, to_room, room, event) in gone {
        tx.mark_sent(row.seq, event.as_ref().map(|event| event.as_str())).await?;
        if let (Some(key), Some(event)) = (&to_room.message, event) {
            tx.add_message(&MessageRow {
                login: row.login.clone(),
                message_key: key.clone(),
                part: to_room.part,
                room_id: room.to_string(),
                event_id: event.to_string(),
            })
            .await?;
        }
    }
    Ok(())
}

/// Takes `event` down; `None` when that is not allowed, or nothing to take down.
async fn take_down(bot: &Intent, room: &RoomId, event: &str, key: &str) -> Result<Option<OwnedEventId>, Error> {
    let Ok(event) = OwnedEventId::try_from(event) else { return Ok(None) };
    match bot.redact(room, &event, key, None).await {
        Err(error) if error.is_forbidden() => Ok(None),
        done => Ok(Some(done?)),
    }
}
