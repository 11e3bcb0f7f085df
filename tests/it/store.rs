//! The contract of the store, held against every database that it can stand on.
//!
//! SQLite always; PostgreSQL when `MATRIX_WEBQQ_TEST_POSTGRES` is the URL of a server on which databases may be created.

#![cfg(test)]

use futures_util::future::join_all;
use matrix_webqq::base::{Clock, Secret, Shutdown};
use matrix_webqq::config::{Database, DatabaseKind};
use matrix_webqq::store::{
    Arrival, Audit, Departure, Error, Failure, Fate, InboxState, LoginRow, LoginState, LookRow, MessageRow, NoteRow,
    OutboxRow, OutboxState, PortalState, PortraitRow, QueueCount, RequestState, Store, Tidied, Tx, Unsynced, Verdict,
};
use tokio::sync::oneshot;

use crate::support::postgres::{OwnDatabase, run};

/// When every test begins.
const NOON: i64 = 1_500_000_000_000;

/// Work that borrows nothing, on a write.
macro_rules! write {
    ($store:expr, $tx:ident => $work:expr) => {
        $store.write(move |$tx: &mut Tx| Box::pin(async move { $work }))
    };
}

/// Work that borrows nothing, on a read.
macro_rules! read {
    ($store:expr, $tx:ident => $work:expr) => {
        $store.read(move |$tx: &mut Tx| Box::pin(async move { $work }))
    };
}

/// A database of a test's own.
struct Place {
    settings: Database,
    clock: Clock,
    dir: tempfile::TempDir,
    server: Option<OwnDatabase>,
}

impl Place {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let uri = format!("file:{}", dir.path().join("a 100%41 file?.db").display()).replace('?', "#");
        Self {
            settings: Database { kind: DatabaseKind::Sqlite, uri, ..Database::default() },
            clock: Clock::held_at(NOON),
            dir,
            server: None,
        }
    }

    async fn postgres() -> Option<Self> {
        let database = OwnDatabase::create().await?;
        Some(Self {
            settings: Database { kind: DatabaseKind::Postgres, uri: database.url.clone(), ..Database::default() },
            clock: Clock::held_at(NOON),
            dir: tempfile::tempdir().unwrap(),
            server: Some(database),
        })
    }

    async fn open(&self) -> Store {
        Store::open(&self.settings, self.clock.clone()).await.unwrap()
    }

    /// Does something behind the store's back.
    async fn meddle(&self, statement: &str) {
        match &self.settings.kind {
            DatabaseKind::Postgres => run(&self.settings.uri, statement).await,
            DatabaseKind::Sqlite => {
                let database = rusqlite::Connection::open(self.settings.uri.trim_start_matches("file:")).unwrap();
                database.execute_batch(statement).unwrap();
            }
        }
    }

    async fn leave(self) {
        if let Some(database) = self.server {
            database.drop().await;
        }
        drop(self.dir);
    }
}

/// One test for each database from each function.
macro_rules! on_every_database {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let place = super::Place::sqlite();
                super::$test(&place).await;
                place.leave().await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some(place) = super::Place::postgres().await else { return };
                super::$test(&place).await;
                place.leave().await;
            })*
        }
    };
}

mod audit;
mod backup;
mod connection;
mod inbox;
mod job;
mod memory;
mod outbox;
mod request;
mod watch;

/// Brings a row that waits into `state`, on the way that rows go.
async fn bring(store: &Store, seq: i64, state: OutboxState) {
    let marking = write!(store, tx => match state {
        OutboxState::Ready => Ok(()),
        OutboxState::Sending => tx.mark_sending(&[seq]).await.map(drop),
        OutboxState::Uncertain => tx.mark_uncertain(seq, "1202").await.map(drop),
        OutboxState::Dead => tx.mark_dead(seq, "refused").await.map(drop),
        OutboxState::Dropped => tx.drop_departure(seq, "given up").await.map(drop),
        OutboxState::Sent => tx.mark_sent(seq, None).await,
    });
    marking.await.unwrap();
    assert_eq!(row(store, seq).await.state, state);
}

fn arrival(key: &str) -> Arrival {
    Arrival { dedup_key: key.to_owned(), body: format!("body of {key}") }
}

fn arrivals(keys: &[&str]) -> Vec<Arrival> {
    keys.iter().copied().map(arrival).collect()
}

fn departure(lane: &str, key: &str, echo: Option<&str>) -> Departure {
    Departure {
        lane: lane.to_owned(),
        login: "10001".to_owned(),
        body: format!("body of {key}"),
        dedup_key: key.to_owned(),
        echo: echo.map(str::to_owned),
        arrival: None,
    }
}

async fn take_in(store: &Store, keys: &[&str]) -> u64 {
    let batch = arrivals(keys);
    write!(store, tx => tx.add_arrivals("qq", &batch).await).await.unwrap()
}

async fn due(store: &Store) -> Vec<String> {
    let rows = read!(store, tx => tx.due_arrivals("qq", 0, 10_000).await).await.unwrap();
    rows.into_iter().map(|row| row.dedup_key).collect()
}

/// Adds a row and gives its number.
async fn add(store: &Store, lane: &'static str, key: &'static str, echo: Option<&'static str>) -> i64 {
    let row = departure(lane, key, echo);
    assert!(write!(store, tx => tx.add_departure(&row).await).await.unwrap());
    head(store, lane).await.last().unwrap().seq
}

/// Adds a row and puts it on the wire.
async fn send(store: &Store, lane: &'static str, key: &'static str, echo: Option<&'static str>) -> i64 {
    let seq = add(store, lane, key, echo).await;
    assert_eq!(write!(store, tx => tx.mark_sending(&[seq]).await).await.unwrap(), [seq]);
    seq
}

async fn head(store: &Store, lane: &'static str) -> Vec<OutboxRow> {
    read!(store, tx => tx.lane_head(lane, 100).await).await.unwrap()
}

/// Tidies up, looking at `window` rows at a time, and says how many went.
async fn tidy(store: &Store, before_ms: i64, window: u32) -> u64 {
    let (mut gone, mut arrived, mut left) = (0, Some(0), Some(0));
    while let Some(after) = arrived {
        let done = write!(store, tx => tx.tidy_inbox(before_ms, after, window).await).await.unwrap();
        (gone, arrived) = (gone + done.gone, done.next);
    }
    while let Some(after) = left {
        let done = write!(store, tx => tx.tidy_outbox(before_ms, after, window).await).await.unwrap();
        (gone, left) = (gone + done.gone, done.next);
    }
    gone
}

async fn row(store: &Store, seq: i64) -> OutboxRow {
    read!(store, tx => tx.departure(seq).await).await.unwrap().unwrap()
}

fn keys(rows: &[OutboxRow]) -> Vec<&str> {
    rows.iter().map(|row| row.dedup_key.as_str()).collect()
}

/// Holds up the writer until the sender is dropped or used.
async fn hold_up(store: &Store) -> oneshot::Sender<()> {
    let (go, gate) = oneshot::channel::<()>();
    let (at_work, working) = oneshot::channel();
    let store = store.clone();
    Shutdown::new().spawn(async move {
        let held = write!(store, _tx => {
            at_work.send(()).unwrap();
            gate.await.unwrap();
            Ok(())
        });
        held.await.unwrap();
    });
    working.await.unwrap();
    go
}
