//! What whoever runs the bridge can see of it: logins by a number of their own, queues, books. Nobody is asked for it but
//! the database, and nothing of it is kept per message.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{Bridge, Error, route};
use crate::base::metrics::Way;
use crate::qq::AccountId;
use crate::store::{self, Audit, Failure, LoginRow, LoginState, Tx, Waiting};

/// How often the books are taken.
const BOOKS_EVERY: Duration = Duration::from_mins(10);

/// How far back they go: what is done is forgotten after that.
const BOOKS_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// Under which the numbers of logins are kept.
const NUMBERS: &str = "login_numbers";

/// What is known without asking.
#[derive(Debug)]
pub(super) struct Watch {
    started: Instant,
    books: Mutex<Vec<(Way, Audit)>>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { started: Instant::now(), books: Mutex::default() }
    }
}

/// The bridge at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// How long it has been running.
    pub uptime: Duration,
    /// Its logins, by number.
    pub logins: Vec<LoginView>,
    /// What is on its way, in each direction.
    pub queues: Vec<QueueView>,
    /// What became of what arrived, when that was last looked at.
    pub books: Vec<(Way, Audit)>,
}

/// A login at one moment.
#[derive(Clone, Debug)]
pub struct LoginView {
    /// What it is called where its account is not to be seen. It stays the same.
    pub number: u32,
    /// The login as it is kept.
    pub row: LoginRow,
    /// Whether it polls now.
    pub is_up: bool,
    /// How long nothing was heard of QQ: since the last poll that ended well, else since it was taken up.
    pub silent_for: Duration,
    /// How old its session is, if it has one.
    pub session_age: Option<Duration>,
}

/// What is on its way in one direction.
#[derive(Clone, Debug)]
pub struct QueueView {
    /// Which.
    pub way: Way,
    /// How many rows are in which state.
    pub states: BTreeMap<&'static str, u64>,
    /// How long the oldest of those has been on its way that should move.
    pub oldest: Option<Duration>,
}

/// The states that rows on their way are in; those of them that move by themselves come first.
pub const STATES: [&str; 6] = ["arrived", "ready", "sending", "uncertain", "parked", "dead"];

/// How many of [`STATES`] move.
const MOVING: usize = 4;

impl QueueView {
    /// How many should move.
    #[must_use]
    pub fn moving(&self) -> u64 {
        STATES.iter().take(MOVING).filter_map(|state| self.states.get(state)).sum()
    }

    fn of(way: Way, waiting: &[Waiting], now_ms: i64) -> Self {
        let ours = || waiting.iter().filter(|row| row.matched == (way == Way::ToQq));
        let count = |state: &str| ours().filter(|row| row.state == state).map(|row| row.count).sum();
        let moves = |row: &&Waiting| STATES.iter().take(MOVING).any(|state| *state == row.state);
        let oldest_ms = ours().filter(moves).map(|row| row.oldest_ms).min();
        Self {
            way,
            states: STATES.iter().map(|state| (*state, count(state))).collect(),
            oldest: oldest_ms.map(|oldest_ms| since(oldest_ms, now_ms)),
        }
    }
}

/// Something that was given up: where, and why, and never what.
#[derive(Clone, Debug)]
pub struct FailureView {
    /// Where it was going.
    pub way: Way,
    /// Its number, as `queue` and `audit` say it.
    pub seq: i64,
    /// Why it was given up.
    pub why: String,
    /// How long ago it came.
    pub age: Duration,
}

/// How many failures are shown of what arrived, and of what was to leave.
const FAILURES: u32 = 10;

impl Bridge {
    /// What was given up lately, newest first.
    pub async fn failures(&self) -> Result<Vec<FailureView>, Error> {
        let (arrived, leaving) = self.store.read(|tx| Box::pin(tx.failures(FAILURES))).await?;
        let now_ms = self.clock.now_ms();
        let of = |way, row: Failure| FailureView { way, seq: row.seq, why: row.why, age: since(row.at_ms, now_ms) };
        let arrived = arrived.into_iter().map(|row| {
            let way = if row.place == route::FROM_MATRIX { Way::ToQq } else { Way::ToMatrix };
            of(way, row)
        });
        let leaving = leaving.into_iter().map(|row| of(route::way_of(&row.place), row));
        let mut all: Vec<FailureView> = arrived.chain(leaving).collect();
        all.sort_by_key(|failure| failure.age);
        Ok(all)
    }

    /// The bridge as it is now. One read, however much there is.
    pub async fn view(&self) -> Result<View, Error> {
        let (logins, numbers, waiting) = self
            .store
            .read(|tx| {
                Box::pin(async move {
                    let waiting = tx.waiting(route::FROM_MATRIX, route::TO_QQ).await?;
                    Ok((tx.logins().await?, numbers(tx).await?, waiting))
                })
            })
            .await?;
        let is_known = |row: &LoginRow| numbers.contains_key(&row.account);
        let numbers = if logins.iter().all(is_known) { numbers } else { self.number_logins().await? };
        let now_ms = self.clock.now_ms();
        let number = |row: &LoginRow| numbers.get(&row.account).copied().unwrap_or_default();
        let mut logins: Vec<LoginView> =
            logins.into_iter().map(|row| self.login_view(number(&row), row, now_ms)).collect();
        logins.sort_by_key(|login| login.number);
        Ok(View {
            uptime: self.watch.started.elapsed(),
            logins,
            queues: Way::BOTH.map(|way| QueueView::of(way, &waiting, now_ms)).to_vec(),
            books: self.watch.books.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        })
    }

    fn login_view(&self, number: u32, row: LoginRow, now_ms: i64) -> LoginView {
        let live = self.logins.live(&AccountId::new(&row.account));
        let silent_for = live.as_ref().map_or_else(|| self.watch.started.elapsed(), |live| live.silent_for());
        let session_age = (row.state == LoginState::Connected).then(|| since(row.since_ms, now_ms));
        LoginView { number, row, is_up: live.is_some(), silent_for, session_age }
    }

    /// Gives every login a number that has none yet.
    async fn number_logins(&self) -> Result<BTreeMap<String, u32>, Error> {
        let numbered = self.store.write(|tx| {
            Box::pin(async move {
                let mut numbers = numbers(tx).await?;
                for row in tx.logins().await? {
                    let next = numbers.values().max().map_or(1, |last| last.saturating_add(1));
                    numbers.entry(row.account).or_insert(next);
                }
                // Texts and numbers always have a JSON form.
                tx.set_meta(NUMBERS, &serde_json::to_string(&numbers).unwrap_or_default()).await?;
                Ok(numbers)
            })
        });
        let numbers = numbered.await?;
        for (account, number) in &numbers {
            info!(account, number, "where no account is to be seen, this login has a number");
        }
        Ok(numbers)
    }

    /// Takes the books every ten minutes until shutdown.
    pub(super) async fn keep_books(self: Arc<Self>) {
        loop {
            match self.take_books().await {
                Ok(books) => *self.watch.books.lock().unwrap_or_else(PoisonError::into_inner) = books,
                Err(error) => warn!(%error, "the books could not be taken"),
            }
            if self.shutdown.unless_asked(tokio::time::sleep(BOOKS_EVERY)).await.is_none() {
                return;
            }
        }
    }

    async fn take_books(&self) -> Result<Vec<(Way, Audit)>, Error> {
        let books = self.books_of(BOOKS_MS).await?;
        for (way, audit) in books.iter().filter(|(_, audit)| audit.lost() != 0) {
            error!(direction = way.label(), lost = %audit.lost(), "the books do not agree");
        }
        Ok(books)
    }

    /// What became of what arrived in the last `span_ms` milliseconds, over all logins.
    pub async fn books_of(&self, span_ms: i64) -> Result<Vec<(Way, Audit)>, Error> {
        let since_ms = self.clock.now_ms().saturating_sub(span_ms);
        let taken = self.store.read(move |tx| {
            Box::pin(async move {
                let mut from_qq = Audit::default();
                for row in tx.logins().await? {
                    let origin = route::from_qq(&AccountId::new(row.account));
                    from_qq.add(&tx.audit(&origin, None, since_ms).await?);
                }
                Ok((from_qq, tx.audit(route::FROM_MATRIX, None, since_ms).await?))
            })
        });
        let (from_qq, from_matrix) = taken.await?;
        Ok(vec![(Way::ToMatrix, from_qq), (Way::ToQq, from_matrix)])
    }

    /// Whether the database takes what is written to it.
    pub async fn try_to_write(&self) -> Result<(), Error> {
        let now = self.clock.now_ms().to_string();
        self.store.write(move |tx| Box::pin(async move { tx.set_meta("looked_at_ms", &now).await })).await?;
        Ok(())
    }
}

async fn numbers(tx: &mut Tx) -> Result<BTreeMap<String, u32>, store::Error> {
    let kept = tx.meta(NUMBERS).await?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default())
}

/// How long ago `at_ms` was; no time at all when the clock was set back since.
fn since(at_ms: i64, now_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now_ms.saturating_sub(at_ms)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(matched: bool, state: &str, count: u64, oldest_ms: i64) -> Waiting {
        Waiting { matched, state: state.to_owned(), count, oldest_ms }
    }

    #[test]
    fn what_is_parked_or_given_up_makes_no_queue_old() {
        let rows = [
            waiting(true, "ready", 2, 8_000),
            waiting(true, "dead", 5, 1_000),
            waiting(true, "parked", 1, 2_000),
            waiting(false, "arrived", 7, 3_000),
        ];
        let queue = QueueView::of(Way::ToQq, &rows, 10_000);
        assert_eq!((queue.moving(), queue.oldest), (2, Some(Duration::from_secs(2))));
        assert_eq!((queue.states["dead"], queue.states["parked"], queue.states["arrived"]), (5, 1, 0));
        let other = QueueView::of(Way::ToMatrix, &rows, 0);
        assert_eq!((other.moving(), other.oldest), (7, Some(Duration::ZERO)), "the clock was set back");
        assert_eq!(QueueView::of(Way::ToQq, &[], 0).oldest, None);
    }
}
