//! What a login has given: kept before anything else happens, whoever or whatever the person logged in through.

use std::iter;
use std::sync::Arc;

use matrix_sdk::ruma::OwnedRoomId;
use tracing::warn;

use super::{Bridge, Error, Texts, notice, route};
use crate::base::failpoint::{Failpoint, reach};
use crate::qq::{AccountId, Session};
use crate::store::{self, JobKind, LoginRow, LoginState, Tx};

/// Why somebody does not get an account.
#[derive(Debug)]
pub enum Denied {
    /// It is logged in by somebody else.
    Taken {
        /// Which one.
        account: String,
        /// By whom.
        owner: String,
    },
    /// They have as many as one person may have.
    Full {
        /// So many.
        most: usize,
        /// Those that they have.
        logins: Vec<LoginRow>,
    },
}

impl Denied {
    /// What they are told; what accounts are called goes through `shown`.
    pub fn say(&self, texts: Texts, shown: impl Fn(&str) -> String) -> String {
        match self {
            Self::Taken { account, owner } => texts.say("login.taken", &[("account", account), ("owner", owner)]),
            Self::Full { most, logins } => {
                let accounts = logins.iter().map(|login| format!("{} ({})", shown(&login.nick), login.account));
                let accounts = accounts.collect::<Vec<_>>().join(", ");
                texts.say("login.full", &[("most", &most.to_string()), ("accounts", &accounts)])
            }
        }
    }
}

/// Whom a login would be for, as far as that is known.
#[derive(Clone, Debug)]
pub enum For {
    /// One that is seen when it is scanned.
    Unknown,
    /// One of these: the account itself, and that whose place it takes.
    Known(Vec<String>),
}

impl For {
    /// `account`, if that is known.
    #[must_use]
    pub fn one(account: Option<&str>) -> Self {
        account.map_or(Self::Unknown, |account| Self::Known(vec![account.to_owned()]))
    }
}

/// Whether somebody who has `logins` may have no other one, where `most` are allowed. What takes the place of one of them, or may
/// do so because its session is lost, is no other one.
fn full(mut logins: Vec<LoginRow>, most: usize, whom: &For) -> Option<Denied> {
    logins.retain(|login| login.state != LoginState::LoggedOut);
    let goes_on = |login: &LoginRow| match whom {
        For::Unknown => login.state == LoginState::Lost,
        For::Known(accounts) => accounts.contains(&login.account),
    };
    let is_full = most > 0 && logins.len() >= most && !logins.iter().any(goes_on);
    is_full.then_some(Denied::Full { most, logins })
}

/// What became of an account's rooms.
#[derive(Default)]
struct Left {
    /// By portal.
    rooms: Vec<(i64, OwnedRoomId)>,
    /// To be woken.
    lanes: Vec<String>,
}

impl Bridge {
    /// What keeps `owner` from a login `whom`, before it begins.
    pub async fn denied(&self, owner: &str, whom: &For) -> Result<Option<Denied>, Error> {
        let owner = owner.to_owned();
        let logins = self.store.read(move |tx| Box::pin(async move { tx.logins_of(&owner).await })).await?;
        Ok(full(logins, self.config.bridge.max_logins, whom))
    }

    /// Keeps `session`, which `owner` has got, if need be in the place of the account `instead`: it is on disk when this
    /// returns. Nothing is kept of an account that they may not have; whoever had it before has its rooms to themselves from
    /// now on.
    pub async fn keep_new_session(
        self: &Arc<Self>,
        session: &Session,
        owner: &str,
        instead: Option<&AccountId>,
    ) -> Result<Option<Denied>, Error> {
        reach(Failpoint::LoginConfirmed);
        let whom = For::Known(iter::once(&session.account).chain(instead).map(|one| one.as_str().to_owned()).collect());
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
        let bridge = Arc::clone(self);
        let kept = self.store.write(move |tx| {
            Box::pin(async move {
                let known = tx.login(&row.account).await?.filter(|known| known.owner != row.owner);
                if let Some(other) = known.as_ref().filter(|known| known.state != LoginState::LoggedOut) {
                    return Ok(Err(Denied::Taken { account: other.account.clone(), owner: other.owner.clone() }));
                }
                let logins = tx.logins_of(&row.owner).await?;
                if let Some(denied) = full(logins, bridge.config.bridge.max_logins, &whom) {
                    return Ok(Err(denied));
                }
                let left = match known {
                    Some(known) => bridge.leave_to(tx, &known).await?,
                    None => Left::default(),
                };
                tx.save_login(&row).await?;
                Ok(Ok(left))
            })
        });
        match kept.await? {
            Err(denied) => Ok(Some(denied)),
            Ok(left) => {
                reach(Failpoint::LoginKept);
                self.have_left(left);
                Ok(None)
            }
        }
    }

    /// Everything in Matrix that `login` had stays to its owner, since somebody else gets the account: they must not read what it
    /// hears from now on, nor speak through it. Their rooms are left, and what waits there for QQ is told.
    async fn leave_to(&self, tx: &mut Tx, login: &LoginRow) -> Result<Left, store::Error> {
        let (mut left, account) = (Left::default(), AccountId::new(&login.account));
        for portal in tx.portals(&login.account).await? {
            left.lanes.extend(self.put_let_go(tx, &account, portal.id).await?);
            if let Some(room) = portal.room_id {
                tx.add_job(JobKind::Leave, portal.id, &room, None, &login.owner).await?;
                left.rooms.extend(OwnedRoomId::try_from(room).ok().map(|room| (portal.id, room)));
            }
        }
        for space in tx.spaces(&login.account).await? {
            tx.forget_space(&login.account, &space.part, space.room_id.as_deref().unwrap_or_default()).await?;
        }
        let text = self.texts_for(&login.owner).say("login.passed_on", &[("account", &login.account)]);
        let key = route::key(&["passed on", &login.account, &login.epoch]);
        left.lanes.push(notice::put_in_control(tx, &login.owner, &text, &key).await?);
        Ok(left)
    }

    /// What is on disk is so here, too.
    fn have_left(self: &Arc<Self>, left: Left) {
        for (portal, room) in left.rooms {
            self.portals.let_go(portal, room);
        }
        for lane in &left.lanes {
            self.wake(lane);
        }
        self.hurry_jobs();
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
