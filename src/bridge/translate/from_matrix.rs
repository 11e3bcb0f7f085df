//! What people write in Matrix: routed to a chat on QQ, to the bot, or nowhere.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use matrix_sdk::ruma::EventId;
use tracing::{debug, warn};

use super::{BATCH, Outcome};
use crate::base::Backoff;
use crate::base::failpoint::{Failpoint, reach};
use crate::base::metrics::{METRICS, Way};
use crate::bridge::levels::LEVELS;
use crate::bridge::open::OpenedFromMatrix;
use crate::bridge::portal::Portal;
use crate::bridge::relay::Voice;
use crate::bridge::status::Status;
use crate::bridge::upgrade::Tombstone;
use crate::bridge::{Bridge, Error, Order, Wish, notice, route};
use crate::matrix::event::{Event, Kind, Member, Membership, Message, Relation};
use crate::store::{self, Fate, JobKind, OutboxState, Tx};

/// Of what a room is that is no portal's yet.
const NO_PORTAL: i64 = 0;

impl Bridge {
    /// Translates what the homeserver pushes, until shutdown.
    pub(in crate::bridge) async fn translate_from_matrix(self: Arc<Self>) {
        let backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
        let mut failures = 0;
        while !self.shutdown.is_asked() {
            let wait = match self.translate_matrix_batch().await {
                Ok(true) => {
                    failures = 0;
                    self.shutdown.unless_asked(self.arrived_from_matrix.notified()).await;
                    continue;
                }
                Ok(false) => continue,
                Err(error) => {
                    failures += 1;
                    warn!(%error, failures, "events from Matrix could not be translated; trying again");
                    backoff.delay(failures)
                }
            };
            self.shutdown.unless_asked(tokio::time::sleep(wait)).await;
        }
    }

    /// Translates the oldest rows; `true` when those were all.
    async fn translate_matrix_batch(self: &Arc<Self>) -> Result<bool, Error> {
        // By the writer, which has the pages at hand: readers find all of them changed.
        let rows = self
            .store
            .follow_up(|tx| Box::pin(async move { tx.due_arrivals(route::FROM_MATRIX, 0, BATCH).await }))
            .await?;
        let was_all = u32::try_from(rows.len()).is_ok_and(|count| count < BATCH);
        if !rows.is_empty() {
            reach(Failpoint::MatrixRead);
            let opened = join_all(rows.iter().map(|row| self.open_from_matrix(row))).await;
            let bridge = Arc::clone(self);
            let no_room_is_met = self.meeting.lock().await;
            let outcome = self
                .store
                .follow_up(move |tx| {
                    Box::pin(async move {
                        let mut outcome = Outcome::default();
                        for row in &opened {
                            outcome.fate = Fate::Quiet;
                            bridge.translate_event(tx, row, &mut outcome).await?;
                            let portal =
                                row.event.as_ref().and_then(|event| bridge.portals.by_room(event.room.as_str()));
                            let account = portal.as_ref().map(|portal| portal.account.as_str());
                            tx.finish_arrival(row.seq, account, outcome.fate).await?;
                        }
                        outcome.look_ahead(tx, &bridge).await?;
                        Ok(outcome)
                    })
                })
                .await?;
            drop(no_room_is_met);
            reach(Failpoint::MatrixTranslated);
            self.announce(outcome, None).await;
        }
        Ok(was_all)
    }

    async fn translate_event(
        &self,
        tx: &mut Tx,
        opened: &OpenedFromMatrix,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let seq = opened.seq;
        let Some(event) = &opened.event else {
            warn!(seq, "the homeserver pushed something that is not an event; it is kept in the inbox");
            METRICS.failed.add(Way::ToQq, 1);
            return tx.bury_arrival(seq, "the homeserver pushed something that is not an event").await.map(drop);
        };
        if opened.emptied {
            out.lanes.push(self.take_down_secret(tx, event).await?);
            let wish = match &event.kind {
                // A secret that was asked for leaves nothing; one behind its command leaves that.
                Kind::Message(message) if !message.body.is_empty() => Wish::Command(message.body.clone()),
                _ => Wish::Secret,
            };
            out.orders.push(order(event, wish));
            out.fate = Fate::Obeyed;
            return Ok(());
        }
        if let Some(mark) = &opened.mark
            && self.is_of_puppet(tx, event, mark).await?
        {
            return Ok(());
        }
        match &event.kind {
            Kind::Message(message) => self.translate_message(tx, opened, event, message, out).await,
            Kind::Reaction { target, .. } => self.refuse_reaction(tx, event, target, out).await,
            Kind::Redaction { target } => self.translate_redaction(tx, event, target, out).await,
            Kind::Encrypted => self.translate_encrypted(tx, event, out).await,
            Kind::EncryptionOn => self.translate_encryption(tx, event, out).await,
            Kind::Foreign { .. } => self.refuse_foreign(tx, event, out).await,
            Kind::Member(member) if self.invites_bot(member) => {
                out.fate = Fate::Obeyed;
                // A room that a portal is to follow to gets no greeting.
                out.jobs |= tx.hurry_jobs(event.room.as_str()).await? > 0;
                if !out.jobs {
                    out.orders.push(order(event, Wish::Join));
                }
                Ok(())
            }
            Kind::Member(member) if self.invites_ghost(member) => {
                let (room, ghost) = (event.room.as_str(), Some(member.user.as_str()));
                out.jobs |= tx.add_job(JobKind::Meet, NO_PORTAL, room, ghost, event.sender.as_str()).await?;
                out.fate = Fate::Obeyed;
                Ok(())
            }
            Kind::Other { kind } if kind == LEVELS => self.translate_levels(tx, event, out).await,
            Kind::Tombstone { replacement } => {
                match self.translate_tombstone(tx, event, replacement.as_deref()).await? {
                    Tombstone::Idle => {}
                    Tombstone::Told(lane) => out.lanes.push(lane),
                    Tombstone::Follow => out.replaced.push(event.room.to_string()),
                }
                out.fate = Fate::Obeyed;
                Ok(())
            }
            _ => {
                debug!(seq, "an event that asks nothing of the bridge");
                Ok(())
            }
        }
    }

    fn invites_bot(&self, member: &Member) -> bool {
        member.now == Membership::Invite && member.user == self.homeserver.bot_id()
    }

    async fn translate_message(
        &self,
        tx: &mut Tx,
        opened: &OpenedFromMatrix,
        event: &Event,
        message: &Message,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        if let Some(command) = self.command_in(tx, event, message).await? {
            out.orders.push(order(event, Wish::Command(command)));
            out.fate = Fate::Obeyed;
            return Ok(());
        }
        let Some(portal) = self.portals.by_room(event.room.as_str()) else { return Ok(()) };
        self.translate_words(tx, (opened, event), message, &portal, out).await
    }

    /// The portal whose room `event` is in, if who is behind it may speak there.
    async fn portal_of_speaker(&self, tx: &mut Tx, event: &Event) -> Result<Option<Arc<Portal>>, store::Error> {
        let Some(portal) = self.portals.by_room(event.room.as_str()) else { return Ok(None) };
        let voice = self.voice(tx, &portal, event, false).await?;
        Ok(matches!(voice, Voice::Own | Voice::Relayed).then_some(portal))
    }

    /// QQ has no reactions: that is said once in each room.
    async fn refuse_reaction(
        &self,
        tx: &mut Tx,
        event: &Event,
        target: &EventId,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        if self.portal_of_speaker(tx, event).await?.is_none() {
            return Ok(());
        }
        self.decline_about(tx, (event, target), "message.no_reaction", "once", out).await
    }

    /// QQ has no polls, calls and the like.
    async fn refuse_foreign(&self, tx: &mut Tx, event: &Event, out: &mut Outcome) -> Result<(), store::Error> {
        if self.portal_of_speaker(tx, event).await?.is_none() {
            return Ok(());
        }
        self.decline(tx, event, "message.unsupported", event.id.as_str(), out).await
    }

    /// Nothing that was said on QQ can be taken back; what still waits is not said.
    async fn translate_redaction(
        &self,
        tx: &mut Tx,
        event: &Event,
        target: &EventId,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let Some(portal) = self.portal_of_speaker(tx, event).await? else { return Ok(()) };
        let mut said = false;
        for at in 0.. {
            let Some(row) = tx.departure_by_key(&route::key_to_qq(target.as_str(), at)).await? else { break };
            if row.waits() && row.sends == 0 {
                tx.drop_departure(row.seq, "taken back by its author").await?;
            } else if !matches!(row.state, OutboxState::Dead | OutboxState::Dropped) {
                said = true;
            }
        }
        out.lanes.push(Self::lane_of(&portal));
        out.fate = Fate::Obeyed;
        if said {
            self.decline_about(tx, (event, target), "message.no_redaction", target.as_str(), out).await
        } else {
            Ok(())
        }
    }

    async fn translate_encrypted(&self, tx: &mut Tx, event: &Event, out: &mut Outcome) -> Result<(), store::Error> {
        let ours = self.portals.by_room(event.room.as_str()).is_some()
            || tx.user_by_control_room(event.room.as_str()).await?.is_some();
        if ours { self.decline(tx, event, "message.encrypted", event.id.as_str(), out).await } else { Ok(()) }
    }

    /// Answers an event that goes nowhere with the reason `why`, once for each `occasion` in the room.
    pub(super) async fn decline(
        &self,
        tx: &mut Tx,
        event: &Event,
        why: &'static str,
        occasion: &str,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        self.decline_about(tx, (event, &event.id), why, occasion, out).await
    }

    /// The same, as a reply to the event that `event` is about.
    async fn decline_about(
        &self,
        tx: &mut Tx,
        (event, about): (&Event, &EventId),
        why: &'static str,
        occasion: &str,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let (room, message) = (event.room.as_str(), self.texts_for(event.sender.as_str()).say(why, &[]));
        let key = route::key(&["decline", room, why, occasion]);
        let notice = notice::reply(&message, about.as_str(), event.sender.as_str(), &key);
        let is_new = tx.departure_by_key(&key).await?.is_none();
        out.lanes.push(notice::put(tx, room, notice, &key).await?);
        out.fate = Fate::Answered;
        // Somebody who is no owner hears of it once.
        if is_new || !matches!(why, "message.not_owner" | "message.one_way") {
            let failed = Status::Failed { phrase: why, message, error: why.to_owned() };
            out.lanes.extend(self.put_status(tx, (room, event.id.as_str()), why, &failed).await?);
        }
        Ok(())
    }

    /// The command in `message`, if it is one: anything in a control room, and what begins with the prefix elsewhere.
    pub(super) async fn command_in(
        &self,
        tx: &mut Tx,
        event: &Event,
        message: &Message,
    ) -> Result<Option<String>, store::Error> {
        // Bots answer with notices: obeying those would make two bots talk for ever.
        if message.msgtype != "m.text" || matches!(message.relation, Relation::Edit { .. }) {
            return Ok(None);
        }
        let prefix = self.config.bridge.command_prefix.as_str();
        let body = message.body.trim();
        let after_prefix =
            body.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if let Some(rest) = after_prefix {
            return Ok(Some(rest.trim().to_owned()));
        }
        let control = tx.user_by_control_room(event.room.as_str()).await?;
        Ok(control.map(|_| body.to_owned()))
    }
}

fn order(event: &Event, wish: Wish) -> Order {
    Order { sender: event.sender.to_string(), room: event.room.to_string(), event: event.id.to_string(), wish }
}
