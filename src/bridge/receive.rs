//! Room 1 of both journeys: what arrives is put into the inbox, in one commit, before it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use matrix_sdk::ruma::UserId;
use tracing::warn;

use super::login::Live;
use super::pacing::Pacing;
use super::{Bridge, Error, route};
use crate::base::Backoff;
use crate::base::failpoint::{Failpoint, reach};
use crate::base::metrics::{METRICS, Way};
use crate::config::Permission;
use crate::matrix::{Incoming, SinkError, Transaction};
use crate::qq::{Envelope, Session, Verdict};
use crate::store::Arrival;

/// How far apart two transactions of the homeserver are answered, and two polls begun: in a rush, what piles up there meanwhile arrives
/// together and shares all commits and requests up to its lane, where one by one each would pay for its own.
const HANDFUL: Duration = Duration::from_millis(10);

/// How long a poll that is in flight at shutdown may still bring something.
const LAST_POLL: Duration = Duration::from_secs(1);

impl Bridge {
    /// Takes in one transaction of the homeserver; when this is `Ok`, its events are on disk.
    pub fn receive_from_matrix(
        self: &Arc<Self>,
        transaction: Transaction,
    ) -> BoxFuture<'static, Result<(), SinkError>> {
        let bridge = Arc::clone(self);
        async move {
            reach(Failpoint::TransactionCame);
            bridge.load_awaited().await.map_err(|error| SinkError(error.to_string()))?;
            let mut answered = Vec::new();
            let mut arrivals = Vec::new();
            // Our own words coming back need no second journey.
            for mut event in transaction.events.into_iter().filter(|event| !bridge.is_ours(&event.sender)) {
                if !bridge.empty_command(&mut event)
                    && bridge.may_answer(&event).await.map_err(|error| SinkError(error.to_string()))?
                    && bridge.secrets.empty(&mut event, |words| bridge.is_cancel(words))
                {
                    answered.push(event.room_id);
                }
                arrivals.push(Arrival { dedup_key: event.event_id, body: event.body });
            }
            if !arrivals.is_empty() {
                let kept = bridge.put_into_inbox(route::FROM_MATRIX.to_owned(), arrivals).await;
                kept.map_err(|error| SinkError(error.to_string()))?;
                reach(Failpoint::TransactionKept);
                for room in &answered {
                    bridge.secrets.answered(room);
                }
                bridge.arrived_from_matrix.notify_one();
            }
            // The homeserver waits, what it said does not.
            bridge.transactions.take_turn(HANDFUL, Duration::ZERO).await;
            Ok(())
        }
        .boxed()
    }

    /// Polls QQ for `live` until its part of the house is shut down or the session ends.
    pub(super) async fn receive_from_qq(self: Arc<Self>, live: Arc<Live>) {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        let mut failures = 0;
        let mut saved = live.network.session();
        let polls = Pacing::default();
        while !live.part.is_asked() {
            polls.take_turn(HANDFUL, Duration::ZERO).await;
            // A poll must not be cut off half way: what QQ handed out is gone. Only shutdown cuts it, after a grace.
            let turn = tokio::select! {
                turn = live.network.receive() => turn,
                () = async { live.part.asked().await; tokio::time::sleep(LAST_POLL).await } => return,
            };
            let wait = match turn {
                Ok(envelopes) => {
                    failures = 0;
                    self.keep_batch(&live, envelopes).await;
                    self.keep_session(&live, &mut saved).await;
                    continue;
                }
                Err(error) => match error.verdict() {
                    Verdict::Retry(least) => {
                        failures += 1;
                        warn!(account = %live.account, %error, failures, "polling QQ failed; trying again");
                        backoff.delay(failures).max(least)
                    }
                    Verdict::LogIn | Verdict::GiveUp => {
                        self.session_lost(&live, &error.to_string()).await;
                        return;
                    }
                },
            };
            live.part.unless_asked(tokio::time::sleep(wait)).await;
        }
    }

    /// Puts one batch into the inbox. There is no asking QQ for it again, so this does not give up before shutdown.
    async fn keep_batch(&self, live: &Live, envelopes: Vec<Envelope>) {
        if envelopes.is_empty() {
            live.heard_from_qq();
            return;
        }
        reach(Failpoint::BatchCame);
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let arrivals: Vec<Arrival> = envelopes.iter().map(seal).collect();
        let mut failures = 0;
        while let Err(error) = self.put_into_inbox(route::from_qq(&live.account), arrivals.clone()).await {
            failures += 1;
            warn!(account = %live.account, %error, failures, "a batch from QQ could not be stored; trying again");
            if live.part.unless_asked(tokio::time::sleep(backoff.delay(failures))).await.is_none() {
                return;
            }
        }
        reach(Failpoint::BatchKept);
        live.heard_from_qq();
        live.arrived.notify_one();
    }

    async fn put_into_inbox(&self, origin: String, arrivals: Vec<Arrival>) -> Result<(), Error> {
        let way = if origin == route::FROM_MATRIX { Way::ToQq } else { Way::ToMatrix };
        let new =
            self.store.write(move |tx| Box::pin(async move { tx.add_arrivals(&origin, &arrivals).await })).await?;
        METRICS.received.add(way, new);
        Ok(())
    }

    /// Saves the session when the last poll changed it.
    async fn keep_session(&self, live: &Live, saved: &mut Arc<Session>) {
        let now = live.network.session();
        if Arc::ptr_eq(saved, &now) {
            return;
        }
        match self.save_session(&now).await {
            Ok(()) => *saved = now,
            Err(error) => warn!(account = %live.account, %error, "the QQ session could not be saved; trying again"),
        }
    }

    /// Saves what of a session must survive a restart.
    pub async fn save_session(&self, session: &Session) -> Result<(), Error> {
        let (account, epoch) = (session.account.as_str().to_owned(), session.epoch.clone());
        let body = self.seal.seal(&account, &session.body);
        self.store
            .write(move |tx| Box::pin(async move { tx.set_login_session(&account, &epoch, &body).await }))
            .await?;
        Ok(())
    }

    /// Empties `event` when it is a command with a secret behind it, which only those may use who may log in; `true` then.
    fn empty_command(&self, event: &mut Incoming) -> bool {
        let may_use = |sender: &str| self.config.bridge.permission(sender) >= Permission::User;
        self.secrets.empty_command(event, &self.config.bridge.command_prefix, may_use)
    }

    /// Whether `event` may be what is waited for: homeservers push again what they pushed before, and what was there before
    /// the question is no answer.
    async fn may_answer(&self, event: &Incoming) -> Result<bool, Error> {
        if !self.secrets.awaits(event) {
            return Ok(false);
        }
        let key = event.event_id.clone();
        let row =
            self.store.read(move |tx| Box::pin(async move { tx.arrived_as(route::FROM_MATRIX, &key).await })).await?;
        Ok(row.is_none())
    }

    /// Whether `words` are the command that ends whatever is asked.
    fn is_cancel(&self, words: &str) -> bool {
        words.strip_prefix(&self.config.bridge.command_prefix).unwrap_or(words).trim() == "cancel"
    }

    pub(super) fn is_ours(&self, sender: &str) -> bool {
        <&UserId>::try_from(sender).is_ok_and(|sender| self.homeserver.is_ours(sender))
    }
}

/// An envelope as an inbox row.
fn seal(envelope: &Envelope) -> Arrival {
    Arrival {
        dedup_key: envelope.dedup_key.clone(),
        // Three texts always have a JSON form.
        body: serde_json::to_string(envelope).unwrap_or_default(),
    }
}
