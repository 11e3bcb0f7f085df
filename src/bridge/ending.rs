//! How a session ends: taken up again without its person where QQ lets us, else told once; and how long sessions last.

use std::sync::Arc;

use tracing::{info, warn};

use super::login::Live;
use super::{Bridge, Error, Order, Wish, route};
use crate::base::failpoint::{Failpoint, reach};
use crate::qq::{self, AccountId, Session};
use crate::store::{LoginRow, LoginState};

/// How much longer a session lasts, judging by those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// No session has ended yet.
    Unknown,
    /// It goes as with half of those that got as old.
    Left {
        /// How much longer, in milliseconds.
        ms: i64,
        /// How many sessions got as old.
        judged_by: usize,
    },
    /// None of those before it got as old.
    Overdue {
        /// How many there were.
        judged_by: usize,
    },
}

impl Forecast {
    /// For a session of `age_ms`, by how long those before it lasted.
    #[must_use]
    pub fn new(age_ms: i64, lifetimes: &[i64]) -> Self {
        let mut longer: Vec<i64> = lifetimes.iter().copied().filter(|lasted| *lasted > age_ms).collect();
        longer.sort_unstable();
        match longer.get(longer.len() / 2) {
            Some(median) => Self::Left { ms: median - age_ms, judged_by: longer.len() },
            None if lifetimes.is_empty() => Self::Unknown,
            None => Self::Overdue { judged_by: lifetimes.len() },
        }
    }
}

impl Bridge {
    /// QQ no longer accepts the session of `live`, as one of its calls found out; the first that does ends it.
    pub(super) async fn session_lost(self: &Arc<Self>, live: &Arc<Live>, why: &str) {
        if self.logins.take(live) {
            // What was taken up again and is lost before it was heard of would be lost for ever and ever.
            let may_resume = !live.is_resumed || live.last_heard().is_some();
            self.end_session(&live.network.session(), why, may_resume).await;
        }
    }

    /// QQ signed the account of `live` out, as when it is used elsewhere. It is not taken back.
    pub(super) async fn signed_out(self: &Arc<Self>, live: &Arc<Live>, why: &str) {
        if self.logins.take(live) {
            self.end_session(&live.network.session(), why, false).await;
        }
    }

    /// Goes on with another session in the place of `session` if it may and QQ lets us; tells its owner in any case.
    pub(super) async fn end_session(self: &Arc<Self>, session: &Session, why: &str, may_resume: bool) {
        info!(account = %session.account, why, "the QQ session has ended");
        let ended = match if may_resume { self.resumed(session).await } else { None } {
            Some(session) => self.go_on_with(session).await,
            None => self.note_lost_session(&session.account, may_resume).await,
        };
        if let Err(error) = ended {
            warn!(account = %session.account, %error, "the end of the QQ session could not be kept or told");
        }
    }

    async fn resumed(&self, session: &Session) -> Option<Session> {
        let asked = qq::resume(&self.config.network, session, &self.clock);
        match self.shutdown.unless_asked(asked).await? {
            Ok(resumed) => resumed,
            Err(error) => {
                info!(account = %session.account, %error, "QQ gives no other session without a login");
                None
            }
        }
    }

    /// Keeps `session`, which QQ gave in the place of one that ended, and takes it up.
    async fn go_on_with(self: &Arc<Self>, session: Session) -> Result<(), Error> {
        reach(Failpoint::SessionRenewed);
        let Some(row) = self.connected(&session.account).await? else { return Ok(()) };
        let now_ms = self.clock.now_ms();
        let (lasted_ms, owner) = (now_ms.saturating_sub(row.since_ms), row.owner.clone());
        let text = self.texts_for(&row.owner).say("session.resumed", &[("nick", &row.nick), ("account", &row.account)]);
        let key = route::key(&["resumed", &row.account, &session.epoch]);
        let (epoch, body) = (session.epoch.clone(), Some(self.seal.seal(&row.account, &session.body)));
        let row = LoginRow { epoch, session: body, since_ms: now_ms, ..row };
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.save_login(&row).await?;
                    tx.add_lifetime(&row.account, lasted_ms).await
                })
            })
            .await?;
        self.begin_taking_up(session, owner.clone(), true);
        self.tell_owner(&owner, &text, &key).await
    }

    /// Notes that a session is over, and tells its owner, who is shown a way back in. What waits in its outbox stays there.
    pub(super) async fn note_lost_session(
        self: &Arc<Self>,
        account: &AccountId,
        was_worn_out: bool,
    ) -> Result<(), Error> {
        reach(Failpoint::SessionEnded);
        let Some(row) = self.connected(account).await? else { return Ok(()) };
        let (account_lost, epoch) = (account.clone(), row.epoch.clone());
        let (lasted_ms, bridge) = (self.clock.now_ms().saturating_sub(row.since_ms), Arc::clone(self));
        let noted = self.store.write(move |tx| {
            Box::pin(async move {
                let name = account_lost.as_str();
                tx.set_login_state(name, LoginState::Lost).await?;
                if was_worn_out {
                    tx.add_lifetime(name, lasted_ms).await?;
                }
                tx.forget_session(name).await?;
                bridge.put_waits_for_login(tx, &account_lost, &epoch).await
            })
        });
        noted.await?;
        // Whatever waited for this session waits in vain.
        self.wake_lanes(route::TO_MATRIX.to_owned()).await?;
        let text =
            self.texts_for(&row.owner).say("session.lost", &[("nick", &row.nick), ("account", account.as_str())]);
        let key = route::key(&["lost", account.as_str(), &row.epoch]);
        self.tell_owner(&row.owner, &text, &key).await?;
        let room = self.ensure_control_room(&row.owner).await?.to_string();
        // It fails when nobody takes orders any more: shutdown.
        let _ = self.orders.send(Order { sender: row.owner, room, event: key, wish: Wish::ComeBack });
        Ok(())
    }

    /// The row of `account`, if it is thought to be logged in.
    async fn connected(&self, account: &AccountId) -> Result<Option<LoginRow>, Error> {
        let name = account.as_str().to_owned();
        let row = self.store.read(move |tx| Box::pin(async move { tx.login(&name).await })).await?;
        Ok(row.filter(|row| row.state == LoginState::Connected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_expected_to_go_as_half_of_those_that_got_as_old() {
        let past = [10, 40, 20, 30];
        for (age, forecast) in [
            (0, Forecast::Left { ms: 30, judged_by: 4 }),
            (15, Forecast::Left { ms: 15, judged_by: 3 }),
            (35, Forecast::Left { ms: 5, judged_by: 1 }),
            (40, Forecast::Overdue { judged_by: 4 }),
        ] {
            assert_eq!(Forecast::new(age, &past), forecast, "{age}");
        }
        assert_eq!(Forecast::new(7, &[]), Forecast::Unknown);
    }
}
