//! What a login has given: kept before anything else happens, whoever or whatever the person logged in through.

use std::sync::Arc;

use tracing::warn;

use super::{Bridge, Error};
use crate::base::failpoint::{Failpoint, reach};
use crate::qq::Session;
use crate::store::{LoginRow, LoginState};

impl Bridge {
    /// Keeps `session`, which `owner` has got: it is on disk when this returns. Nothing is kept of an account that is
    /// logged in by somebody else, who is given.
    pub async fn keep_new_session(&self, session: &Session, owner: &str) -> Result<Option<String>, Error> {
        reach(Failpoint::LoginConfirmed);
        let row = LoginRow {
            account: session.account.as_str().to_owned(),
            owner: owner.to_owned(),
            nick: session.nick.clone(),
            state: LoginState::Connected,
            epoch: session.epoch.clone(),
            session: Some(self.seal.seal(session.account.as_str(), &session.body)),
            notice: None,
            since_ms: self.clock.now_ms(),
        };
        let kept = self.store.write(move |tx| {
            Box::pin(async move {
                let known = tx.login(&row.account).await?.filter(|known| known.state != LoginState::LoggedOut);
                if let Some(other) = known.map(|known| known.owner).filter(|known| *known != row.owner) {
                    return Ok(Some(other));
                }
                tx.save_login(&row).await?;
                Ok(None)
            })
        });
        let other = kept.await?;
        if other.is_none() {
            reach(Failpoint::LoginKept);
        }
        Ok(other)
    }

    /// Takes up `session`, which is kept. When that fails it goes on in the background: whoever has logged in need not do so
    /// twice.
    pub async fn admit(self: &Arc<Self>, session: Session, owner: &str) -> Result<(), Error> {
        let taken_up = self.take_up(session.clone(), owner).await;
        if let Err(error) = &taken_up {
            warn!(account = %session.account, %error, "a new QQ session could not be taken up at once");
            self.begin_taking_up(session, owner.to_owned(), false);
        }
        taken_up.map(drop)
    }
}
