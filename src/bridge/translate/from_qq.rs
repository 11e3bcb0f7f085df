//! What QQ pushes: shown in a portal, recognised as an echo, parked, or kept as odd.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::ruma::OwnedUserId;
use serde_json::Value;
use tracing::{info, warn};

use super::{BATCH, Outcome};
use crate::base::Backoff;
use crate::base::failpoint::{Failpoint, reach};
use crate::base::metrics::{METRICS, Way};
use crate::bridge::convert::parts::{self, Part};
use crate::bridge::convert::to_matrix;
use crate::bridge::departure::{self, Speaker, Target, ToChat, ToRoom};
use crate::bridge::doubt::waits_for;
use crate::bridge::login::Live;
use crate::bridge::open::{Content, OpenedFromQq, Said};
use crate::bridge::portal;
use crate::bridge::{Bridge, Error, Verdict, echo, ghost, route};
use crate::qq::{self, AccountId, Chat, ChatKind, ContactId, Doubt, Message, Sender};
use crate::store::{self, Fate, InboxRow, MessageRow, Tx};

/// How long a row waits that belongs to a chat in doubt; a decision or a new login looks at it at once.
const PARKED: Duration = Duration::from_hours(6);

impl Bridge {
    /// Translates what QQ pushes to `live`, until its part of the house is shut down.
    pub(in crate::bridge) async fn translate_from_qq(self: Arc<Self>, live: Arc<Live>) {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_mins(1));
        let mut failures = 0;
        while !live.part.is_asked() {
            let wait = match self.translate_qq_batch(&live).await {
                Ok(true) => {
                    failures = 0;
                    live.part.unless_asked(live.arrived.notified()).await;
                    continue;
                }
                Ok(false) => continue,
                Err(Error::Qq(error)) if error.verdict() == qq::Verdict::LogIn => {
                    // What was not opened yet stays in the inbox, in order, for the next login.
                    self.session_lost(&live, &error.to_string()).await;
                    return;
                }
                Err(error) => {
                    failures += 1;
                    warn!(account = %live.account, %error, failures, "messages from QQ could not be translated; trying again");
                    backoff.delay(failures)
                }
            };
            live.part.unless_asked(tokio::time::sleep(wait)).await;
        }
    }

    /// Opens and translates the oldest rows; `true` when those were all.
    async fn translate_qq_batch(self: &Arc<Self>, live: &Arc<Live>) -> Result<bool, Error> {
        let _alone = live.translating.lock().await;
        let origin = route::from_qq(&live.account);
        // By the writer, which has the pages at hand: readers find all of them changed.
        let rows =
            self.store.follow_up(move |tx| Box::pin(async move { tx.due_arrivals(&origin, 0, BATCH).await })).await?;
        let was_all = u32::try_from(rows.len()).is_ok_and(|count| count < BATCH);
        let (opened, failure) = self.open_batch(live, &rows).await;
        if !opened.is_empty() {
            reach(Failpoint::QqOpened);
            let (bridge, translated) = (Arc::clone(self), Arc::clone(live));
            let outcome = self
                .store
                .follow_up(move |tx| {
                    Box::pin(async move {
                        let mut outcome = Outcome::default();
                        for row in &opened {
                            bridge.translate_opened(tx, &translated, row, &mut outcome).await?;
                        }
                        outcome.look_ahead(tx, &bridge).await?;
                        Ok(outcome)
                    })
                })
                .await?;
            reach(Failpoint::QqTranslated);
            self.announce(outcome, Some(live)).await;
        }
        failure.map_or(Ok(was_all), Err)
    }

    /// Opens rows in order up to the first that cannot be opened now: what comes after it has to wait for it.
    async fn open_batch(&self, live: &Arc<Live>, rows: &[InboxRow]) -> (Vec<OpenedFromQq>, Option<Error>) {
        let mut opened = Vec::with_capacity(rows.len());
        for row in rows {
            match self.open_from_qq(live, row).await {
                Ok(row) => opened.push(row),
                Err(error) if error.verdict() == Verdict::GiveUp => {
                    opened.push(OpenedFromQq::of(row, vec![Content::Odd(error.to_string())]));
                }
                Err(error) => return (opened, Some(error)),
            }
        }
        (opened, None)
    }

    async fn translate_opened(
        &self,
        tx: &mut Tx,
        live: &Live,
        row: &OpenedFromQq,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        out.fate = Fate::Quiet;
        for content in &row.contents {
            let told = out.lanes.len();
            match content {
                Content::Said(said) => self.translate_said(tx, live, row.seq, said, out).await?,
                Content::Passing(passing) => out.passing.extend(self.still_worth(passing, row.received_at_ms)),
                Content::Group(news, people) => self.translate_group(tx, live, row.seq, (news, people), out).await?,
                Content::Asked(request) => self.translate_asked(tx, live, request, out).await?,
                Content::Told(news) => self.translate_told(tx, live, row.seq, news, out).await?,
                Content::Quiet => {}
                Content::Unknown(kind) => return self.translate_unknown(tx, live, row.seq, kind, out).await,
                Content::SignedOut(why) => out.signed_out = Some(why.clone()),
                Content::Parked { why, doubt } => {
                    return self.park(tx, live, row.seq, (why, doubt.as_ref()), out).await;
                }
                Content::Odd(why) => {
                    warn!(account = %live.account, seq = row.seq, why, "QQ pushed something odd; it is kept in the inbox");
                    METRICS.failed.add(Way::ToMatrix, 1);
                    return tx.bury_arrival(row.seq, why).await.map(drop);
                }
            }
            if !matches!(content, Content::Said(_)) && out.lanes.len() > told {
                out.fate = Fate::Told;
            }
        }
        tx.finish_arrival(row.seq, Some(live.account.as_str()), out.fate).await.map(drop)
    }

    /// Lets a row wait until it is certain where it belongs, and sees to it that the owner is asked.
    async fn park(
        &self,
        tx: &mut Tx,
        live: &Live,
        seq: i64,
        (why, doubt): (&str, Option<&Doubt>),
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let due = self.clock.ms_in(PARKED);
        info!(account = %live.account, seq, why, "a message waits: its chat is in doubt");
        METRICS.parked.add(Way::ToMatrix, 1);
        let Some(doubt) = doubt else { return tx.postpone_arrival(seq, due, why).await.map(drop) };
        if !out.doubts.iter().any(|asked| asked.number == doubt.number) {
            out.doubts.push(doubt.clone());
        }
        tx.postpone_arrival(seq, due, &waits_for(doubt.number)).await.map(drop)
    }

    async fn translate_said(
        &self,
        tx: &mut Tx,
        live: &Live,
        seq: i64,
        said: &Said,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let message = &said.message;
        let may_be_own = matches!(message.sender, Sender::Me | Sender::Unclear(_));
        if self.is_left_out(&live.account, &message.chat, message.kind) {
            return self.leave_out(tx, live, said, may_be_own, out).await;
        }
        let portal = self.portal_of(tx, live, said, out).await?;
        if may_be_own && self.is_echo(tx, live, portal, said, out).await? {
            return Ok(());
        }
        let speaker = self.speaker_of(tx, said, out).await?;
        let called = self.users_called(tx, live, said, out).await?;
        let lane = route::lane_to_portal_room(portal);
        for (number, part) in (0_i64..).zip(parts::parts(&message.pieces)) {
            let key = part_key(&live.account, message, number);
            let (content, fetch) = match part {
                Part::Said(pieces) => (to_matrix::content(message, pieces, &key, |who| called.get(who).cloned()), None),
                Part::Media(piece) => (Value::Null, Some(piece.clone())),
            };
            let to_room = ToRoom {
                ts_ms: Some(message.sent_at_ms),
                message: Some(message.key.to_string()),
                part: number,
                fetch,
                ..ToRoom::new(Target::Portal(portal), speaker.clone(), content)
            };
            departure::put_on(tx, lane.clone(), live.account.as_str(), &to_room, &key, Some(seq)).await?;
        }
        out.lanes.push(lane);
        Ok(())
    }

    /// Does not show `said`, whose chat is to get no room by itself, and sees to it that the owner is told.
    async fn leave_out(
        &self,
        tx: &mut Tx,
        live: &Live,
        said: &Said,
        may_be_own: bool,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        if may_be_own
            && let Some(portal) = self.portals.by_chat(&live.account, &said.message.chat)
            && self.is_echo(tx, live, portal.id, said, out).await?
        {
            // It was said in the room that there was.
            return Ok(());
        }
        out.lanes.extend(self.put_left_out(tx, live, said).await?);
        out.fate = Fate::Told;
        Ok(())
    }

    /// The number of the portal that `said` belongs to, put on disk if it is the first message there.
    async fn portal_of(&self, tx: &mut Tx, live: &Live, said: &Said, out: &mut Outcome) -> Result<i64, store::Error> {
        if let Some(portal) = self.portals.by_chat(&live.account, &said.message.chat) {
            return Ok(portal.id);
        }
        let chat = said.chat.clone().unwrap_or_else(|| unlisted(said));
        let row = portal::ensure_row(tx, &live.account, &chat).await?;
        let id = row.id;
        out.portals.push(row);
        Ok(id)
    }

    /// Whether `said` is what a person said through us. A message typed on the phone is not.
    async fn is_echo(
        &self,
        tx: &mut Tx,
        live: &Live,
        portal: i64,
        said: &Said,
        out: &mut Outcome,
    ) -> Result<bool, store::Error> {
        let (login, key) = (live.account.as_str(), said.message.key.as_str());
        if !tx.messages(login, key).await?.is_empty() {
            // Recognised before: QQ handed it out twice.
            out.fate = Fate::Echoed;
            return Ok(true);
        }
        let lane = route::lane_to_chat(&live.account, portal);
        let print = echo::fingerprint(&said.message.pieces);
        let since = self.clock.now_ms().min(said.message.sent_at_ms) - echo::WINDOW_MS;
        let Some(row) = tx.claim_echo(&lane, &print, since).await? else { return Ok(false) };
        if let Ok(ToChat { room, event, .. }) = departure::read(&row) {
            let (login, message_key) = (login.to_owned(), key.to_owned());
            tx.add_message(&MessageRow { login, message_key, part: 0, room_id: room, event_id: event }).await?;
        }
        reach(Failpoint::EchoMatched);
        out.lanes.extend(self.put_echoed(tx, &row).await?);
        out.fate = Fate::Echoed;
        // An uncertain send is settled by this.
        out.lanes.push(lane);
        Ok(true)
    }

    /// As whom those are known in Matrix who are called in `said`: the owner, or ghosts, which are put on disk.
    async fn users_called(
        &self,
        tx: &mut Tx,
        live: &Live,
        said: &Said,
        out: &mut Outcome,
    ) -> Result<HashMap<ContactId, OwnedUserId>, store::Error> {
        let mut users = HashMap::new();
        for (contact, nick) in &said.people {
            let user = if *contact == ContactId::from(&live.account) {
                tx.owner_of(live.account.as_str()).await?.and_then(|owner| owner.try_into().ok())
            } else {
                self.keep_ghost(tx, contact, nick, out).await?;
                self.homeserver.ghost_id(contact.as_str()).ok()
            };
            users.extend(user.map(|user| (contact.clone(), user)));
        }
        Ok(users)
    }

    async fn speaker_of(&self, tx: &mut Tx, said: &Said, out: &mut Outcome) -> Result<Speaker, store::Error> {
        let Some((contact, nick)) = &said.speaker else { return Ok(Speaker::Bot) };
        self.keep_ghost(tx, contact, nick, out).await?;
        let of = if said.message.sender == Sender::Me { Speaker::Owner } else { Speaker::Ghost };
        Ok(of(contact.clone()))
    }

    /// Puts the ghost of `contact` on disk, called `nick`.
    pub(super) async fn keep_ghost(
        &self,
        tx: &mut Tx,
        contact: &ContactId,
        nick: &str,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        if !self.ghosts.is_named(contact, nick)
            && let Ok(user) = self.homeserver.ghost_id(contact.as_str())
        {
            ghost::put_row(tx, contact, &user, nick).await?;
            out.ghosts.push((contact.clone(), nick.to_owned()));
        }
        Ok(())
    }
}

/// The key of one part of a message: the first has that of a message without parts.
fn part_key(account: &AccountId, message: &Message, number: i64) -> String {
    let number = number.to_string();
    let mut parts = vec!["to_matrix", account.as_str(), message.key.as_str()];
    if number != "0" {
        parts.push(&number);
    }
    route::key_beside(message.key.as_str(), &parts)
}

/// A chat that no list shows, as far as the message tells.
fn unlisted(said: &Said) -> Chat {
    let message = &said.message;
    let peer = match &message.sender {
        Sender::Contact(contact) | Sender::Unclear(contact) => Some(contact.clone()),
        Sender::Me | Sender::System => None,
    };
    let direct = matches!(message.kind, ChatKind::Friend | ChatKind::Temporary);
    let name = said.speaker.as_ref().map_or_else(String::new, |(_, nick)| nick.clone());
    Chat {
        id: message.chat.clone(),
        kind: message.kind,
        name: if direct { name } else { message.chat.to_string() },
        peer: peer.filter(|_| direct),
        category: None,
    }
}
