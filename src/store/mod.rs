//! What must survive a crash: inbox, outbox and memory, on SQLite or PostgreSQL.
//!
//! *Everything that arrives lies in the inbox before it is acknowledged. Everything that leaves lies in the outbox before it is sent.*
//!
//! ```text
//!  store.write(work) ──▶ queue ──▶ writer ──▶ one transaction ──▶ COMMIT (one sync) ──▶ every answer
//!  store.follow_up(work) ──▶ the same, without waiting for the disk when nobody else does
//!  store.follow_along(work) ──▶ the same, with whatever is written next
//!  store.read(work)  ──▶ one of a few connections ──▶ one moment of what is committed ──▶ answer
//! ```
//!
//! Both hand the work a [`Tx`], which has all row methods; each table has a file of its own. There is one SQL text for both
//! databases: `$1`, TEXT and BIGINT, `ON CONFLICT`, `RETURNING`. This room knows neither QQ nor Matrix: it keeps texts and numbers.
//!
//! ```no_run
//! # use matrix_webqq::{base::Clock, config::Database, store::{Arrival, Error, Store}};
//! # async fn example(batch: Vec<Arrival>) -> Result<(), Error> {
//! let store = Store::open(&Database::default(), Clock::system()).await?;
//! let new = store.write(move |tx| Box::pin(async move { tx.add_arrivals("qq", &batch).await })).await?;
//! let due = store.read(|tx| Box::pin(async move { tx.due_arrivals("qq", 0, 100).await })).await?;
//! # Ok(()) }
//! ```

mod appearance;
mod audit;
mod backup;
mod connection;
mod database;
mod error;
mod ghost;
mod held;
mod inbox;
mod job;
mod login;
mod member;
mod message;
mod meta;
mod note;
mod outbox;
mod pause;
mod portal;
mod portrait;
mod puppet;
mod queue;
mod readers;
mod relay;
mod request;
mod schema;
mod space;
mod tidy;
mod trial;
mod tx;
mod unsynced;
mod user;
mod watch;
mod writer;

use std::fmt;
use std::sync::Arc;

pub use appearance::AppearanceRow;
pub use audit::Audit;
pub use error::{Error, Verdict};
pub use ghost::GhostRow;
pub use inbox::{Arrival, Fate, InboxRow, InboxState};
pub use job::{JobKind, JobRow, JobState};
pub use login::{LoginRow, LoginState};
pub use message::MessageRow;
pub use note::NoteRow;
pub use outbox::{Departure, OutboxRow, OutboxState};
pub use portal::{PortalRow, PortalState};
pub use portrait::{LookRow, PortraitRow};
pub use puppet::{PuppetRow, PuppetState};
pub use queue::QueueCount;
pub use relay::RelayRow;
pub use request::{RequestRow, RequestState};
pub use space::SpaceRow;
pub use tidy::Tidied;
pub use trial::{Obstacle, try_postgres};
pub use tx::Tx;
pub use unsynced::Unsynced;
pub use user::UserRow;
pub use watch::{Failure, Waiting};
pub use writer::Work;

use crate::base::{Clock, Shutdown};
use crate::config::{self, DatabaseKind};
use database::Database;
use readers::Readers;
use writer::{Desk, Queued, Sync, Writer};

/// The database of this bridge; clones share it.
#[derive(Clone)]
pub struct Store {
    desk: Arc<Desk>,
    readers: Arc<Readers>,
    kind: DatabaseKind,
    unsynced_until: Unsynced,
}

impl Store {
    /// Opens the database, brings its tables to the newest schema, and starts the writer.
    ///
    /// A file that does not exist is created, for this user only; one of an earlier version is copied first. Fails when another bridge has the database open
    /// or when a newer version has been here.
    pub async fn open(settings: &config::Database, clock: Clock) -> Result<Self, Error> {
        let (database, hold) = Database::find(settings, clock).await?;
        let database = Arc::new(database);
        let mut tx = database.writer().await?;
        let kind = database.kind();
        if let Some(file) = database.file()
            && let Some(first) = schema::first_unseen(&mut tx).await?
        {
            backup::copy(&mut tx, file, first).await?;
        }
        schema::migrate(&mut tx, kind).await?;
        let unsynced_until = unsynced::settle(&mut tx, kind).await?;
        let readers = Arc::new(Readers::new(Arc::clone(&database)));
        let (desk, writing) = Desk::new(Writer::new(database, hold, tx));
        // The writer outlives every other task: it ends by itself once nobody can write any more.
        match kind {
            DatabaseKind::Sqlite => on_its_own_thread(writing)?,
            DatabaseKind::Postgres => Shutdown::new().spawn(writing),
        }
        Ok(Self { desk: Arc::new(desk), readers, kind, unsynced_until })
    }

    /// Does `work` and returns once it is on disk; all of it, or nothing when it fails.
    ///
    /// Work is done in the order in which it was first polled. A caller that stops waiting does not stop the work.
    /// `work` holds up every other writer, so it must wait for nothing but `tx`, least of all for this store.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
    {
        let (job, answer) = Queued::new(work);
        self.desk.hand_in(Box::new(job), Sync::Now)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// The same for work that the next start would do again from what is on the disk. Once it is answered it outlives the process; a
    /// machine that stops may lose it, with all that was committed after it.
    ///
    /// Never before something that cannot be taken back: what is to be said once has to be on the disk, by [`Store::write`].
    pub async fn follow_up<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
    {
        let (job, answer) = Queued::new(work);
        match self.kind {
            // It never waits for anybody but the disk, so nobody can stop waiting in the middle of it.
            DatabaseKind::Sqlite => self.desk.do_or_hand_in(Box::new(job)).await?,
            DatabaseKind::Postgres => self.desk.hand_in(Box::new(job), Sync::Later)?,
        }
        answer.await.map_err(|_| Error::Closed)?
    }

    /// The same for work that holds nobody up: it is done with whatever is written next, by anybody, or after a moment.
    pub async fn follow_along<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Send + 'static,
    {
        let (job, answer) = Queued::new(work);
        self.desk.hold(Box::new(job))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Returns once all follow-ups that were answered before are on the disk.
    pub async fn flush(&self) -> Result<(), Error> {
        match self.kind {
            DatabaseKind::Sqlite => self.write(unsynced::mark_flushed).await,
            DatabaseKind::Postgres => Ok(()),
        }
    }

    /// Up to where follow-ups may have been lost, because the machine has stopped since.
    #[must_use]
    pub fn unsynced_until(&self) -> Unsynced {
        self.unsynced_until
    }

    /// Does `work` on one moment of what is committed; whatever it tries to write is refused.
    ///
    /// It sees every write that was answered before.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T>,
    {
        self.readers.read(work).await
    }

    /// How many commits there were since the store was opened.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.desk.commits()
    }

    /// Finishes what is queued and lets go of the database. Clones can neither read nor write afterwards.
    pub async fn close(&self) {
        self.readers.close().await;
        self.desk.close().await;
    }
}

/// Runs a writer that waits for the disk where nobody else waits with it.
fn on_its_own_thread(writer: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("store".to_owned());
    let started = thread.spawn(move || runtime.block_on(writer));
    started.map(drop).map_err(|why| Error::Unavailable { why: why.to_string() })
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("commits", &self.commits()).finish_non_exhaustive()
    }
}
