//! Towards QQ: one row at a time, paced, and never twice unless QQ left it in doubt and the configuration says so.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::{until_due, wait_after};
use crate::base::failpoint::{Failpoint, reach};
use crate::base::metrics::{METRICS, Way};
use crate::bridge::departure::{self, ToChat};
use crate::bridge::lane::Next;
use crate::bridge::login::Live;
use crate::bridge::status::Status;
use crate::bridge::{Bridge, Error, echo, notice, route};
use crate::qq::{self, AccountId, Capabilities, Doubt, Sent};
use crate::store::{self, OutboxRow, OutboxState, Tx};

/// How many rows of a lane share the synced commit before their sending, where no pace holds them up.
const WINDOW: u32 = 32;

/// Rows of a lane that leave one after the other, each marked.
type Window = VecDeque<(OutboxRow, ToChat)>;

/// What an uncertain message is filed under.
const NOT_CONFIRMED: &str = "QQ did not say whether it took the message";

/// How often a message is said at most whose echo would have told that it had been heard.
const MOST_SENDS: u32 = 10;

/// The same where there are no echoes: each time, it may be heard once more.
const MOST_BLIND_SENDS: u32 = 2;

/// How long until an uncertain message is looked at again when QQ has not been heard since it left.
const DEAF_WAIT: Duration = Duration::from_millis(500);

/// A network that has something to hand out does so sooner than this.
const LULL: Duration = Duration::from_secs(3);

/// Where people never stop talking, what waited at QQ has been handed out after this.
const RESTLESS: Duration = Duration::from_mins(5);

impl Bridge {
    /// Says what lies at the head of a lane on QQ.
    pub(in crate::bridge) async fn deliver_to_qq(self: &Arc<Self>, lane: &str, failures: &mut u32) -> Next {
        let done = if route::is_of_answers(lane) { self.answer_head(lane).await } else { self.say_head(lane).await };
        match done {
            Ok(next) => {
                *failures = 0;
                next
            }
            Err(error) => wait_after(lane, &error, failures),
        }
    }

    /// The row at the head of a lane and the session through which it leaves. Without one its owner has to log in; taking
    /// up a session wakes the lane.
    pub(super) async fn head_to_qq(&self, lane: &str) -> Result<Option<(OutboxRow, Arc<Live>)>, Error> {
        let name = lane.to_owned();
        // By the writer, which has the pages at hand: readers find all of them changed.
        let rows = self.store.follow_up(move |tx| Box::pin(async move { tx.lane_head(&name, 1).await })).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        Ok(self.logins.live(&AccountId::new(&row.login)).map(|live| (row, live)))
    }

    async fn say_head(self: &Arc<Self>, lane: &str) -> Result<Next, Error> {
        let Some((row, live)) = self.head_to_qq(lane).await? else { return Ok(Next::End) };
        if !row.waits() {
            return self.settle_uncertain(&live, &row).await;
        }
        if self.is_paused(&live.account) {
            // Whoever resumes wakes the lane.
            return Ok(Next::End);
        }
        if let Some(wait) = self.until_due(&row) {
            return Ok(wait);
        }
        let mut to_chat: ToChat = match departure::read(&row) {
            Ok(to_chat) => to_chat,
            Err(error) => return self.bury(&row, &error).await,
        };
        if let Some(attachment) = to_chat.attachment.take() {
            return self.attach(&live, &row, to_chat, &attachment).await;
        }
        let Capabilities { send_interval, send_jitter, .. } = live.network.capabilities();
        let begun = Instant::now();
        if live.part.unless_asked(live.pacing.take_turn(send_interval, send_jitter)).await.is_none() {
            return Ok(Next::More);
        }
        METRICS.waited_for_turn(begun.elapsed());
        let (name, talker, now_ms) = (row.lane, Arc::clone(&live), self.clock.now_ms());
        let window =
            self.store.write(move |tx| Box::pin(async move { mark(tx, &name, &talker, now_ms).await })).await?;
        self.say(&live, window).await
    }

    /// Says the rows of `window` and then whatever of their lane may follow at once.
    async fn say(self: &Arc<Self>, live: &Arc<Live>, mut window: Window) -> Result<Next, Error> {
        let mut going = window.pop_front();
        while let Some((row, to_chat)) = going {
            reach(Failpoint::ToQqMarked);
            let sent = live.network.send(&to_chat.chat, &to_chat.message).await;
            reach(Failpoint::ToQqSent);
            going = match sent {
                Ok(Sent::Accepted(_)) => {
                    let next = self.close_and_follow(live, row, to_chat, &mut window).await?;
                    reach(Failpoint::ToQqBetween);
                    next
                }
                Ok(Sent::Uncertain) => {
                    self.leave_in_doubt(&row, to_chat).await?;
                    None
                }
                Err(error) => return self.settle_refusal(live, &row, &to_chat, error).await,
            };
        }
        Ok(Next::More)
    }

    /// Takes `row` out of its lane, which QQ took, and puts the next of `window` on the wire in the same commit, if that may leave at once.
    async fn close_and_follow(
        self: &Arc<Self>,
        live: &Arc<Live>,
        row: OutboxRow,
        to_chat: ToChat,
        window: &mut Window,
    ) -> Result<Option<(OutboxRow, ToChat)>, Error> {
        let is_stopping = live.part.is_asked() || self.is_paused(&live.account);
        let next = if is_stopping { None } else { window.pop_front() };
        let (bridge, follower) = (Arc::clone(self), next.as_ref().map(|(row, _)| row.seq));
        let closed = self.store.follow_up(move |tx| {
            Box::pin(async move {
                tx.mark_sent(row.seq, None).await?;
                let told = bridge.put_success(tx, &to_chat, row.seq).await?;
                let goes = match follower {
                    Some(seq) => tx.mark_on_wire(seq).await?,
                    None => false,
                };
                Ok((told, goes))
            })
        });
        let (told, goes) = closed.await?;
        METRICS.bridged.add(Way::ToQq, 1);
        if let Some(lane) = told {
            self.wake(&lane);
        }
        Ok(next.filter(|_| goes))
    }

    /// QQ did not say whether it took a message.
    async fn leave_in_doubt(self: &Arc<Self>, row: &OutboxRow, to_chat: ToChat) -> Result<(), Error> {
        let (seq, bridge) = (row.seq, Arc::clone(self));
        let occasion = format!("doubt {seq} {}", row.sends);
        let status = Status::Pending(self.texts_for(&to_chat.sender).say("status.doubt", &[]));
        let told = self.store.write(move |tx| {
            Box::pin(async move {
                if tx.mark_uncertain(seq, NOT_CONFIRMED).await? != Some(OutboxState::Uncertain) {
                    return Ok(None);
                }
                bridge.put_status(tx, (&to_chat.room, &to_chat.event), &occasion, &status).await
            })
        });
        told.await?.iter().for_each(|lane| self.wake(lane));
        METRICS.parked.add(Way::ToQq, 1);
        Ok(())
    }

    async fn settle_refusal(
        self: &Arc<Self>,
        live: &Arc<Live>,
        row: &OutboxRow,
        to_chat: &ToChat,
        error: qq::Error,
    ) -> Result<Next, Error> {
        let (seq, why) = (row.seq, error.to_string());
        match error.verdict() {
            qq::Verdict::GiveUp => {
                self.close_undelivered(row, to_chat, &why, "message.refused").await?;
                Ok(Next::More)
            }
            verdict => {
                let due = self.clock.now_ms();
                self.store.write(move |tx| Box::pin(async move { tx.mark_ready(seq, due, &why).await })).await?;
                if let qq::Error::Unmatched(_) = &error {
                    self.tell_it_waits(live, row, to_chat).await?;
                }
                if verdict == qq::Verdict::LogIn {
                    self.session_lost(live, &error.to_string()).await;
                }
                Err(error.into())
            }
        }
    }

    /// Tells the person who wrote a message that it waits, with all that they write after it, because this login did
    /// not find its chat: once for each room and login.
    async fn tell_it_waits(self: &Arc<Self>, live: &Live, row: &OutboxRow, to_chat: &ToChat) -> Result<(), Error> {
        let is_candidate = |doubt: &Doubt| doubt.candidates.iter().any(|candidate| candidate.chat == to_chat.chat);
        let phrase = if live.network.matching().open().any(is_candidate) { "message.doubtful" } else { "message.gone" };
        let key = route::key(&["waits", &row.lane, &live.network.session().epoch, &to_chat.sender]);
        let content =
            notice::reply(&self.texts_for(&to_chat.sender).say(phrase, &[]), &to_chat.event, &to_chat.sender, &key);
        self.tell(&to_chat.room, content, &key).await
    }

    /// Decides about a message that left without our hearing what became of it: its echo tells, else the
    /// configuration.
    async fn settle_uncertain(self: &Arc<Self>, live: &Arc<Live>, row: &OutboxRow) -> Result<Next, Error> {
        let seq = row.seq;
        if row.echoed {
            self.store.write(move |tx| Box::pin(async move { tx.mark_sent(seq, None).await })).await?;
            METRICS.bridged.add(Way::ToQq, 1);
            return Ok(Next::More);
        }
        if let Some(wait) = self.echo_may_come(live, row).await? {
            return Ok(Next::Wait(wait));
        }
        let most = if live.network.capabilities().echoes { MOST_SENDS } else { MOST_BLIND_SENDS };
        if self.config.bridge.resend_uncertain && row.sends < most {
            debug!(seq, "an uncertain message is sent once more");
            reach(Failpoint::ToQqAgain);
            let due = self.clock.now_ms();
            self.store.write(move |tx| Box::pin(async move { tx.mark_ready(seq, due, NOT_CONFIRMED).await })).await?;
            return Ok(Next::More);
        }
        let to_chat: ToChat = match departure::read(row) {
            Ok(to_chat) => to_chat,
            Err(error) => return self.bury(row, &error).await,
        };
        self.close_undelivered(row, &to_chat, NOT_CONFIRMED, "message.uncertain").await?;
        Ok(Next::More)
    }

    /// How much longer the echo of an uncertain message may be on its way; `None` when it should have come: time enough
    /// has passed since the message left and since polls end well again, one has ended well after it left, QQ has
    /// nothing more to hand out, and all that polls brought has been looked at.
    async fn echo_may_come(&self, live: &Live, row: &OutboxRow) -> Result<Option<Duration>, Error> {
        if !live.network.capabilities().echoes {
            return Ok(None);
        }
        let patience = Duration::from_millis(self.config.bridge.uncertain_wait_ms);
        // Not by the time of day, which may have jumped since it left.
        let since_left = live.in_doubt_for(row);
        let (Some(listening), Some(last_heard)) = (live.listening_for(), live.last_heard()) else {
            return Ok(Some(DEAF_WAIT));
        };
        let waited = since_left.min(listening);
        if waited < patience {
            return Ok(Some(patience.saturating_sub(waited)));
        }
        let origin = route::from_qq(&live.account);
        let unread = self.store.read(move |tx| Box::pin(async move { tx.due_arrivals(&origin, 0, 1).await })).await?;
        // An answer may hold but a part of what waits at QQ.
        let is_drained = live.network.quiet_for().is_some_and(|quiet| quiet >= patience.min(LULL));
        let is_heard = last_heard <= since_left && (is_drained || waited >= RESTLESS) && unread.is_empty();
        Ok((!is_heard).then_some(DEAF_WAIT))
    }

    /// Takes a message out of its lane and tells the person who wrote it why, both or neither.
    pub(super) async fn close_undelivered(
        self: &Arc<Self>,
        row: &OutboxRow,
        to_chat: &ToChat,
        why: &str,
        phrase: &'static str,
    ) -> Result<(), Error> {
        warn!(seq = row.seq, why, "a message was not delivered to QQ");
        METRICS.failed.add(Way::ToQq, 1);
        // Tries are counted: whoever has it tried again is told again.
        let key = route::key(&["undelivered", &to_chat.event, &row.seq.to_string(), &row.attempts.to_string()]);
        let (seq, why, bridge, to_chat) = (row.seq, why.to_owned(), Arc::clone(self), to_chat.clone());
        let lanes = self.store.write(move |tx| {
            Box::pin(async move {
                if tx.mark_dead(seq, &why).await? != Some(OutboxState::Dead) {
                    return Ok(Vec::new());
                }
                let author = (to_chat.room.as_str(), to_chat.event.as_str(), to_chat.sender.as_str());
                bridge.put_undelivered(tx, author, &key, phrase, why).await
            })
        });
        lanes.await?.iter().for_each(|lane| self.wake(lane));
        Ok(())
    }
}

/// Marks what leaves now at the head of `lane` and, where no pace holds it up, what may follow at once. Only the first is on the wire
/// then; the others leave in commits that are not synced. So a lane in a hurry waits for the disk once for many messages, and yet one of it is in
/// doubt after a crash; only after a power cut they all are.
async fn mark(tx: &mut Tx, lane: &str, live: &Live, now_ms: i64) -> Result<Window, store::Error> {
    let in_a_hurry = live.network.capabilities().send_interval.is_zero();
    let most = if in_a_hurry { WINDOW } else { 1 };
    let mut window = Window::new();
    for row in tx.lane_head(lane, most).await? {
        let (seq, is_marked, is_new) = (row.seq, row.state == OutboxState::Sending, row.sends == 0);
        let Some((row, to_chat)) = leaves_now(row, now_ms) else { break };
        let echo = echo::fingerprint(&live.network.as_heard(&to_chat.message));
        match (window.is_empty(), is_marked) {
            (true, true) => drop(tx.mark_on_wire(seq).await?),
            (true, false) => drop(tx.mark_sending_as(seq, &echo).await?),
            (false, true) => {}
            (false, false) if is_new => tx.mark_next(seq, &echo).await?,
            // What has left before may be recognised by its echo at any time.
            (false, false) => break,
        }
        window.push_back((row, to_chat));
    }
    Ok(window)
}

/// `row` with what is in it, if nothing has to be decided or fetched before it leaves.
fn leaves_now(row: OutboxRow, now_ms: i64) -> Option<(OutboxRow, ToChat)> {
    if !row.waits() || until_due(row.due_at_ms, now_ms).is_some() {
        return None;
    }
    let to_chat: ToChat = departure::read(&row).ok()?;
    to_chat.attachment.is_none().then_some((row, to_chat))
}
