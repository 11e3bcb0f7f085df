//! QQ accounts while they are logged in, and how a session is taken up, lost and ended.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};

use super::pacing::Pacing;
use super::portal::Portal;
use super::{Bridge, Error, Verdict, route};
use crate::base::{Backoff, Pile, Shutdown};
use crate::qq::{self, AccountId, Changed, Envelope, Memory, MemoryError, Network, Note, Session};
use crate::store::{LoginRow, LoginState, NoteRow, OutboxRow, Store};

/// An account that is logged in now.
pub struct Live {
    /// Whose.
    pub account: AccountId,
    /// The Matrix user who logged it in.
    pub owner: String,
    /// The connection.
    pub network: Arc<dyn Network>,
    /// Whether QQ gave its session in the place of one that had ended.
    pub(super) is_resumed: bool,
    /// Ends with this login.
    pub part: Shutdown,
    /// Rung when something lies in the inbox.
    pub(super) arrived: Notify,
    /// What may be out of step with QQ besides what the network tells: whatever was put on disk under a name that QQ told a while ago, and may
    /// not tell any more; rooms that were made, moved or given more power; chats with another picture.
    pub(super) named: Pile<Changed>,
    /// What may belong into other spaces.
    pub(super) sorted: Pile<Changed>,
    /// Rung when there may be a room that people have to enter.
    pub(super) peopled: Notify,
    /// Held while rooms and ghosts are brought in step with the lists.
    pub(super) following: tokio::sync::Mutex<()>,
    /// Held while what QQ pushed is opened and translated, and while it changes who is who.
    pub(super) translating: tokio::sync::Mutex<()>,
    /// When the next message may be sent.
    pub(super) pacing: Pacing,
    taken_up: Instant,
    heard: Mutex<Option<Heard>>,
    /// The message in doubt at the head of each lane.
    doubts: Mutex<HashMap<String, Doubt>>,
}

/// A message in doubt, by how often it left, and since when it is known to be.
struct Doubt {
    seq: i64,
    sends: u32,
    since: Instant,
}

/// When polls ended well.
#[derive(Clone, Copy)]
struct Heard {
    first: Instant,
    last: Instant,
}

impl Live {
    /// Notes that a poll ended well and all it brought is on disk.
    pub(super) fn heard_from_qq(&self) {
        let last = Instant::now();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = Some(Heard { first: heard.map_or(last, |heard| heard.first), last });
    }

    /// How long it is known that `row` is in doubt, whatever the time of day was set to meanwhile.
    pub(super) fn in_doubt_for(&self, row: &OutboxRow) -> Duration {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Doubt { seq: row.seq, sends: row.sends, since: Instant::now() };
        let doubt = doubts.entry(row.lane.clone()).or_insert_with(fresh);
        if (doubt.seq, doubt.sends) != (row.seq, row.sends) {
            *doubt = fresh();
        }
        doubt.since.elapsed()
    }

    /// Has the room of `portal` brought in step with QQ.
    pub(super) fn look_at(&self, portal: &Portal) {
        self.named.add(|changed| {
            changed.chats.insert(portal.chat.clone());
        });
    }

    /// Does `work` with what each `ring` gives, and again after a while as long as it fails, until this login ends.
    pub(super) async fn at_each_ring<T, R, F>(&self, ring: impl Fn() -> R, complaint: &str, work: impl Fn(T) -> F)
    where
        T: Clone,
        R: Future<Output = T>,
        F: Future<Output = Result<(), Error>>,
    {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        while let Some(rung) = self.part.unless_asked(ring()).await {
            let mut failures = 0;
            while let Err(error) = work(rung.clone()).await {
                failures += 1;
                warn!(account = %self.account, %error, failures, "{complaint}; trying again");
                if self.part.unless_asked(tokio::time::sleep(backoff.delay(failures))).await.is_none() {
                    return;
                }
            }
        }
    }

    fn heard(&self) -> Option<Heard> {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long ago a poll last ended well; `None` before the first.
    #[must_use]
    pub fn last_heard(&self) -> Option<Duration> {
        self.heard().map(|heard| heard.last.elapsed())
    }

    /// How long nothing was heard of QQ: since a poll last ended well, else since the session was taken up.
    #[must_use]
    pub fn silent_for(&self) -> Duration {
        self.last_heard().unwrap_or_else(|| self.taken_up.elapsed())
    }

    /// How long ago a poll first ended well since this process took up the session; `None` before.
    #[must_use]
    pub fn listening_for(&self) -> Option<Duration> {
        self.heard().map(|heard| heard.first.elapsed())
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("account", &self.account).field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// The accounts that are logged in now.
#[derive(Debug, Default)]
pub struct Logins {
    live: Mutex<HashMap<AccountId, Arc<Live>>>,
}

impl Logins {
    /// The connection of `account`.
    #[must_use]
    pub fn live(&self, account: &AccountId) -> Option<Arc<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    /// Every connection of `owner`, by account.
    #[must_use]
    pub fn of_owner(&self, owner: &str) -> Vec<Arc<Live>> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = live.values().filter(|login| login.owner == owner).cloned().collect();
        found.sort_by(|a, b| a.account.cmp(&b.account));
        found
    }

    /// Puts `login` in the place of an older connection of the same account, and ends that one.
    fn put(&self, login: Arc<Live>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(older) = live.insert(login.account.clone(), login) {
            older.part.begin();
        }
    }

    /// Ends `login`; `false` when it has ended already.
    pub(super) fn take(&self, login: &Arc<Live>) -> bool {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = live.get(&login.account).is_some_and(|current| Arc::ptr_eq(current, login));
        if is_current {
            live.remove(&login.account);
            login.part.begin();
        }
        is_current
    }
}

impl Bridge {
    /// Takes up every session that the last process left, each in a task of its own.
    pub(super) async fn take_up_sessions(self: &Arc<Self>) -> Result<(), Error> {
        let load = || async { Ok(self.store.read(|tx| Box::pin(async move { tx.logins().await })).await?) };
        for login in self.patiently(load).await? {
            if login.state != LoginState::Connected {
                continue;
            }
            let Some(session) = self.session_of(&login) else {
                let account = AccountId::new(login.account);
                self.patiently(|| self.note_lost_session(&account, false)).await?;
                continue;
            };
            self.begin_taking_up(session, login.owner, false);
        }
        Ok(())
    }

    /// The session that `row` holds; `None` when there is none, or its key is gone.
    fn session_of(&self, row: &LoginRow) -> Option<Session> {
        let body = self.seal.open(&row.account, row.session.as_ref()?);
        if body.is_none() {
            warn!(account = row.account, "a QQ session was sealed with another key than database.secret_key_file has");
        }
        Some(Session {
            account: AccountId::new(&row.account),
            nick: row.nick.clone(),
            epoch: row.epoch.clone(),
            body: body?,
        })
    }

    /// Takes up `session` in a task of its own, again and again until it is known whether QQ accepts it. `is_resumed`: QQ
    /// gave it in the place of one that had ended.
    pub(super) fn begin_taking_up(self: &Arc<Self>, session: Session, owner: String, is_resumed: bool) {
        self.shutdown.spawn(Arc::clone(self).take_up_until_decided(session, owner, is_resumed));
    }

    async fn take_up_until_decided(self: Arc<Self>, session: Session, owner: String, is_resumed: bool) {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        let mut failures = 0;
        while let Err(error) = self.take_up_again(session.clone(), &owner, is_resumed).await {
            if matches!(&error, Error::Qq(error) if !matches!(error.verdict(), qq::Verdict::Retry(_))) {
                self.end_session(&session, &error.to_string(), !is_resumed).await;
                return;
            }
            let Verdict::Retry(least) = error.verdict() else {
                warn!(account = %session.account, %error, "a QQ session could not be taken up");
                return;
            };
            failures += 1;
            warn!(account = %session.account, %error, failures, "a QQ session cannot be taken up yet; trying again");
            let wait = backoff.delay(failures).max(least);
            if self.shutdown.unless_asked(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    /// Connects `session`, which is on disk, and starts both journeys of its account.
    pub async fn take_up(self: &Arc<Self>, session: Session, owner: &str) -> Result<Arc<Live>, Error> {
        self.take_up_again(session, owner, false).await
    }

    async fn take_up_again(
        self: &Arc<Self>,
        session: Session,
        owner: &str,
        is_resumed: bool,
    ) -> Result<Arc<Live>, Error> {
        let account = session.account.clone();
        let memory = Arc::new(StoredMemory { store: self.store.clone(), account: account.clone() });
        let network = qq::connect(&self.config.network, session, memory, &self.clock).await?;
        self.save_session(&network.session()).await?;
        let live = Arc::new(Live {
            account: account.clone(),
            owner: owner.to_owned(),
            network,
            is_resumed,
            part: self.shutdown.part(),
            arrived: Notify::new(),
            named: Pile::default(),
            sorted: Pile::default(),
            peopled: Notify::new(),
            following: tokio::sync::Mutex::default(),
            translating: tokio::sync::Mutex::default(),
            pacing: Pacing::default(),
            taken_up: Instant::now(),
            heard: Mutex::new(None),
            doubts: Mutex::default(),
        });
        self.logins.put(Arc::clone(&live));
        self.set_login_state(&account, LoginState::Connected).await?;
        // What was parked in doubt may be matched now.
        self.wake_parked(&account).await?;
        let (receiver, translator) = (Arc::clone(self), Arc::clone(self));
        let (receiving, translating) = (Arc::clone(&live), Arc::clone(&live));
        self.shutdown.spawn(async move { receiver.receive_from_qq(receiving).await });
        self.shutdown.spawn(async move { translator.translate_from_qq(translating).await });
        self.shutdown.spawn(Arc::clone(self).follow_names(Arc::clone(&live)));
        self.shutdown.spawn(Arc::clone(self).follow_spaces(Arc::clone(&live)));
        self.shutdown.spawn(Arc::clone(self).follow_members(Arc::clone(&live)));
        self.wake_lanes(route::lanes_of(&account)).await?;
        // Pictures can be fetched again.
        self.wake_lanes(route::TO_MATRIX.to_owned()).await?;
        self.begin_presences(&live).await;
        info!(%account, "logged in to QQ");
        Ok(live)
    }

    /// The account that `owner` means where they name none, if they said which.
    pub async fn preferred_by(&self, owner: &str) -> Result<Option<AccountId>, Error> {
        let mxid = owner.to_owned();
        let row = self.store.read(move |tx| Box::pin(async move { tx.user(&mxid).await })).await?;
        Ok(row.and_then(|row| row.preferred).map(AccountId::new))
    }

    /// The connections that `owner` means where they name no account: that of the preferred one if it is there, else all, by
    /// account.
    pub async fn meant_by(&self, owner: &str) -> Result<Vec<Arc<Live>>, Error> {
        let preferred = self.preferred_by(owner).await?;
        let mut all = self.logins.of_owner(owner);
        if all.iter().any(|live| Some(&live.account) == preferred.as_ref()) {
            all.retain(|live| Some(&live.account) == preferred.as_ref());
        }
        Ok(all)
    }

    /// Ends the login of `account` on QQ and forgets its session. Its rooms and its queue stay.
    pub async fn log_out(self: &Arc<Self>, account: &AccountId) -> Result<(), Error> {
        if let Some(live) = self.logins.live(account) {
            self.logins.take(&live);
            if let Err(error) = live.network.log_out().await {
                warn!(%account, %error, "QQ did not confirm the logout");
            }
        }
        let (account, bridge) = (account.clone(), Arc::clone(self));
        let noted = self.store.write(move |tx| {
            Box::pin(async move {
                let name = account.as_str();
                let epoch = tx.login(name).await?.map(|row| row.epoch).unwrap_or_default();
                tx.set_login_state(name, LoginState::LoggedOut).await?;
                tx.forget_session(name).await?;
                bridge.put_waits_for_login(tx, &account, &epoch).await
            })
        });
        noted.await?;
        self.wake_lanes(route::TO_MATRIX.to_owned()).await
    }

    async fn set_login_state(&self, account: &AccountId, state: LoginState) -> Result<(), Error> {
        let name = account.as_str().to_owned();
        self.store.write(move |tx| Box::pin(async move { tx.set_login_state(&name, state).await })).await?;
        Ok(())
    }
}

/// How many rows of the inbox are looked at at once.
const PAGE: u32 = 500;

/// A backend's memory, kept in the database.
struct StoredMemory {
    store: Store,
    account: AccountId,
}

#[async_trait]
impl Memory for StoredMemory {
    async fn recall(&self) -> Result<Vec<Note>, MemoryError> {
        let account = self.account.as_str().to_owned();
        let notes = self.store.read(move |tx| Box::pin(async move { tx.notes(&account).await })).await;
        Ok(notes.map_err(memory_error)?.into_iter().map(|note| Note { key: note.key, body: note.body }).collect())
    }

    async fn awaited_epochs(&self) -> Result<BTreeSet<String>, MemoryError> {
        let (origin, mut epochs, mut last) = (route::from_qq(&self.account), BTreeSet::new(), 0);
        loop {
            let from = origin.clone();
            let read = self.store.read(move |tx| Box::pin(async move { tx.new_arrivals(&from, last, PAGE).await }));
            let rows = read.await.map_err(memory_error)?;
            let Some(newest) = rows.last() else { return Ok(epochs) };
            last = newest.seq;
            epochs.extend(
                rows.iter()
                    .filter_map(|row| serde_json::from_str::<Envelope>(&row.body).ok())
                    .map(|envelope| envelope.epoch),
            );
        }
    }

    async fn remember(&self, notes: Vec<Note>) -> Result<(), MemoryError> {
        let account = self.account.as_str().to_owned();
        let notes: Vec<NoteRow> = notes.into_iter().map(|note| NoteRow { key: note.key, body: note.body }).collect();
        let kept = self.store.write(move |tx| Box::pin(async move { tx.put_notes(&account, &notes).await })).await;
        kept.map_err(memory_error)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used by name in map_err")]
fn memory_error(error: crate::store::Error) -> MemoryError {
    MemoryError(error.to_string())
}
